"""``clerk check``: what a session, or a person, learns of the work while it goes on."""

from __future__ import annotations

import json
import shlex
import sys

CLERK = "clerk"


def test_a_session_sees_red_mends_sees_green_and_nothing_runs_again(yard):
    yard.write("check.sh", 'echo ran >> "$GATES/ran"; ! grep -L good *.txt | grep .\n')
    yard.git("branch", "-f", "main", yard.commit("a check that counts"))
    work = (
        "echo bad > a.txt; git add a.txt; git commit -qm first; echo bad > b.txt; "
        f"{CLERK} check > $GATES/red 2> $GATES/red.said; echo $? >> $GATES/red; "
        "echo good > a.txt; echo good > b.txt; : > $GATES/ran; "
        f"{CLERK} check --json > $GATES/green; echo $? > $GATES/code; "
        f"{CLERK} note 'checked'"
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
