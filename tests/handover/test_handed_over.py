"""Proven tasks as pull requests, followed to their end: real git, a bare remote, a scripted gh."""

from __future__ import annotations

import time

import pytest
from handover.forge import URL
from waiting import until_blocking

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


@pytest.mark.slow
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


ASKS = {
    "user": {"login": "rev"}, "state": "CHANGES_REQUESTED", "body": "more",
    "author_association": "MEMBER",
}  # fmt: skip


def is_asked_for_changes(yard, forge) -> str:
    """A task that is handed over and waits for a person here; its head."""
    begin(yard, forge, {"a": GOOD.format("a"), "b": {"do": "cat a.txt > b.txt", "after": ["a"]}})
    head = yard.status()["a"]["head"]
    forge.set(1, reviews=[ASKS | {"commit_id": head}])
    yard.clerk("merge", "a", code=None, **forge.env)
    yard.until("a", "needs_input")
    return head


def look_again(yard, forge) -> None:
    """Whoever runs the plan again has its pull requests looked at."""
    yard.clerk("stop")
    yard.clerk("start", str(yard.home / "p.yaml"), **forge.env)


@pytest.mark.slow
def test_what_a_person_mended_and_merged_over_there_is_noticed(yard, forge):
    is_asked_for_changes(yard, forge)
    theirs = forge.commit_on("refs/heads/clerk/p/a", "mended", "refs/heads/clerk/p/a")
    merged = forge.merge(1)
    look_again(yard, forge)
    told = yard.until("a", "merged")
    assert told["merged_commit"] == merged
    assert f"with {theirs[:9]}, which is not what was proven here" in told["reason"]
    yard.until("b", "verified")


def test_a_squash_is_known_by_the_hosts_word_and_claims_nothing(yard, forge):
    """Its message may be the pull request's body, as a setting over there has it."""
    begin(yard, forge, {"a": GOOD.format("a")})
    merged = forge.squash(1, forge.pulls[0]["title"] + "\n\n" + forge.pulls[0]["body"])
    forge.git("update-ref", "-d", "refs/heads/clerk/p/a")  # as many have it done by itself
    look(yard, forge)
    told = yard.until("a", "merged")
    assert told["merged_commit"] == merged
    assert "not what was proven" not in told["reason"]
    assert yard.audit(f"{merged}~1..{merged}") == ["person"]


@pytest.mark.slow
def test_what_was_merged_before_the_newest_work_came_leaves_that_to_a_person(yard, forge):
    begin(yard, forge, {"a": [GOOD.format("a"), "echo good more > a.txt; echo good > c.txt"]})
    first = yard.status()["a"]["head"]
    forge.squash(1, "squashed")
    yard.clerk("retry", "a", "--note", "more", **forge.env)
    told = yard.until("a", "needs_input")
    assert f"was merged at {first[:9]}, before {told['head'][:9]} came" in told["reason"]
    assert told["pull_request"] == ""


@pytest.mark.slow
def test_closed_while_a_person_is_needed_is_told_and_not_asked_for_again(yard, forge):
    is_asked_for_changes(yard, forge)
    forge.set(1, state="closed")
    look_again(yard, forge)
    until_blocking(lambda: yard.status()["a"]["pull_request"] == "")
    assert yard.status()["a"]["state"] == "needs_input"
    assert "rev asks for changes" in yard.status()["a"]["reason"]


def test_a_host_that_is_asked_too_often_is_left_alone_and_nobody_is_needed(yard, forge):
    begin(yard, forge, {"a": GOOD.format("a")})
    limited = "gh: API rate limit exceeded for user ID 1. (HTTP 403)"
    limits = {"core": {"remaining": 0, "reset": time.time() + 900}}
    forge.refuse(limited, resources=limits)
    told = look(yard, forge)
    assert "forge.invalid is asked too often by this login" in told["reason"]
    assert (told["state"], told["held"], told["need"]) == ("verified", "", None)
    asked = len(forge.asked)
    look(yard, forge)
    assert len(forge.asked) == asked
    forge.refuse("")


@pytest.mark.parametrize(
    ("told", "code", "mend"),
    [
        ("To get started with GitHub CLI, please run:  gh auth login", 4, "log in: gh auth login"),
        ("gh: Bad credentials (HTTP 401)", 1, "log in: gh auth login --hostname forge.invalid"),
        ("gh: Not Found (HTTP 404)", 1, "is ada/shop there, and may this login see it"),
    ],
)
def test_what_the_owner_can_do_about_it_is_told(yard, forge, told, code, mend):
    forge.refuse(told, code)
    ended = yard.clerk("run", plan(yard, {"a": GOOD.format("a")}), code=3, **forge.env)
    assert mend in ended.stdout
    assert forge.git("for-each-ref", "refs/heads/clerk") == ""


def test_a_fork_is_told_for_what_it_is(yard, forge):
    (forge.home / "repository.json").write_text('{"parent": {"full_name": "up/shop"}}')
    begin(yard, forge, {"a": GOOD.format("a")})
    page = yard.clerk("status", "a").stdout
    assert "a fork of up/shop: the pull request is opened in the fork" in page.replace("\n", " ")
    assert yard.status()["a"]["pull_request"] == f"{URL}/pull/1"
