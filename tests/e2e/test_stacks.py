"""Tasks begun on work that is proven and has not landed: in order, and never on what is no more."""

from __future__ import annotations


def stacked(do, *after, **more):
    return {"do": do, "after": list(after), "stack": True, **more}


def test_a_stack_is_worked_on_while_a_person_reads_and_lands_in_order(yard):
    plan = yard.plan(
        {
            "b": stacked("test -f a.txt && echo good > b.txt", "a", touches=["b.txt"]),
            "a": "echo good > a.txt",
        }
    )
    yard.clerk("run", str(plan))
    tasks = yard.status()
    assert {task["state"] for task in tasks.values()} == {"verified"}
    assert tasks["b"]["merge_ready"]
    assert tasks["b"]["diff"] == {"files": 1, "insertions": 1, "deletions": 0}
    assert "+good" in yard.clerk("diff", "b").stdout
    assert "The work of a is in your branch, checked but not landed yet." in yard.prompt("b", 1)
    yard.clerk("merge", "--all")
    yard.clerk("run", str(plan))
    assert {task["state"] for task in yard.status().values()} == {"merged"}
    landed = [yard.git("log", "-1", "--format=%s", commit) for commit in yard.first_parents()[1:]]
    assert landed == ["Task a", "Task b"]
    assert all(map(yard.passes, yard.first_parents()))


def test_what_stands_on_changed_work_is_brought_up_to_it_and_verified_again(yard):
    plan = yard.plan(
        {
            "a": ["echo good > a.txt", "echo good again > a.txt"],
            "b": stacked("cp a.txt b.txt; echo good > own.txt", "a"),
        }
    )
    yard.clerk("run", str(plan))
    before = yard.status()["b"]
    yard.clerk("retry", "a", "--note", "say it again")
    yard.clerk("run", str(plan))
    after = yard.status()["b"]
    assert (after["state"], after["attempts_used"]) == ("verified", 1)
    assert after["head"] != before["head"]
    assert yard.git("show", f"{after['head']}:a.txt") == "good again"
    assert after["diff"]["files"] == 2
    assert yard.git("status", "--porcelain", "--untracked-files=no") == ""
    assert (yard.path.parent / "a repo.worktrees/p/b/a.txt").read_text() == "good again\n"
    yard.clerk("run", str(plan), "--merge", "auto")
    assert {task["state"] for task in yard.status().values()} == {"merged"}
    assert yard.git("show", "main:a.txt") == "good again"
    assert yard.git("show", "main:own.txt") == "good"


def test_what_conflicts_with_changed_ground_goes_back_to_its_agent_who_is_told(yard):
    plan = yard.plan(
        {
            "a": ["echo good > a.txt", "echo good again > a.txt"],
            "b": stacked(["echo good indeed > a.txt", "echo both good > a.txt"], "a"),
        }
    )
    yard.clerk("run", str(plan))
    yard.clerk("retry", "a", "--note", "say it again")
    yard.clerk("run", str(plan), "--merge", "auto")
    assert {task["state"] for task in yard.status().values()} == {"merged"}
    told = yard.prompt("b", 2)
    assert "Your work conflicts with a as it is now, on which it stands, in: a.txt" in told
    assert "<<<<<<< target\ngood again\n=======\ngood indeed\n>>>>>>> yours" in told
    assert yard.git("show", "main:a.txt") == "both good"


def test_what_stands_on_refused_work_stops_and_says_so_until_that_is_taken_up(yard):
    plan = yard.plan(
        {
            "a": ["echo good > a.txt", "echo good again > a.txt"],
            "b": stacked(f"echo good > b.txt; {yard.waits('b')}; cp a.txt b.txt", "a"),
            "c": stacked("echo good > c.txt", "b"),
        }
    )
    with yard.start("run", str(plan)) as running:
        yard.begun("b")
        yard.clerk("cancel", "a")
        running.communicate(timeout=60)
    assert running.returncode == 1
    tasks = yard.status()
    assert (tasks["b"]["state"], tasks["b"]["reason"]) == ("cancelled", "'a' was cancelled")
    assert tasks["c"]["reason"] == "needs 'b', and 'a' was cancelled"
    yard.gate("b").touch()
    yard.clerk("start")
    yard.clerk("retry", "a")
    yard.until("c", "verified")
    (head,) = {yard.status()["b"]["head"]}
    assert yard.git("show", f"{head}:b.txt") == "good again"


def test_a_stack_on_work_that_conflicts_waits_until_one_has_landed(yard):
    plan = yard.plan(
        {
            "a": "echo good a > same.txt",
            "b": ["echo good b > same.txt", "echo good both > same.txt"],
            "c": stacked("echo good > c.txt", "a", "b"),
        }
    )
    yard.clerk("run", str(plan), code=3)
    waiting = yard.status()["c"]
    assert waiting["state"] == "retry_queued"
    assert waiting["reason"].startswith("'b' at ")
    assert waiting["attempts_used"] == 0
    yard.clerk("run", str(plan), "--merge", "auto")
    assert {task["state"] for task in yard.status().values()} == {"merged"}


def test_a_stack_lands_with_what_it_stands_on_once_that_may(yard):
    plan = yard.plan(
        {
            "c": stacked("cp b.txt c.txt", "b", priority=2),
            "b": stacked("cp a.txt b.txt", "a", priority=1),
            "a": {"do": "echo good > a.txt", "approve": True},
        },
        queue={"mode": "tip"},
    )
    yard.clerk("run", str(plan), "--merge", "auto", code=3)
    assert {task["state"] for task in yard.status().values()} == {"verified"}
    yard.clerk("approve", "a")
    yard.until("c", "merged")
    landed = [yard.git("log", "-1", "--format=%s", commit) for commit in yard.first_parents()[1:]]
    assert landed == ["Task a", "Task b", "Task c"]
    assert all(map(yard.passes, yard.first_parents()))


def test_what_lands_as_another_commit_carries_its_stack_onto_it(yard):
    plan = yard.plan(
        {
            "a": "echo good > a.txt; echo more > a.md",
            "b": stacked("echo good indeed > a.txt", "a"),
        },
        strategy="squash",
    )
    yard.clerk("run", str(plan))
    yard.clerk("run", str(plan), "--merge", "auto")
    tasks = yard.status()
    assert {task["state"] for task in tasks.values()} == {"merged"}
    assert tasks["b"]["attempts_used"] == 1
    assert yard.git("show", "main:a.txt") == "good indeed"
    assert len(yard.first_parents()) == 3
    assert not yard.git("log", "--merges", "--format=%H", "main")


def test_a_stack_is_known_again_when_the_state_is_lost(yard):
    tasks = {
        "a": "echo good > a.txt",
        "b": stacked("echo good > b.txt", "a", touches=["b.txt"]),
    }
    plan = yard.plan(tasks)
    yard.clerk("run", str(plan))
    before = yard.status()["b"]
    for name in ("clerk.db", "clerk.db-wal", "clerk.db-shm"):
        (yard.state / name).unlink(missing_ok=True)
    yard.clerk("run", str(plan))
    after = yard.status()["b"]
    assert (after["state"], after["base"], after["head"]) == (
        "verified",
        before["base"],
        before["head"],
    )
    assert after["diff"]["files"] == 1
    yard.clerk("run", str(plan), "--merge", "auto")
    assert {task["state"] for task in yard.status().values()} == {"merged"}


def test_what_an_edited_plan_needs_no_more_is_taken_out_from_under_it(yard):
    plan = yard.plan(
        {"a": "echo good > a.txt", "b": stacked("echo good > b.txt", "a", touches=["b.txt"])}
    )
    yard.clerk("run", str(plan))
    yard.plan({"b": stacked("echo good > b.txt", touches=["b.txt"])})
    yard.clerk("run", str(plan), "--accept-changes", "--merge", "auto")
    (task,) = (task for task in yard.status().values() if task["state"] == "merged")
    assert (task["id"], task["attempts_used"]) == ("b", 1)
    files = yard.git("ls-tree", "--name-only", "main").split()
    assert files == ["b.txt", "check.sh", "first.txt"]
