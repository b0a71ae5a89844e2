"""The main job, end to end: a plan goes in, proven branches come out merged."""

from __future__ import annotations

import json


def test_a_plan_goes_in_and_proven_branches_come_out_merged(yard):
    plan = yard.plan({"a": "echo good > a.txt", "b": {"do": "echo good > b.txt", "after": ["a"]}})
    done = yard.clerk("run", str(plan), "--merge", "auto")
    assert "2 merged" in done.stdout
    commits = yard.first_parents()
    assert len(commits) == 3
    assert all(yard.passes(commit) for commit in commits)
    message = yard.git("log", "-1", "--format=%B", "main")
    tree = yard.git("rev-parse", "main^{tree}")
    assert (
        f"Clerk-Task: b\nClerk-Plan: p\nClerk-Sandbox: none\nClerk-Verified: unit@{tree}" in message
    )
    assert yard.git("status", "--porcelain") == ""


def test_a_failed_attempt_is_told_what_is_wrong_and_tries_again(yard):
    plan = yard.plan({"a": ["echo bad > a.txt", "echo good > a.txt"]})
    yard.clerk("run", str(plan), "--merge", "auto")
    task = yard.status()["a"]
    assert (task["state"], task["attempts_used"]) == ("merged", 2)
    second = yard.path / ".git/clerk/logs/p/a/2/prompt.md"
    assert "unit" in second.read_text()
    assert "a.txt" in second.read_text()


def test_two_tasks_green_alone_and_red_together_do_not_both_land(yard):
    yard.write("check.sh", '[ "$(ls *.txt | wc -l)" -le 2 ]\n')
    yard.commit("at most two texts")
    yard.git("branch", "-f", "main", "HEAD")
    plan = yard.plan(
        {
            "a": ["echo good > a.txt", "git rm -q -f first.txt"],
            "b": ["echo good > b.txt", "git rm -q -f first.txt"],
        },
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    states = yard.status()
    assert {t["state"] for t in states.values()} == {"merged"}
    sent_back = next(t for t in states.values() if t["attempts_used"] == 2)
    prompt = yard.path / f".git/clerk/logs/p/{sent_back['id']}/2/prompt.md"
    assert "passes alone" in prompt.read_text() or "target" in prompt.read_text()
    assert all(yard.passes(commit) for commit in yard.first_parents())


def test_a_conflict_goes_back_to_the_agent_and_is_resolved(yard):
    plan = yard.plan(
        {
            "a": ["echo good a > same.txt", "echo good both > same.txt"],
            "b": ["echo good b > same.txt", "echo good both > same.txt"],
        }
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    assert {t["state"] for t in yard.status().values()} == {"merged"}
    assert yard.git("show", "main:same.txt") == "good both"


def test_claiming_success_without_a_change_is_a_failure(yard):
    plan = yard.plan({"a": "echo I am done"})
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    task = yard.status()["a"]
    assert task["state"] == "failed"
    assert "change" in task["reason"]
    assert len(yard.first_parents()) == 1


def test_a_failed_task_settles_its_dependants_with_the_reason(yard):
    plan = yard.plan({"a": "echo bad > a.txt", "b": {"do": "true", "after": ["a"]}})
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    states = yard.status()
    assert states["a"]["state"] == "failed"
    assert states["b"]["state"] == "cancelled"
    assert "'a' failed" in states["b"]["reason"]


def test_manual_merging_waits_for_the_architect(yard):
    plan = yard.plan({"a": "echo good > a.txt", "b": "echo good > b.txt"})
    yard.clerk("run", str(plan))
    assert len(yard.first_parents()) == 1
    assert all(task["merge_ready"] for task in yard.status().values())
    yard.clerk("merge", "a")
    yard.clerk("merge", "--all")
    yard.clerk("stop")
    assert len(yard.first_parents()) == 3


def test_checks_that_could_not_run_never_make_a_task_merge_ready(yard):
    plan = yard.plan({"a": "echo good > a.txt"}, checks={"unit": {"run": "no-such-command-here"}})
    yard.clerk("run", str(plan), "--merge", "auto", code=3)
    task = yard.status()["a"]
    assert task["state"] == "needs_input"
    assert not task["merge_ready"]
    assert len(yard.first_parents()) == 1


def test_a_setup_that_fails_starts_no_session(yard):
    plan = yard.plan(
        {"a": "echo good > a.txt"},
        worktree={"setup": ["exit 7"]},
    )
    yard.clerk("run", str(plan), code=3)
    task = yard.status()["a"]
    assert task["state"] == "needs_input"
    assert "made ready" in task["reason"]
    assert not (yard.path.parent / "a repo.worktrees/p/a/a.txt").exists()


def test_events_come_as_json_lines(yard):
    plan = yard.plan({"a": "echo good > a.txt"})
    done = yard.clerk("run", str(plan), "--merge", "auto", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["kind"] == "run_ended"
    moves = [e["data"]["to"] for e in events if e["kind"] == "task_changed"]
    assert moves == ["running", "verifying", "verified", "merging", "merged"]


def test_the_target_checked_out_by_the_user_is_not_touched_without_leave(yard):
    yard.git("checkout", "-q", "main")
    plan = yard.plan({"a": "echo good > a.txt"})
    yard.clerk("run", str(plan), "--merge", "auto", code=3)
    assert len(yard.first_parents()) == 1
    assert "checked out" in yard.status()["a"]["held"]
    yard.clerk("run", str(plan), "--merge", "auto", "--update-checkout")
    assert len(yard.first_parents()) == 2
    assert (yard.path / "a.txt").read_text() == "good\n"
    assert yard.git("status", "--porcelain") == ""
