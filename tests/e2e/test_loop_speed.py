"""How fast the loop is, as the architect is told: by figures, by advice, and before any work."""

from __future__ import annotations

import json

import yaml

from orchestrator.records import CheckRunRecord
from orchestrator.store import Store
from orchestrator.verification.check_history import command_hash

MISSING = "could not run: 'no-such-command' was not found (exit code 127); is it installed, and is setup complete?"


def timing(yard, *args):
    return json.loads(yard.clerk("status", "--timing", "--json", *args).stdout)["plans"]


def test_figures_of_the_loop_are_told_check_by_check(yard):
    assert "no plan was started" in yard.clerk("status", "--timing").stdout
    yard.clerk("run", str(yard.plan({"a": ["echo bad > a.txt", "echo good > a.txt"]})))
    (told,) = timing(yard)
    assert told["verdicts"] == 2
    assert 0 < told["to_verdict_p50_seconds"] <= told["to_verdict_p95_seconds"]
    (unit,) = told["checks"]
    assert (unit["name"], unit["runs"], unit["not_green"]) == ("unit", 3, 1)
    assert 0 < unit["p50_seconds"] <= unit["p95_seconds"]
    page = yard.clerk("status", "--timing", "--plan", "p").stdout
    assert "plan p: from commit to verdict p50" in page
    assert "of 3 runs, 1 not green, 0 known from before" in page
    with_task = yard.clerk("status", "a", "--timing", code=2)
    assert "leave TASK out" in with_task.stderr


def test_an_engine_answers_the_same(yard):
    yard.clerk("run", str(yard.plan({"a": "echo good > a.txt"})))
    stored = timing(yard)
    yard.clerk("start")
    assert yard.holder is not None
    assert timing(yard) == stored
    with yard.api() as api:
        assert api.get("/v1/plans/p/timing").json() == stored[0]
        assert api.get("/v1/plans/none/timing").status_code == 422


def test_the_check_that_dominates_and_the_mend_are_told_by_what_is_on_record(yard):
    plan = yard.plan({"a": "echo good > a.txt"})
    yard.clerk("run", str(plan))
    assert "takes" not in yard.clerk("plan", "check", str(plan)).stdout
    with Store.open(f"sqlite:///{yard.state / 'clerk.db'}") as store, store.write() as tx:
        for _ in range(9):
            tx.add_check_run(
                CheckRunRecord(
                    "p", "a", "branch", "unit", command_hash("sh check.sh"), "t" * 40, "passed",
                    90.0, False, 1, "", False, 1.0,
                )
            )  # fmt: skip
    line = (
        "hint: check 'unit': takes 1m 30s of the 1m 30s that a verification takes (median of 11"
        " runs): list its inputs, so that a change elsewhere does not run it, or split it into"
        " checks that run side by side"
    )
    assert line in yard.clerk("plan", "check", str(plan)).stdout.splitlines()
    assert line.removeprefix("hint: ") in yard.clerk("status", "--timing").stdout


def test_a_plan_is_tried_on_its_target_before_any_work(yard):
    checks = {
        "unit": {"run": "sh check.sh"},
        "e2e": {"run": "test -e b.txt", "kind": "e2e"},
        "lost": {"run": "no-such-command", "kind": "lint"},
        "tests": {"run": "echo '<testsuite/>' > {report}", "report": "junit"},
    }
    wanted = {"a": ["unit"], "b": ["unit", "e2e"], "c": ["lost"], "d": ["tests"]}
    plan = yard.plan({name: {"do": "true", "done_when": by} for name, by in wanted.items()}, checks)
    told = yard.clerk("plan", "check", str(plan), "--baseline", code=1).stdout.splitlines()
    baseline = [line for line in told if " main" in line]
    assert baseline == [
        "warning: task 'a': its criteria ('unit') pass on main before any work: they prove nothing of it",
        f"warning: check 'lost': cannot run on main: {MISSING}",
        "hint: check 'tests': does not pass yet on main: collected no tests",
        "hint: check 'e2e': does not pass yet on main: exit code 1",
    ]
    assert not (yard.state / "clerk.db").exists()


def test_a_plan_whose_criteria_are_red_on_the_target_is_fit_to_run(yard):
    checks = {"e2e": {"run": "test -e a.txt", "kind": "e2e"}}
    plan = yard.plan({"a": {"do": "true", "done_when": ["e2e"]}}, checks)
    told = json.loads(yard.clerk("plan", "check", str(plan), "--baseline", "--json").stdout)
    assert [f["severity"] for f in told["findings"] if f["rule"] == "baseline"] == ["hint"]
    plan.write_text(yaml.safe_dump(yaml.safe_load(plan.read_text()) | {"target": "nowhere"}))
    lost = yard.clerk("plan", "check", str(plan), "--baseline", code=2)
    assert "no branch 'nowhere'" in lost.stderr
