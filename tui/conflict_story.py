"""Which branches in flight will conflict, in lines: a matrix, and each conflict in words.

Pure. A mark for each pair says no more than that there is something; the words say where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.figures import plural
from tui.fit import fit
from tui.ink import Ink, Span
from tui.line import BLANK, Line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.api.conflict_views import ConflictsView, ForecastView, InFlightView

_APART: Span = ("· ", Ink.FAINT)
_CLEAN: Span = ("○ ", Ink.PASSED)
_CLASH: Span = ("✗ ", Ink.BROKEN)
_UNKNOWN: Span = ("? ", Ink.UNSURE)
_LONGEST_NAME = 24
_PATHS_SHOWN = 3


def conflict_lines(answer: ConflictsView) -> list[Line]:
    """The forecast of every target; nothing where no branch is in flight."""
    return [line for forecast in answer.forecasts for line in (BLANK, *_forecast(forecast))]


def _forecast(forecast: ForecastView) -> list[Line]:
    marks = {(pair.one, pair.other): _mark(pair.paths) for pair in forecast.pairs}
    met = {number for pair in marks for number in pair}
    met |= {n for n, branch in enumerate(forecast.branches) if branch.against_target}
    head = Line(_tally(forecast), Ink.DIM, "conflicts to come  ", Ink.HEADING)
    lines = [head, *_matrix(forecast.branches, sorted(met), marks)]
    lines += [
        Line(
            _where(branch.against_target),
            Ink.DIM,
            f"  ✗ {branch.task} with {forecast.target}: ",
            Ink.BROKEN,
        )
        for branch in forecast.branches
        if branch.against_target
    ]
    names = [branch.task for branch in forecast.branches]
    return lines + [
        Line(
            _where(pair.paths),
            Ink.DIM,
            f"  ✗ {names[pair.one]} with {names[pair.other]}: ",
            Ink.BROKEN,
        )
        for pair in forecast.pairs
        if pair.paths
    ]


def _tally(forecast: ForecastView) -> str:
    clashes = sum(bool(pair.paths) for pair in forecast.pairs)
    branches = (
        plural(len(forecast.branches), "branch")
        if len(forecast.branches) == 1
        else (f"{len(forecast.branches)} branches")
    )
    return (
        f"{branches} in flight to {forecast.target}, {plural(len(forecast.pairs), 'pair')} of them "
        f"in a file in common, {clashes} of these cannot be joined"
    )


def _matrix(
    branches: Sequence[InFlightView], shown: Sequence[int], marks: Mapping[tuple[int, int], Span]
) -> list[Line]:
    """A row for each branch that meets another: against the target, then against those above it."""
    if not shown:
        return []
    width = min(_LONGEST_NAME, max(len(branches[number].task) for number in shown))
    digits = len(str(len(shown)))
    lines = [
        Line(
            lead=f"  {row:>{digits}} {fit(branches[number].task, width)}  ",
            lead_ink=Ink.PLAIN,
            spans=(
                _mark(branches[number].against_target),
                ("│ ", Ink.FAINT),
                *(marks.get((other, number), _APART) for other in shown[: row - 1]),
            ),
            target=(branches[number].plan, branches[number].task),
        )
        for row, number in enumerate(shown, start=1)
    ]
    return [*lines, _legend()]


def _legend() -> Line:
    told = (
        (_CLEAN, "merges   "),
        (_CLASH, "conflicts   "),
        (_UNKNOWN, "not known yet   "),
        (_APART, "no file in common; "),
    )
    spans = tuple(span for mark, words in told for span in (mark, (words, Ink.FAINT)))
    return Line(lead="  ", spans=(*spans, ("first the target, then 1, 2, …", Ink.FAINT)))


def _mark(paths: tuple[str, ...] | None) -> Span:
    if paths is None:
        return _UNKNOWN
    return _CLASH if paths else _CLEAN


def _where(paths: tuple[str, ...] | None) -> str:
    known = paths or ()
    shown = ", ".join(known[:_PATHS_SHOWN])
    left = len(known) - _PATHS_SHOWN
    return f"{shown} and {left} more" if left > 0 else shown
