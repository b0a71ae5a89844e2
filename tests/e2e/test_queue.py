"""The queue verifies ahead: what is behind does not wait for what is in front to be done."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

from waiting import LIMIT_SECONDS, until_blocking

COUNT = "n=$(ls [a-z].txt 2>/dev/null | wc -l)"
TWO_SLOTS = {"CLERK_VERIFY_SLOTS": "2"}


def by_count(yard, *counts):
    """A check that waits, on a tree with so many files, for a gate; else what ``check.sh`` says."""
    cases = " ".join(f"{count}) {yard.waits(f'tree{count}')};;" for count in counts)
    return {"unit": {"run": f"{COUNT}; case $n in {cases} esac; sh check.sh"}}


def files(names):
    return {name: f"echo good > {name}.txt" for name in names}


def line(yard):
    """Who is in line now: standing and those in front, by task."""
    with yard.api() as api:
        queues = api.get("/v1/status").json()["queues"]
    return {e["task"]: (e["standing"], e["on"]) for queue in queues for e in queue["entries"]}


def ends_well(run):
    told, _ = run.communicate(timeout=LIMIT_SECONDS)
    assert run.returncode == 0, told


def until_line(yard, wanted):
    until_blocking(lambda: sorted(line(yard).values()) == sorted(wanted))


def ends_of_plan(yard) -> list[str]:
    """What was told whenever nothing moved any more."""
    with closing(sqlite3.connect(yard.state / "clerk.db")) as connection:
        rows = connection.execute("SELECT message FROM event WHERE kind = 'plan_settled'")
        return [message for (message,) in rows]


def values_of_target(yard):
    """Every value the target had, the newest first."""
    return yard.git("log", "-g", "--format=%H", "main").split()


def trailers(yard, key, *where):
    shown = f"--format=%(trailers:key={key},valueonly)"
    return yard.git("log", "--first-parent", shown, *where).split()


def test_a_longer_candidate_that_passes_lands_all_that_is_in_it(yard):
    """Three tasks: one lands at once, its tree being known, the others are verified on top of it."""
    queue = {"mode": "tip", "slots": 2}
    plan = yard.plan(files("abc"), checks=by_count(yard, 2, 3), merge="auto", queue=queue)
    run = yard.start("run", str(plan), **TWO_SLOTS)
    yard.begun("tree2")
    yard.begun("tree3")
    seen = line(yard)
    first = next(task for task, (_, on) in seen.items() if not on)
    assert sorted(seen.values()) == [("verifying", []), ("verifying", [first])]
    before = yard.git("rev-parse", "main")
    yard.gate("tree3").touch()
    ends_well(run)
    assert values_of_target(yard)[:2] == [yard.git("rev-parse", "main"), before]
    assert len(trailers(yard, "Clerk-Task", f"{before}..main")) == 2
    told = trailers(yard, "Clerk-Guarded", f"{before}..main")
    trees = [yard.git("rev-parse", f"main{at}^{{tree}}") for at in ("", "~1")]
    assert told == [f"unit@{tree}" for tree in trees]
    assert not trailers(yard, "Clerk-Verified", f"{before}..main"), "nobody calls it verified"
    assert yard.audit() == ["proven", "covered", "proven"]


def test_what_landed_with_a_longer_candidate_is_not_shown_as_being_checked(yard):
    queue = {"mode": "tip", "slots": 2}
    plan = yard.plan(files("abc"), checks=by_count(yard, 2, 3), merge="auto", queue=queue)
    yard.clerk("start", str(plan), **TWO_SLOTS)
    yard.begun("tree2")
    yard.begun("tree3")
    yard.gate("tree3").touch()
    for task in "abc":
        yard.until(task, "merged")
    shown = [check for task in yard.status().values() for check in task["checks"]]
    assert {(check["running"], check["verdict"]) for check in shown} == {(False, "passed")}


def test_what_landed_below_a_proven_one_is_verified_by_itself_while_others_work(yard):
    """Red by itself as it is here, it is told, and stays."""
    check = f"{COUNT}; if [ $n = 2 ]; then {yard.waits('two')}; fi; [ $n != 2 ]"
    tasks = {**files("abc"), "d": f"{yard.waits('d')}; echo good > d.txt"}
    queue = {"mode": "tip", "slots": 2}
    plan = yard.plan(tasks, checks={"unit": {"run": check}}, merge="auto", queue=queue)
    run = yard.start("run", str(plan), **TWO_SLOTS)
    yard.begun("two")
    until_blocking(lambda: yard.git("rev-list", "--count", "--first-parent", "main") == "4")
    yard.gate("two").touch()

    def told():
        with yard.api() as api:
            tasks = [api.get(f"/v1/plans/p/tasks/{task}").json() for task in "abc"]
        return any("is red by itself" in note["text"] for t in tasks for note in t["warnings"])

    until_blocking(told)
    yard.gate("d").touch()
    ends_well(run)
    assert len(yard.first_parents()) == 5


def test_what_landed_below_others_is_not_held_to_what_those_brought(yard):
    own = {f"own-{name}": {"run": f"[ -e {name}.txt ]"} for name in "abc"}
    tasks = {
        name: {"do": f"echo good > {name}.txt", "done_when": ["unit", f"own-{name}"]}
        for name in "abc"
    } | {"d": f"{yard.waits('d')}; echo good > d.txt"}
    queue = {"mode": "tip", "slots": 2}
    checks = {**by_count(yard, 2, 3), **own}
    run = yard.start("run", str(yard.plan(tasks, checks, merge="auto", queue=queue)), **TWO_SLOTS)
    yard.begun("tree2")
    yard.begun("tree3")
    yard.gate("tree3").touch()
    until_blocking(lambda: yard.git("rev-list", "--count", "--first-parent", "main") == "4")
    yard.gate("tree2").touch()

    def proofs():
        with yard.api() as api:
            told = [api.get(f"/v1/plans/p/tasks/{task}").json() for task in "abc"]
        assert not any("by itself" in note["text"] for one in told for note in one["warnings"])
        return [
            proof["verdict"]
            for one in told
            for proof in one["verifications"]
            if (proof["purpose"], proof["commit"]) == ("candidate", one["task"]["merged_commit"])
        ]

    until_blocking(lambda: len(proofs()) == 3)
    assert proofs() == ["passed"] * 3
    yard.gate("d").touch()
    ends_well(run)


def test_in_strict_mode_nothing_lands_that_was_not_verified_itself(yard):
    queue = {"mode": "strict", "slots": 2}
    plan = yard.plan(files("abc"), checks=by_count(yard, 2, 3), merge="auto", queue=queue)
    run = yard.start("run", str(plan), **TWO_SLOTS)
    yard.begun("tree2")
    yard.begun("tree3")
    before = yard.git("rev-parse", "main")
    first = next(task for task, (_, on) in line(yard).items() if not on)
    yard.gate("tree3").touch()
    until_line(yard, [("verifying", []), ("passed", [first])])
    assert yard.git("rev-parse", "main") == before
    yard.gate("tree2").touch()
    ends_well(run)
    assert len(trailers(yard, "Clerk-Verified", f"{before}..main")) == 2


def test_what_is_red_goes_back_and_those_behind_it_land_without_it(yard):
    """The second is red with the first; the third does not care."""
    yard.write("check.sh", "! [ -e a.txt ] || ! [ -e b.txt ] || [ -e mended.txt ]\n")
    yard.git("branch", "-f", "main", yard.commit("check"))
    tasks = {
        "a": "echo good > a.txt",
        "b": [f"{yard.waits('b')}; echo good > b.txt", "echo good > mended.txt"],
        "c": f"{yard.waits('c')}; echo good > c.txt",
    }
    plan = yard.plan(tasks, merge="auto", queue={"slots": 2})
    run = yard.start("run", str(plan), **TWO_SLOTS)
    yard.begun("b")
    yard.begun("c")
    yard.until("a", "merged")
    yard.gate("b").touch()
    yard.gate("c").touch()
    ends_well(run)
    tasks = yard.status()
    assert {task["state"] for task in tasks.values()} == {"merged"}
    assert (tasks["b"]["attempts_used"], tasks["c"]["attempts_used"]) == (2, 1)
    assert trailers(yard, "Clerk-Task", "main") == ["b", "c", "a"]
    assert all(yard.passes(commit) for commit in yard.first_parents())


def test_a_conflict_with_what_has_not_landed_costs_nothing_and_may_pass(yard):
    """The one behind waits; as the one in front is cancelled, it lands and no agent is asked."""
    checks = {"unit": {"run": f"if [ -e a.txt ]; then {yard.waits('a')}; fi; sh check.sh"}}
    tasks = {
        "a": "echo good > a.txt; echo good a > x.txt",
        "b": f"{yard.waits('b')}; echo good b > x.txt",
    }
    plan = yard.plan(tasks, checks=checks)
    run = yard.start("run", str(plan), **TWO_SLOTS)
    yard.begun("a")
    yard.gate("a").touch()
    yard.until("a", "verified")
    yard.gate("b").touch()
    ends_well(run)
    yard.gate("a").unlink()
    yard.write("other.txt", "good\n")  # so that a's tree on the target is not known
    yard.git("branch", "-f", "main", yard.commit("other"))
    yard.gate("a.pid").unlink()
    yard.clerk("merge", "--no-wait", "a", "b")
    yard.begun("a")
    assert line(yard) == {"a": ("verifying", []), "b": ("conflict", [])}
    yard.clerk("cancel", "a")
    yard.until("b", "merged")
    assert yard.status()["b"]["attempts_used"] == 1


def test_a_persons_commit_while_candidates_are_verified_is_built_upon(yard):
    plan = yard.plan(files("ab"), checks=by_count(yard, 2), merge="auto")
    run = yard.start("run", str(plan), **TWO_SLOTS)
    yard.begun("tree2")
    yard.git("checkout", "-q", "--detach", "main")
    yard.write("person.md", "kept\n")
    tip = yard.commit("a person's own")
    yard.git("update-ref", "refs/heads/main", tip)
    yard.gate("tree2").touch()
    ends_well(run)
    assert yard.git("merge-base", "--is-ancestor", tip, "main", check=False) == ""
    assert yard.git("show", "main:person.md") == "kept"
    assert len(trailers(yard, "Clerk-Task", "main")) == 2


def test_a_person_decides_who_comes_first_and_who_waits(yard):
    plan = yard.plan(files("abc"))
    yard.clerk("run", str(plan), **TWO_SLOTS)
    yard.clerk("queue", "pause")
    yard.clerk("queue", "up", "c")
    yard.clerk("queue", "out", "b")
    yard.clerk("merge", "--no-wait", "a", "b", "c")
    assert "nothing is in line" in yard.clerk("queue").stderr
    yard.clerk("queue", "resume")
    for task in "ca":
        yard.until(task, "merged")
    assert trailers(yard, "Clerk-Task", "main") == ["a", "c"]
    assert yard.status()["b"]["state"] == "verified"
    yard.clerk("queue", "in", "b")
    yard.until("b", "merged")
    refused = yard.clerk("queue", "up", "b", code=3)
    assert "its turn has come and gone" in refused.stderr


def test_a_landed_task_is_taken_back_and_whoever_needs_it_is_told(yard):
    tasks = {**files("a"), "b": {"do": "echo good > b.txt", "after": ["a"]}}
    plan = yard.plan(tasks, merge="auto")
    yard.clerk("run", str(plan))
    before = yard.git("rev-parse", "main")
    for order in (["--json"], []):
        refused = yard.clerk("revert", "a", *order, code=3)
        told = json.loads(refused.stdout)["refused"][0]["reason"] if order else refused.stderr
        assert "b landed after it, needs it and stays on main" in told
        assert "--yes" in told
    assert yard.holder is None, "nothing is started for what is refused"
    assert yard.git("rev-parse", "main") == before
    done = yard.clerk("revert", "a", "--json", "--yes")
    assert "b landed after it" in done.stderr
    assert json.loads(done.stdout)["done"] == ["p/a"]
    assert yard.git("ls-tree", "--name-only", "main", "a.txt", "b.txt") == "b.txt"
    landed = yard.status()["a"]["merged_commit"]
    assert trailers(yard, "Clerk-Reverts", "-1", "main") == [f"a@{landed}"]
    assert len(trailers(yard, "Clerk-Verified", "-1", "main")) == 1
    until_blocking(lambda: yard.audit() == ["proven"] * 3)
    page = yard.clerk("evidence", "a").stdout
    assert "taken back from main" in page
    assert "attempts" not in page
    status = yard.clerk("status").stdout
    assert re.search(r"a  reverted with \w{9}, merged as \w{9}", status)
    assert "1 merged, 1 reverted" in status, "one word, and counted on its own"
    until_blocking(lambda: "1 of 2 tasks merged, 1 reverted" in ends_of_plan(yard))
    told = json.loads(yard.clerk("status", "b", "--json").stdout)
    assert "'a', which it needs, was taken back" in json.dumps(told)
    again = yard.clerk("revert", "a", code=3)
    assert "taken back already" in again.stderr


def test_a_landing_that_others_stand_on_is_not_taken_back(yard):
    yard.write("check.sh", "! [ -e b.txt ] || [ -e a.txt ]\n")
    yard.git("branch", "-f", "main", yard.commit("check"))
    tasks = {**files("a"), "b": {"do": "echo good > b.txt", "after": ["a"]}}
    yard.clerk("run", str(yard.plan(tasks, merge="auto")))
    before = yard.git("rev-parse", "main")
    told = yard.clerk("revert", "a", "--yes", code=3)
    assert "without it unit fails" in told.stderr
    assert yard.git("rev-parse", "main") == before
    (task,) = (t for name, t in yard.status().items() if name == "a")
    assert (task["state"], task["reverted_commit"]) == ("merged", "")
    yard.clerk("revert", "c", code=2)


def test_work_that_gave_way_in_a_conflict_is_a_persons_to_decide_and_costs_no_attempts(yard):
    theirs = "git checkout MERGE_HEAD -- x.txt; git add -A; git commit -qm 'gave way'"
    tasks = {
        "a": "echo good a > x.txt",
        "b": [f"{yard.waits('b')}; echo good b > x.txt", theirs],
    }
    run = yard.start("run", str(yard.plan(tasks, merge="auto")), **TWO_SLOTS)
    yard.begun("b")
    yard.until("a", "merged")
    yard.gate("b").touch()
    told, _ = run.communicate(timeout=60)
    assert run.returncode == 3, told
    task = yard.status()["b"]
    assert (task["state"], task["attempts_used"]) == ("needs_input", 2)
    assert "nothing of it is left to land" in task["reason"]
