"""Which changes are tried in which round, what the engine is given, and what it is heard to say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from history_replay import rounds
from history_replay.orders import Wishes, plan_of, write_orders
from history_replay.rounds import Fate, RunFailed, Tally, hear
from history_replay.yard import Yard

from orchestrator.agents.replay import read_script
from orchestrator.plan.model import Plan

WISHES = Wishes(test="sh test.sh", lend=("/opt/tools",), setup=("true",))


def silent(_text: str) -> None:
    """Nobody looks on."""


def tally_of(*ids: str) -> Tally:
    return Tally({id_: Fate(id_) for id_ in ids}, rounds=1)


def ended(tally: Tally, **states: str) -> None:
    """Let a run end with these states; ``failed`` and the like have a reason."""
    tasks = {
        id_: {
            "state": state,
            "reason": "" if state == "merged" else f"{state} it was",
            "merged_commit": "abc" if state == "merged" else "",
        }
        for id_, state in states.items()
    }
    hear(tally, {"kind": "run_ended", "tasks": tasks}, silent)


def test_a_plan_is_one_the_engine_understands(yard: Yard, tmp_path: Path) -> None:
    path = write_orders(tmp_path / "round", "replay-1", yard, yard.picks, WISHES)
    plan = Plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert [task.title for task in plan.tasks][:2] == ["Please add-two", "Please add-three"]
    assert plan.task("c06").after == ("c01", "c02", "c03")
    assert plan.worktree.needs.paths == ("/opt/tools",)
    assert "queue" not in yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = read_script(path.parent / "replay.yaml").tasks
    assert sorted(steps) == sorted(task.id for task in plan.tasks)
    assert (path.parent / "builder.py").is_file()


def test_the_queue_is_told_only_what_was_asked_for(yard: Yard) -> None:
    asked = dataclasses.replace(WISHES, queue={"mode": "tip", "slots": 2})
    assert plan_of("replay-1", yard.picks, asked)["queue"] == {"mode": "tip", "slots": 2}


def test_a_title_that_is_no_line_of_text_becomes_one(yard: Yard) -> None:
    pick = yard.picks[0]
    for odd in ("", "\x1b[31mred\x07", "x" * 900):
        change = dataclasses.replace(pick.change, title=odd)
        plan = plan_of("replay-1", [dataclasses.replace(pick, change=change)], WISHES)
        assert Plan.model_validate(plan).tasks[0].title.isprintable()


def test_a_later_round_waits_for_none_that_is_not_in_it(yard: Yard) -> None:
    some = [pick for pick in yard.picks if pick.change.id in {"c03", "c06"}]
    assert [task["after"] for task in plan_of("replay-2", some, WISHES)["tasks"]] == [[], ["c03"]]


def test_what_was_cancelled_is_tried_again_without_what_was_refused() -> None:
    tally = tally_of("c1", "c2", "c3", "c4")
    assert tally.next_round() == ["c1", "c2", "c3", "c4"]
    ended(tally, c1="merged", c2="failed", c3="cancelled", c4="pending")
    assert tally.next_round() == ["c3", "c4"]
    ended(tally, c3="merged", c4="merged")
    assert tally.next_round() == ["c2"], "the target has moved since it was refused"
    ended(tally, c2="failed")
    assert tally.next_round() == []
    assert tally.fates["c2"].refused == ["failed it was"] * 2


def test_a_person_wanted_or_a_landing_that_waits_is_no_landing() -> None:
    tally = tally_of("c1", "c2")
    ended(tally, c1="needs_input", c2="verified")
    assert tally.next_round() == []
    assert [fate.refused for fate in tally.fates.values()] == [
        *(["needs_input it was"], ["verified it was"])
    ]


def test_one_that_has_nothing_left_to_do_is_not_tried_again() -> None:
    tally = tally_of("c1", "c2")
    ended(tally, c1="failed", c2="merged")
    tally.fates["c1"].refused_at = 0
    assert tally.next_round() == ["c1"]
    tally.fates["c1"].there = True
    assert tally.next_round() == []


def test_sessions_and_ways_back_are_counted() -> None:
    tally = tally_of("c1")
    moves = (
        ("pending", "running"),
        ("running", "verifying"),
        ("verifying", "verified"),
        ("verified", "retry_queued"),
        ("retry_queued", "running"),
    )
    for old, new in moves:
        event = {"kind": "task_changed", "task": "c1", "message": "conflicts"}
        hear(tally, {**event, "data": {"from": old, "to": new}}, silent)
    hear(tally, {"kind": "verification_ended", "task": "c1"}, silent)
    assert (tally.fates["c1"].sessions, tally.fates["c1"].sent_back) == (2, ["conflicts"])
    assert tally.verifications == 1


def test_a_round_in_which_nothing_moves_is_the_last(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Path] = []

    def run(_clone: Path, plan: Path, hear_event: Callable[[dict[str, Any]], None]) -> None:
        plans.append(plan)
        told = {"state": "pending", "reason": "", "merged_commit": ""}
        hear_event({"kind": "run_ended", "tasks": {p.change.id: told for p in yard.picks}})

    monkeypatch.setattr(rounds, "run", run)
    tally = rounds.replay(yard, tmp_path / "rounds", WISHES, silent)
    assert (len(plans), tally.rounds, len(tally.landed())) == (1, 1, 0)


def test_an_engine_that_cannot_run_ends_the_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "clerk"
    program.write_text("#!/bin/sh\nexit 4\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(rounds, "clerk_program", lambda: str(program))
    with pytest.raises(RunFailed, match="ended with 4"):
        rounds.run(tmp_path, tmp_path / "plan.yaml", lambda _event: None)
