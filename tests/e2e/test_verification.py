"""Verification as the architect meets it: graphs, reports, verdicts, and nothing run twice."""

from __future__ import annotations

import json

from waiting import LIMIT_SECONDS

REPORTER = """\
import sys
from pathlib import Path

cases = Path("cases").read_text().split()
shown = "".join(
    f'<testcase classname="shop.test_cart" name="{name}">'
    + ('<failure message="expected 3, got 2">shop/test_cart.py:7: AssertionError</failure>'
       if name.startswith("bad") else "")
    + "</testcase>"
    for name in cases
)
bad = sum(name.startswith("bad") for name in cases)
Path(sys.argv[1]).write_text(
    f'<testsuites><testsuite name="pytest" tests="{len(cases)}" failures="{bad}">'
    f"{shown}</testsuite></testsuites>"
)
sys.exit(bool(bad))
"""


def test_checks_run_as_a_graph_in_parallel_and_no_passed_tree_twice(yard):
    """``one`` and ``two`` pass only while the other one runs, and only after ``build``."""
    ran = 'echo "$CLERK_CHECK $(git rev-parse HEAD^{tree})" >> "$GATES/ran"'
    meets = (
        'here="$GATES/$(git rev-parse HEAD^{{tree}})"; test -e "$here.built"; touch "$here.{0}"; '
        'until [ -e "$here.{1}" ]; do sleep 0.05; done'
    )
    plan = yard.plan(
        {"a": {"do": "echo good > a.txt", "done_when": ["one", "two"]}},
        checks={
            "one": {"run": f"{ran}; {meets.format('one', 'two')}", "needs": ["build"]},
            "two": {"run": f"{ran}; {meets.format('two', 'one')}", "needs": ["build"]},
            "build": {
                "kind": "build",
                "run": f'{ran}; touch "$GATES/$(git rev-parse HEAD^{{tree}}).built"',
            },
        },
    )
    done = yard.clerk("run", str(plan), "--merge", "auto", "--json", CLERK_VERIFY_SLOTS="2")
    before, after = (yard.git("rev-parse", f"{at}^{{tree}}") for at in ("main^", "main"))
    runs = yard.gate("ran").read_text().splitlines()
    assert sorted(runs) == sorted(
        f"{check} {tree}" for tree in (before, after) for check in ("build", "one", "two")
    ), "the candidate's tree is the branch's, so it is not verified again"
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["kind"] for event in events]
    assert kinds.index("baseline_verified") < kinds.index("task_changed"), "before any session"
    baseline = events[kinds.index("baseline_verified")]["message"]
    assert baseline == "main passes every criterion; criteria green before any work: a"
    ends = [event for event in events if event["kind"] == "verification_ended"]
    assert [event["data"]["purpose"] for event in ends] == ["branch", "candidate"]
    assert "one cached passed, two cached passed" in ends[1]["message"]


def test_a_report_is_read_and_no_tests_are_no_pass(yard):
    yard.write("report.py", REPORTER)
    yard.write("cases", "good_one\n")
    yard.git("branch", "-f", "main", yard.commit("a reporter"))
    plan = yard.plan(
        {
            "a": {
                "do": [
                    "echo good_one bad_total > cases",
                    ": > cases",
                    "echo good_one good_total > cases",
                ],
                "done_when": ["junit"],
            }
        },
        checks={"junit": {"run": "python3 report.py {report}", "report": "junit"}},
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    second, third = yard.prompt("a", 2), yard.prompt("a", 3)
    assert "bad_total" in second
    assert "expected 3, got 2" in second
    assert "good_one" not in second, "what passed is a number"
    assert "collected no tests" in third
    check = yard.status()["a"]["checks"][0]
    assert (check["verdict"], check["passed"], check["failed"]) == ("passed", 2, 0)


def test_an_old_report_is_never_taken_for_a_new_one(yard):
    """The agent commits a fine report and a check that writes none: nobody knows, a person looks."""
    yard.write("report.py", REPORTER)
    yard.write("cases", "good_one\n")
    yard.git("branch", "-f", "main", yard.commit("a reporter"))
    fine = "python3 report.py report.xml; cp report.xml junit.xml; echo > report.py"
    plan = yard.plan(
        {"a": {"do": fine, "done_when": ["junit"]}},
        checks={"junit": {"run": "python3 report.py {report}", "report": "junit"}},
    )
    yard.clerk("run", str(plan), "--merge", "auto", code=3)
    task = yard.status()["a"]
    assert (task["state"], task["merge_ready"], task["attempts_used"]) == ("needs_input", False, 1)
    assert "junit: exited with 0, but its report" in task["reason"]
    assert len(yard.first_parents()) == 2


def test_a_check_that_takes_too_long_is_told_as_such(yard):
    hang = "[ ! -e hang.txt ] || { echo waiting for godot; exec sleep 100000; }"
    plan = yard.plan(
        {"a": ["echo good > hang.txt", "rm hang.txt; echo good > a.txt"]},
        checks={"unit": {"run": hang, "timeout": "1s"}},
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    told = yard.prompt("a", 2)
    assert "stopped after" in told
    assert "waiting for godot" in told
    detail = json.loads(yard.clerk("status", "a", "--json").stdout)
    assert [v["verdict"] for v in detail["verifications"]] == ["timed_out", "passed", "passed"]


def test_a_red_target_is_told_before_any_session_and_is_nobodys_fault(yard):
    yard.write("second.txt", "bad\n")
    yard.git("branch", "-f", "main", yard.commit("red"))
    plan = yard.plan({"a": "echo good > second.txt"})
    done = yard.clerk("run", str(plan), "--merge", "auto")
    lines = done.stderr.splitlines()
    red = next(n for n, line in enumerate(lines) if "main does not pass yet: unit" in line)
    assert red < next(n for n, line in enumerate(lines) if "running: session 1" in line)
    assert yard.passes("main")


def test_a_shared_environment_that_leads_to_the_users_checkout_proves_nothing(yard):
    """An editable install of the user's own, shared: what it imports is not what was written."""
    yard.write(".gitignore", "venv/\n")
    yard.git("branch", "-f", "main", yard.commit("ignore"))
    yard.write("venv/pyvenv.cfg", "")
    yard.write("venv/lib/python3.11/site-packages/shop.pth", f"{yard.path}\n")
    plan = yard.plan({"a": "echo good > a.txt"}, worktree={"share": ["venv"]})
    yard.clerk("run", str(plan), "--merge", "auto", code=3)
    task = yard.status()["a"]
    assert task["state"] == "needs_input"
    assert f"shop.pth leads to {yard.path}" in task["reason"]
    assert task["attempts_used"] == 1, "and the agent is not blamed"


def test_a_commit_made_by_hand_meanwhile_means_a_candidate_built_and_verified_anew(yard):
    """The check of the first candidate waits until somebody has moved the target."""
    first = "[ -e a.txt ] && [ -e one.md ] && [ ! -e two.md ]"
    yard.write("check.sh", f'echo $(ls) >> "$GATES/ran"; if {first}; then {yard.waits("c")}; fi\n')
    yard.git("branch", "-f", "main", yard.commit("a check that waits"))
    plan = yard.plan({"a": "echo good > a.txt"})
    yard.clerk("run", str(plan))
    by_hand(yard, "one.md")
    merge = yard.start("merge", "a")
    yard.begun("c")
    second = by_hand(yard, "two.md")
    yard.gate("c").touch()
    told, _ = merge.communicate(timeout=LIMIT_SECONDS)
    assert (merge.returncode, "p/a: landed" in told) == (0, True), told
    assert yard.git("rev-parse", "main^") == second
    files = "a.txt check.sh first.txt one.md two.md"
    assert yard.git("ls-tree", "--name-only", "main").split() == files.split()
    assert yard.gate("ran").read_text().splitlines().count(files) == 1, "verified as it landed"
    tree = yard.git("rev-parse", "main^{tree}")
    assert f"Clerk-Verified: unit@{tree}" in yard.git("log", "-1", "--format=%B", "main")


def by_hand(yard, name: str) -> str:
    """Commit a file to main, as a person beside the engine does; the commit."""
    yard.git("checkout", "-q", "main")
    yard.write(name, "by hand\n")
    made = yard.commit(name)
    yard.git("checkout", "-q", "--detach")
    return made
