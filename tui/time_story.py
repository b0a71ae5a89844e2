"""Where time went, in lines: in all, task by task, and check by check.

Pure: views and a width in, lines out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.figures import plural, show_seconds
from tui.fit import fit
from tui.ink import Ink, Span
from tui.line import BLANK, Line
from tui.marks import task_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.api.models import PlanView, TaskView
    from orchestrator.api.timing_views import CheckTimingView, TimingView

_KINDS = (
    ("generating", "█", Ink.RUNNING),
    ("verifying", "▓", Ink.VERIFYING),
    ("queueing", "▒", Ink.WAITING),
    ("waiting for you", "░", Ink.NEEDS_PERSON),
)
"""What time is spent on; each has a shape of its own, so that colour is not needed."""

_NAME_LONGEST = 24
_BAR_LONGEST = 60
_TASKS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by kind, in the order of the legend."""

    seconds: tuple[float, ...]

    @property
    def total(self) -> float:
        return sum(self.seconds)


def spent_on(task: TaskView) -> Spent:
    return Spent(
        (
            task.generating_seconds,
            task.verifying_seconds,
            task.queueing_seconds,
            task.waiting_seconds,
        )
    )


def time_lines(
    plans: Sequence[PlanView], timings: Mapping[str, TimingView], width: int
) -> list[Line]:
    """All of it; ``timings`` may lack plans that the engine has not told of yet."""
    lines = [_legend()]
    for plan in plans:
        lines += [BLANK, *_plan_lines(plan, width)]
        if plan.name in timings and timings[plan.name].checks:
            lines += [BLANK, *_check_lines(timings[plan.name], width)]
    return lines if plans else [Line("Nothing is being built.", Ink.STRONG)]


def _legend() -> Line:
    return Line(spans=tuple(_legend_spans()))


def _legend_spans() -> Iterable[Span]:
    for word, sign, ink in _KINDS:
        yield f"{sign} ", ink
        yield f"{word}   ", Ink.DIM


def _plan_lines(plan: PlanView, width: int) -> list[Line]:
    whole = Spent(
        tuple(sum(kinds) for kinds in zip(*map(_seconds, plan.tasks), strict=True))
        if plan.tasks
        else (0.0,) * len(_KINDS)
    )
    head = Line(_figures(whole), Ink.PLAIN, f"{plan.name}  ", Ink.BRAND)
    busiest = sorted(plan.tasks, key=lambda task: -spent_on(task).total)
    shown = [task for task in busiest if spent_on(task).total >= 1][:_TASKS_SHOWN]
    name = min(_NAME_LONGEST, max((len(task.id) for task in shown), default=0))
    room = _room(width, name)
    longest = max((spent_on(task).total for task in shown), default=0.0)
    shares = _bar(whole, whole.total, room)
    if not shown:
        return [head]
    return [
        head,
        Line(lead=fit("  in all", name + 13), lead_ink=Ink.HEADING, spans=shares),
        *(_task_line(task, name, room, longest) for task in shown),
    ]


def _seconds(task: TaskView) -> tuple[float, ...]:
    return spent_on(task).seconds


def _room(width: int, name: int) -> int:
    return max(8, min(_BAR_LONGEST, width - name - 14))


def _task_line(task: TaskView, name: int, room: int, longest: float) -> Line:
    mark, spent = task_mark(task), spent_on(task)
    lead = f"{mark.sign} {fit(task.id, name)}  {fit(show_seconds(spent.total), 7, right=True)}  "
    return Line(
        lead=lead,
        lead_ink=mark.ink,
        spans=_bar(spent, longest, room),
        target=(task.plan, task.id),
    )


def _bar(spent: Spent, longest: float, room: int) -> tuple[Span, ...]:
    """A bar in proportion to the longest; what took any time has a cell."""
    if longest <= 0:
        return (("", Ink.PLAIN),)
    return tuple(
        (sign * max(1, round(seconds / longest * room)), ink)
        for seconds, (_, sign, ink) in zip(spent.seconds, _KINDS, strict=True)
        if seconds > 0
    )


def _figures(spent: Spent) -> str:
    """Each kind with its share of the whole."""
    if not spent.total:
        return "no time was spent yet"
    parts = (
        f"{word} {show_seconds(seconds)} ({seconds / spent.total:.0%})"
        for seconds, (word, _, _) in zip(spent.seconds, _KINDS, strict=True)
        if seconds >= 1
    )
    return "  ·  ".join(parts)


def _check_lines(timing: TimingView, width: int) -> list[Line]:
    """How fast a verdict is there, and the checks, the slowest first."""
    checks = sorted(timing.checks, key=lambda check: -(check.p50_seconds or 0.0))
    name = min(_NAME_LONGEST, max((len(check.name) for check in checks), default=0))
    slowest = max((check.p95_seconds or 0.0 for check in checks), default=0.0)
    room = max(4, min(_BAR_LONGEST // 2, width - name - 48))
    lines = [Line(_verdicts(timing), Ink.DIM, "checks  ", Ink.HEADING)]
    if timing.advice:
        lines.append(Line(timing.advice, Ink.UNSURE, "  "))
    head = f"  {'':<{name}}  {'p50':>8}{'p95':>8}{'runs':>7}{'red':>6}{'cached':>8}"
    return [*lines, Line(head, Ink.HEADING), *(_check_line(c, name, slowest, room) for c in checks)]


def _verdicts(timing: TimingView) -> str:
    if not timing.verdicts or timing.to_verdict_p50_seconds is None:
        return "no verdict yet"
    p50, p95 = timing.to_verdict_p50_seconds, timing.to_verdict_p95_seconds or 0.0
    return (
        f"from a session's commit to its verdict: {_short(p50)} at the median, {_short(p95)} at p95, "
        f"of {plural(timing.verdicts, 'verdict')}"
    )


def _check_line(check: CheckTimingView, name: int, slowest: float, room: int) -> Line:
    """A check: its figures, and a bar to its median that goes on, thinner, to its 95th of 100."""
    p50, p95 = check.p50_seconds, check.p95_seconds
    known = check.runs + check.cached
    cached = f"{check.cached / known:.0%}" if known else ""
    figures = f"{_short(p50):>8}{_short(p95):>8}{check.runs:>7}{check.not_green:>6}{cached:>8}  "
    cells = [round((value or 0.0) / slowest * room) if slowest else 0 for value in (p50, p95)]
    return Line(
        lead=f"  {fit(check.name, name)}  ",
        lead_ink=Ink.PLAIN,
        spans=(
            (figures, Ink.DIM),
            ("▓" * cells[0], Ink.VERIFYING),
            ("░" * max(0, cells[1] - cells[0]), Ink.VERIFYING),
        ),
    )


def _short(seconds: float | None) -> str:
    """A time of a check: tenths while they tell something."""
    if seconds is None:
        return "-"
    return f"{seconds:.1f}s" if seconds < 60 else show_seconds(seconds)
