"""What follows when a session or a verification has ended: a value, made by pure rules.

The rules see the task's facts, its budget and how it ended; they start nothing and move
nothing. What the agent is told next is part of the decision, as text for ``brief``.

A session is counted against the attempts when it ran to an end of its own, however bad; one
that was abandoned by the engine or turned away by a rate limit is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.results import CheckResult, Verification
from orchestrator.states import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.plan.model import Budget
    from orchestrator.records import TaskRecord
    from orchestrator.results import SessionResult

FRESH_ABOVE = 0.7
"""Share of an agent's context window from which a fresh session beats a resumed one."""

FLAKY_MEND = "have it mended (clerk retry), or let the plan allow it (flaky: allow, or quarantine)"

VERIFY_TRIES = 3
VERIFY_PAUSES = (1.0, 5.0)
"""Seconds before a verification that could not be made is tried again."""

LIMIT_PAUSES = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds to wait after a rate limit that did not say until when."""

LONGEST_LIMIT_SECONDS = 6 * 3600.0
"""A rate limit is believed that long at most: asking again costs nothing, a wrong clock a night."""

_UNCOUNTED = frozenset({Outcome.ABANDONED, Outcome.RATE_LIMITED, Outcome.CANCELLED})


@dataclass(frozen=True, slots=True)
class Verify:
    """There is work to verify."""


@dataclass(frozen=True, slots=True)
class VerifyAgain:
    """The verification itself could not be made; not before ``not_before`` (POSIX seconds)."""

    not_before: float
    reason: str


@dataclass(frozen=True, slots=True)
class Again:
    """Another session, told ``feedback``; ``resume`` the old one where that is possible."""

    why: str
    feedback: str
    resume: bool = True
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """The task has failed, for ``reason``."""

    reason: str


@dataclass(frozen=True, slots=True)
class AskPerson:
    """Only a person can go on from here."""

    reason: str


Decision = Verify | VerifyAgain | Again | Stop | AskPerson


@dataclass(frozen=True, slots=True)
class Work:
    """What git says of a session's work.

    ``changed``: the branch has a new head with changes. ``refused`` why the work cannot be taken
    at all; ``unresolved`` files left with conflict markers; the others paths it may not change,
    ``locked`` tests as they are in the commit ``locked_at``. What is ``restorable`` can be verified
    with these put back.
    """

    changed: bool
    refused: str = ""
    unresolved: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    locked_at: str = ""
    restorable: bool = False


def is_counted(outcome: Outcome) -> bool:
    """Whether a session that ended so uses up an attempt."""
    return outcome not in _UNCOUNTED


def attempts_left(record: TaskRecord, budget: Budget) -> int:
    """Further sessions a task may have, before the one in hand is counted."""
    return budget.attempts + record.attempts_extra - record.attempts_used


def left_over(record: TaskRecord, budget: Budget) -> tuple[int | None, float | None]:
    """Tokens and US dollars a task may still use; None where there is no limit."""
    tokens = cost = None
    if budget.tokens is not None:
        tokens = max(0, budget.tokens - (record.usage.tokens - record.granted_tokens))
    if budget.cost is not None:
        cost = max(0.0, budget.cost - (record.usage.cost_usd - record.granted_cost))
    return tokens, cost


def after_session(
    record: TaskRecord,
    budget: Budget,
    result: SessionResult,
    work: Work,
    *,
    can_resume: bool,
    now: float,
) -> Decision:
    """What follows a session that ended as ``result`` and left ``work``."""
    special = _special_end(record, result, can_resume=can_resume, now=now)
    if special is not None:
        return special
    problem = _problem(result, work)
    if problem is None:
        return Verify()
    return _once_more(record, budget, result, *problem, can_resume=can_resume)


def _special_end(
    record: TaskRecord, result: SessionResult, *, can_resume: bool, now: float
) -> Decision | None:
    """What follows endings that say nothing of the work."""
    match result.outcome:
        case Outcome.ASKED:
            return AskPerson(result.message or result.reason or "the agent asks for a person")
        case Outcome.OVER_BUDGET:
            return Stop(f"over budget: {result.reason}")
        case Outcome.RATE_LIMITED:
            return _wait_for_limit(record, result, now)
        case Outcome.ABANDONED | Outcome.CANCELLED:
            return Again("interrupted", _interrupted(record.feedback), resume=can_resume)
    return None


def out_of_bounds(
    record: TaskRecord, budget: Budget, work: Work, *, can_resume: bool
) -> Decision | None:
    """What follows work that passed and yet may not land; None when it keeps its bounds."""
    stray = _stray(work)
    if stray is None:
        return None
    why, told = stray
    if attempts_left(record, budget) <= 0:
        return Stop(_gave_up(why, record.attempts_used))
    return Again(why, told, resume=can_resume)


def sent_back(
    record: TaskRecord, budget: Budget, why: str, told: str, *, can_resume: bool
) -> Decision:
    """What follows work, or tests, that prove nothing yet; ``record`` counts their session."""
    if attempts_left(record, budget) <= 0:
        return Stop(_gave_up(why, record.attempts_used))
    used_up = _used_up(record, budget)
    if used_up:
        return Stop(f"{why}, and {used_up}")
    return Again(why, told, resume=can_resume and _has_room(record.usage.context_share))


def unproven(
    record: TaskRecord, budget: Budget, tests: tuple[str, ...], *, can_resume: bool
) -> Decision:
    """What follows checks that passed without the tests that were to be seen green."""
    why = f"locked tests did not pass: {_some(tests, 3)}"
    told = (
        "The checks passed, but not by the locked tests. These did not run, or were skipped: "
        f"{_some(tests, 20)}. Undo whatever keeps them from running; they must run and pass."
    )
    return sent_back(record, budget, why, told, can_resume=can_resume)


def after_verification(
    record: TaskRecord,
    budget: Budget,
    verification: Verification,
    *,
    digest: str,
    can_resume: bool,
    now: float,
) -> Decision:
    """What follows a verification that did not pass; ``record`` counts the session before it."""
    red = [r for r in verification.failed_checks() if not r.skipped and _blames_agent(r)]
    if not red:
        return _verify_again(record, verification, now)
    names = ", ".join(result.check for result in red)
    told = f"{NOT_PASSED}\n\n{fenced(digest)}"
    return sent_back(record, budget, f"{names} did not pass", told, can_resume=can_resume)


def conflict_feedback(target: str, paths: Sequence[str], hunks: str) -> str:
    """What an agent is told when its work conflicts with what has landed meanwhile."""
    return (
        f"{CONFLICTS} what has landed meanwhile, in: {', '.join(paths)}.\n"
        f"The target (commit {target[:12]}) is being merged into this worktree, and the files "
        "hold conflict markers. Resolve them so that both intentions hold, keep what the target "
        f"brought, and leave no marker.\n\n{fenced(hunks)}"
    )


def red_merge_feedback(target: str, digest: str) -> str:
    """What an agent is told when its work passes alone and fails on top of the target."""
    return (
        "Your work passes alone, but fails together with what has landed meanwhile. The target "
        f"(commit {target[:12]}) has been merged into this worktree, so the failure can be seen "
        f"here. Make both hold; do not undo what landed.\n\n{fenced(digest)}"
    )


def note_feedback(note: str, before: str) -> str:
    """The architect's own words, ahead of whatever was to be told anyway."""
    told = f"The architect sends this task back with a note:\n{note}"
    return f"{told}\n\n{before}" if before else told


def answer_feedback(question: str, answer: str) -> str:
    """The answer to what the agent asked."""
    return f"You asked: {question}\nThe architect answers: {answer}\nGo on with the task."


CONFLICTS = "Your work conflicts with"
INTERRUPTED = (
    "Your last session was interrupted from outside. What you had done is in this worktree, "
    "committed. Look at where you were and finish the task."
)
SENT_BACK = (
    "Your work passed its checks, and the architect sends it back without saying why. Compare it "
    "with the task once more, and mend what falls short."
)
LOCKED = "They stay as they were seen to fail: put back what commit {} has, and nothing else."
NOT_PASSED = "Your work was verified on a clean checkout of your branch and did not pass:"


def _once_more(
    record: TaskRecord,
    budget: Budget,
    result: SessionResult,
    why: str,
    told: str,
    *,
    can_resume: bool,
) -> Decision:
    """Another session, unless the attempts or the budget are used up by this one."""
    if attempts_left(record, budget) <= 1:
        return Stop(_gave_up(why, record.attempts_used + 1))
    used_up = _used_up(replace(record, usage=record.usage + result.usage), budget)
    if used_up:
        return Stop(f"{why}, and {used_up}")
    if _is_stillborn(result) or result.outcome is Outcome.NO_CHANGE:
        told = _both(told, record.feedback)
    return Again(why, told, resume=_resume(result, can_resume=can_resume))


def _problem(result: SessionResult, work: Work) -> tuple[str, str] | None:
    """Why the work cannot be verified, in short and as told to the agent; None when it can."""
    if result.outcome not in {Outcome.COMPLETED, Outcome.NO_CHANGE}:
        return _bad_end(result)
    if work.refused:
        return work.refused, f"Your work cannot be taken: {work.refused}. Mend that."
    stray = _stray(work)
    if stray is not None and (work.unresolved or not (work.changed and work.restorable)):
        return stray
    if not work.changed:
        why = "said it was done but changed nothing"
        return why, "You said you were done, but nothing has changed. Do the task, or ask."
    return None


def _stray(work: Work) -> tuple[str, str] | None:
    """What the work holds that it may not hold; None when it keeps its bounds."""
    for paths, why, told in (
        (work.unresolved, "left conflict markers in", "Resolve them; leave no marker."),
        (work.locked, "changed locked tests:", LOCKED.format(work.locked_at[:12])),
        (work.protected, "changed paths that no session may change:", "Undo that part."),
        (work.out_of_scope, "changed paths outside its scope:", "Undo that part."),
    ):
        if paths:
            return f"{why} {_some(paths, 3)}", f"Your work {why} {_some(paths, 20)}. {told}"
    return None


def _some(paths: tuple[str, ...], limit: int) -> str:
    shown = ", ".join(paths[:limit])
    return f"{shown} and {len(paths) - limit} more" if len(paths) > limit else shown


def _bad_end(result: SessionResult) -> tuple[str, str]:
    reason = result.reason or "no reason told"
    ended = _ENDINGS[result.outcome]
    told = f"Your last session {ended} ({reason}). What it had done is here. Go on from there."
    return f"the session {ended}: {reason}", told


_ENDINGS = {
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "ran out of time",
    Outcome.STALLED: "fell silent and was stopped",
}


def _wait_for_limit(record: TaskRecord, result: SessionResult, now: float) -> Decision:
    tries = max(0, record.sessions - record.attempts_used - 1)
    pause = LIMIT_PAUSES[min(tries, len(LIMIT_PAUSES) - 1)]
    told = result.retry_at if result.retry_at is not None else 0.0
    until = told if told > now else now + pause
    until = min(until, now + LONGEST_LIMIT_SECONDS)
    return Again(f"rate limited: {result.reason}", record.feedback, not_before=until)


def _verify_again(record: TaskRecord, verification: Verification, now: float) -> Decision:
    reasons = [f"{r.check}: {r.reason}" for r in verification.failed_checks() if not r.skipped]
    if any(result.verdict is Verdict.FLAKY for result in verification.failed_checks()):
        return _flaky(record, "; ".join(reasons), now)
    reason = "could not be verified: " + ("; ".join(reasons) or "no check gave a verdict")
    if record.verify_errors + 1 >= VERIFY_TRIES:
        return AskPerson(f"{reason} (tried {VERIFY_TRIES} times)")
    return VerifyAgain(now + VERIFY_PAUSES[min(record.verify_errors, 1)], reason)


def _flaky(record: TaskRecord, reasons: str, now: float) -> Decision:
    """Neither green nor red, twice at most: then only a person knows what it is worth."""
    reason = f"flaky, neither green nor red: {reasons}"
    if record.verify_errors:
        return AskPerson(f"{reason}; {FLAKY_MEND}")
    return VerifyAgain(now + VERIFY_PAUSES[0], reason)


def _blames_agent(result: CheckResult) -> bool:
    return result.verdict in {Verdict.FAILED, Verdict.TIMED_OUT}


def _resume(result: SessionResult, *, can_resume: bool) -> bool:
    """Whether to go on with the old session; not with one that failed before it did anything."""
    known = can_resume and bool(result.session_id)
    return known and not _is_stillborn(result) and _has_room(result.usage.context_share)


def _is_stillborn(result: SessionResult) -> bool:
    return result.outcome is Outcome.FAILED and not result.usage.tokens


def _both(told: str, before: str) -> str:
    """What such a session was told still holds, and whoever goes on may never have seen it."""
    return before if told in before else f"{told}\n\n{before}".rstrip()


def _has_room(context_share: float | None) -> bool:
    return context_share is None or context_share <= FRESH_ABOVE


def _used_up(record: TaskRecord, budget: Budget) -> str:
    """Which budget leaves nothing for another session; nothing when all do."""
    tokens, cost = left_over(record, budget)
    if tokens is not None and tokens <= 0:
        return f"its {budget.tokens:,} tokens are used up"
    if cost is not None and cost <= 0:
        return f"its ${budget.cost:.2f} are used up"
    return ""


def _interrupted(before: str) -> str:
    """What was to be told still holds: a session that cannot be resumed never saw it."""
    before = before.removeprefix(INTERRUPTED).strip()
    return f"{INTERRUPTED}\n\n{before}" if before else INTERRUPTED


def _gave_up(why: str, attempts: int) -> str:
    return f"{why}, after {attempts} attempt{'s' if attempts != 1 else ''}"


def fenced(text: str) -> str:
    """``text`` as data, in a fence that nothing in it can close."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"
