"""The matrix catches engines that do things in the wrong order; without that it proves nothing."""

from __future__ import annotations

import pytest
from crash.mutants import MUTANTS
from crash.scenes import BUILDING

CAUGHT = {
    "database first": ("kill landing.before-cas:2", "is not on the target"),
    "no reconciling": ("kill landing.after-cas:1", "landed twice|did not finish"),
    "no keep ref": ("", "not kept"),
    "no tidying": ("kill landing.recorded:1", "worktrees"),
}


def test_every_mutant_is_tried():
    assert set(CAUGHT) == set(MUTANTS)


@pytest.mark.parametrize("mutant", CAUGHT)
def test_a_mutant_is_caught(mutant, stages):
    order, told = CAUGHT[mutant]
    stage = stages(BUILDING)
    assert stage.play(order, mutant=mutant) == bool(order)
    with pytest.raises(AssertionError, match=told):
        stage.finish(mutant=mutant)
