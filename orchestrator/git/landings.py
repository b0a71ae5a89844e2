"""What the target's own history tells of landings, for a state that was lost.

A message proves nothing, since an agent writes messages, too: a commit of its branch comes in
behind a merge and is never on the first-parent way itself. So a landing is believed only of a
merge on that way which names the task *and* brought in a head that the caller knows to be the
task's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.git.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from orchestrator.git.command import Git

_FIELDS = (
    "%H",
    "%P",
    "%(trailers:key=Clerk-Plan,valueonly)",
    "%(trailers:key=Clerk-Task,valueonly)",
)


@dataclass(frozen=True, slots=True)
class PastLanding:
    """A merge of ``head`` into ``base`` on the target's own way, for the task it names."""

    commit: str
    base: str
    head: str
    plan: str
    task: str


async def landings(git: Git, target: str, *, since: str = "") -> tuple[PastLanding, ...]:
    """Those that ``target`` (an oid) holds, the newest first; ``since`` is where to stop looking."""
    log = await git.run(
        *("log", "--first-parent", "--min-parents=2", "--max-parents=2", "--no-show-signature"),
        *("-z", f"--format={'%x1f'.join(_FIELDS)}", target, *([f"^{since}"] if since else [])),
        "--",
    )
    return tuple(_read(entry) for entry in log.fields)


def landing_of(
    found: Iterable[PastLanding], plan: str, task: str, heads: Collection[str]
) -> PastLanding | None:
    """The landing of a task whose heads were ``heads``, if it is among those ``found``."""
    named = (one_line(plan), one_line(task))
    mine = (past for past in found if (past.plan, past.task) == named and past.head in heads)
    return next(mine, None)


def _read(entry: str) -> PastLanding:
    commit, parents, plan, task = entry.split("\x1f")
    base, head = parents.split(" ")
    return PastLanding(commit, base, head, plan.rstrip("\n"), task.rstrip("\n"))
