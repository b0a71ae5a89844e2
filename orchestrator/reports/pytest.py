"""What pytest prints: quiet or verbose, with any ``--tb``, from one process or from xdist's.

Its totals are believed where they tell of more failures than are listed, and what is listed where
it is more. Without totals the run did not end. Every line is taken apart in linear time.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.reports.cases import Cases
from orchestrator.reports.frames import Frame, innermost_own, places
from orchestrator.reports.plain_text import plain_lines
from orchestrator.reports.source import ReportUnreadable, read_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.results import Report

_TOTAL = re.compile(
    r"(?P<counts>no tests ran|\d.{0,400}?) in \d[\d.]{0,12}s(?: \([\d:, dhmsay]+\))?"
)
_COUNT = re.compile(r"(?P<count>\d{1,9}) (?P<word>[a-z]+)")
_COUNTED = {
    "failed": "failed",
    "error": "errored",
    "errors": "errored",
    "passed": "passed",
    "xpassed": "passed",
    "skipped": "skipped",
    "xfailed": "skipped",
    "deselected": "",
    "rerun": "rerun",
    "warning": "",
    "warnings": "",
}
_NO_TESTS = "no tests ran"
_LETTERS = frozenset(".,-FEsxXRuU")
_PERCENT = re.compile(r"\[ *(?:\d{1,3}%|\d{1,9}/\d{1,9})\]")
_OF_WORKER = re.compile(r"\[gw\d{1,4}\] (?:\[ *\d{1,3}%\] (?P<word>[A-Z]+) (?P<test>\S.*)|.*)")
_CONFTEST = re.compile(r"ImportError while loading conftest '(?P<path>[^'\n]{1,300})'")
_INTERNAL = "INTERNALERROR>"
_TITLE = re.compile(
    r"ERROR (?:at (?P<phase>setup|teardown) of |(?P<collecting>collecting ))(?P<of>.*)"
)


@dataclass(slots=True)
class _Listed:
    """A line of the short summary."""

    test: str
    error: bool
    message: str = ""

    @property
    def title(self) -> str:
        """What its section is called."""
        path, _, rest = self.test.partition("::")
        name, bracket, parameters = rest.partition("[")
        return name.replace("::", ".") + bracket + parameters if rest else path


@dataclass(slots=True)
class _Section:
    """What is told of one failure."""

    title: str
    error: bool
    phase: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    """Everything that was read."""

    totals: Counter[str] = field(default_factory=Counter)
    begun: int = 0
    ended: int = 0
    letters: Counter[str] = field(default_factory=Counter)
    listed: list[_Listed] = field(default_factory=list)
    sections: list[_Section] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    rerun: list[str] = field(default_factory=list)
    stopped: str = ""
    fallen: list[str] = field(default_factory=list)


class PytestParser:
    """Reads the output of one or several runs."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        lines = plain_lines(read_report(path), root)
        cases = Cases(root)
        run = _read(lines)
        _unloaded(lines, cases)
        if not run.ended and not cases.failures and not run.listed:
            raise ReportUnreadable("it has no totals of pytest's: the run did not end")
        if run.ended < max(1, run.begun) and not cases.failures:
            cases.cut_off("its totals are missing: the run did not end")
        _count(run, cases)
        return cases.report()


def _read(lines: list[str]) -> _Run:
    run = _Run()
    banner = ""
    for line in lines:
        title = _framed(line, "=")
        if _total(title or line, run.totals):
            run.ended += 1
        elif title:
            banner = title
            run.begun += title == "test session starts"
        elif stopped := _framed(line, "!"):
            run.stopped = stopped
        elif line.startswith(_INTERNAL):
            run.fallen.append(line.removeprefix(_INTERNAL).removeprefix(" "))
        elif banner in {"FAILURES", "ERRORS"}:
            _read_told(line, run, error=banner == "ERRORS")
        elif banner == "short test summary info":
            _read_listed(line, run)
        else:
            _read_progress(line, run)
    return run


def _framed(line: str, mark: str) -> str:
    """The words of a heading that ``mark`` fills up to the width of the screen."""
    if not (line.startswith(mark) and line.endswith(mark)):
        return ""
    inner = line.strip(mark)
    return inner.strip() if inner.startswith(" ") and inner.endswith(" ") else ""


def _total(text: str, totals: Counter[str]) -> bool:
    """Whether ``text`` sums up a run; then it is added to ``totals``."""
    match = _TOTAL.fullmatch(text)
    if match is None:
        return False
    counts = [_COUNT.match(part) for part in match["counts"].split(", ")]
    known = [count for count in counts if count and count["word"] in _COUNTED]
    for count in known:
        totals[_COUNTED[count["word"]]] += int(count["count"])
    return bool(known) or match["counts"] == _NO_TESTS


def _read_told(line: str, run: _Run, *, error: bool) -> None:
    title = _framed(line, "_")
    if title.strip("_ "):
        match = _TITLE.fullmatch(title)
        section = _Section(match["of"] if match else title, error)
        if match:
            section.phase = "collection" if match["collecting"] else match["phase"]
        run.sections.append(section)
    elif _OF_WORKER.fullmatch(line):
        return
    elif run.sections and run.sections[-1].error == error:
        run.sections[-1].lines.append(line)
    else:
        run.loose.append(line)


def _read_listed(line: str, run: _Run) -> None:
    word, _, rest = line.partition(" ")
    if word in {"FAILED", "ERROR"} and rest:
        test, message = _split(rest)
        run.listed.append(_Listed(test, error=word == "ERROR", message=message))
    elif word.startswith("SUBFAILED"):
        run.listed.append(_subtest(line.removeprefix("SUBFAILED")))
    elif word == "PASSED":
        run.passed.append(rest)


def _split(text: str) -> tuple[str, str]:
    """The test and its message; a parameter may hold what stands between them."""
    test, _, message = text.partition(" - ")
    if "[" not in test or test.endswith("]"):
        return test, message
    end = text.find("] - ")
    return (text[: end + 1], text[end + 4 :]) if end >= 0 else (text, "")


def _subtest(text: str) -> _Listed:
    """``[message] (parameters) path::test - why`` as the test with what tells its subtests apart."""
    before, _, after = text.partition("::")
    told, _, path = before.rpartition(" ")
    test, message = _split(after)
    return _Listed(f"{path}::{test} {told.strip()}", error=False, message=message)


def _read_progress(line: str, run: _Run) -> None:
    word, test = _told(line)
    if word in {"PASSED", "XPASS"}:
        run.passed.append(test)
    elif word == "RERUN":
        run.rerun.append(test)
    elif word and _LETTERS.issuperset(word):
        run.letters.update(word)


def _told(line: str) -> tuple[str, str]:
    """A word or letters, and the test they are told of, if any."""
    of_worker = _OF_WORKER.fullmatch(line)
    if of_worker:
        return of_worker["word"] or "", of_worker["test"] or ""
    before, bracket, percent = line.rpartition("[")
    if not _PERCENT.fullmatch(bracket + percent):
        return "", ""
    test, _, word = before.rstrip().rpartition(" ")
    return word, test


def _unloaded(lines: list[str], cases: Cases) -> None:
    """A conftest that does not load ends pytest before it says anything else."""
    for number, line in enumerate(lines):
        if match := _CONFTEST.match(line):
            details = "\n".join(lines[number + 1 :])
            cases.failed(match["path"], details, phase="collection", error=True)
            return


def _count(run: _Run, cases: Cases) -> None:
    if run.fallen:
        cases.failed("pytest", "\n".join(run.fallen), message=run.fallen[-1], error=True)
        run.totals["errored"] += 1
    failed = _count_failures(run, cases)
    if run.stopped and not cases.failures and not run.totals["failed"] + run.totals["errored"]:
        cases.cut_off(f"pytest was stopped: {run.stopped}")
    _count_passed(run, cases, failed)


def _count_failures(run: _Run, cases: Cases) -> set[str]:
    """Count what failed, listed or not; returned are the names of the listed."""
    listed = Counter(errored=bool(run.fallen))
    named = set()
    for entry, section in _paired(run):
        if section is not None:
            _add(entry, section, cases)
        else:
            _add_line(entry, run.loose, cases)
        listed["errored" if entry.error else "failed"] += 1
        named.add(entry.test)
    told = max(run.totals["failed"] + run.totals["errored"], run.letters["F"] + run.letters["E"])
    errored = max(0, run.totals["errored"] - listed["errored"])
    failed = max(0, told - listed.total() - errored)
    cases.nameless(failed=failed, errored=errored)
    return named


def _paired(run: _Run) -> Iterator[tuple[_Listed, _Section | None]]:
    """Each failure as it is listed and as it is told, in the order of the listing; once."""
    sections: defaultdict[tuple[str, bool], deque[_Section]] = defaultdict(deque)
    for section in run.sections:
        sections[section.title.removeprefix("[doctest] "), section.error].append(section)
    for entry in run.listed:
        path = entry.test.partition("::")[0]  # all that xdist knows of a worker that fell
        found = sections[entry.title, entry.error] or sections[path, entry.error]
        yield entry, found.popleft() if found else None
    for left in sections.values():
        for section in left:
            yield _Listed(_named_by(section), section.error), section


def _named_by(section: _Section) -> str:
    """The test of a section that no summary names: its file is the first on the way down."""
    frame = innermost_own("\n".join(section.lines))
    first = next((place for place in places("\n".join(section.lines)) if place.is_test), frame)
    if section.phase == "collection" or first is None:
        return section.title
    name, bracket, parameters = section.title.partition("[")
    return f"{first.path}::{name.replace('.', '::')}{bracket}{parameters}"


def _add(entry: _Listed, section: _Section, cases: Cases) -> None:
    details = "\n".join(line for line in section.lines if not _TOTAL.fullmatch(line))
    known = "\nE  " in f"\n{details}" or "Error" in details
    message = "" if known else details.strip().partition("\n")[0] or entry.message
    cases.failed(entry.test, details, message=message, phase=section.phase, error=section.error)


def _add_line(entry: _Listed, loose: list[str], cases: Cases) -> None:
    """A failure of which there is a line of the summary and perhaps one of ``--tb=line``."""
    beginning = entry.message.removesuffix("...")
    line = next((n for n, text in enumerate(loose) if beginning and f": {beginning}" in text), None)
    if line is None:
        cases.failed(entry.test, message=entry.message, error=entry.error)
        return
    place, _, message = loose.pop(line).partition(f": {beginning}")
    path, _, number = place.rpartition(":")
    frame = Frame(path, int(number)) if number.isdecimal() else None
    cases.failed(entry.test, message=beginning + message, error=entry.error, place=frame)


def _count_passed(run: _Run, cases: Cases, failed: set[str]) -> None:
    named = list(dict.fromkeys(run.passed))
    rerun = {test for test in run.rerun if test not in failed}
    passed = run.totals["passed"]
    if named and len(named) == passed:
        for test in named:
            if test not in failed:
                cases.passed(test, flaky=test in rerun)
        cases.nameless(passed=sum(test in failed for test in named))
    else:
        flaky = bool(run.totals["rerun"]) and not cases.failures
        cases.nameless(passed=passed, flaky=min(passed, max(len(rerun), flaky)))
    cases.nameless(skipped=run.totals["skipped"])
