"""``cargo test`` of any number of test programs, and the compiler's errors before it.

The errors are text, or with ``--message-format=json`` records. A command that runs no tests
(build, check, clippy) is judged by what the compiler found. A test program that does not sum up
its tests has died, even where cargo then exits with 0. Between two programs nothing tells that
there should be another: there the exit code has the last word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, TypeAdapter, ValidationError

from orchestrator.reports.cargo_output import Output, Program, read_output
from orchestrator.reports.cases import Cases
from orchestrator.reports.diagnostics import diagnostics
from orchestrator.reports.findings import Finding, Findings
from orchestrator.reports.frames import Frame
from orchestrator.reports.plain_text import plain_lines
from orchestrator.reports.source import ReportUnreadable, read_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.results import Report

_RECORD = '{"reason":"'
_CONSEQUENCES = re.compile(
    r"could not compile .*|(?:doc)?test failed, to rerun pass .*|\d+ targets? failed:|aborting due to .*"
)
_OF_TESTS = re.compile(
    r"could not compile .*\((?:lib|bin .*|example .*) test\).*|could not compile .*\(test .*\).*"
)
_FINISHED = re.compile(r" +Finished .*")
_PANICKED = re.compile(r"(?:thread '.{0,300}' (?:\(\d{1,9}\) )?)?panicked at .*:")
_OTHERWISE = re.compile(r"note: (?P<message>(?:panic|test) did not .*)")
_LINE_OF_DOC = re.compile(r" \(line (?P<line>\d{1,7})\)$")
_THREAD = re.compile(r"^(thread '.{0,300}') \(\d{1,9}\) panicked at ")
_FRAME_OF_RUST = re.compile(r"\s+at /rustc/.*")
_NUMBERED = re.compile(r"\s+\d{1,4}: .*")
_NOISE = re.compile(r"stack backtrace:|note: (?:run with `|Some details are omitted).*")


class _Code(BaseModel):
    code: str


class _Span(BaseModel):
    file_name: str
    line_start: int
    is_primary: bool


class _Message(BaseModel):
    message: str
    level: str
    code: _Code | None = None
    spans: list[_Span] = []
    rendered: str | None = None


class _Record(BaseModel):
    reason: str
    success: bool | None = None
    message: _Message | None = None


_READ = TypeAdapter(_Record)


class CargoParser:
    """Reads what one or several cargo commands wrote."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        lines = plain_lines(read_report(path), root)
        raw = [line for line in lines if line.startswith(_RECORD)]
        records = [_record(line) for line in raw]
        output = read_output([line for line in lines if not line.startswith(_RECORD)])
        found = list(_once([*_recorded(records), *diagnostics(output.outside)]))
        built = [record.success for record in records if record.reason == "build-finished"]
        finished = bool(built) or any(map(_FINISHED.fullmatch, output.outside))
        if output.headers or output.programs or any(map(_OF_TESTS.fullmatch, output.errors)):
            return _tested(output, found, root)
        return _built(output, found, root, finished=finished and False not in built)


def _record(line: str) -> _Record:
    try:
        return _READ.validate_json(line)
    except ValidationError as error:
        raise ReportUnreadable("a record of it is cut off or damaged") from error


def _recorded(records: list[_Record]) -> Iterator[Finding]:
    for record in records:
        message = record.message
        if message is None or not message.spans or message.level not in {"error", "warning"}:
            continue
        span = next((each for each in message.spans if each.is_primary), message.spans[0])
        rule = message.code.code if message.code else ""
        details = "\n".join((message.rendered or "").split("\n")[1:])
        warning = message.level == "warning"
        yield Finding(message.message, rule, span.file_name, span.line_start, details, warning)


def _once(found: list[Finding]) -> Iterator[Finding]:
    """Without what is said again of the same file built for another target."""
    seen = set()
    for finding in found:
        key = (finding.path, finding.line, finding.rule, finding.message)
        if key not in seen:
            seen.add(key)
            yield finding


def _others(output: Output) -> list[str]:
    """What cargo itself could not do, but for what only follows from something told already."""
    return [error for error in output.errors if not _CONSEQUENCES.fullmatch(error)]


def _built(output: Output, found: list[Finding], root: Path, *, finished: bool) -> Report:
    findings = Findings(root)
    for finding in found:
        findings.add(finding)
    if not findings.errors and not finished:
        others = _others(output)
        if not others:
            raise ReportUnreadable("it does not tell that cargo finished")
        findings.doubt(others[0])
    return findings.report()


def _tested(output: Output, found: list[Finding], root: Path) -> Report:
    cases = Cases(root)
    for finding in found:
        if not finding.warning:
            _add_unbuilt(finding, cases)
    for program in output.programs:
        _count(program, output.deaths, cases)
    if not cases.failures:
        for error in _others(output)[:1]:
            cases.failed("cargo", message=error, error=True)
        for how in output.deaths[:1]:
            cases.failed("cargo", message=f"a program ended badly: {how}", error=True)
    if output.errors and not cases.failures:
        cases.cut_off(f"cargo says: {output.errors[0]}")
    if len(output.headers) > len(output.programs):
        more = f"{len(output.headers)} test programs were started, {len(output.programs)} told of tests"
        cases.cut_off(more)
    return cases.report()


def _add_unbuilt(finding: Finding, cases: Cases) -> None:
    said = f"{finding.rule}: {finding.message}" if finding.rule else finding.message
    name = cases.unique(f"{finding.path}::{said}")
    place = Frame(finding.path, finding.line or 0)
    cases.failed(name, finding.details, message=said, phase="collection", error=True, place=place)


def _count(program: Program, deaths: list[str], cases: Cases) -> None:
    if not program.ended:
        _add_dead(program, deaths, cases)
        return
    names = list(dict.fromkeys([*program.failed_tests, *_unlisted(program)]))
    identities = _identities(program, names, cases)
    for name in names:
        _add_failure(identities[name], program.told.get(name, []), cases)
    cases.nameless(failed=max(0, program.failed - len(names)), skipped=program.skipped)
    if len(program.passed_tests) == program.passed:
        for name in program.passed_tests:
            cases.passed(identities[name])
    else:
        cases.nameless(passed=program.passed)
    told = program.passed + program.failed + program.skipped
    if told != program.planned:
        cases.cut_off(f"{program.planned} tests were begun and {told} told of")


def _unlisted(program: Program) -> list[str]:
    return list(program.told) if program.failed > len(program.failed_tests) else []


def _identities(program: Program, failed: list[str], cases: Cases) -> dict[str, str]:
    """Tests with their program; those in documentation by their order, not by their line."""
    tests = sorted({*failed, *program.passed_tests}, key=_line_of_doc)
    return {test: cases.unique(_identity(program.name, test)) for test in tests}


def _identity(program: str, test: str) -> str:
    name = _LINE_OF_DOC.sub("", test)
    of_doc = name != test or program.startswith("doc ")
    return name if of_doc or not program else f"{program}::{name}"


def _line_of_doc(test: str) -> tuple[int, str]:
    match = _LINE_OF_DOC.search(test)
    return (int(match["line"]) if match else 0, test)


def _add_failure(identity: str, said: list[str], cases: Cases) -> None:
    told = _without_rust(said)
    cases.failed(identity, "\n".join(told), message=_message(told) or "failed")


def _add_dead(program: Program, deaths: list[str], cases: Cases) -> None:
    how = f": {deaths[0]}" if deaths else ""
    last = f" while {program.running} ran" if program.running else ""
    details = "\n".join(_without_rust(program.told.get(program.running, [])))
    message = f"the test program ended without a result{last}{how}"
    name = program.name or "a test program"
    cases.failed(cases.unique(name), details, message=message, error=True)


def _message(told: list[str]) -> str:
    """Why: what the panic said, or that it said something else than it should."""
    otherwise = next(filter(None, map(_OTHERWISE.fullmatch, told)), None)
    if otherwise:
        return otherwise["message"]
    for number, line in enumerate(told[:-1]):
        if _PANICKED.fullmatch(line):
            return told[number + 1]
    return next((line for line in told if line.startswith("Error: ")), "")


def _without_rust(told: list[str]) -> list[str]:
    """Without the frames of Rust's own library, and numbers that no two runs share."""
    kept: list[str] = []
    for line in told:
        if _FRAME_OF_RUST.fullmatch(line) and kept and _NUMBERED.fullmatch(kept[-1]):
            kept.pop()
        elif not (_FRAME_OF_RUST.fullmatch(line) or _NOISE.fullmatch(line)):
            kept.append(_THREAD.sub(r"\1 panicked at ", line))
    return kept
