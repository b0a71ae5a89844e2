"""People move the target as they like: deleted, replaced, set back. The engine says so and lives."""

from __future__ import annotations

from waiting import until_blocking


def test_a_target_that_is_gone_is_told_and_not_asked_for_for_ever(yard):
    plan = yard.plan(
        {"a": "echo good > a.txt"}, checks={"unit": {"run": f"{yard.waits('baseline')}; true"}}
    )
    yard.clerk("start", str(plan))
    yard.begun("baseline")
    yard.clerk("stop")
    yard.git("branch", "-D", "main")
    yard.clerk("start")
    told = yard.until("a", "needs_input")
    assert "the target branch 'main' is gone" in told["reason"]
    with yard.api() as api:
        until_blocking(lambda: all(p["settled"] for p in api.get("/v1/status").json()["plans"]))
        assert api.get("/v1/status").json()["last_seq"] < 30, "nothing is told again and again"


def test_an_engine_survives_a_target_that_was_replaced_by_another_history(yard):
    yard.clerk("start", str(yard.plan({"a": "echo good > a.txt"})))
    yard.until("a", "verified")
    engine = yard.holder.pid
    yard.git("checkout", "-q", "--orphan", "other")
    yard.git("branch", "-f", "main", yard.commit("another beginning"))
    target = yard.git("rev-parse", "main")
    with yard.api() as api:

        def looked_at() -> bool:
            (plan,) = api.get("/v1/status").json()["plans"]
            (task,) = plan["tasks"]
            return plan["target_commit"] == target and not task["merge_ready"]

        until_blocking(looked_at)
    yard.clerk("merge", "a", code=3)
    assert yard.holder.pid == engine
    assert yard.git("rev-parse", "main") == target


def test_what_people_took_off_the_target_does_not_come_back_with_a_task(yard):
    yard.write("wrong.txt", "good\n")
    wrong = yard.commit("a mistake")
    yard.git("branch", "-f", "main", wrong)
    yard.clerk("run", str(yard.plan({"a": "echo good > a.txt"})))
    yard.git("branch", "-f", "main", f"{wrong}~1")
    refused = yard.clerk("merge", "a", code=3)
    assert "no longer holds" in refused.stderr
    assert yard.git("rev-parse", "main") == yard.git("rev-parse", f"{wrong}~1")
    yard.git("branch", "-f", "main", wrong)
    yard.clerk("merge", "a")
