"""The matrix catches engines that do things in the wrong order; without that it proves nothing."""

from __future__ import annotations

import pytest
from crash.mutants import MUTANTS
from crash.scenes import BUILDING, CONFINED, NOWHERE

CAUGHT = {
    "database first": (BUILDING, "kill landing.before-cas:2", "is not on the target"),
    "no reconciling": (NOWHERE, "kill landing.after-cas:1", "landed twice"),
    "no keep ref": (BUILDING, "", "not kept"),
    "no tidying": (BUILDING, "kill landing.recorded:1", "worktrees"),
    "no intent": (NOWHERE, "kill landing.after-cas:1", "landed twice"),
    "left abroad": (CONFINED, "kill import.told:1", "not kept"),
    "restless": (BUILDING, "", "mended once more"),
}


def test_every_mutant_is_tried():
    assert set(CAUGHT) == set(MUTANTS)


SMOKE = {"no reconciling", "left abroad"}


@pytest.mark.parametrize(
    "mutant",
    [name if name in SMOKE else pytest.param(name, marks=pytest.mark.slow) for name in CAUGHT],
)
def test_a_mutant_is_caught(mutant, stages):
    scene, order, told = CAUGHT[mutant]
    stage = stages(scene)
    assert stage.play(order, mutant=mutant) == bool(order)
    with pytest.raises(AssertionError, match=told):
        stage.finish(mutant=mutant)
