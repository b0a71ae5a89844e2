"""The words an agent gets: everything it needs, within what a prompt may cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.brief import CUT, Standing, first_prompt, handover_prompt, next_prompt
from orchestrator.plan.model import Plan
from orchestrator.tokens import estimate_tokens

FIRST = Standing(attempt=1, attempts_left=3, tokens_left=400_000, cost_left=5.0)


def plan(**task):
    return Plan.model_validate(
        {
            "clerk": 1,
            "name": "shop",
            "budget": {"wall": "45m", "idle": "5m"},
            "protect": ["plans/**"],
            "checks": {
                "build": {"kind": "build", "run": "npm run build"},
                "unit": {
                    "run": "pytest -q --junitxml={report}",
                    "report": "junit",
                    "needs": ["build"],
                    "timeout": "5m",
                },
                "e2e": {"kind": "e2e", "run": "./start\n./e2e\n"},
            },
            "tasks": [
                {
                    "id": "cart",
                    "title": "The cart shows a total",
                    "brief": "Show the total in cents.",
                    "touches": ["src/cart/**"],
                    "done_when": ["unit", "e2e"],
                }
                | task
            ],
        }
    )


def first(budget=4_000, standing=FIRST, **task):
    made = plan(**task)
    return first_prompt(made, made.tasks[0], standing, budget_tokens=budget)


@pytest.mark.parametrize(
    "told",
    [
        "# The cart shows a total",
        "Show the total in cents.",
        "- unit (unit, at most 5m): `pytest -q --junitxml=/tmp/clerk-cart-unit.xml`",
        "  - it needs build first: `npm run build`",
        "      ./start\n      ./e2e",
        "- Change only: `src/cart/**`",
        "- Never change: `plans/**`",
        "45m for this session; 5m of silence",
        "400,000 tokens are left.",
        "$5.00 is left.",
        "This is attempt 1; there are 2 more after it.",
        "Do not touch other branches",
        "Commit your work, or leave it uncommitted",
        "every check is run again",
        "- `clerk check` verifies your work as it stands",
    ],
)
def test_the_first_prompt_tells(told):
    assert told in first()


def test_where_the_engine_is_out_of_reach_nobody_is_sent_to_it():
    text = first(standing=Standing(attempt=1, attempts_left=1, has_door=False))
    assert "clerk" not in text.replace("/tmp/clerk-cart", "")
    assert "Run the checks above yourself" in text


def test_a_check_that_is_a_criterion_itself_is_not_told_twice():
    text = first(done_when=["build", "unit"])
    assert text.count("npm run build") == 1


def test_a_brief_that_is_too_long_is_cut_with_a_mark_and_the_criteria_stay():
    text = first(900, brief="word " * 5_000)
    assert CUT.strip() in text
    assert "## Done when" in text
    assert "## Limits" in text
    assert estimate_tokens(text) <= 900


def test_a_scope_of_very_many_globs_is_counted_not_listed():
    text = first(touches=[f"src/{n}/**" for n in range(500)])
    assert "and 460 more" in text


def test_the_next_prompt_tells_what_is_wrong_and_what_is_left_and_not_the_brief_again():
    made = plan()
    standing = Standing(attempt=2, attempts_left=2, tokens_left=1_000)
    text = next_prompt(made, made.tasks[0], standing, "FAIL unit", budget_tokens=2_000)
    assert "FAIL unit" in text
    assert "This is attempt 2; there is one more after it." in text
    assert "Show the total" not in text


def test_a_fresh_session_gets_the_task_the_state_of_it_and_what_is_wrong():
    made = plan()
    standing = Standing(attempt=2, attempts_left=1, changes=[f"src/{n}.py" for n in range(50)])
    text = handover_prompt(made, made.tasks[0], standing, "FAIL unit", budget_tokens=4_000)
    for told in ("Show the total", "src/0.py", "and 10 files more", "FAIL unit", "there is none"):
        assert told in text


@settings(max_examples=60, deadline=None)
@given(
    st.text(min_size=1, max_size=3_000).filter(str.strip),
    st.text(max_size=3_000),
    st.lists(st.text(min_size=1, max_size=80), max_size=60),
    st.integers(40, 3_000),
)
def test_no_prompt_exceeds_its_budget(brief, feedback, changes, budget):
    made = plan(brief=brief)
    task = made.tasks[0]
    standing = Standing(attempt=1, attempts_left=3, changes=changes)
    for text in (
        first_prompt(made, task, standing, budget_tokens=budget),
        next_prompt(made, task, standing, feedback, budget_tokens=budget),
        handover_prompt(made, task, standing, feedback, budget_tokens=budget),
    ):
        assert estimate_tokens(text) <= budget
