"""Whoever waits for a landing is told when it will not come, whatever happened to the task."""

from __future__ import annotations

import os
import shutil

from waiting import LIMIT_SECONDS


def test_a_merge_that_waits_ends_when_its_task_is_cancelled(yard):
    check = f"if [ -e second.txt ]; then {yard.waits('merged')}; fi; sh check.sh"
    plan = yard.plan({"a": "echo good > a.txt"}, checks={"unit": {"run": check}})
    yard.clerk("run", str(plan))
    yard.write("second.txt", "good\n")
    yard.git("branch", "-f", "main", yard.commit("second"))
    merge = yard.start("merge", "a")
    yard.begun("merged")
    yard.clerk("cancel", "a")
    told, _ = merge.communicate(timeout=LIMIT_SECONDS)
    assert (merge.returncode, "did not land: cancelled" in told) == (3, True), told


def test_a_checkout_that_cannot_follow_does_not_unsay_the_landing(yard):
    """The target has moved by then: whatever git says of the files, the task is merged."""
    real = shutil.which("git")
    yard.write("../bin/git", f'#!/bin/sh\ncase " $* " in *" read-tree -m -u "*) exit 128;; esac\nexec {real} "$@"\n')  # fmt: skip
    (yard.home / "bin/git").chmod(0o755)
    yard.git("checkout", "-q", "main")
    plan = yard.plan({"a": "echo good > a.txt"}, merge="auto")
    path = f"{yard.home / 'bin'}:{os.environ['PATH']}"
    yard.clerk("run", str(plan), "--update-checkout", PATH=path)
    task = yard.status()["a"]
    assert (task["state"], "did not follow main; there: git -C" in task["reason"]) == (
        "merged",
        True,
    )
    assert task["merged_commit"] == yard.git("rev-parse", "main")


def test_work_sent_back_too_often_is_told_of_its_conflict_when_a_person_retries_it(yard):
    resolve = f"{yard.waits('resolved')}; echo good mine > x.txt; git add -A; git commit -qm mine"
    plan = yard.plan(
        {"a": [f"{yard.waits('first')}; echo good a > x.txt", resolve]},
        budget={"attempts": 1},
        merge="auto",
    )
    run = yard.start("run", str(plan))
    for gate in ("first", "resolved"):
        yard.begun(gate)
        yard.write("x.txt", f"good {gate}\n")
        yard.git("branch", "-f", "main", yard.commit(gate))
        yard.gate(gate).touch()
    told, _ = run.communicate(timeout=LIMIT_SECONDS)
    assert (run.returncode, "sent back 1 times already" in told) == (3, True), told
    assert "conflicts with what has landed" in yard.clerk("brief", "a").stdout
    yard.clerk("retry", "a")
    yard.until("a", "merged")
    assert "good resolved" in yard.prompt("a", 3)


def test_a_first_red_merge_is_not_told_as_the_same_failure_again(yard):
    mend = "echo good > both.txt"
    case = '<testcase classname="t" name="both">%s</testcase>'
    red = case % '<failure message="they do not get along"/>'
    yard.write(
        "suite.sh",
        f"if [ -e a.txt ] && [ -e b.txt ] && [ ! -e both.txt ]; then\n"
        f"echo '<testsuite>{red}</testsuite>' > $1; exit 1\n"
        f"fi; echo '<testsuite>{case % ''}</testsuite>' > $1\n",
    )
    yard.git("branch", "-f", "main", yard.commit("suite"))
    plan = yard.plan(
        {"a": ["echo good > a.txt", mend], "b": ["echo good > b.txt", mend]},
        checks={"unit": {"run": "sh suite.sh {report}", "report": "junit"}},
        merge="auto",
    )
    yard.clerk("run", str(plan))
    (second,) = (yard.prompt(task, 2) for task in "ab" if yard.status()[task]["attempts_used"] > 1)
    assert "Your work passes alone, but fails together" in second
    assert "since the last verification" not in second
