"""``clerk check``: what a session, or a person, learns of the work while it goes on."""

from __future__ import annotations

import json
from pathlib import Path

from e2e.test_sandboxed import Enclosed
from waiting import LIMIT_SECONDS, is_gone, until_blocking


def test_a_session_sees_red_mends_sees_green_and_nothing_runs_again(yard):
    yard.write("check.sh", 'echo ran >> "$GATES/ran"; ! grep -L good *.txt | grep .\n')
    yard.git("branch", "-f", "main", yard.commit("a check that counts"))
    work = (
        "echo bad > a.txt; git add a.txt; git commit -qm first; echo bad > b.txt; "
        "clerk check > $GATES/red 2> $GATES/red.said; echo $? >> $GATES/red; "
        "echo good > a.txt; echo good > b.txt; : > $GATES/ran; "
        "clerk check --json > $GATES/green; echo $? > $GATES/code; "
        "clerk note 'checked'"
    )
    yard.clerk("run", str(yard.plan({"a": work})))
    red = yard.gate("red").read_text()
    assert red.startswith("FAIL unit"), yard.gate("red.said").read_text()
    assert "b.txt" in red
    assert red.endswith("\n1\n")
    assert yard.gate("red.said").read_text().startswith("unit: failed")
    green = json.loads(yard.gate("green").read_text())
    assert (yard.gate("code").read_text(), green["passed"], green["done"]) == ("0\n", True, True)
    assert green["standing"]["seconds_left"] > 0
    task = yard.status()["a"]
    assert task["state"] == "verified"
    assert yard.git("rev-parse", f"{task['head']}^{{tree}}") == green["tree"]
    assert yard.gate("ran").read_text() == "ran\n", "once, for the check; its verification knew it"
    detail = json.loads(yard.clerk("status", "a", "--json").stdout)
    told = [(v["purpose"], v["verdict"]) for v in detail["verifications"]]
    assert told == [("asked", "failed"), ("asked", "passed"), ("branch", "passed")]
    assert not yard.git("for-each-ref", "refs/clerk/checks")


def test_a_session_that_bends_what_it_may_not_change_is_answered_without_that(yard):
    work = (
        "echo bad > a.txt; echo true > check.sh; echo new > checks/b; rm checks/a; "
        "clerk check > $GATES/told; echo $? >> $GATES/told; "
        "git checkout -q check.sh checks; rm checks/b; echo good > a.txt; "
        "clerk check --json > $GATES/green"
    )
    yard.write("checks/a", "as it was")
    yard.git("branch", "-f", "main", yard.commit("rules"))
    check = {"run": "sh check.sh && grep was checks/a && ! test -e checks/b"}
    plan = yard.plan({"a": work}, {"unit": check}, protect=["check.sh", "checks/**"])
    yard.clerk("run", str(plan))
    told = yard.gate("told").read_text()
    assert told.startswith("FAIL unit")
    assert "the work changes paths that no session may change: check.sh, checks/a, checks/b" in told
    assert "checked with check.sh, checks/a, checks/b as the architect has it" in told
    assert told.endswith("\n1\n")
    green = json.loads(yard.gate("green").read_text())
    assert (green["passed"], green["warnings"]) == (True, [])
    task = yard.status()["a"]
    assert task["state"] == "verified"
    assert yard.git("rev-parse", f"{task['head']}^{{tree}}") == green["tree"]


def test_in_the_sandbox_it_is_the_same_and_shows_nothing_beyond(tmp_path):
    """Uncommitted work on a commit of the session's own, in its private view; and no way out."""
    yard = Enclosed.make(tmp_path / "ein Hof")
    work = (
        "git checkout -q --detach; echo good > a.txt; git add a.txt; git commit -qm own; "
        "echo bad > b.txt; "
        "before=$(cat .git; git rev-parse HEAD; git ls-files -s; git for-each-ref); "
        "clerk check > red.md 2>&1; code=$?; "
        'test "$before" = "$(cat .git; git rev-parse HEAD; git ls-files -s; git for-each-ref)" '
        "&& echo untouched >> red.md; echo $code >> red.md; "
        "echo good > b.txt; ln -s /etc/passwd out; clerk check > link.md 2>&1; echo $? >> link.md; "
        "rm out; clerk check > green.md 2>&1; echo $? >> green.md; "
        "echo other > other; clerk check nothing > unknown.md 2>&1; echo $? >> unknown.md; rm other"
    )
    checks = {"unit": {"run": "! grep -L good *.txt | grep ."}}
    yard.clerk("run", str(yard.plan({"a": work}, checks)))
    task = yard.status()["a"]
    told = {
        name: yard.git("show", f"{task['head']}:{name}.md")
        for name in ("red", "link", "green", "unknown")
    }
    assert "FAIL unit" in told["red"]
    assert "b.txt" in told["red"]
    assert told["red"].endswith("untouched\n1")
    assert "leads out of the tree" in told["link"]
    assert told["green"].endswith("\n0")
    assert "'nothing' is no check of task 'a'; it has: unit" in told["unknown"]
    assert told["unknown"].endswith("\n2")
    assert (task["state"], task["sandbox"]) == ("verified", "bubblewrap")


def test_who_runs_out_of_patience_finds_it_further(yard):
    work = (
        "echo good > a.txt; clerk check --timeout 1s > $GATES/first; echo $? >> $GATES/first; "
        "clerk check --timeout 1s; touch $GATES/asked; clerk check > $GATES/second"
    )
    checks = {"unit": {"run": f"[ ! -e a.txt ] || {{ {yard.waits('go')}; }}"}}
    run = yard.start("run", str(yard.plan({"a": work}, checks)))
    began = yard.begun("go")
    until_blocking(yard.gate("asked").exists)
    assert yard.begun("go") == began, "one run, joined by who asked again"
    yard.gate("go").touch()
    told, _ = run.communicate(timeout=LIMIT_SECONDS)
    assert run.returncode == 0, told
    first = yard.gate("first").read_text()
    assert "NOT DONE" in first
    assert first.endswith("\n1\n")
    assert "All passed" in yard.gate("second").read_text()


def test_what_nobody_waits_for_is_stopped(yard):
    work = (
        "echo good > a.txt; clerk check & asks=$!; "
        'until [ -e "$GATES/go.pid" ]; do sleep 0.05; done; kill -9 $asks; '
        f"{{ {yard.waits('end')}; }}"
    )
    checks = {"unit": {"run": f"[ ! -e a.txt ] || {{ {yard.waits('go')}; }}"}}
    run = yard.start("run", str(yard.plan({"a": work}, checks)))
    check = yard.begun("go")
    yard.begun("end")
    until_blocking(lambda: is_gone(check))
    yard.gate("go").touch()
    yard.gate("end").touch()
    told, _ = run.communicate(timeout=LIMIT_SECONDS)
    assert run.returncode == 0, told
    assert not yard.git("for-each-ref", "refs/clerk/checks")


def test_a_person_asks_in_the_tasks_worktree_and_in_a_checkout_of_their_own(yard):
    plan = yard.plan({"a": "echo good > a.txt", "b": "echo good > b.txt"})
    yard.clerk("start", str(plan))
    for name in ("a", "b"):
        yard.until(name, "verified")
    worktree = Path(yard.status()["a"]["worktree"])
    (worktree / "a.txt").write_text("bad\n")
    red = yard.clerk("check", cwd=worktree, code=1)
    assert red.stdout.startswith("FAIL unit")
    yard.git("checkout", "-q", "--ignore-other-worktrees", "clerk/p/b")
    assert "All passed" in yard.clerk("check").stdout
    yard.git("checkout", "-q", "--detach", "main")
    yard.clerk("check", code=2)
    (yard.path / "c.txt").write_text("bad\n")
    assert yard.clerk("check", "--task", "b", code=1).stdout.startswith("FAIL unit")
    assert yard.git("status", "--porcelain") == "?? c.txt"
    yard.clerk("stop")
    yard.clerk("check", "--task", "b", code=4)
