"""``clerk clean``: remove what landed or given-up tasks need no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.connection import Place, find_place
from orchestrator.cli.orders import repo_option
from orchestrator.errors import EngineLocked, UsageError
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.git.opening import OpenRepository
    from orchestrator.records import TaskRecord
    from orchestrator.site import Records

FINISHED = frozenset({TaskState.MERGED})
GIVEN_UP = frozenset({TaskState.MERGED, TaskState.FAILED, TaskState.CANCELLED})


@click.command()
@click.option("--plan", help="Only this plan (default: all).")
@click.option("--failed", is_flag=True, help="Also those of failed and cancelled tasks.")
@click.option("--forget", is_flag=True, help="Forget the plan, its log and every kept commit.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@repo_option
def clean(plan: str | None, failed: bool, forget: bool, dry_run: bool, repo: str | None) -> None:
    """Remove worktrees and branches of landed tasks; every commit stays on a keep ref.

    Only --forget drops commits that did not land, with all that is known of the plan.
    """
    anyio.run(_clean, find_place(repo), plan, failed, forget, dry_run)


async def _clean(place: Place, plan: str | None, failed: bool, forget: bool, dry_run: bool) -> None:
    import os
    from contextlib import ExitStack

    from orchestrator.git.opening import OpenRepository
    from orchestrator.git.repository import Repository
    from orchestrator.locks import EngineLock
    from orchestrator.settings import load_settings
    from orchestrator.site import Records

    lock = EngineLock(place.state_dir / "lock")
    try:
        lock.acquire()
    except EngineLocked:
        raise UsageError("an engine runs here; stop it first with: clerk stop") from None
    with ExitStack() as held:
        held.callback(lock.release)
        repository = Repository.discover(place.common_dir)
        records = Records.open(repository, load_settings(repository.state_dir, os.environ))
        with records.store, OpenRepository(repository) as git:
            records.store.claim()
            names, removed = [plan] if plan else list(records.book.names()), 0
            for name in names:
                records.book.record(name)
                states = GIVEN_UP if failed or forget else FINISHED
                for task in _finished(records, name, states, everything=forget):
                    removed += await _remove(git, task, forget=forget, dry_run=dry_run)
                if forget and not dry_run:
                    _forget(records, name)
                    click.echo(f"{name}: forgotten")
            if not removed and not forget:
                click.echo("nothing to remove", err=True)


def _forget(records: Records, plan: str) -> None:
    import shutil

    with records.store.write() as tx:
        tx.remove_plan(plan)
    shutil.rmtree(records.repository.state_dir / "logs" / plan, ignore_errors=True)


def _finished(
    records: Records, plan: str, states: frozenset[TaskState], *, everything: bool
) -> Iterator[TaskRecord]:
    for task in records.store.tasks(plan):
        if everything or task.state in states:
            yield task


async def _remove(git: OpenRepository, task: TaskRecord, *, forget: bool, dry_run: bool) -> bool:
    """Remove what is left of a task; whether there was anything."""
    from orchestrator.borders.enclosures import enclosures_of
    from orchestrator.git.linked import delete_trees
    from orchestrator.git.refs import Move, branch_ref, candidate_ref, keep_ref, resolving_ref

    folder = git.worktrees.path_of(task.plan, task.id)
    kept = keep_ref(task.plan, task.id, 0).rpartition("/")[0]
    prefixes = [
        branch_ref(task.branch),
        candidate_ref(task.plan, task.id),
        resolving_ref(task.plan, task.id),
    ]
    refs: dict[str, str] = {}
    for prefix in [*prefixes, *([kept] if forget else [])]:
        refs |= await git.refs.list(prefix)
    if not folder.exists() and not refs:
        return False
    told = f"{task.plan}/{task.id}: " + ", ".join(
        [*(["worktree"] if folder.exists() else []), *refs]
    )
    click.echo(f"would remove {told}" if dry_run else f"removed {told}")
    if dry_run:
        return True
    await git.worktrees.remove(task.plan, task.id)
    await delete_trees(enclosures_of(git.repository.state_dir) / task.plan / task.id)
    if refs:
        moves = [Move(ref, "", oid) for ref, oid in refs.items()]
        await git.refs.move_all(moves, "clerk: clean")
    return True
