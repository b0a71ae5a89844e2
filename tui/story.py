"""A task told in lines: what the details and the panes of its screen say.

Pure: views in, lines out. A line has a lead (a mark, a name) and a text that wraps beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.states import ACTIVE, SETTLED, TaskState
from tui.figures import plural, show_clock, show_cost, show_seconds, show_tokens
from tui.ink import Ink
from tui.marks import check_mark, gate_mark, outcome_mark, task_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.api.models import (
        AttemptView,
        BriefView,
        CheckView,
        DiffView,
        GateView,
        TaskDetail,
        TaskView,
        VerificationView,
    )
    from tui.marks import Mark


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``text`` wraps, and is indented below its ``lead``."""

    text: str = ""
    ink: Ink = Ink.PLAIN
    lead: str = ""
    lead_ink: Ink = Ink.DIM


BLANK = Line()

_DOT = "\u00a0· "
"""Between figures; a row is broken after it, never before."""

_FIGURE_LENGTH = 24
"""Up to so many characters a figure is kept in one piece; longer is a sentence."""


def facts(task: TaskView, now: float) -> list[Line]:
    """The few lines that tell where a task stands and why."""
    lines = [
        _marked(task_mark(task), task.title, Ink.STRONG),
        Line(_figures(task, now), Ink.DIM, "  "),
    ]
    if task.blocked_by:
        lines.append(Line(f"after {', '.join(task.blocked_by)}", Ink.PLAIN, "  "))
    lines += [Line(sentence, Ink.PLAIN, "  ") for sentence in (task.reason, task.held) if sentence]
    if task.activity and task.state in ACTIVE:
        lines.append(Line(task.activity, Ink.RUNNING, "> ", Ink.RUNNING))
    return lines


def _figures(task: TaskView, now: float) -> str:
    attempt = f"attempt {task.attempt} of {task.attempts_allowed}" if task.attempt else ""
    parts = (
        _since(task, now),
        attempt,
        task.agent,
        f"generating {show_seconds(task.generating_seconds)}" if task.generating_seconds else "",
        f"verifying {show_seconds(task.verifying_seconds)}" if task.verifying_seconds else "",
        f"{show_tokens(task.usage.tokens)} tokens" if task.usage.tokens else "",
        show_cost(task.usage.cost_usd),
        "unsandboxed" if task.sandbox == "none" else "",
    )
    return _dotted(parts)


def _since(task: TaskView, now: float) -> str:
    if task.state is TaskState.PENDING or not task.state_since:
        return ""
    time = show_seconds(now - task.state_since)
    word = task_mark(task).word
    return f"{word} {time} ago" if task.state in SETTLED else f"{word} for {time}"


def _dotted(parts: Iterable[str]) -> str:
    """The parts that say something, with a dot between them."""
    return _DOT.join(
        part.replace(" ", "\u00a0") if len(part) <= _FIGURE_LENGTH else part
        for part in parts
        if part
    )


def brief_checks(task: TaskView) -> list[Line]:
    """One line a check."""
    width = max((len(check.name) for check in task.checks), default=0)
    return [_check_line(check, width) for check in task.checks]


def _check_line(check: CheckView, width: int) -> Line:
    return _marked(check_mark(check), _check_result(check), Ink.DIM, f"{check.name:<{width}}")


def _check_result(check: CheckView) -> str:
    tests = (
        f"{check.passed} passed" if check.passed else "",
        f"{check.failed} failed" if check.failed else "",
        f"{check.skipped_tests} skipped" if check.skipped_tests else "",
    )
    parts = (
        ", ".join(part for part in tests if part) or check_mark(check).word,
        "" if not check.seconds or check.cached else f"{check.seconds:.1f}s",
        "cached" if check.cached and any(tests) else "",
        check.reason,
    )
    return _dotted(parts)


def closed_gates(task: TaskView) -> list[Line]:
    """Each closed gate in its sentence, and the open ones that prove something by name."""
    lines = [
        _marked(gate_mark(is_open=False), gate.reason, Ink.PLAIN)
        for gate in task.gates
        if not gate.open
    ]
    opened = [gate.name for gate in task.gates if gate.open and gate.asked]
    if opened:
        lines.append(_marked(gate_mark(is_open=True), ", ".join(opened), Ink.DIM))
    return lines


def all_gates(task: TaskView) -> list[Line]:
    """Every gate with its name and sentence."""
    if not task.gates:
        return [Line("No gate has been looked at yet: there is nothing to land.", Ink.DIM)]
    width = max(len(gate.name) for gate in task.gates)
    return [_gate_line(gate, width) for gate in task.gates]


def _gate_line(gate: GateView, width: int) -> Line:
    ink = Ink.DIM if gate.open else Ink.PLAIN
    return _marked(gate_mark(is_open=gate.open), gate.reason, ink, f"{gate.name:<{width}}")


def verifications(detail: TaskDetail) -> list[Line]:
    """The checks as they are now, then the newest verification in its digest."""
    if not detail.task.checks and not detail.verifications:
        return [Line("Nothing has been checked yet.", Ink.DIM)]
    lines = brief_checks(detail.task)
    for verification in list(reversed(detail.verifications))[:1]:
        lines += [BLANK, _verification_line(verification)]
        lines += [Line(text, Ink.PLAIN, "  ") for text in verification.digest.split("\n")]
    return lines


def _verification_line(verification: VerificationView) -> Line:
    took = show_seconds(verification.ended_at - verification.started_at)
    text = (
        f"{verification.purpose} of {verification.commit[:10]}, attempt {verification.attempt}: "
        f"{verification.verdict.value.replace('_', ' ')} in {took}"
    )
    return Line(text, Ink.STRONG)


def attempts(detail: TaskDetail) -> list[Line]:
    """The timeline: every attempt, newest last, with how it ended and what was checked after it."""
    if not detail.attempts:
        return [Line("No agent has worked on this yet.", Ink.DIM)]
    lines: list[Line] = []
    for attempt in detail.attempts:
        lines += _attempt_lines(attempt)
        lines += [
            Line(_verification_line(verification).text, Ink.DIM, "    ")
            for verification in detail.verifications
            if verification.attempt == attempt.number
        ]
        lines.append(BLANK)
    return lines[:-1]


def _attempt_lines(attempt: AttemptView) -> Iterable[Line]:
    mark = outcome_mark(attempt.outcome)
    yield _marked(mark, _attempt_figures(attempt), Ink.DIM, f"attempt {attempt.number}")
    for sentence in (attempt.reason, attempt.message):
        if sentence:
            yield Line(sentence, Ink.PLAIN, "    ")


def _attempt_figures(attempt: AttemptView) -> str:
    took = attempt.ended_at - attempt.started_at if attempt.ended_at else 0
    parts = (
        outcome_mark(attempt.outcome).word,
        show_clock(attempt.started_at),
        show_seconds(took) if took else "",
        attempt.agent,
        f"{show_tokens(attempt.usage.tokens)} tokens" if attempt.usage.tokens else "",
        show_cost(attempt.usage.cost_usd),
        f"exit {attempt.exit_code}" if attempt.exit_code else "",
        "" if attempt.counted else "not counted",
        f"sandbox {attempt.sandbox}" if attempt.sandbox else "",
    )
    return _dotted(parts)


def diff_lines(diff: DiffView) -> list[Line]:
    """The diff, coloured by what a line does."""
    if not diff.text:
        return [Line("The branch holds no change yet.", Ink.DIM)]
    stat = diff.stat
    summary = f"{plural(stat.files, 'file')}, +{stat.insertions} -{stat.deletions}"
    lines = [Line(summary, Ink.STRONG), BLANK]
    lines += [Line(text, _diff_ink(text)) for text in diff.text.splitlines()]
    if diff.truncated:
        lines += [BLANK, Line("Only the beginning; see all of it with: clerk diff", Ink.UNSURE)]
    return lines


_DIFF_INKS = (
    ("diff --git", Ink.STRONG),
    ("+++", Ink.DIM),
    ("---", Ink.DIM),
    ("index ", Ink.FAINT),
    ("@@", Ink.HUNK),
    ("+", Ink.ADDED),
    ("-", Ink.REMOVED),
)


def _diff_ink(text: str) -> Ink:
    return next((ink for prefix, ink in _DIFF_INKS if text.startswith(prefix)), Ink.DIM)


def brief_lines(brief: BriefView) -> list[Line]:
    """Exactly what the agent gets."""
    how = "resumed session" if brief.resumed else "fresh session"
    head = Line(f"attempt {brief.attempt} · {how} · {brief.tokens} tokens", Ink.DIM)
    return [head, BLANK, *plain_lines(brief.text.split("\n"))]


def plain_lines(texts: Sequence[str]) -> list[Line]:
    return [Line(text) for text in texts]


def _marked(mark: Mark, text: str, ink: Ink, name: str = "") -> Line:
    lead = f"{mark.sign} {name}  " if name else f"{mark.sign} "
    return Line(text, ink, lead, mark.ink)
