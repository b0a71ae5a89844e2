"""How the demo must end, and what is surprising about how it did.

The engine is asked only for the states of its tasks. Why a task has failed is looked up in git:
an agent that changed nothing has left nothing, and work that never met its criterion is still
on its branch, still red.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shop_demo.git import git
from shop_demo.proof import history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shop_demo.proof import Bench

LANDED = {"stock", "origin", "currency", "invoice", "cart-total", "shipping", "search"}
IDLE = "gift-wrap"
WRONG = "payment"
BLOCKED = "refund"


@dataclass(frozen=True, slots=True)
class Told:
    """What the engine says about one task."""

    id: str
    state: str
    reason: str


def told(status: dict[str, Any], plan: str) -> list[Told]:
    """The tasks of ``clerk status --json``."""
    return [
        Told(task["id"], task["state"], task["reason"])
        for shown in status["plans"]
        if shown["name"] == plan
        for task in shown["tasks"]
    ]


def surprises(tasks: list[Told], repository: Path, bench: Bench) -> Iterator[str]:
    """One sentence for everything that is not as it must be; none when all is well."""
    yield from _states(tasks)
    yield from _commits(repository)
    yield from _reasons(tasks, repository, bench)


def _states(tasks: list[Told]) -> Iterator[str]:
    merged = {task.id for task in tasks if task.state == "merged"}
    unsuccessful = {task.id for task in tasks if task.state in {"failed", "cancelled"}}
    if merged != LANDED:
        yield f"merged should be {_names(LANDED)}; the engine says {_names(merged)}"
    if unsuccessful != {IDLE, WRONG, BLOCKED}:
        expected = _names({IDLE, WRONG, BLOCKED})
        yield f"failed should be {expected}; the engine says {_names(unsuccessful)}"


def _commits(repository: Path) -> Iterator[str]:
    landed = [commit.task for commit in history(repository)[1:]]
    if sorted(landed) != sorted(LANDED):
        yield f"main should have one commit for each of {_names(LANDED)}; it has {landed}"


def _reasons(tasks: list[Told], repository: Path, bench: Bench) -> Iterator[str]:
    for task in (IDLE, BLOCKED):
        if _commits_of(repository, bench.plan.name, task):
            yield f"{task} should have left no commit; its branch has some"
    if not any(task.id == BLOCKED and WRONG in task.reason for task in tasks):
        yield f"{BLOCKED} should be settled because of {WRONG}; its reason does not name it"
    commits = _commits_of(repository, bench.plan.name, WRONG)
    if not commits:
        yield f"the work on {WRONG} should still be on its branch; it is gone"
    elif bench.holds(WRONG, bench.checkout(commits[0])):
        yield f"{WRONG} has failed, and yet its criterion is green on its branch"


def _commits_of(repository: Path, plan: str, task: str) -> list[str]:
    """Commits on the task's branch that ``main`` has not, newest first."""
    branch = f"refs/heads/clerk/{plan}/{task}"
    if not git(repository, "for-each-ref", branch):
        return []
    return git(repository, "rev-list", branch, "^main").split()


def _names(tasks: set[str]) -> str:
    return ", ".join(sorted(tasks)) or "nothing"
