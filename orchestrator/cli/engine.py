"""The background engine: ``clerk start``, ``clerk stop``, and the process itself."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import anyio
import click

from orchestrator.cli.connection import Place, find_place, start_engine
from orchestrator.cli.connection import engine as connect
from orchestrator.cli.orders import repo_option
from orchestrator.cli.signals import on_signal
from orchestrator.errors import EngineUnreachable, ExitCode, UsageError

STOP_PATIENCE_SECONDS = 60.0


@click.command()
@click.argument("plan", required=False, type=click.Path(path_type=Path))
@click.option("--merge", type=click.Choice(["manual", "auto"]), help="Instead of the plan's own.")
@click.option(
    "--update-checkout", is_flag=True, help="Fast-forward a clean checkout of the target."
)
@click.option("--accept-changes", is_flag=True, help="Take in a plan file that was edited since.")
@click.option("--no-cache", is_flag=True, help="Run every check, whatever is known.")
@click.option("--audit-inputs", is_flag=True, help="See that checks read nothing but their inputs.")
@click.option(
    "--sandbox", default=None, help="bubblewrap, landlock or none; else the strongest that holds."
)
@repo_option
def start(
    plan: Path | None,
    merge: str | None,
    update_checkout: bool,
    accept_changes: bool,
    no_cache: bool,
    audit_inputs: bool,
    sandbox: str | None,
    repo: str | None,
) -> int:
    """Start the engine in the background, and hand it PLAN if one is named."""
    from orchestrator.cli.run import submission

    request = None
    if plan is not None:
        request = submission(
            plan,
            merge=merge,
            update_checkout=update_checkout,
            accept_changes=accept_changes,
            no_cache=no_cache,
            audit_inputs=audit_inputs,
            sandbox=sandbox,
        )
    elif merge or update_checkout or accept_changes or no_cache or audit_inputs or sandbox:
        raise UsageError("these options are of a plan: name it")
    place = find_place(repo)
    if place.socket is None:
        start_engine(place)
        click.echo("the engine runs in the background (clerk stop ends it)", err=True)
    else:
        click.echo("the engine runs already", err=True)
    if request is None:
        return ExitCode.DONE

    async def submit() -> None:
        async with connect(place) as client:
            view = await client.submit(request)
        for warning in view.warnings:
            click.echo(f"warning: {warning}", err=True)
        click.echo(f"{view.name}: {len(view.tasks)} tasks for {view.target}")

    anyio.run(submit)
    return ExitCode.DONE


@click.command()
@repo_option
def stop(repo: str | None) -> int:
    """Stop the engine; its sessions end, and go on when it runs again."""
    place = find_place(repo)
    if place.socket is None:
        click.echo("no engine runs here", err=True)
        return ExitCode.DONE

    async def ask() -> None:
        async with connect(place) as client:
            await client.stop()

    anyio.run(ask)
    deadline = time.monotonic() + STOP_PATIENCE_SECONDS
    while _runs(place):
        if time.monotonic() > deadline:
            raise EngineUnreachable(
                f"the engine has not ended after {STOP_PATIENCE_SECONDS:.0f}s; "
                f"see {place.state_dir / 'engine.log'}"
            )
        time.sleep(0.02)
    click.echo("the engine has stopped", err=True)
    return ExitCode.DONE


def _runs(place: Place) -> bool:
    return place.socket is not None


@click.command(hidden=True)
@click.argument("common_dir", type=click.Path(path_type=Path))
def engine(common_dir: Path) -> int:
    """Be the engine of COMMON_DIR until told to stop."""
    return anyio.run(_be_the_engine, common_dir)


async def _be_the_engine(common_dir: Path) -> int:
    from orchestrator.engine import Engine

    async with Engine.open(common_dir, background=True) as own, anyio.create_task_group() as group:
        group.start_soon(on_signal, own.stop)
        await own.stopped()
        group.cancel_scope.cancel()
    return ExitCode.DONE


if __name__ == "__main__":
    from orchestrator.cli import obey

    sys.exit(obey(["engine", *sys.argv[1:]]))
