"""Which branches in flight will conflict, as a matrix that a terminal has room for.

A character for each pair, and the branches that meet no other in a line of their own: what is
left of thirty tasks is mostly small. What a mark stands for is told below it, and every conflict
in words, since a matrix shows where to look and not what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.api.conflict_views import ConflictsView, ForecastView, InFlightView

APART, CLEAN, CONFLICT, UNKNOWN = "·", "○", "✗", "?"
LEGEND = f"{APART} no file in common  {CLEAN} merges  {CONFLICT} conflicts  {UNKNOWN} not known yet"
LONGEST_NAME = 28
_PATHS = 3


def matrix(answer: ConflictsView) -> Iterator[str]:
    """The matrix of every target, safe for a terminal."""
    if not answer.forecasts:
        yield "no branch is in flight"
    for number, forecast in enumerate(answer.forecasts):
        if number:
            yield ""
        yield from map(_safe, _target(forecast))


def _target(forecast: ForecastView) -> Iterator[str]:
    branches = forecast.branches
    names = _names(branches)
    marks = {(pair.one, pair.other): _mark(pair.paths) for pair in forecast.pairs}
    met = {number for pair in marks for number in pair}
    met |= {n for n, branch in enumerate(branches) if branch.against_target}
    shown = sorted(met)
    count = "1 branch" if len(branches) == 1 else f"{len(branches)} branches"
    yield f"{forecast.target} at {forecast.commit[:9]}: {count} in flight, {_tally(forecast)}"
    if shown:
        yield from ("", *_grid([names[n] for n in shown], shown, branches, marks), "", LEGEND)
    if apart := [names[n] for n in range(len(branches)) if n not in met]:
        yield from ("", f"no file in common with any other: {', '.join(apart)}")
    told = tuple(_sentences(forecast, names))
    if told:
        yield from ("", *told)


def _grid(
    names: Sequence[str],
    shown: Sequence[int],
    branches: Sequence[InFlightView],
    marks: Mapping[tuple[int, int], str],
) -> Iterator[str]:
    """A row for each branch: how it stands to the target, then to each in front of it."""
    wide, digits = max(map(len, names)), len(str(len(names)))
    margin = " " * (digits + 1 + wide)
    yield f"{margin}  target"
    for row, number in enumerate(shown):
        cells = [marks.get((other, number), APART) for other in shown[:row]]
        target = _mark(branches[number].against_target)
        yield f"{row + 1:>{digits}} {names[row]:<{wide}}    {target}     {' '.join(cells)}".rstrip()
    columns = [str(column).rjust(digits) for column in range(1, len(names))]
    for digit in range(digits if columns else 0):
        yield f"{margin}          {' '.join(column[digit] for column in columns)}".rstrip()


def _sentences(forecast: ForecastView, names: Sequence[str]) -> Iterator[str]:
    for branch, name in zip(forecast.branches, names, strict=True):
        if branch.against_target:
            yield f"{CONFLICT} {name} with {forecast.target} as it is: {_some(branch.against_target)}"
    for pair in forecast.pairs:
        if pair.paths:
            yield f"{CONFLICT} {names[pair.one]} with {names[pair.other]}: {_some(pair.paths)}"


def _tally(forecast: ForecastView) -> str:
    clashes = sum(bool(pair.paths) for pair in forecast.pairs)
    pairs = "1 pair conflicts" if clashes == 1 else f"{clashes} pairs conflict"
    return f"{pairs} of {len(forecast.pairs)} that share a file"


def _mark(paths: tuple[str, ...] | None) -> str:
    if paths is None:
        return UNKNOWN
    return CONFLICT if paths else CLEAN


def _names(branches: Sequence[InFlightView]) -> list[str]:
    """The tasks' ids, with their plans where there are several."""
    several = len({branch.plan for branch in branches}) > 1
    full = [f"{b.plan}/{b.task}" if several else b.task for b in branches]
    return [n if len(n) <= LONGEST_NAME else f"{n[: LONGEST_NAME - 1]}…" for n in full]


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:_PATHS])
    return f"{shown} and {len(paths) - _PATHS} more" if len(paths) > _PATHS else shown


def _safe(line: str) -> str:
    return safe_text(line, one_line=False, limit=400)
