"""A landing that waits for a person says why, wherever one looks."""

from __future__ import annotations

import pytest
from waiting import until_blocking

WHY = "give leave with --update-checkout"


def test_an_order_to_land_that_has_to_wait_says_why(yard):
    yard.git("checkout", "-q", "main")
    yard.clerk("run", str(yard.plan({"one": "echo good > one.txt"})))
    refused = yard.clerk("merge", "one", code=3)
    assert WHY in refused.stdout + refused.stderr
    assert WHY in yard.clerk("status").stdout
    assert WHY in yard.clerk("status", "one").stdout
    assert yard.status()["one"]["need"] == "leave"
    line = yard.clerk("queue").stdout
    assert "held      p/one\n" in line, line
    assert WHY in line
    yard.clerk("merge", "one", "--update-checkout")
    assert (yard.path / "one.txt").read_text() == "good\n"


def test_a_held_landing_goes_on_by_itself_once_nothing_is_in_its_way(yard):
    yard.git("checkout", "-q", "main")
    yard.clerk("start", str(yard.plan({"one": "echo good > one.txt"}, merge="auto")))
    until_blocking(lambda: WHY in yard.status()["one"]["held"])
    yard.git("checkout", "-q", "--detach")
    until_blocking(lambda: yard.status()["one"]["state"] == "merged")
    yard.clerk("stop")
    assert len(yard.first_parents()) == 2


def test_a_target_checked_out_while_it_is_being_verified_for_is_not_touched(yard):
    line = f"if [ -e a.txt ] && [ -e b.txt ]; then {yard.waits('both')}; fi"
    plan = yard.plan(
        {"a": "echo good > a.txt", "b": "echo good > b.txt"},
        checks={"unit": {"run": line}},
        merge="auto",
    )
    yard.clerk("start", str(plan))
    yard.begun("both")
    until_blocking(lambda: len(yard.first_parents()) == 2)  # it may land while that is begun
    yard.git("checkout", "-q", "main")
    yard.gate("both").touch()
    until_blocking(lambda: any(WHY in task["held"] for task in yard.status().values()))
    assert len(yard.first_parents()) == 2
    assert yard.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_what_is_held_is_not_shown_as_being_checked(yard):
    """Its verification was stopped; what is known of it is that its branch passed."""
    line = f"if [ -e a.txt ] && [ -e b.txt ]; then {yard.waits('both')}; fi"
    plan = yard.plan(
        {"a": "echo good > a.txt", "b": "echo good > b.txt"},
        checks={"unit": {"run": line}},
        merge="auto",
    )
    yard.clerk("start", str(plan))
    yard.begun("both")
    until_blocking(lambda: len(yard.first_parents()) == 2)  # it may land while that is begun
    yard.git("checkout", "-q", "main")
    until_blocking(lambda: any(WHY in task["held"] for task in yard.status().values()))
    shown = [check for task in yard.status().values() for check in task["checks"]]
    assert {(check["running"], check["verdict"]) for check in shown} == {(False, "passed")}
