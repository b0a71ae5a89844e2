"""Killed at every named moment, one at a time and in pairs, the engine finishes all the same."""

from __future__ import annotations

import random

import pytest
from crash.scenes import BUILDING, CONFINED, EDITING, STACKING

from orchestrator.crash_points import POINTS

SMOKE = (
    (EDITING, "session.collected:1"),
    (CONFINED, "import.moved-in:1"),
    (STACKING, "stack.branch-moved:1"),
)
ELSEWHERE = {"migration.backed-up", "migration.done", "handover.pushed", "handover.opened"}
"""Visited by tests of their own."""


@pytest.mark.slow
def test_the_dry_runs_pass_by_every_point(dry_runs):
    seen = {hit.rpartition(":")[0] for hits in dry_runs.values() for hit in hits}
    assert seen == set(POINTS) - ELSEWHERE


@pytest.mark.parametrize(("scene", "hit"), SMOKE)
def test_killed_at_a_point_it_finishes(scene, hit, hand_made):
    assert hand_made.kill(scene, hit)


@pytest.mark.slow
@pytest.mark.parametrize("point", sorted(set(POINTS) - ELSEWHERE))
def test_killed_at_any_point_it_finishes(point, matrix):
    matrix.kill_at(point, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_killed_twice_it_finishes(seed, matrix):
    """The second kill strikes while the first one is being mended, or later."""
    chance = random.Random(seed)
    stage = matrix.stage(BUILDING)
    matrix.figures["pairs"] += 1
    matrix.figures["kills"] += stage.play(f"kill {chance.choice(matrix.dry_runs['building'])}")
    early = [hit for hit in matrix.dry_runs["landing"] if hit.endswith((":1", ":2"))]
    matrix.figures["kills"] += stage.play(f"kill {chance.choice(early)}")
    stage.finish()
