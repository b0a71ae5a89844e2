"""JUnit XML, in the dialects of pytest, unittest, Jest, Vitest, Playwright, Go and Surefire.

The file was written by an untrusted command: document types (and with them entities) are refused,
depth, size and number of elements are bounded, and characters XML forbids, which runners leave in
by mistake, are taken out first. A report that counts more failures than it lists is believed in
its count: whatever is unclear turns out red, never green.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from junitparser import Attr, Error, JUnitXmlError, xunit2

from orchestrator.reports.cause import cause, split_phase
from orchestrator.reports.frames import innermost_own
from orchestrator.reports.identities import identity_of
from orchestrator.reports.junit_flavours import (
    NEVER_ENDED,
    Flavour,
    bad_results,
    only_threw,
    projects_of,
    words_of,
)
from orchestrator.reports.source import ReportUnreadable, read_report
from orchestrator.reports.tally import Tally
from orchestrator.results import Failure, Report
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

DEEPEST = 64
MOST_ELEMENTS = 1_000_000
LONGEST_TEXT = 128 * 1024
BUFFER_BYTES = 64 * 1024

_ANSI = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class _Element(xunit2.TestCase):
    file = Attr()


class _Suite(xunit2.TestSuite):
    testcase = _Element


class _Document(xunit2.JUnitXml):
    testsuite = _Suite


class JUnitParser:
    """Reads one JUnit XML file."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        document = _document(read_report(path), path.name)
        projects = projects_of(document)
        roots = sorted({f"{root}/", f"{root.resolve()}/"}, key=len, reverse=True)
        tally = Tally()
        listed = 0
        for suite in document:
            project = projects.get((suite.name or "", suite.hostname or ""), "")
            flavour = Flavour.of(suite)
            listed += sum(len(bad_results(case)) for case in flavour.cases)
            for trial in flavour.trials():
                case = _Case(trial.case, suite, flavour, project, roots)
                case.count(tally, again=trial.passed_again)
        _believe_totals(document, listed, tally)
        return tally.report()


class _Guarded:
    """Builds a tree without namespaces, or refuses.

    Of expat itself, not of ElementTree's parser, which is handed each line of a text by itself.
    """

    def __init__(self) -> None:
        self._tree = TreeBuilder()
        self._depth = 0
        self._elements = 0
        self._room = LONGEST_TEXT
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.buffer_size = BUFFER_BYTES
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, raw: bytes) -> Element:
        """The root; raises ReportUnreadable, or ExpatError for what is no XML."""
        self._parser.Parse(raw, True)
        return self._tree.close()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        self._room = LONGEST_TEXT
        if self._depth > DEEPEST or self._elements > MOST_ELEMENTS:
            raise ReportUnreadable("it nests too deep or holds too many elements")
        self._tree.start(_local(tag), attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._tree.end(_local(tag))

    def _data(self, data: str) -> None:
        if self._room > 0:
            self._tree.data(data[: self._room])
            self._room -= len(data)

    def _doctype(self, name: str, *_identifiers: str | int | None) -> None:
        raise ReportUnreadable(f"it declares a document type ({name}), which is refused")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _document(raw: bytes, name: str) -> _Document:
    if not raw.startswith(_WIDE):
        raw = _FORBIDDEN.sub(b"", _ANSI.sub(b"", raw))
    try:
        return cast("_Document", _Document.fromroot(cast("Any", _Guarded().read(raw))))
    except (expat.ExpatError, JUnitXmlError, LookupError, ValueError) as error:
        raise ReportUnreadable(f"{name} is no JUnit XML: {error}") from error
    except ReportUnreadable as error:
        raise ReportUnreadable(f"{name} is refused: {error}") from error


@dataclass(frozen=True, slots=True)
class _Case:
    """One testcase, which may hold several results."""

    case: Any
    suite: Any
    flavour: Flavour
    project: str
    roots: Sequence[str]

    def count(self, tally: Tally, *, again: bool) -> None:
        """``again``: it passed, and there are cases of the same test that did not."""
        if self.flavour.never_ended(self.case):
            tally.add(Failure("unnamed test", NEVER_ENDED), error=True)
            return
        bad = bad_results(self.case)
        if not bad and self.case.is_skipped:
            tally.skipped += 1
            return
        if not bad and self.case.is_rerun:  # it failed, and failed again, and no more is listed
            bad = self.case.interim_result[:1]
        for entry in bad:
            self._add(entry, tally)
        if not bad:
            self._passed(tally, flaky=again or self.case.is_flaky)

    def _passed(self, tally: Tally, *, flaky: bool) -> None:
        if flaky:
            tally.add_flaky(self._identity())
        else:
            tally.passed += 1
        tally.passes(self._key())

    def _add(self, entry: Any, tally: Tally) -> None:
        details = self._text(words_of(entry))
        whole, unrun = self.flavour.stands_for_all(self.case, details)
        error = unrun or (isinstance(entry, Error) and not only_threw(entry))
        if tally.is_full:
            tally.count(error=error)
            return
        phase, message = split_phase(self._text(entry.message))
        frame = innermost_own(details)
        failure = Failure(
            test=safe_text(whole, one_line=True) or self._identity(details),
            message=cause(message, details) or self._text(entry.type),
            details=details,
            path=frame.path if frame else "",
            line=frame.line if frame else None,
            function=frame.function if frame else "",
            phase="collection" if unrun else phase,
            key=self._key(),
        )
        tally.add(failure, error=error)

    def _key(self) -> str:
        """What names a test however it ends: nothing of a traceback is in it."""
        parts = (self.case.classname or self._text(self.case.file), self.case.name)
        return "::".join(safe_text(part, one_line=True) for part in parts if part) + self.project

    def _identity(self, details: str = "") -> str:
        name = identity_of(
            suite=safe_text(self.suite.name or "", one_line=True),
            classname=safe_text(self.case.classname or "", one_line=True),
            name=safe_text(self.case.name or "", one_line=True),
            file=self._text(self.case.file or self.suite.file),
            details=details,
        )
        return name + self.project

    def _text(self, text: str | None) -> str:
        return _relative(text or "", self.roots)


def _relative(text: str, roots: Iterable[str]) -> str:
    for root in roots:
        text = text.replace(root, "")
    return safe_text(text).strip("\n")


def _believe_totals(document: Any, listed: int, tally: Tally) -> None:
    """Where the suites' own totals tell of more failures than are listed, those are counted too."""
    suites = list(document)
    totals = [sum(_declared(suite, name) for suite in suites) for name in ("failures", "errors")]
    missing = sum(totals) - max(listed, tally.failed + tally.errored)
    for _ in range(max(0, missing) and 1):
        tally.add(
            Failure("report", f"its totals tell of {missing} more failures than it lists"),
            error=True,
        )


def _declared(suite: Any, name: str) -> int:
    text = suite._elem.get(name, "")  # noqa: SLF001 - the attribute may be no number
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
