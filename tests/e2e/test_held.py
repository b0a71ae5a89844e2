"""A landing that waits for a person says why, wherever one looks."""

from __future__ import annotations

from waiting import until_blocking

WHY = "give leave with --update-checkout"


def test_an_order_to_land_that_has_to_wait_says_why(yard):
    yard.git("checkout", "-q", "main")
    yard.clerk("run", str(yard.plan({"one": "echo good > one.txt"})))
    refused = yard.clerk("merge", "one", code=3)
    assert WHY in refused.stdout + refused.stderr
    assert WHY in yard.clerk("status").stdout
    assert WHY in yard.clerk("status", "one").stdout
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
