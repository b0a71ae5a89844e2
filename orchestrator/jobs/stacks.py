"""The ground of stacked tasks: chosen from what is on record, laid by git."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.feedback import CONFLICTS, fenced
from orchestrator.git.grounds import Clash
from orchestrator.scheduling.footing import ground_words, stood_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.plan.model import Task
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site


@dataclass(frozen=True, slots=True)
class Footed:
    """Where a task starts, or is to be brought up to: ``words`` go on record with it."""

    commit: str
    words: str


async def ground_of(site: Site, task: Task, record: TaskRecord, target: str) -> Footed | Clash:
    """What ``task`` is to stand on now: ``target`` alone, or with what it needs.

    Where the heads it stood on are not in there, the new ground takes them out of its branch.
    """
    tasks = site.records.book.snapshot(record.plan).tasks
    words, of = ground_words(task, tasks), f"{record.plan}/{record.id}"
    date = max([0, *(int(tasks[name].verified_at) for name in task.after if name in tasks)])
    laid = await site.git.grounds.lay(
        target, words.split(), of=of, author=site.user, date=date or int(record.verified_at)
    )
    if isinstance(laid, Clash):
        return laid
    stood = stood_on(record) if record.base else {}
    if await _holds(site, laid, tuple(stood.values())):
        return Footed(laid, words)
    over = await site.git.grounds.lay_over(
        *(record.base, laid),
        target=target,
        words=words.split(),
        of=of,
        author=site.user,
        date=date,
    )
    return Footed(over, words)


async def ground_missing(site: Site, record: TaskRecord, target: str) -> str:
    """The commit that a branch was begun on and ``target`` does not hold; "" when it holds all.

    Of a ground, what counts is the target beneath it, and what of its heads has landed since.
    """
    history = site.git.history
    if not record.stacked_on and await history.is_ancestor(record.base, target):
        return ""
    ground = await site.git.grounds.read(record.base)
    if ground is None:
        return record.base
    tasks = site.records.book.snapshot(record.plan).tasks
    landed = [tasks[name].merged_commit for name in stood_on(record) if name in tasks]
    for commit in (ground.target, *landed):
        if commit and not await history.is_ancestor(commit, target):
            return commit
    return ""


async def _holds(site: Site, commit: str, heads: tuple[str, ...]) -> bool:
    for head in heads:
        if not await site.git.history.is_ancestor(head, commit):
            return False
    return True


def clash_sentence(clash: Clash) -> str:
    """Why a stacked task waits."""
    name, _, head = clash.word.partition("@")
    shown = ", ".join(clash.paths[:3])
    return f"{name!r} at {head[:9]} conflicts in {shown} with what it would stand on beside it"


def ground_feedback(before: str, paths: Sequence[str], reused: Sequence[str]) -> str:
    """What an agent is told of what was merged into its worktree, beside what it is told anyway.

    ``paths`` hold conflict markers, ``reused`` an earlier resolution of the very same conflict.
    """
    told = []
    if paths and not before.startswith(CONFLICTS):
        told.append(
            "What your work stands on has changed and was merged into this worktree. It conflicts "
            f"in {', '.join(paths)}, where the files hold conflict markers. Resolve them so "
            "that both intentions hold, and leave no marker."
        )
    if reused:
        told.append(
            f"The same conflict in {', '.join(reused)} was resolved before, and that "
            "resolution is in this worktree, without markers. See whether it still holds."
        )
    return "\n\n".join(part for part in (before, *told) if part)


def stack_feedback(names: str, paths: Sequence[str], hunks: str) -> str:
    """What an agent is told when its work conflicts with what it stands on as that is now."""
    return (
        f"{CONFLICTS} {names} as it is now, on which it stands, in: {', '.join(paths)}.\n"
        "That is being merged into this worktree, and the files hold conflict markers. Resolve "
        "them so that both intentions hold, keep what it brought, and leave no marker."
        f"\n\n{fenced(hunks)}"
    )
