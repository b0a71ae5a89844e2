"""Everything about one task, as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.outcome import what_became
from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.api.models import (
        AttemptView,
        CheckView,
        GateView,
        TaskDetail,
        VerificationView,
    )


_WARNINGS = 10
"""The newest that are shown; all are in ``--json``."""


def task_page(detail: TaskDetail, *, now: float) -> Iterator[str]:
    """State, gates, checks, attempts and the newest digest; every line safe for a terminal."""
    task = detail.task
    yield safe_text(f"{task.plan}/{task.id}: {task.title}", one_line=True)
    yield f"  {what_became(task)}"
    yield safe_text(f"  branch {task.branch or 'not made yet'}  worktree {task.worktree or '-'}")
    yield from ("", "gates")
    for gate in task.gates:
        yield safe_text(f"  {_gate_mark(gate)} {gate.name}: {gate.reason}", one_line=False)
    yield from ("", _checks_heading(detail))
    for check in task.checks:
        yield from _check_lines(check)
    yield from _tests_first(detail)
    if detail.attempts:
        yield from ("", "attempts")
    for attempt in detail.attempts:
        yield safe_text(f"  {_attempt(attempt, now)}", limit=300)
    if detail.warnings:
        yield from ("", "warnings")
    for warning in detail.warnings[-_WARNINGS:]:
        yield safe_text(f"  ! {warning.text}", one_line=False, limit=400)
    if detail.notes:
        yield from ("", "notes of its sessions")
    for note in detail.notes:
        yield safe_text(f"  {note.attempt}. {note.text}", one_line=True, limit=300)
    failing = [v for v in detail.verifications if v.digest and v.verdict != "passed"]
    if failing:
        yield from ("", f"digest of the newest failed verification ({failing[-1].purpose})")
        yield safe_text(failing[-1].digest)


def _checks_heading(detail: TaskDetail) -> str:
    """What the checks below were made of, where that is not the branch as it is."""
    newest = detail.verifications[-1:]
    restored = newest and newest[0].purpose == "restored" and detail.task.state != "verifying"
    return "checks, with what it may not change put back" if restored else "checks"


def _gate_mark(gate: GateView) -> str:
    """A cross only where something speaks against the task, not where its time has not come."""
    return "✓" if gate.open else "✗" if gate.refused else "·"


def _check_lines(check: CheckView) -> Iterator[str]:
    yield safe_text(f"  {_check(check)}", limit=300)
    if _is_told_why(check):
        yield f"      {safe_text(check.reason, one_line=True, limit=300)}"
    if check.written:
        told = f"changed files of the tree, so nothing is kept as known: {', '.join(check.written)}"
        yield f"      {safe_text(told, one_line=True, limit=300)}"


def _check(check: CheckView) -> str:
    counts = (
        f", {check.passed} passed, {check.failed} failed" if check.passed or check.failed else ""
    )
    took = "" if check.verdict is None else f", {show_duration(round(check.seconds, 1))}"
    how = ", cached" if check.cached else took
    runs = f", {check.runs} runs" if check.runs > 1 else ""
    return f"{check.name} ({check.kind}): {_word(check)}{counts}{how}{runs}  $ {check.command}"


def _is_told_why(check: CheckView) -> bool:
    """Whether the verdict alone says too little: a failure is told by its digest."""
    return bool(check.reason) and (check.skipped or check.verdict in {"errored", "flaky"})


def _word(check: CheckView) -> str:
    """What became of a check, in a word or two."""
    if check.verdict is None:
        return "not run yet"
    if check.skipped:
        return "skipped"
    allowed = ", allowed" if check.verdict == "flaky" and check.ok else ""
    return f"{check.verdict.replace('_', ' ')}{allowed}"


def _tests_first(detail: TaskDetail) -> Iterator[str]:
    proofs = [one for one in detail.verifications if one.purpose == "red"]
    if proofs:
        yield from ("", "tests first", safe_text(f"  {_proof(proofs[-1])}", limit=300))


def _proof(seen: VerificationView) -> str:
    """The newest look at the tests without the work."""
    told = [f"{c.name} {c.failed} failed, {c.passed} passed" for c in seen.checks if c.failed]
    told = told or [f"{c.name} {c.verdict}" for c in seen.checks]
    became = "not red as they must be" if seen.digest or seen.verdict == "passed" else "seen red"
    return f"{became} at {seen.commit[:9]}: {', '.join(told)}"


def _attempt(attempt: AttemptView, now: float) -> str:
    ended = attempt.ended_at or now
    took = show_duration(round(max(0.0, ended - attempt.started_at), 1))
    outcome = attempt.outcome.replace("_", " ") if attempt.outcome else "running"
    usage = f", {attempt.usage.tokens:,} tokens" if attempt.usage.tokens else ""
    sandbox = ", no sandbox" if attempt.sandbox == "none" else f", in {attempt.sandbox}"
    counted = "" if attempt.counted else ", not counted"
    why = f": {attempt.reason}" if attempt.reason else ""
    return f"{attempt.number}. {attempt.agent} {outcome} in {took}{usage}{sandbox}{counted}{why}"
