"""What people order, by the commands they have: done, or refused with the reason."""

from __future__ import annotations

import json

from waiting import is_gone, until_blocking


def test_a_retry_with_a_note_revives_the_task_and_what_it_had_settled(yard):
    plan = yard.plan(
        {
            "a": ["echo bad > a.txt", "echo good > a.txt"],
            "b": {"do": "echo good > b.txt", "after": ["a"]},
        },
        budget={"attempts": 1},
    )
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    assert "retry that one" in yard.clerk("retry", "b", code=3).stderr
    refused = yard.clerk("merge", "a", "b", "--json", code=3)
    assert json.loads(refused.stdout) == {
        "done": [],
        "refused": [
            {"task": "a", "reason": "it is failed; only what is verified can land"},
            {"task": "b", "reason": "it is cancelled; only what is verified can land"},
        ],
    }
    assert "it is failed already" in yard.clerk("cancel", "a", code=3).stderr
    assert yard.clerk("retry", "a", "--note", "Say good, not bad.").stdout == "a: sent back\n"
    done = yard.clerk("run", str(plan), "--merge", "auto")
    assert "2 merged" in done.stdout
    assert "Say good, not bad." in yard.prompt("a", 2)
    assert yard.status()["a"]["attempts_allowed"] == 2


def test_what_needs_approval_lands_only_when_a_person_approved_it(yard):
    plan = yard.plan(
        {"a": {"do": "echo good > a.txt", "approve": True}, "b": "echo good > b.txt"}, merge="auto"
    )
    waits = yard.clerk("run", str(plan), code=3)
    assert "verified: a person must approve it: clerk approve a" in waits.stdout
    assert len(yard.first_parents()) == 2, "b has landed, a waits"
    refused = yard.clerk("merge", "a", code=3)
    assert refused.stderr.endswith("a: approved: a person must approve it: clerk approve a\n")
    assert "b: it is merged" in yard.clerk("approve", "b", code=3).stderr
    yard.clerk("approve", "a")
    assert yard.until("a", "merged")["approved"]
    assert len(yard.first_parents()) == 3


def test_merge_all_lands_what_is_ready_and_leaves_the_rest(yard):
    plan = yard.plan(
        {
            "a": "echo good > a.txt",
            "b": "echo good > b.txt",
            "c": {"do": "echo good > c.txt", "approve": True},
        }
    )
    yard.clerk("run", str(plan), code=3)
    landed = yard.clerk("merge", "--all").stdout
    assert sorted(landed.splitlines()) == ["p/a: landed", "p/b: landed"]
    assert [yard.status()[name]["state"] for name in "abc"] == ["merged", "merged", "verified"]
    assert "nothing to do" in yard.clerk("merge", "--all").stderr
    assert "name the tasks to merge, or say --all" in yard.clerk("merge", code=2).stderr


def test_a_cancelled_session_is_gone_and_its_dependants_are_settled(yard):
    plan = yard.plan(
        {
            "a": f"echo half > half.txt; {yard.waits('a')}",
            "b": {"do": "echo good > b.txt", "after": ["a"]},
            "c": {"do": "echo good > c.txt", "after": ["b"]},
            "d": "echo good > d.txt",
        }
    )
    yard.clerk("start", str(plan))
    session = yard.begun("a")
    assert yard.clerk("cancel", "a").stdout == "a: cancelled\n"
    assert is_gone(session)
    yard.until("c", "cancelled")
    yard.until("d", "verified")
    states = yard.status()
    assert {name: task["state"] for name, task in states.items()} == {
        "a": "cancelled",
        "b": "cancelled",
        "c": "cancelled",
        "d": "verified",
    }
    assert states["b"]["reason"] == "'a' was cancelled"
    assert states["c"]["reason"] == "needs 'b', and 'a' was cancelled"
    assert (yard.home / "a repo.worktrees/p/a/half.txt").read_text() == "half\n"
    attempt = json.loads(yard.clerk("status", "a", "--json").stdout)["attempts"][0]
    assert (attempt["outcome"], attempt["counted"]) == ("cancelled", False)


def test_a_task_cancelled_while_it_is_verified_stops_its_check_and_can_be_retried(yard):
    check = f'if [ -e a.txt ] && [ ! -e "$GATES/c" ]; then {yard.waits("c")}; fi'
    plan = yard.plan({"a": "echo good >> a.txt"}, checks={"unit": {"run": check}})
    yard.clerk("start", str(plan))
    running = yard.begun("c")
    yard.clerk("cancel", "a")
    assert is_gone(running)
    assert yard.status()["a"]["state"] == "cancelled"
    yard.gate("c").touch()
    yard.clerk("retry", "a")
    assert yard.until("a", "verified")["attempts_used"] == 2
    assert yard.git("show", "clerk/p/a:a.txt") == "good\ngood", "the branch had stayed"


def test_a_paused_plan_and_a_paused_task_start_nothing_until_resumed(yard):
    plan = yard.plan(
        {
            "a": f"{yard.waits('a')}; echo good > a.txt",
            "b": "echo good > b.txt",
            "c": "echo good > c.txt",
        },
        parallel=1,
    )
    yard.clerk("start", str(plan))
    yard.begun("a")
    yard.clerk("pause")
    yard.gate("a").touch()
    yard.until("a", "verified")
    assert settled(yard), "nothing moves"
    assert (yard.status()["b"]["state"], yard.status()["b"]["ready"]) == ("pending", False)
    yard.clerk("pause", "b")
    yard.clerk("resume")
    yard.until("c", "verified")
    assert settled(yard)
    assert yard.status()["b"]["state"] == "pending"
    yard.clerk("resume", "b")
    yard.until("b", "verified")


def settled(yard) -> bool:
    with yard.api() as api:
        until_blocking(lambda: api.get("/v1/status").json()["plans"][0]["settled"])
    return True


def test_a_question_is_answered_and_the_work_goes_on(yard):
    plan = yard.plan(
        {
            "a": [
                """echo '{"clerk": {"ask": "Which of the two carts?"}}'""",
                "echo good > a.txt",
            ]
        }
    )
    asked = yard.clerk("run", str(plan), code=3)
    assert 'Which of the two carts? (clerk answer a "…")' in asked.stdout
    assert "asks nothing" not in yard.clerk("answer", "a", "The left one.").stderr
    yard.until("a", "verified")
    told = yard.prompt("a", 2)
    assert "Which of the two carts?" in told
    assert "The left one." in told
    assert "asks nothing" in yard.clerk("answer", "a", "Again.", code=3).stderr


def test_a_stopped_engine_ends_its_sessions_and_goes_on_when_started(yard):
    plan = yard.plan(
        {"a": f"test -e seen && echo good > a.txt && exit; touch seen; {yard.waits('a')}"}
    )
    yard.clerk("start", str(plan))
    session = yard.begun("a")
    assert "the engine runs already" in yard.clerk("start").stderr
    yard.clerk("stop")
    assert is_gone(session)
    assert yard.holder is None
    assert "no engine runs here" in yard.clerk("stop").stderr
    yard.clerk("start")
    assert yard.until("a", "verified")["attempts_used"] == 1
