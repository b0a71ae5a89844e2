"""Proven tasks as pull requests, followed to their end: real git, a bare remote, a scripted gh."""

from __future__ import annotations

import pytest
from handover.forge import URL

HOSTILE = '--web=$(touch pwned) `x` "; @everyone'
GOOD = "echo good > {0}.txt"


def plan(yard, tasks, **more):
    return str(yard.plan(tasks, merge="pr", **more))


def begin(yard, forge, tasks, **more) -> None:
    """Start the plan and wait until its first task was handed over."""
    yard.clerk("start", plan(yard, tasks, **more), **forge.env)
    first = next(iter(tasks))
    look(yard, forge, first)


def look(yard, forge, task="a") -> dict:
    """Have the engine look at a pull request now; the task after that."""
    yard.until(task, "verified")
    yard.clerk("merge", task, code=None, **forge.env)
    return yard.status()[task]


def test_a_task_is_handed_over_merged_there_and_what_needs_it_starts_on_that(yard, forge):
    tasks = {
        "a": {"do": GOOD.format("a"), "title": HOSTILE},
        "b": {"do": "cat a.txt > b.txt", "after": ["a"]},
    }
    begin(yard, forge, tasks)
    told = yard.status()["a"]
    assert (told["state"], told["pull_request"]) == ("verified", f"{URL}/pull/1")
    assert told["held"] == ""
    assert told["need"] is None
    [pull] = forge.pulls
    assert (pull["title"], pull["head"], pull["base"]) == (HOSTILE, "clerk/p/a", "main")
    assert all("touch" not in word for asked in forge.asked for word in asked["argv"])
    assert "CLERK_SANDBOX" not in forge.asked[0]["env"]
    assert f"`{told['head']}`" in pull["body"]
    assert "| `unit` | passed |" in pull["body"]
    assert forge.git("rev-parse", "clerk/p/a") == told["head"]
    before = yard.first_parents()
    assert "handed over: " in yard.clerk("merge", "a", code=3, **forge.env).stderr
    assert yard.first_parents() == before  # nothing ever lands here
    merged = forge.merge(1)
    look(yard, forge)
    told = yard.until("a", "merged")
    assert told["merged_commit"] == merged
    assert yard.git("rev-parse", "main") == merged
    yard.until("b", "verified")
    assert yard.git("show", "clerk/p/b:b.txt") == "good"
    assert "without the engine's doing" in yard.clerk("revert", "a", code=3, **forge.env).stderr


def test_changes_requested_go_back_by_a_note_and_update_the_same_pull_request(yard, forge):
    begin(yard, forge, {"a": [GOOD.format("a"), "echo good more > a.txt"]})
    first = yard.status()["a"]["head"]
    review = {
        "user": {"login": "rev"}, "state": "CHANGES_REQUESTED", "commit_id": first,
        "body": "Say \x1b[31mmore", "author_association": "NONE",
    }  # fmt: skip
    forge.set(1, reviews=[review])
    assert look(yard, forge)["state"] == "verified"  # a stranger's word
    forge.set(1, reviews=[review | {"author_association": "MEMBER"}])
    yard.clerk("merge", "a", code=None, **forge.env)
    told = yard.until("a", "needs_input")
    assert "rev asks for changes: Say more" in told["reason"]
    yard.clerk("retry", "a", "--note", "do it", **forge.env)
    yard.until("a", "verified")
    told = look(yard, forge)
    assert (told["state"], len(forge.pulls)) == ("verified", 1)
    assert told["head"] != first
    assert forge.git("rev-parse", "clerk/p/a") == told["head"]
    assert f"`{told['head']}`" in forge.pulls[0]["body"]
    assert {"Say more", "do it"} <= set(yard.prompt("a", 2).replace(": ", "\n").splitlines())


@pytest.mark.slow
def test_closed_there_needs_a_person_and_a_retry_opens_another(yard, forge):
    begin(yard, forge, {"a": GOOD.format("a")})
    forge.set(1, state="closed")
    yard.clerk("merge", "a", code=None, **forge.env)
    told = yard.until("a", "needs_input")
    assert f"closed without being merged: {URL}/pull/1" in told["reason"]
    yard.clerk("retry", "a", **forge.env)
    yard.until("a", "verified")
    assert look(yard, forge)["pull_request"] == f"{URL}/pull/2"


def test_without_gh_it_is_held_with_the_mend_and_goes_on_once_that_is_there(yard, forge):
    (forge.home / "bin/gh").unlink()
    file = plan(yard, {"a": GOOD.format("a")})
    ended = yard.clerk("run", file, code=3, **forge.env)
    assert "gh, which opens pull requests, is not installed" in ended.stdout + ended.stderr
    assert forge.git("for-each-ref", "refs/heads/clerk") == ""
    forge.install()
    (forge.home / "offline").touch()
    ended = yard.clerk("run", file, code=3, **forge.env)
    assert "gh failed: error connecting to forge.invalid" in ended.stdout + ended.stderr
    (forge.home / "offline").unlink()
    told = yard.clerk("merge", "a", code=3, **forge.env)
    assert f"handed over: {URL}/pull/1" in told.stderr


@pytest.mark.slow
def test_what_somebody_else_pushed_is_not_overwritten(yard, forge):
    main = forge.git("rev-parse", "main")
    theirs = forge.commit_on("refs/heads/clerk/p/a", "theirs", main)
    ended = yard.clerk("run", plan(yard, {"a": GOOD.format("a")}), code=3, **forge.env)
    assert f"somebody else has pushed {theirs[:9]}" in ended.stdout + ended.stderr
    assert forge.git("rev-parse", "clerk/p/a") == theirs
    assert forge.pulls == []
    forge.git("update-ref", "refs/heads/clerk/p/a", main)  # which the work holds
    yard.clerk("merge", "a", code=3, **forge.env)
    assert forge.git("rev-parse", "clerk/p/a") == yard.status()["a"]["head"]


@pytest.mark.slow
@pytest.mark.parametrize("point", ["handover.pushed", "handover.opened"])
def test_killed_half_way_it_is_handed_over_once(yard, forge, point):
    file = plan(yard, {"a": GOOD.format("a")})
    yard.clerk("run", file, code=None, CLERK_CRASH=f"kill {point}:1", **forge.env)
    assert yard.status()["a"]["pull_request"] == ""
    yard.clerk("start", file, **forge.env)
    assert look(yard, forge)["pull_request"] == f"{URL}/pull/1"
    assert len(forge.pulls) == 1


@pytest.mark.slow
def test_a_checkout_of_the_target_follows_only_with_leave(yard, forge):
    yard.git("checkout", "-q", "main")
    begin(yard, forge, {"a": GOOD.format("a")})
    merged = forge.merge(1)
    told = look(yard, forge)
    assert f"merged over there as {merged[:9]}; main here must follow: git pull" in told["held"]
    assert yard.first_parents()[-1] != merged
    yard.clerk("merge", "a", "--update-checkout", **forge.env)
    assert yard.until("a", "merged")["merged_commit"] == merged
    assert (yard.path / "a.txt").read_text() == "good\n"
