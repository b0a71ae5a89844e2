"""What the target's own history tells of landings, for a state that was lost.

A message proves nothing, since an agent writes messages, too: a commit of its branch comes in
behind a merge, and is on the first-parent way itself only where a person put it there. So a landing
is believed only of what names the task and a head that the caller knows to be the task's, *and*
either is a merge that brought in that head or holds exactly the tree that merging it gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.git.candidates import Merge
from orchestrator.git.lineage import lineage
from orchestrator.git.messages import UNDOES, one_line, trailers_of
from orchestrator.git.strategies import BASE, HEAD, HOW
from orchestrator.states import Strategy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from orchestrator.git.candidates import Candidates
    from orchestrator.git.command import Git
    from orchestrator.git.history import History
    from orchestrator.git.lineage import Station
    from orchestrator.git.objects import Objects
    from orchestrator.git.reverting import Reverting

_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class PastLanding:
    """``head`` on ``base`` on the target's own way, for the task it names.

    Where it ``undoes`` a landing, ``head`` is the commit that is taken back.
    """

    commit: str
    base: str
    head: str
    plan: str
    task: str
    strategy: Strategy = Strategy.MERGE
    undoes: bool = False


async def landings(git: Git, target: str, *, since: str = "") -> tuple[PastLanding, ...]:
    """Those that ``target`` (an oid) holds, the newest first; ``since`` is where to stop looking.

    Merges that name no task are among them, with an empty name.
    """
    way = await lineage(git, [target, *([f"^{since}"] if since else [])])
    found = (landing_at(station) for station in way)
    return tuple(past for past in found if past is not None)


def landing_at(station: Station) -> PastLanding | None:
    """What a commit on the target's way says that it landed; None for nothing."""
    plan, task = station.only("Clerk-Plan"), station.only("Clerk-Task")
    how, base, head = (station.only(key) for key in (HOW, BASE, HEAD))
    match station.parents:
        case (first, second):
            return PastLanding(station.oid, first, second, plan, task)
        case (first,) if how == Strategy.SQUASH and first == base:
            return PastLanding(station.oid, base, head, plan, task, Strategy.SQUASH)
        case (_,) if how == Strategy.REBASE and _OID.fullmatch(base):
            return PastLanding(station.oid, base, head, plan, task, Strategy.REBASE)
        case (first,) if not (how or task):
            undone, _, landed = station.only(UNDOES).rpartition("@")
            if undone and _OID.fullmatch(landed):
                return PastLanding(station.oid, first, landed, plan, undone, undoes=True)
    return None


async def landing_of(
    found: Iterable[PastLanding],
    plan: str,
    task: str,
    heads: Collection[str],
    *,
    by: tuple[Objects, Candidates],
) -> PastLanding | None:
    """The landing of a task whose heads were ``heads``, if it is among those ``found``."""
    named = (one_line(plan), one_line(task))
    for past in found:
        mine = (past.plan, past.task) == named and past.head in heads and not past.undoes
        if mine and (past.strategy is Strategy.MERGE or await _holds_the_merge(past, *by)):
            return past
    return None


async def undoing_of(
    found: Iterable[PastLanding], landing: PastLanding, *, by: tuple[Objects, Reverting]
) -> PastLanding | None:
    """What took a landing back, if it is among those ``found``: by what it holds, as above."""
    objects, reverting = by
    for past in found:
        if past.undoes and past.head == landing.commit:
            merged = await reverting.merge(past.base, landed=landing.commit, before=landing.base)
            if isinstance(merged, Merge) and merged.tree == await objects.tree_of(past.commit):
                return past
    return None


async def is_of(objects: Objects, history: History, commit: str, head: str) -> bool:
    """Whether a candidate of our own making is one of ``head``."""
    told = trailers_of((await objects.commit(commit)).message).split("\n")
    return f"{HEAD}: {head}" in told or await history.is_ancestor(head, commit)


async def _holds_the_merge(past: PastLanding, objects: Objects, candidates: Candidates) -> bool:
    """Whether its tree is that of the merge, which is then on the target whoever put it there."""
    try:
        merged = await candidates.merge(past.base, past.head)
        return isinstance(merged, Merge) and merged.tree == await objects.tree_of(past.commit)
    except GitError:  # it names commits that are none
        return False
