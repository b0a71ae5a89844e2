"""When the architect changes their mind, or mends what was at fault: checks, plans, bounds."""

from __future__ import annotations


def test_a_failure_of_the_machine_is_verified_again_before_a_session_is_paid(yard):
    flag = yard.home / "mended"
    checks = {"unit": {"run": f"[ ! -e a.txt ] || [ -e '{flag}' ]"}}
    plan = yard.plan({"a": "echo good > a.txt"}, checks=checks, budget={"attempts": 1})
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    assert yard.status()["a"]["state"] == "failed"
    flag.touch()
    yard.clerk("retry", "a")
    yard.clerk("run", str(plan), "--merge", "auto")
    task = yard.status()["a"]
    assert (task["state"], task["attempts_used"]) == ("merged", 1)


def test_an_edited_plan_holds_proven_work_to_its_new_bounds(yard):
    plan = yard.plan({"a": ["echo good > a.txt; echo good > b.txt", "git rm -q b.txt"]})
    yard.clerk("run", str(plan))
    assert yard.status()["a"]["merge_ready"]
    yard.plan(
        {
            "a": {
                "do": ["echo good > a.txt; echo good > b.txt", "git rm -q b.txt"],
                "touches": ["a.txt"],
            }
        }
    )
    yard.clerk("run", str(plan), "--accept-changes", "--merge", "auto")
    task = yard.status()["a"]
    assert (task["state"], task["attempts_used"]) == ("merged", 2)
    assert yard.git("ls-tree", "--name-only", "main").split() == ["a.txt", "check.sh", "first.txt"]


def test_a_task_put_back_into_the_plan_is_worked_on_after_all(yard):
    both = {"a": "echo good > a.txt", "b": {"do": "echo good > b.txt", "approve": True}}
    plan = yard.plan(both)
    yard.clerk("run", str(plan), code=3)
    yard.plan({"a": "echo good > a.txt"})
    yard.clerk("run", str(plan), "--accept-changes", "--merge", "auto")
    yard.plan({"a": "echo good > a.txt", "b": "echo good > b.txt"})
    yard.clerk("run", str(plan), "--accept-changes", "--merge", "auto")
    assert {task["state"] for task in yard.status().values()} == {"merged"}


def test_a_retry_counts_what_was_mended_on_the_target(yard):
    checks = {"unit": {"run": "test -f needed"}}
    plan = yard.plan({"a": "echo good > a.txt"}, checks=checks, budget={"attempts": 1})
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    yard.git("switch", "-q", "main")
    yard.write("needed", "now\n")
    yard.commit("mend")
    yard.git("switch", "-q", "--detach")
    yard.clerk("start")
    yard.clerk("retry", "a")
    yard.until("a", "merged")
