"""Whom to call, and for what: the needs that a person was not told of yet.

Pure but for its memory. The engine's herald and the dashboard's bell hear every status, and call
once for each new need: a gate that closes and opens again, or a client that connects anew, is no
news. What stood so from the beginning is taken as known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.states import Need

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.api.models import StatusView, TaskView

WORDS = {
    Need.ANSWER: "asks",
    Need.LEAVE: "waits for your leave",
    Need.LOOK: "needs a look",
    Need.APPROVE: "waits for approval",
    Need.MEND: "failed",
    Need.MERGE: "is ready to merge",
}


class Calls:
    """Remembers what was called for; ``since`` is when whoever asks began to listen."""

    def __init__(self, since: float | None = None) -> None:
        self._since = since
        self._known: dict[tuple[str, str], tuple[Need, float]] = {}
        self._begun = False

    def hear(self, status: StatusView) -> tuple[TaskView, ...]:
        """The tasks that need a person now and of which that was not known."""
        needy = {(task.plan, task.id): task for task in _needy(status)}
        new = tuple(task for key, task in needy.items() if self._is_new(key, task))
        self._begun = True
        self._known |= {key: _what(task) for key, task in needy.items()}
        return new

    def _is_new(self, key: tuple[str, str], task: TaskView) -> bool:
        if not self._begun:
            return self._since is not None and task.state_since >= self._since
        return self._known.get(key) != _what(task)


def sentence(task: TaskView) -> str:
    """What a person is told of a need; foreign text, made safe by whoever shows it."""
    told = f"{task.plan}/{task.id} {WORDS[task.need]}" if task.need else f"{task.plan}/{task.id}"
    why = task.held or task.reason
    return f"{told}: {why}" if why and task.need is not Need.MERGE else told


def _needy(status: StatusView) -> Iterator[TaskView]:
    return (task for plan in status.plans for task in plan.tasks if task.need is not None)


def _what(task: TaskView) -> tuple[Need, float]:
    assert task.need is not None  # noqa: S101 - only the needy are asked
    return task.need, task.state_since
