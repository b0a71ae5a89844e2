"""A machine that fails at any named moment costs a try or a person's word, never the engine."""

from __future__ import annotations

import pytest

from orchestrator.crash_points import POINTS
from orchestrator.errors import ExitCode

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
    stage.go_on(4)
    stage.finish()


def assert_contained(last, point: str) -> None:
    """The command ended by itself: with the work done, a question or, at its start, a refusal."""
    assert "a bug" not in last.said, last.said
    assert "Traceback" not in last.said, last.said
    allowed = {ExitCode.DONE, ExitCode.PERSON_NEEDED}
    if point.startswith(STARTING):
        allowed |= {ExitCode.CANNOT_RUN, ExitCode.TASK_FAILED}
    assert last.code in allowed, f"{last.code}: {last.said}"
