"""What a scene left behind: everything the judges may look at.

Facts come from git, the file system and the process table; of the engine's own word only what it
tells every user (``clerk status --json`` and the events of ``clerk run --json``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.states import TaskState

if TYPE_CHECKING:
    from orchestrator.api.models import TaskView

ACTING = "the act begins"
"""The first words of every agent: what never began proves nothing by having done no harm."""


@dataclass(frozen=True)
class Traces:
    """Of one scene.

    ``subjects`` are those of the target's own commits; ``target`` is every path in it.
    ``survivors`` are the processes that outlived their task's session. ``moved`` are canaries that
    must not change and did, ``heard`` listeners of ours that were reached. ``shown`` is what the
    command line printed, ``engine_peak`` the most memory the engine held. ``notes`` are what the
    scene's own course has to say.
    """

    repository: Path
    tasks: Mapping[str, TaskView] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()
    subjects: Sequence[str] = ()
    target: Collection[str] = ()
    survivors: Mapping[str, Sequence[int]] = field(default_factory=dict)
    moved: Sequence[str] = ()
    heard: Sequence[str] = ()
    shown: bytes = b""
    engine_peak: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)

    def landed(self, task: str) -> bool:
        """Whether git has the task's work on the target, whatever the engine says of it."""
        view = self.tasks[task]
        return view.state is TaskState.MERGED or title_of(task) in self.subjects

    def acted(self, task: str) -> bool:
        """Whether its agent came so far as to do anything."""
        return ACTING.encode() in self.log(task)

    def why(self, task: str) -> str:
        """Where a task stands, with the engine's reason."""
        view = self.tasks[task]
        closed = next((gate.reason for gate in view.gates if not gate.open), "")
        reason = view.held or view.reason or closed
        state = view.state.replace("_", " ")
        return f"{state}: {reason}" if reason else state

    def log(self, task: str) -> bytes:
        """What the sessions of a task printed, as far as it was kept."""
        kept = self.repository.glob(f".git/clerk/logs/*/{task}/*/session.log")
        return b"".join(path.read_bytes() for path in sorted(kept))

    def events_of(self, task: str, kind: str) -> list[Mapping[str, Any]]:
        return [event for event in self.events if event["task"] == task and event["kind"] == kind]


def title_of(task: str) -> str:
    """The title by which a task's merge is known in the history."""
    return f"Task {task}"
