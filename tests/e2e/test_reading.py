"""What can be read, with an engine and without one."""

from __future__ import annotations

import json
from pathlib import Path

from waiting import LIMIT_SECONDS


def test_everything_can_be_read_without_an_engine(yard):
    plan = yard.plan(
        {
            "cart-api": "echo thinking hard; echo good > a.txt",
            "cart-page": {"do": "echo bad > b.txt", "after": ["cart-api"], "touches": ["*.txt"]},
        },
        budget={"attempts": 1},
    )
    yard.clerk("run", str(plan), code=3)
    assert yard.holder is None

    status = yard.clerk("status")
    assert "no engine runs here, so nothing moves" in status.stdout
    assert "1 merge-ready, 1 pending" in status.stdout, "every task is counted once"
    assert "merge-ready: clerk merge cart-api" in status.stdout
    detail = json.loads(yard.clerk("status", "cart-api", "--json").stdout)
    assert [v["purpose"] for v in detail["verifications"]] == ["branch"]
    assert detail["attempts"][0]["sandbox"] == "none"
    page = yard.clerk("status", "p/cart-page").stdout
    assert "dependencies merged: waits for cart-api" in page
    assert "says thinking hard" in yard.clerk("log", "cart-api").stdout
    diff = yard.clerk("diff", "cart-api")
    assert "+good" in diff.stdout
    assert yard.clerk("diff", "cart-api", "--stat").stdout == "1 file, +1 -0\n"
    only = json.loads(yard.clerk("diff", "cart-api", "--stat", "--json").stdout)
    assert only == {"files": 1, "insertions": 1, "deletions": 0}
    again = yard.clerk("brief", "cart-api").stdout
    assert "Your work passed its checks" in again
    assert "interrupted" not in again
    brief = yard.clerk("brief", "cart-page").stdout
    assert "Do cart-page." in brief
    assert "`sh check.sh`" in brief
    assert "Change only: `*.txt`" in brief
    assert "has had no session yet" in yard.clerk("log", "cart-page", code=2).stderr
    assert yard.holder is None, "reading starts nothing"


ORDERS = [
    ("merge", "nix"),
    ("merge", "--all"),
    ("approve", "nix"),
    ("retry", "nix"),
    ("cancel", "nix"),
    ("answer", "nix", "yes"),
    ("pause",),
    ("resume", "nix"),
    ("revert", "nix"),
    ("queue", "up", "nix"),
    ("queue", "out", "nix"),
    ("queue", "in", "nix"),
    ("queue", "pause"),
]


def test_an_order_for_what_is_not_there_starts_nothing(yard):
    for order in ORDERS:
        wrong = yard.clerk(*order, code=2)
        assert (
            wrong.stderr == "clerk: no plan was started here yet; start one with: clerk run PLAN\n"
        )
    assert not (yard.path / ".git/clerk").exists(), "nor is anything made"
    yard.clerk("run", str(yard.plan({"one": "echo good > one.txt"})), "--merge", "auto")
    for order in [order for order in ORDERS if "nix" in order]:
        wrong = yard.clerk(*order, code=2)
        assert wrong.stderr == "clerk: no task 'nix' is known here; clerk status lists them\n"
    assert "no plan 'q' is known here" in yard.clerk("merge", "--all", "--plan", "q", code=2).stderr
    assert yard.holder is None


def test_unknown_names_are_told_with_the_nearest_known_one(yard):
    nothing = yard.clerk("log", "cart-api", code=2)
    assert "start one with: clerk run PLAN" in nothing.stderr
    assert not (yard.path / ".git/clerk/clerk.db").exists(), "reading makes nothing"
    plan = yard.plan({"cart-api": "echo good > a.txt"})
    yard.clerk("start", str(plan))
    for command in (("status",), ("log",), ("diff",), ("merge",), ("cancel",)):
        wrong = yard.clerk(*command, "crt-api", code=2)
        assert "did you mean 'cart-api'?" in wrong.stderr
    assert "known: p" in yard.clerk("status", "--plan", "q", code=2).stderr
    assert "'q/cart-api'" in yard.clerk("status", "cart-api", "--plan", "q", code=2).stderr
    assert "cart-api" in yard.clerk("status", "cart-api", "--plan", "p").stdout
    assert (
        "no plan 'q' is known here; known: p" in yard.clerk("pause", "--plan", "q", code=2).stderr
    )
    assert "No such command 'mrege'. Did you mean 'merge'?" in yard.clerk("mrege", code=2).stderr


def test_the_log_of_a_session_that_told_nothing_says_how_it_ended(yard):
    plan = yard.plan({"a": "echo broken >&2; exit 3"}, budget={"attempts": 1})
    yard.clerk("run", str(plan), code=1)
    told = yard.clerk("log", "a").stdout
    assert "ended failed: the agent exited with 3: broken" in told
    raw = Path(told.split("all that it printed is in ")[1].strip())
    assert raw.read_text() == "broken\n"


def test_a_log_is_followed_while_the_session_goes_on_and_is_safe_to_print(yard):
    evil = r"printf '\033]0;evil\007\033[31mone\033[0m \377\n'"
    plan = yard.plan({"a": f"{evil}; {yard.waits('a')}; echo two; echo good > a.txt"})
    yard.clerk("start", str(plan))
    yard.begun("a")
    log = yard.start("log", "a", "-f")
    line = log.stdout.readline()
    assert line.endswith("says one \N{REPLACEMENT CHARACTER}\n"), "no escape reaches the terminal"
    yard.gate("a").touch()
    rest, _ = log.communicate(timeout=LIMIT_SECONDS)
    assert "says two" in rest
    assert log.returncode == 0
