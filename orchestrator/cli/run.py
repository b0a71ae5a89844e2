"""``clerk run``: a plan in the foreground, by an engine of our own or by the one that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.connection import Place, find_place
from orchestrator.cli.orders import repo_option
from orchestrator.cli.signals import on_signal
from orchestrator.errors import EngineLocked, EngineUnreachable, ExitCode

if TYPE_CHECKING:
    from orchestrator.api.client import EngineClient
    from orchestrator.api.models import PlanView, SubmitPlan
    from orchestrator.cli.follow import Ask


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--merge", type=click.Choice(["manual", "auto", "pr"]), help="Instead of the plan's own."
)
@click.option(
    "--update-checkout", is_flag=True, help="Fast-forward a clean checkout of the target."
)
@click.option("--accept-changes", is_flag=True, help="Take in a plan file that was edited since.")
@click.option("--no-cache", is_flag=True, help="Run every check, whatever is known.")
@click.option("--audit-inputs", is_flag=True, help="See that checks read nothing but their inputs.")
@click.option(
    "--sandbox", default=None, help="bubblewrap, landlock or none; else the strongest that holds."
)
@click.option("--json", "as_json", is_flag=True, help="Print events as NDJSON.")
@repo_option
def run(
    plan: Path,
    merge: str | None,
    update_checkout: bool,
    accept_changes: bool,
    no_cache: bool,
    audit_inputs: bool,
    sandbox: str | None,
    as_json: bool,
    repo: str | None,
) -> int:
    """Run PLAN until nothing moves without a person.

    A plan that was started before goes on where it was. Exit codes: 0 every task is merged (or
    merge-ready, where merging is manual), 1 some task failed, 2 bad plan, 3 a person is needed,
    4 cannot run here, 130 interrupted.
    """
    request = submission(
        plan,
        merge=merge,
        update_checkout=update_checkout,
        accept_changes=accept_changes,
        no_cache=no_cache,
        audit_inputs=audit_inputs,
        sandbox=sandbox,
    )
    return anyio.run(_run, find_place(repo), request, as_json)


def submission(
    plan: Path,
    *,
    merge: str | None,
    update_checkout: bool,
    accept_changes: bool,
    no_cache: bool,
    audit_inputs: bool,
    sandbox: str | None,
) -> SubmitPlan:
    """Read and check a plan file; raises PlanError with every problem before anything starts."""
    from orchestrator import agents, reports
    from orchestrator.api.models import SubmitPlan
    from orchestrator.plan.load import load_plan
    from orchestrator.states import MergeMode

    loaded = load_plan(plan, agents=agents.names(), reports=reports.formats())
    agents.check_profiles(loaded.plan, shown_path=str(plan))
    return SubmitPlan(
        source=loaded.source,
        path=str(plan),
        folder=str(loaded.path.parent),
        merge=MergeMode(merge) if merge else None,
        sandbox=sandbox,
        update_checkout=update_checkout,
        accept_changes=accept_changes,
        no_cache=no_cache,
        audit_inputs=audit_inputs,
    )


async def _run(place: Place, request: SubmitPlan, as_json: bool) -> int:
    from orchestrator.engine import Engine

    try:
        own = Engine.open(place.common_dir)
    except EngineLocked:
        return await _run_elsewhere(place, request, as_json=as_json)
    async with own:
        code: int = ExitCode.INTERRUPTED
        async with anyio.create_task_group() as group:
            group.start_soon(on_signal, group.cancel_scope.cancel)
            async with own.client() as client:
                code = await submit_and_follow(
                    client, request, as_json=as_json, own_after=own.began_after
                )
            group.cancel_scope.cancel()
        if code == ExitCode.INTERRUPTED:  # told only now: the live lines would wipe it away
            click.echo("stopping; run the same command again to go on", err=True)
    return code


async def _run_elsewhere(place: Place, request: SubmitPlan, *, as_json: bool) -> int:
    """Another engine holds the repository: hand it the plan and follow."""
    from orchestrator.api.client import EngineClient
    from orchestrator.cli.follow import asking
    from orchestrator.locks import EngineLock

    socket = place.socket
    if socket is None:
        raise EngineUnreachable(f"another engine is just starting or ending here; {RETRY}")
    holder = EngineLock(place.state_dir / "lock").holder()
    pid = holder.pid if holder else "?"
    click.echo(f"an engine runs here already (pid {pid}); following it", err=True)
    async with EngineClient.on_socket(socket) as client:
        ask = asking(client, place)
        return await submit_and_follow(client, request, as_json=as_json, ask=ask)


RETRY = "run the same command again in a moment"


async def submit_and_follow(
    client: EngineClient,
    request: SubmitPlan,
    *,
    as_json: bool,
    own_after: int | None = None,
    ask: Ask | None = None,
) -> int:
    """Hand a plan in, show it to its end, print what became of it.

    ``own_after`` tells that the engine is ours and what was the last event before it: all it did
    is shown, and every other plan is seen to its end too, since it ends with us. Somebody else's
    may end before we have asked it all: ``ask`` knows whom to ask then.
    """
    from orchestrator.cli.follow import conclude, follow
    from orchestrator.cli.progress import choose_progress

    after = own_after if own_after is not None else (await client.status()).last_seq
    plan = await client.submit(request)
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    if not plan.settled:
        progress = choose_progress(json=as_json)
        plan = await follow(client, plan.name, progress, ask or client.status, after=after)
    if own_after is not None:
        for other in await _unsettled(client, but=plan.name):
            click.echo(f"seeing plan {other} to its end", err=True)
            progress = choose_progress(json=as_json)
            await follow(client, other, progress, client.status, after=after)
    return conclude(plan, json=as_json)


async def _unsettled(client: EngineClient, *, but: str) -> list[str]:
    views: tuple[PlanView, ...] = (await client.status()).plans
    return [view.name for view in views if not view.settled and view.name != but]
