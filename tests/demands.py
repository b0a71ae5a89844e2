"""A plug-in of the tests: none is left out in silence, and none leaves anything to the collector.

Where everything is to be tested (``CI`` is set), a test that would be left out fails. Everywhere the
last lines tell how many of the tests of trust ran. A task whose failure nobody took, or a coroutine
that nobody awaited, is met by the garbage collector later, in the middle of some other test: that
test fails by name, and says whose it was.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import PurePosixPath

import pytest

TRUST = ("sandboxes", "egress", "supervision", "git", "crash", "store", "bad_input", "e2e")
"""The folders of the tests that hold up docs/trust.md."""

KINDS = ("passed", "failed", "error", "skipped")


class Leftovers(logging.Handler):
    """What asyncio said of tasks that nobody looks after any more."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "never retrieved" in (told := record.getMessage()) or "destroyed but" in told:
            self.told.append(told)

    def taken(self) -> str:
        told, self.told = "\n".join(self.told), []
        return told


_leftovers = Leftovers()


def pytest_configure() -> None:
    logging.getLogger("asyncio").addHandler(_leftovers)


def pytest_unconfigure() -> None:
    logging.getLogger("asyncio").removeHandler(_leftovers)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> pytest.TestReport:
    report = yield
    report.left_out = report.skipped
    if report.skipped and os.environ.get("CI"):
        _fail(report, f"left out, where everything is to be tested: {report.longrepr[2]}")
    if report.when == "teardown" and (told := _leftovers.taken()):
        _fail(report, f"found during this test, left behind by it or an earlier one: {told}")
    return report


def _fail(report: pytest.TestReport, why: str) -> None:
    report.outcome, report.longrepr = "failed", why


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests of trust there were, of which kind."""
    ran, left_out = Counter[str](), 0
    for kind in KINDS:
        for report in terminalreporter.stats.get(kind, ()):
            folder = _folder(report.nodeid)
            if folder not in TRUST or not isinstance(report, pytest.TestReport):
                continue
            left_out += report.left_out
            ran[folder] += report.when == "call" and not report.left_out
    if told := ", ".join(f"{ran[name]} of {name}" for name in TRUST if ran[name]):
        words = f"trust: {ran.total()} tests ran ({told}); {left_out} were left out"
        terminalreporter.write_line(words)


def _folder(nodeid: str) -> str:
    parts = PurePosixPath(nodeid.partition("::")[0]).parts
    return parts[1] if parts[:1] == ("tests",) and len(parts) > 2 else ""
