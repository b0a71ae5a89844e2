"""Small answers that programs and people rely on."""

from __future__ import annotations

import json


def test_a_repository_without_plans_answers_programs_as_any_other(yard):
    answer = json.loads(yard.clerk("status", "--json").stdout)
    assert answer["plans"] == []
    assert answer["engine"]["running"] is False
    assert "clerk run PLAN" in yard.clerk("status").stdout
    assert "clerk run PLAN" in yard.clerk("log", "a", code=2).stderr
    assert not (yard.path / ".git/clerk").exists()


def test_a_wrong_plan_is_told_to_programs_too(yard):
    wrong = yard.home / "wrong.yaml"
    wrong.write_text("clerk: 1\nname: p\ntaks: []\n")
    told = yard.clerk("plan", "check", "--json", str(wrong), code=2)
    problems = json.loads(told.stdout)["problems"]
    assert any("did you mean 'tasks'" in line and "wrong.yaml:3:1" in line for line in problems)


def test_an_option_of_a_plan_without_a_plan_is_refused(yard):
    """It would be dropped without a word."""
    refused = yard.clerk("start", "--update-checkout", code=2)
    assert "name it" in refused.stderr
    assert not yard.state.exists()


def test_a_merge_that_conflicts_says_so(yard):
    mend = "echo good both > same.txt"
    plan = yard.plan(
        {
            "a": ["echo good a > same.txt", mend],
            "b": ["echo good b > same.txt", f"sleep 20; {mend}"],
        }
    )
    yard.clerk("run", str(plan))
    yard.clerk("merge", "a")
    refused = yard.clerk("merge", "b", code=3)
    assert "conflicts with main in same.txt" in refused.stderr.splitlines()[-1]
    yard.clerk("stop")
