"""A report in the making: exact counts, and as much detail of failures as is worth keeping.

Reports are kept for ever and travel to clients, so what one holds is bounded, however large the
file it was read from. Counts are never bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from orchestrator.results import Failure, Report

FAILURES_KEPT = 500
FLAKY_KEPT = 100
DETAIL_CHARACTERS = 4_000
DETAILS_CHARACTERS = 160_000
MESSAGE_CHARACTERS = 500
NAME_CHARACTERS = 300


@dataclass(slots=True)
class Tally:
    """Counts what it is told; ``report()`` is the result."""

    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    flaky: int = 0
    _flaky_tests: list[str] = field(default_factory=list)
    _passed_tests: list[str] | None = None
    _failures: list[Failure] = field(default_factory=list)
    _room: int = DETAILS_CHARACTERS

    @property
    def is_full(self) -> bool:
        """Whether failures are only counted from now on."""
        return len(self._failures) >= FAILURES_KEPT

    def passes(self, name: str) -> None:
        """Name a test that was counted as passed, as ``Failure.passes_as`` would name it."""
        if self._passed_tests is None:
            self._passed_tests = []
        self._passed_tests.append(name[:NAME_CHARACTERS])

    def count(self, *, error: bool) -> None:
        """Count a failure, or an error."""
        self.errored += error
        self.failed += not error

    def add(self, failure: Failure, *, error: bool) -> None:
        """Count a failure, or an error, and keep it if there is room."""
        self.count(error=error)
        if not self.is_full:
            self._failures.append(self._bounded(replace(failure, error=error)))

    def add_flaky(self, test: str) -> None:
        """Count a test that passed only when the runner tried again; it passed, too."""
        self.passed += 1
        self.flaky += 1
        if len(self._flaky_tests) < FLAKY_KEPT:
            self._flaky_tests.append(test[:NAME_CHARACTERS])

    def report(self) -> Report:
        return Report(
            parsed=True,
            passed=self.passed,
            failed=self.failed,
            errored=self.errored,
            skipped=self.skipped,
            flaky=self.flaky,
            failures=tuple(self._failures),
            flaky_tests=tuple(self._flaky_tests),
            passed_tests=None if self._passed_tests is None else tuple(self._passed_tests),
        )

    def _bounded(self, failure: Failure) -> Failure:
        details = middle_cut(failure.details, min(DETAIL_CHARACTERS, self._room))
        self._room -= len(details)
        return replace(
            failure,
            test=failure.test[:NAME_CHARACTERS],
            key=failure.key[:NAME_CHARACTERS],
            message=failure.message[:MESSAGE_CHARACTERS],
            details=details,
        )


def middle_cut(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters; its end, where tracebacks tell the cause, keeps more."""
    if len(text) <= limit:
        return text
    mark = "\n[… cut …]\n"
    room = limit - len(mark)
    if room <= 0:
        return ""
    return text[: room // 3] + mark + text[len(text) - (room - room // 3) :]
