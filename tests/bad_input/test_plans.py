"""A plan that is wrong is refused by ``plan check`` and ``run`` in the same words."""

from __future__ import annotations

import pytest

from .plan_rows import ROWS, SMALL


@pytest.mark.parametrize(("source", "words"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_a_wrong_plan_is_one_clear_error(here, clerk, unchanged, source, words):
    path = here.home / "plan.yaml"
    path.write_bytes(source)
    demand = unchanged()
    checked = clerk("plan", "check", str(path))
    checked.refuses(2, *words, lines=6)
    assert all("plan.yaml" in line for line in checked.err.splitlines())
    assert clerk("run", str(path), "--json") == checked
    demand()
    assert not here.state.exists()


def test_the_plan_that_the_rows_change_is_right(here, clerk):
    path = here.home / "plan.yaml"
    path.write_text(SMALL)
    assert clerk("plan", "check", str(path)).code == 0
