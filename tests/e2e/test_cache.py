"""What is known is not run again, what may have changed is: by the real command line."""

from __future__ import annotations

import json

import pytest

COUNTED = 'echo "$CLERK_CHECK" >> "$GATES/ran"'


def ran(yard, check: str) -> int:
    told = yard.gate("ran")
    return told.read_text().split().count(check) if told.exists() else 0


def work(name: str, text: str = "good") -> str:
    return f"mkdir -p $(dirname {name}); echo {text} > {name}; git add -A; git commit -qm {name}"


def check_of(yard, task: str, check: str) -> dict:
    return next(c for c in yard.status()[task]["checks"] if c["name"] == check)


def test_a_change_outside_the_inputs_runs_nothing_and_one_inside_does(yard):
    checks = {"unit": {"run": f"{COUNTED}; sh check.sh", "inputs": ["*.txt", "check.sh"]}}
    tasks = {"docs": work("docs/guide.md"), "code": {"do": work("code.txt"), "after": ["docs"]}}
    plan = yard.plan(tasks, checks)
    yard.clerk("run", str(plan), "--merge", "auto")
    assert check_of(yard, "docs", "unit")["cached"]
    assert ran(yard, "unit") == 2  # the target itself, and the tree with code.txt
    told = json.loads(yard.clerk("cache", "stats", "--json").stdout)
    assert (told["entries"], told["passed"], told["failed"]) == (2, 2, 0)
    assert told["bytes"] > 0
    unit = told["checks"]["unit"]
    assert (unit["misses"], unit["hits"]) == (2, 3)
    assert "3 of 5 known in all" in yard.clerk("cache", "stats").stdout
    yard.clerk("cache", "clear", code=2)  # nobody can be asked
    yard.clerk("cache", "clear", "--check", "unti", "--yes", code=2)
    assert yard.clerk("cache", "clear", "--check", "unit", "--yes").stderr == "forgot 2 verdicts\n"
    assert json.loads(yard.clerk("cache", "stats", "--json").stdout)["entries"] == 0


def test_a_failed_check_is_not_run_again_on_the_same_tree_until_a_person_asks(yard):
    checks = {"unit": {"run": f'{COUNTED}; [ -e "$GATES/mended" ] || sh check.sh'}}
    again = "git commit -q --amend -m 'the same, said better'"
    plan = yard.plan({"a": [work("a.txt", "bad"), again]}, checks, budget={"attempts": 2})
    yard.clerk("run", str(plan), code=1)
    assert ran(yard, "unit") == 2  # the target itself, and the work once for both sessions
    assert check_of(yard, "a", "unit")["cached"]
    assert "known from before" in yard.clerk("status", "a").stdout
    yard.gate("mended").touch()
    yard.clerk("retry", "a")
    yard.until("a", "verified")
    assert ran(yard, "unit") == 3


@pytest.mark.slow
def test_without_the_cache_every_check_runs_whatever_is_known(yard):
    plan = yard.plan({"a": work("a.txt")}, {"unit": {"run": COUNTED}})
    yard.clerk("run", str(plan), "--merge", "auto", "--no-cache")
    assert ran(yard, "unit") == 3  # the target, the branch, and the candidate of the same tree
    assert not check_of(yard, "a", "unit")["cached"]


@pytest.mark.slow
def test_a_run_with_audit_lets_nothing_land_that_reads_outside_its_inputs(yard):
    checks = {"unit": {"run": "sh check.sh", "inputs": ["*.txt"]}}
    plan = yard.plan({"a": work("a.txt")}, checks)
    yard.clerk("run", str(plan), "--merge", "auto", "--audit-inputs", code=3)
    assert "reads outside its inputs" in yard.status()["a"]["reason"]
    assert "check.sh" in yard.status()["a"]["reason"]


def test_a_plan_is_audited_on_its_target_before_any_work(yard):
    checks = {
        "unit": {"run": "sh check.sh", "inputs": ["*.txt"]},
        "honest": {"run": "sh check.sh", "inputs": ["*.txt", "*.sh"]},
        "whole": {"run": "sh check.sh"},
    }
    wanted = {"do": "true", "done_when": list(checks)}
    plan = yard.plan({"a": wanted}, checks)
    told = yard.clerk("plan", "check", str(plan), "--audit-inputs", code=1).stdout
    (line,) = [line for line in told.splitlines() if "reads outside" in line]
    assert line.startswith("warning: check 'unit': reads outside its inputs")
    assert "check.sh" in line
    told = yard.clerk("plan", "check", str(plan), "--audit-inputs", "--json", code=1).stdout
    rules = [(f["rule"], f["subject"]) for f in json.loads(told)["findings"]]
    assert ("inputs-audit", "check 'unit'") in rules
    assert not (yard.state / "clerk.db").exists()
