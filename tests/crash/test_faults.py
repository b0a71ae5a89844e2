"""A machine that fails at any named moment costs a try or a person's word, never the engine."""

from __future__ import annotations

import pytest
from crash.forks import RECOVER

from orchestrator.crash_points import POINTS
from orchestrator.errors import ExitCode, NothingStored
from orchestrator.states import TaskState

SMOKE = (
    ("enospc", "session.begun"),
    ("eio", "move.kept"),
    ("git", "landing.after-cas"),
    ("database", "store.written"),
)
KILL_ONLY = {"store.kept", "migration.backed-up", "migration.done"}
"""After a commit nothing can fail; migrations have tests of their own."""

STARTING = ("engine.", "recovery.", "submission.", "store.")
"""Before the engine works it may refuse to, with one sentence."""


@pytest.mark.parametrize(("kind", "point"), SMOKE)
def test_a_fault_is_contained(kind, point, matrix):
    suffer(matrix, kind, point, 2)


@pytest.mark.slow
@pytest.mark.parametrize("point", sorted(set(POINTS) - KILL_ONLY))
def test_any_fault_is_contained(point, matrix):
    for hit, kind in enumerate(("enospc", "git"), start=1):
        suffer(matrix, kind, point, hit)


@pytest.mark.slow
@pytest.mark.parametrize("hit", range(3, 60, 8))
@pytest.mark.parametrize("point", ["store.begun", "store.written"])
def test_a_failing_database_is_contained(point, hit, matrix):
    suffer(matrix, "database", point, hit)


def suffer(matrix, kind: str, point: str, hit: int) -> None:
    """One fault; then a person says go on where one is asked, and everything lands."""
    scene, hits = matrix.scene_of(point)
    stage = matrix.stage(scene)
    stage.play(f"{kind} {point}:{min(hit, hits)}")
    matrix.figures["faults"] += 1
    assert_contained(stage.seen[-1], point)
    for _ in range(4):
        if asked := needy(stage):
            stage.run([RECOVER, *asked])
        stage.play()
    stage.finish()


def assert_contained(last, point: str) -> None:
    """The command ended by itself: with the work done, a question or, at its start, a refusal."""
    assert "a bug" not in last.said, last.said
    assert "Traceback" not in last.said, last.said
    allowed = {ExitCode.DONE, ExitCode.PERSON_NEEDED}
    if point.startswith(STARTING):
        allowed |= {ExitCode.CANNOT_RUN, ExitCode.TASK_FAILED}
    assert last.code in allowed, f"{last.code}: {last.said}"


def needy(stage) -> list[str]:
    """The tasks that wait for a person, each of which must say why."""
    try:
        tasks = stage.yard.status()
    except NothingStored:  # it failed before anything was; ``finish`` looks closer
        return []
    asked = [name for name, task in tasks.items() if task["state"] == TaskState.NEEDS_INPUT]
    assert all(tasks[name]["reason"] for name in asked)
    return asked
