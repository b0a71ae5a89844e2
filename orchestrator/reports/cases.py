"""Tests as a runner tells of them, on their way to a report.

Whatever the runner: names and texts are made safe and relative to the checkout, the cause and the
innermost place in the project's own code are looked for in the same way, and a run that is not
whole never becomes a report without a failure.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.reports.cause import cause
from orchestrator.reports.findings import DOUBT
from orchestrator.reports.frames import Frame, innermost_own
from orchestrator.reports.plain_text import prefixes_of, without_prefixes
from orchestrator.reports.source import ReportUnreadable
from orchestrator.reports.tally import Tally, middle_cut
from orchestrator.results import Failure
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.results import Report

LONGEST_TEXT = 64 * 1024
"""Of one failure that is searched for its cause and its place."""

_NOWHERE = Frame("", 0)


class Cases:
    """Counts what it is told; ``report()`` is the result. Paths are told relative to ``root``."""

    def __init__(self, root: Path) -> None:
        self._prefixes = prefixes_of(root)
        self._tally = Tally()
        self._namesakes: Counter[str] = Counter()
        self._cut_off = ""

    @property
    def failures(self) -> int:
        """How many failed or could not run so far."""
        return self._tally.failed + self._tally.errored

    def clean(self, text: str, *, one_line: bool = False) -> str:
        """``text``, safe to show and without the checkout's own path."""
        return safe_text(without_prefixes(text, self._prefixes), one_line=one_line)

    def unique(self, name: str) -> str:
        """``name``, with an ordinal if it was asked for before: not every runner forbids namesakes."""
        self._namesakes[name] += 1
        return name if self._namesakes[name] == 1 else f"{name} #{self._namesakes[name]}"

    def passed(self, test: str, *, flaky: bool = False) -> None:
        """A test passed, be it only when the runner tried again."""
        name = self.clean(test, one_line=True)
        self._tally.passes(name)
        if flaky:
            self._tally.add_flaky(name)
        else:
            self._tally.passed += 1

    def skipped(self) -> None:
        self._tally.skipped += 1

    def nameless(
        self,
        *,
        passed: int = 0,
        failed: int = 0,
        errored: int = 0,
        skipped: int = 0,
        flaky: int = 0,
    ) -> None:
        """Count what the runner tells no names of; ``flaky`` are some of the passed."""
        self._tally.passed += passed
        self._tally.failed += failed
        self._tally.errored += errored
        self._tally.skipped += skipped
        self._tally.flaky += flaky

    def failed(
        self,
        test: str,
        details: str = "",
        *,
        message: str = "",
        phase: str = "",
        error: bool = False,
        place: Frame | None = None,
    ) -> None:
        """A test failed or, with ``error``, could not run; ``place`` is known better than found."""
        if self._tally.is_full:
            self._tally.count(error=error)
            return
        text = self.clean(middle_cut(details, LONGEST_TEXT)).strip("\n")
        frame = place or innermost_own(text) or _NOWHERE
        failure = Failure(
            test=self.clean(test, one_line=True) or "unnamed test",
            message=cause(self.clean(message), text),
            details=text,
            path=frame.path,
            line=frame.line or None,
            function=frame.function,
            phase=phase,
        )
        self._tally.add(failure, error=error)

    def cut_off(self, why: str) -> None:
        """The run, or what tells of it, is not whole; the first reason is kept."""
        self._cut_off = self._cut_off or why

    def report(self) -> Report:
        """What was counted; raises ReportUnreadable when it is not whole and tells of no failure."""
        if self._cut_off and not self.failures:
            raise ReportUnreadable(self._cut_off)
        if self._cut_off:
            self._tally.add(Failure(DOUBT, self._cut_off), error=True)
        return self._tally.report()
