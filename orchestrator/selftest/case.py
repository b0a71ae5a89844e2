"""A case of the self-test, and what came of it. Only words: who runs and judges them is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.selftest.traces import Traces


class Standing(StrEnum):
    """What a case came to."""

    CAUGHT = "caught"
    NOT_CAUGHT = "NOT CAUGHT"
    NOT_TRIED = "could not be tried here"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether what should be caught was, and what happened, in words for people."""

    caught: bool
    told: str


Judge = Callable[["Traces"], Judgement]


@dataclass(frozen=True, slots=True)
class Act:
    """What the agent of one task does: a shell text for each session, the last one repeats.

    ``{mark}`` in it is a number by which its processes are known. ``more`` are further fields of
    the task in the plan.
    """

    sessions: Sequence[str]
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One misdeed. ``acts`` are its tasks by id.

    ``confined``: only a sandbox can hold it, so that there is nothing to see without one.
    """

    name: str
    tries: str
    wanted: str
    acts: Mapping[str, Act]
    judge: Judge
    confined: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A case and what it came to. ``excused``: it was not tried, since the user wanted no sandbox."""

    case: Case
    standing: Standing
    told: str
    excused: bool = False

    @property
    def ok(self) -> bool:
        return self.standing is Standing.CAUGHT or self.excused


def act(*sessions: str, **more: Any) -> Act:
    """An act of so many sessions."""
    return Act(sessions, more)


def one(
    name: str, tries: str, wanted: str, done: Act, judge: Judge, *, confined: bool = False
) -> Case:
    """A case of one task, named as the case is."""
    return Case(name, tries, wanted, {name: done}, judge, confined)
