"""Plans as text, since lines and columns are half of what is tested here."""

from __future__ import annotations

import pytest

from orchestrator.errors import PlanError
from orchestrator.plan.load import parse_plan

AGENTS = ("claude", "command", "replay")
REPORTS = {"junit": False, "tap": True}

SMALL = """\
clerk: 1
name: shop
checks:
  unit: {run: pytest}
  e2e: {kind: e2e, run: pytest e2e, needs: [unit]}
tasks:
  - id: cart
    title: The cart
    brief: Make it.
    done_when: [unit, e2e]
"""


@pytest.fixture
def small():
    """The smallest sensible plan; tests change a line of it."""
    return SMALL


@pytest.fixture
def plan_of():
    """Source to plan."""
    return lambda source: parse_plan(source, shown_path="p.yaml", agents=AGENTS, reports=REPORTS)


@pytest.fixture
def problems_of():
    """Source to the lines of its refusal; none when it is accepted."""

    def problems(source):
        try:
            parse_plan(source, shown_path="p.yaml", agents=AGENTS, reports=REPORTS)
        except PlanError as error:
            return list(error.problems)
        return []

    return problems


@pytest.fixture
def tasks_of(plan_of):
    """A plan of tasks given as id and fields."""

    def build(**tasks):
        lines = ["clerk: 1", "name: p", "checks: {c: {run: x, kind: e2e}}", "tasks:"]
        for name, fields in tasks.items():
            more = "".join(f", {key}: {value}" for key, value in fields.items())
            lines.append(f"  - {{id: {name}, title: t, brief: b, done_when: [c]{more}}}")
        return plan_of("\n".join(lines))

    return build
