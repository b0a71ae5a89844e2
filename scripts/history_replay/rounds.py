"""Runs of the engine, one after the other, and what it says of each.

A change that is refused takes those with it that build on it. They are tried again in a plan
without it, as a person would; and it is tried again itself where the target has moved since, for
it may have come before its time.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from history_replay.git import environment
from history_replay.orders import write_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from history_replay.orders import Wishes
    from history_replay.yard import Yard

_NEVER_BEGUN = frozenset({"pending", "cancelled"})
"""States in which a change waited for another that did not land."""

_ORDERLY = frozenset({0, 1, 3})
"""Exit codes of a run that did its work, whatever came of the tasks."""


class RunFailed(Exception):
    """The engine could not run; the message tells how it ended."""


@dataclass(slots=True)
class Fate:
    """What became of one change: ``sent_back`` and ``refused`` hold the engine's own reasons.

    ``refused_at`` is how many had landed when it was refused; one that is ``there`` changed nothing,
    for others had taken over what it brings.
    """

    id: str
    state: str = "pending"
    landed: str = ""
    round: int = 0
    sessions: int = 0
    sent_back: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    refused_at: int = -1
    there: bool = False


@dataclass(slots=True)
class Tally:
    """What a replay came to; ``verifications`` are those the engine ran or knew."""

    fates: dict[str, Fate]
    seconds: float = 0.0
    rounds: int = 0
    verifications: int = 0

    def landed(self) -> list[Fate]:
        return [fate for fate in self.fates.values() if fate.landed]

    def settled(self) -> int:
        """How often it was said of a change what became of it; each round should add to it."""
        return len(self.landed()) + sum(len(fate.refused) for fate in self.fates.values())

    def next_round(self) -> list[str]:
        """The ids to be tried next; none when nothing could come of it."""
        left = [fate for fate in self.fates.values() if not (fate.landed or fate.there)]
        untried = [fate.id for fate in left if fate.refused_at < 0]
        landed = len(self.landed())
        return untried or [fate.id for fate in left if fate.refused_at < landed]


def replay(yard: Yard, folder: Path, wishes: Wishes, say: Callable[[str], None]) -> Tally:
    """Round after round; raises RunFailed where the engine could not run."""
    tally = Tally({pick.change.id: Fate(pick.change.id) for pick in yard.picks})
    settled = -1
    while (ids := tally.next_round()) and tally.settled() > settled:
        settled = tally.settled()
        tally.rounds += 1
        name = f"replay-{tally.rounds}"
        picks = [pick for pick in yard.picks if pick.change.id in ids]
        plan = write_orders(folder / name, name, yard, picks, wishes)
        say(f"Round {tally.rounds}: {len(picks)} changes")
        started = time.monotonic()
        run(yard.clone, plan, lambda event: hear(tally, event, say))
        tally.seconds += time.monotonic() - started
        for fate in (tally.fates[id_] for id_ in ids):
            if fate.refused_at >= 0 and not fate.landed:
                fate.there = _changed_nothing(yard.clone, name, fate.id)
    return tally


def run(clone: Path, plan: Path, hear_event: Callable[[dict[str, Any]], None]) -> None:
    """``clerk run`` to its end, its events handed on; an interrupt is for it to answer."""
    words = [clerk_program(), "run", str(plan), "--merge", "auto", "--json"]
    with _deaf_to_interrupts():
        engine = subprocess.Popen(
            words, cwd=clone, env=environment(), stdout=subprocess.PIPE, encoding="utf-8"
        )
        with engine:
            for line in engine.stdout or ():
                hear_event(json.loads(line))
    if engine.returncode not in _ORDERLY:
        raise RunFailed(f"clerk run ended with {engine.returncode}")


def hear(tally: Tally, event: dict[str, Any], say: Callable[[str], None]) -> None:
    """Take in one event of a run."""
    match event:
        case {"kind": "task_changed", "task": id_, "data": {"from": old, "to": new}}:
            _moved(tally.fates[id_], old, new, event, say)
        case {"kind": "verification_ended"}:
            tally.verifications += 1
        case {"kind": "run_ended", "tasks": tasks}:
            for (
                id_,
                told,
            ) in tasks.items():  # twice: what was refused is measured by all that landed
                tally.fates[id_].landed = told["merged_commit"]
            for id_, told in tasks.items():
                _ended(tally, tally.fates[id_], told, say)


def _moved(
    fate: Fate, old: str, new: str, event: dict[str, Any], say: Callable[[str], None]
) -> None:
    if new == "running":
        fate.sessions += 1
    elif new == "retry_queued" and old in {"verifying", "verified", "merging"}:
        fate.sent_back.append(event["message"])
        say(f"{fate.id} sent back: {event['message']}")
    elif new == "merged":
        say(f"{fate.id} landed")


def _ended(tally: Tally, fate: Fate, told: dict[str, str], say: Callable[[str], None]) -> None:
    fate.state, fate.landed, fate.round = told["state"], told["merged_commit"], tally.rounds
    if not fate.landed and fate.state not in _NEVER_BEGUN:
        fate.refused.append(told["reason"] or fate.state)
        fate.refused_at = len(tally.landed())
        say(f"{fate.id} {fate.state}: {fate.refused[-1]}")


def _changed_nothing(clone: Path, plan: str, task: str) -> bool:
    """Whether the last session of a task found nothing to do."""
    words = [clerk_program(), "status", f"{plan}/{task}", "--json"]
    shown = subprocess.run(
        words, cwd=clone, env=environment(), stdout=subprocess.PIPE, check=True
    ).stdout
    attempts = json.loads(shown)["attempts"]
    return bool(attempts) and attempts[-1]["outcome"] == "no_change"


def clerk_program() -> str:
    return str(Path(sys.executable).with_name("clerk"))


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
