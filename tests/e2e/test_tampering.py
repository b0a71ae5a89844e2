"""Without a sandbox an agent can reach the repository itself; then it is seen, and nothing lands."""

from __future__ import annotations

import pytest
from waiting import LIMIT_SECONDS

BARE = {"CLERK_SANDBOX": "none"}
COMMON = '"$(git rev-parse --git-common-dir)"'
WORK = "echo good > {}.txt"

TAMPERING = {
    "config": ("git config core.fsmonitor ./evil", "config sets core.fsmonitor to './evil'"),
    "hook": (f"echo x > {COMMON}/hooks/post-merge", ".git/hooks/post-merge was added; remove it"),
    "alternates": (
        f"echo /tmp > {COMMON}/objects/info/alternates",
        ".git/objects/info/alternates was added; remove it",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_who_tampers_with_the_repository_waits_for_a_person(yard, name):
    act, sentence = TAMPERING[name]
    plan = yard.plan({"t": f"{WORK.format('t')}; mkdir -p {COMMON}/hooks; {act}"})
    before = yard.first_parents()
    ended = yard.clerk("run", str(plan), "--merge", "auto", code=3, **BARE)
    task = yard.status()["t"]
    assert task["state"] == "needs_input"
    assert f"while session 1 of t ran, {sentence}" in task["reason"]
    assert task["reason"].endswith("or accept it: clerk retry t")
    assert sentence in ended.stderr
    assert yard.first_parents() == before


def test_nobody_lands_until_it_is_put_back(yard):
    plan = yard.plan(
        {
            "evil": f"{WORK.format('evil')}; git config core.fsmonitor ./evil",
            "good": f"{yard.waits('good')}; {WORK.format('good')}",
        },
        parallel=2,
    )
    run = yard.start("run", str(plan), "--merge", "auto", **BARE)
    yard.begun("good")
    yard.until("evil", "needs_input")
    yard.git("config", "core.editor", "vi")
    yard.gate("good").touch()
    run.communicate(timeout=LIMIT_SECONDS)
    assert run.returncode == 3
    good = yard.status()["good"]
    assert good["state"] == "needs_input"  # it ran meanwhile, so it may have done it
    assert yard.git("log", "--format=%s", "main") == "first"


def test_a_check_that_tampers_lets_its_task_not_pass(yard):
    checks = {"unit": {"run": "sh check.sh && git config core.fsmonitor ./evil"}}
    plan = yard.plan({"t": WORK.format("t")}, checks=checks)
    yard.clerk("run", str(plan), "--merge", "auto", code=3, **BARE)
    assert yard.git("log", "--format=%s", "main") == "first"


def test_a_ref_that_moved_is_told_and_hinders_nothing(yard):
    forged = "git commit -q --allow-empty -m forged; git update-ref refs/heads/other HEAD"
    plan = yard.plan({"t": f"{forged}; {WORK.format('t')}"})
    ended = yard.clerk("run", str(plan), "--merge", "auto", **BARE)
    other = yard.git("rev-parse", "other")
    assert f"while session 1 of t ran, refs/heads/other moved from nothing to {other[:12]}" in (
        ended.stderr
    )
    assert yard.status()["t"]["state"] == "merged"


def test_a_commit_on_the_target_by_an_agent_is_told(yard):
    old = yard.git("rev-parse", "main")
    act = "git commit -q --allow-empty -m forged; git update-ref refs/heads/main HEAD"
    plan = yard.plan({"t": f"{act}; {WORK.format('t')}"})
    ended = yard.clerk("run", str(plan), "--merge", "auto", code=None, **BARE)
    assert f"while session 1 of t ran, refs/heads/main moved from {old[:12]} to " in ended.stderr


def test_what_a_person_accepts_is_tampering_no_more(yard):
    lines = [f"{WORK.format('t')}; git config core.fsmonitor ./evil", WORK.format("t")]
    plan = yard.plan({"t": lines})
    yard.clerk("run", str(plan), "--merge", "auto", code=3, **BARE)
    yard.clerk("retry", "t", code=None, **BARE)
    yard.until("t", "merged")


def test_what_came_after_the_tampering_is_verified_and_held(yard):
    lines = {"evil": f"{WORK.format('evil')}; git config core.fsmonitor ./evil"}
    plan = yard.plan({**lines, "good": WORK.format("good")}, parallel=1)
    ended = yard.clerk("run", str(plan), "--merge", "auto", code=3, **BARE)
    assert yard.status()["good"]["state"] == "verified"
    assert "landing waits: the repository was tampered with: config sets" in ended.stderr
    assert yard.git("log", "--format=%s", "main") == "first"
