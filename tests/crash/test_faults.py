"""A machine that fails at any named moment costs a try or a person's word, never the engine."""

from __future__ import annotations

import pytest
from crash.matrix import some
from crash.scenes import EDITING

from orchestrator.crash_points import POINTS
from orchestrator.errors import ExitCode

SMOKE = (
    ("git", "landing.after-cas:1"),
    ("database", "store.written:1"),
)
KILL_ONLY = {
    "store.kept",
    "migration.backed-up",
    "migration.done",
    "handover.pushed",
    "handover.opened",
}
"""After a commit nothing can fail; migrations and handing over have tests of their own."""

STARTING = ("engine.", "recovery.", "submission.", "store.")
"""Before the engine works it may refuse to, with one sentence."""


@pytest.mark.parametrize(("kind", "hit"), SMOKE)
def test_a_fault_is_contained(kind, hit, hand_made):
    suffer(hand_made, EDITING, kind, hit)


@pytest.mark.slow
@pytest.mark.parametrize("point", sorted(set(POINTS) - KILL_ONLY))
def test_any_fault_is_contained(point, matrix):
    scene, hits = matrix.scene_of(point)
    for number, kind in zip(some(hits, 2, seed=point), ("enospc", "git"), strict=False):
        suffer(matrix, scene, kind, f"{point}:{number}")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3, 60, 8))
@pytest.mark.parametrize("point", ["store.begun", "store.written"])
def test_a_failing_database_is_contained(point, number, matrix):
    scene, hits = matrix.scene_of(point)
    suffer(matrix, scene, "database", f"{point}:{min(number, hits)}")


def suffer(matrix, scene, kind: str, hit: str) -> None:
    """One fault; then a person says go on where one is asked, and everything lands."""
    stage = matrix.stage(scene)
    stage.play(f"{kind} {hit}")
    matrix.figures["faults"] += 1
    assert_contained(stage.seen[-1], hit)
    stage.go_on(4)
    stage.finish()


def assert_contained(last, hit: str) -> None:
    """The command ended by itself: with the work done, a question or, at its start, a refusal."""
    assert "a bug" not in last.said, last.said
    assert "Traceback" not in last.said, last.said
    allowed = {ExitCode.DONE, ExitCode.PERSON_NEEDED}
    if hit.startswith(STARTING):
        allowed |= {ExitCode.CANNOT_RUN, ExitCode.TASK_FAILED}
    assert last.code in allowed, f"{last.code}: {last.said}"
