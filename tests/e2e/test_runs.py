"""Several runs in one repository: one follows the other, two plans share an engine, edits are told."""

from __future__ import annotations

import json
import signal

import anyio
from waiting import LIMIT_SECONDS, is_gone

from orchestrator.cli.connection import Place
from orchestrator.cli.follow import asking
from orchestrator.errors import EngineUnreachable


def test_a_second_run_follows_the_first_and_a_second_plan_joins_its_engine(yard):
    first = yard.plan({"a": [f"{yard.waits('a')}; echo good > a.txt"]})
    second = yard.plan({"b": [f"{yard.waits('b')}; echo good > b.txt"]}, name="q")
    own = yard.start("run", str(first), "--merge", "auto")
    yard.begun("a")
    again = yard.start("run", str(first), "--merge", "auto")
    assert f"an engine runs here already (pid {own.pid}); following it" in again.stdout.readline()
    joined = yard.start("run", str(second), "--merge", "auto")
    yard.begun("b")
    yard.gate("a").touch()
    told, _ = again.communicate(timeout=LIMIT_SECONDS)
    assert (again.returncode, "a  merged as" in told) == (0, True), told
    while "seeing plan q to its end" not in own.stdout.readline():
        assert own.poll() is None
    yard.gate("b").touch()
    for process, task in ((own, "a"), (joined, "b")):
        told, _ = process.communicate(timeout=LIMIT_SECONDS)
        assert (process.returncode, f"{task}  merged as" in told) == (0, True), told
    assert len(yard.first_parents()) == 3
    both = json.loads(yard.clerk("status", "--json").stdout)["plans"]
    assert [(p["name"], p["settled"], p["counts"]) for p in both] == [
        ("p", True, {"merged": 1}),
        ("q", True, {"merged": 1}),
    ]
    assert "say which with --plan: p, q" in yard.clerk("merge", "--all", code=2).stderr


def test_an_edited_plan_is_refused_with_the_difference_until_the_edit_is_meant(yard):
    plan = yard.plan({"a": "echo good > a.txt"})
    yard.clerk("run", str(plan), "--merge", "auto")
    yard.plan({"a": "echo good > a.txt", "b": {"do": "echo good > b.txt", "after": ["a"]}})
    refused = yard.clerk("run", str(plan), "--merge", "auto", code=2)
    assert "--accept-changes" in refused.stderr
    assert "+- id: b" in refused.stderr
    assert list(yard.status()) == ["a"]
    done = yard.clerk("run", str(plan), "--merge", "auto", "--accept-changes")
    assert "2 merged" in done.stdout
    assert len(yard.first_parents()) == 3


def test_an_interrupted_run_stops_its_session_and_goes_on_later(yard):
    work = f"if [ -e half.md ]; then echo good > a.txt; else echo half > half.md; {yard.waits('a')}; fi"
    plan = yard.plan({"a": work})
    run = yard.start("run", str(plan), "--merge", "auto")
    session = yard.begun("a")
    run.send_signal(signal.SIGINT)
    told, _ = run.communicate(timeout=LIMIT_SECONDS)
    assert run.returncode == 130, told
    assert "run the same command again to go on" in told
    assert is_gone(session)
    assert yard.holder is None
    done = yard.clerk("run", str(plan), "--merge", "auto")
    assert "1 merged" in done.stdout
    task = yard.status()["a"]
    assert task["attempts_used"] == 1
    attempts = json.loads(yard.clerk("status", "a", "--json").stdout)["attempts"]
    ends = [(attempt["outcome"], attempt["counted"]) for attempt in attempts]
    assert ends == [("abandoned", False), ("completed", True)]
    assert yard.git("show", "main:half.md") == "half"
    assert "interrupted" in yard.prompt("a", 2)


def test_an_engine_that_ended_with_its_plans_is_known_by_what_it_left(yard):
    """Who follows somebody else's run asks once more at its end; nobody may be there by then."""

    class Ended:
        async def status(self):
            raise EngineUnreachable("the engine is ending")

    yard.clerk("run", str(yard.plan({"a": "echo good > a.txt"})), "--merge", "auto")
    told = anyio.run(asking(Ended(), Place(yard.state.parent, yard.state)))
    assert [(plan.name, plan.settled) for plan in told.plans] == [("p", True)]
