"""Flaky checks as the architect meets them, and resources that two tasks share."""

from __future__ import annotations

import json

import pytest

FLICKERS = """\
bad=
if [ -e a.txt ]; then
  echo x >> "$GATES/runs"
  [ $(( $(wc -l < "$GATES/runs") % 2 )) = 0 ] || bad='<failure message="it rained"/>'
fi
echo "<testsuite><testcase classname='shop' name='weather'>$bad</testcase>\\
<testcase classname='shop' name='total'/></testsuite>" > "$1"
[ -z "$bad" ]
"""


def weather(yard, flaky):
    """A plan whose check fails in every other run on a tree that holds ``a.txt``."""
    yard.write("flickers.sh", FLICKERS)
    yard.git("branch", "-f", "main", yard.commit("weather"))
    unit = {"run": "sh flickers.sh {report}", "report": "junit", "rerun": 1, "flaky": flaky}
    return yard.plan({"a": "echo good > a.txt"}, checks={"unit": unit})


def told(yard):
    return json.loads(yard.clerk("status", "a", "--json").stdout)


@pytest.mark.parametrize(
    "flaky",
    ["allow", pytest.param({"quarantine": ["shop::weather"]}, marks=pytest.mark.slow)],
    ids=["allowed", "in quarantine"],
)
def test_a_flaky_check_lands_where_the_plan_allows_it_and_stays_marked(yard, flaky):
    yard.clerk("run", str(weather(yard, flaky)), "--merge", "auto")
    assert yard.status()["a"]["state"] == "merged"
    branch = told(yard)["verifications"][0]
    (unit,) = branch["checks"]
    assert (branch["verdict"], unit["verdict"], unit["ok"]) == ("flaky", "flaky", True)
    assert unit["flaky_tests"] == ["shop::weather"]
    trailers = yard.git("log", "-1", "--format=%(trailers)", "main")
    assert f"Clerk-Flaky: unit@{yard.git('rev-parse', 'main^{tree}')}" in trailers


def test_a_flaky_check_is_looked_at_twice_and_then_a_person_is_asked(yard):
    """Each verification finds the tree's first run red and its second green."""
    yard.clerk("run", str(weather(yard, "block")), "--merge", "auto", code=3)
    task, page = yard.status()["a"], yard.clerk("status", "a").stdout
    assert (task["state"], task["attempts_used"], task["merge_ready"]) == ("needs_input", 1, False)
    assert "flaky, neither green nor red: unit: failed, then passed" in task["reason"]
    assert "shop::weather (1 of the last" in task["reason"]
    assert "unit (unit): flaky" in page
    assert [v["verdict"] for v in told(yard)["verifications"]] == ["flaky", "flaky"]
    assert len(yard.first_parents()) == 2, "nothing landed"
    assert "flaky: shop::weather (2 of the last" in yard.clerk("status", "--timing").stdout


def test_a_resource_is_held_by_one_check_at_a_time_across_tasks(yard):
    """The check takes a lock that nobody else may have, and holds it for a moment."""
    alone = 'mkdir "$GATES/arm" && sleep 0.1 && rmdir "$GATES/arm" && sh check.sh'
    plan = yard.plan(
        {name: f"echo good > {name}.txt" for name in ("a", "b")},
        checks={"unit": {"run": alone, "exclusive": ["arm"]}},
    )
    yard.clerk("run", str(plan), CLERK_VERIFY_SLOTS="4")
    assert {task["state"] for task in yard.status().values()} == {"verified"}
    assert {task["attempts_used"] for task in yard.status().values()} == {1}
