"""The page about the plan file says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.plan.lint import Severity, lint
from orchestrator.plan.model import Budget, Check, Plan, Task, Worktree

PAGE = (Path(__file__).parents[2] / "docs" / "plan-file.md").read_text("utf-8")


def test_the_example_on_the_page_is_a_sound_plan(plan_of):
    plan = plan_of(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert [task.id for task in plan.tasks] == ["cart-total", "shipping"]
    assert [f for f in lint(plan) if f.severity is Severity.WARNING] == []


def test_the_page_names_every_field():
    for model in (Plan, Task, Check, Worktree, Budget):
        for name, field in model.model_fields.items():
            assert re.search(rf"`[\w.\[\]]*\b{field.alias or name}\b[\w.\[\]]*`", PAGE), name
