"""A diff told file by file: each folds, shows its lines with their numbers, and its code in inks.

Pure. A file is coloured when it is unfolded for the first time, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.code import coloured, language_of
from tui.diff_files import files_of
from tui.figures import plural
from tui.ink import Ground, Ink, Span
from tui.line import BLANK, FOLDED, UNFOLDED, Fold, Line

if TYPE_CHECKING:
    from orchestrator.api.models import DiffView
    from tui.diff_files import DiffLine, FileDiff, Hunk

_SHORT = 300
"""Changed lines of a diff that is shown unfolded from the beginning."""

_SHOWN = 5_000
"""Lines of one file that are shown; nobody reads more here."""

_UNDER = {"+": Ground.ADDED, "-": Ground.REMOVED}
_SIGN = {"+": Ink.ADDED, "-": Ink.REMOVED, " ": Ink.FAINT}


class DiffStory:
    """The diff of a branch, with what is unfolded of it."""

    def __init__(self) -> None:
        self._view: DiffView | None = None
        self._files: list[FileDiff] = []
        self._unfolded: set[str] = set()
        self._told: dict[str, list[Line]] = {}

    def take(self, view: DiffView) -> None:
        """Another state of the branch; files that are as they were are not coloured again."""
        first = self._view is None
        before = {file.path: file for file in self._files}
        self._view, self._files = view, files_of(view.text)
        self._told = {
            file.path: self._told[file.path]
            for file in self._files
            if file.path in self._told and before.get(file.path) == file
        }
        if first and view.stat.insertions + view.stat.deletions <= _SHORT:
            self._unfolded = {file.path for file in self._files}

    def toggle(self, fold: Fold) -> None:
        self._unfolded ^= {str(fold.name)}

    def toggle_all(self) -> None:
        """Unfold every file, or fold all where none is folded."""
        paths = {file.path for file in self._files}
        self._unfolded = set() if paths <= self._unfolded else paths

    def lines(self) -> list[Line]:
        if self._view is None:
            return []
        if not self._files:
            return [Line("The branch holds no change yet.", Ink.DIM)]
        stat = self._view.stat
        summary = f"{plural(stat.files, 'file')}, +{stat.insertions} -{stat.deletions}"
        lines = [Line(summary, Ink.STRONG), BLANK]
        for file in self._files:
            lines += self._file_lines(file)
        if self._view.truncated:
            lines += [BLANK, Line("Only the beginning; see all of it with: clerk diff", Ink.UNSURE)]
        return lines

    def _file_lines(self, file: FileDiff) -> list[Line]:
        unfolded = file.path in self._unfolded
        head = Line(
            lead=UNFOLDED if unfolded else FOLDED,
            lead_ink=Ink.BRAND,
            spans=_heading(file),
            target=Fold(file.path),
        )
        if not unfolded:
            return [head]
        if file.path not in self._told:
            self._told[file.path] = _tell(file)
        return [head, *self._told[file.path], BLANK]


def _heading(file: FileDiff) -> tuple[Span, ...]:
    return (
        (file.path, Ink.STRONG),
        (f"  +{file.added}", Ink.ADDED),
        (f" -{file.removed}", Ink.REMOVED),
        (f"  {file.note}" if file.note else "", Ink.UNSURE),
    )


def _tell(file: FileDiff) -> list[Line]:
    """The lines below a file's name."""
    language = language_of(file.path)
    lines = [line for hunk in file.hunks for line in _hunk_lines(hunk, language)]
    if len(lines) > _SHOWN:
        return [*lines[:_SHOWN], Line("… see the rest with: clerk diff", Ink.UNSURE)]
    return lines or [Line(told, Ink.DIM, "    ") for told in file.head[:_SHOWN]]


def _hunk_lines(hunk: Hunk, language: str) -> list[Line]:
    """Both sides are coloured as whole code, so that what goes on over lines is seen as such."""
    old = iter(coloured([line.text for line in hunk.lines if line.sign != "+"], language))
    new = iter(coloured([line.text for line in hunk.lines if line.sign != "-"], language))
    told = [Line(hunk.where, Ink.HUNK, "   ┄┄  ", Ink.FAINT)]
    for line in hunk.lines:
        sides = [next(side, ()) for side, other in ((old, "+"), (new, "-")) if line.sign != other]
        told.append(_code_line(line, sides[-1]))
    return told


def _code_line(line: DiffLine, spans: tuple[Span, ...]) -> Line:
    return Line(
        lead=f"{line.number:>5} {line.sign} ",
        lead_ink=_SIGN[line.sign],
        spans=spans,
        under=_UNDER.get(line.sign),
    )
