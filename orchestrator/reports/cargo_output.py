"""What cargo and its test programs print, taken apart: programs, their tests, what is told of each.

Headers go to one stream and tests to the other, so that they may stand in a wrong order; there
are as many of both, and each kind is in order by itself. Nothing is judged here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HEADER = re.compile(
    r" +(?:Running (?:unittests )?\S.{0,300} \((?:.{0,400}/)?(?P<program>[^/()]{1,200}?)(?:-[0-9a-f]{16})?(?:\.exe)?\)"
    r"|Doc-tests (?P<crate>\S{1,200}))"
)
_RUNNING = re.compile(r"running (?P<count>\d{1,9}) tests?")
_RESULT = re.compile(
    r"test result: (?P<verdict>ok|FAILED)\. (?P<passed>\d{1,9}) passed; (?P<failed>\d{1,9}) failed;"
    r" (?P<ignored>\d{1,9}) ignored; (?P<measured>\d{1,9}) measured;.*"
)
_TOLD = re.compile(r"---- (?P<test>\S.*) (?:stdout|stderr) ----")
_WORDS = frozenset({"ok", "FAILED", "ignored", "ignored,", "bench:"})
_CARGO_SAYS = re.compile(r"error(?:\[E\d{1,5}\])?: (?P<message>\S.*)")
_DIED = re.compile(r" +process didn't exit successfully: `.*` \((?P<how>.*)\)")


@dataclass(slots=True)
class Program:
    """The tests of one test program; ``ended`` once it has summed them up."""

    planned: int
    name: str = ""
    ended: bool = False
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    passed_tests: list[str] = field(default_factory=list)
    failed_tests: list[str] = field(default_factory=list)
    told: dict[str, list[str]] = field(default_factory=dict)
    running: str = ""


@dataclass(slots=True)
class Output:
    """All of it; ``outside`` are the lines of no test program."""

    programs: list[Program] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)


def read_output(lines: list[str]) -> Output:
    """``lines`` taken apart."""
    output = Output()
    reader = _Reader(output)
    for line in lines:
        reader.read(line)
    _name(output)
    return output


def _name(output: Output) -> None:
    """Give each program the name of its header; none where they do not match."""
    if len(output.headers) == len(output.programs):
        for program, name in zip(output.programs, output.headers, strict=True):
            program.name = name


class _Reader:
    """Takes one line after the other."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._program: Program | None = None
        self._into: list[str] | None = None
        self._listing = False

    def read(self, line: str) -> None:
        if match := _RUNNING.fullmatch(line):
            self._begin(int(match["count"]))
        elif match := _HEADER.fullmatch(line):
            self._output.headers.append(match["program"] or f"doc {match['crate']}")
        elif self._program is None:
            self._read_outside(line)
        elif match := _RESULT.fullmatch(line):
            self._end(self._program, match)
        else:
            self._read_inside(self._program, line)

    def _begin(self, count: int) -> None:
        self._program = Program(count)
        self._output.programs.append(self._program)
        self._into, self._listing = None, False

    def _end(self, program: Program, match: re.Match[str]) -> None:
        program.ended = True
        program.passed = int(match["passed"]) + int(match["measured"])
        program.failed = int(match["failed"])
        program.skipped = int(match["ignored"])
        if match["verdict"] == "FAILED" and not program.failed:
            program.failed = max(1, len(program.failed_tests))
        self._program = None

    def _read_outside(self, line: str) -> None:
        self._output.outside.append(line)
        if match := _CARGO_SAYS.fullmatch(line):
            self._output.errors.append(match["message"])
        elif match := _DIED.fullmatch(line):
            self._output.deaths.append(match["how"])

    def _read_inside(self, program: Program, line: str) -> None:
        if match := _TOLD.fullmatch(line):
            self._into = program.told.setdefault(match["test"], [])
        elif line == "failures:":
            self._listing, self._into = True, None
        elif self._listing and self._into is None and line.startswith("    "):
            program.failed_tests.append(line.strip())
        elif line.startswith("test ") and " ... " in f"{line} ":
            self._read_test(program, f"{line} ")
        elif self._into is not None:
            self._read_told(program, line)
        else:
            self._read_death(line)

    def _read_test(self, program: Program, line: str) -> None:
        before, _, result = line.removeprefix("test ").rpartition(" ... ")
        name = before.removesuffix(" - should panic")
        word = result.strip().partition(" ")[0]
        if word == "ok":
            program.passed_tests.append(name)
        program.running = "" if word in _WORDS else name
        if program.running:
            name, _, said = line.removeprefix("test ").partition(" ... ")
            program.running = name.removesuffix(" - should panic")
            self._into = program.told.setdefault(program.running, [])
            self._into += [said.strip()] if said.strip() else []
        elif not self._listing:
            self._into = None
        self._read_death(result.rstrip())

    def _read_told(self, program: Program, line: str) -> None:
        """What one test said; with ``--nocapture`` its result stands on a line of its own."""
        if program.running and line in _WORDS:
            if line == "ok":
                program.passed_tests.append(program.running)
                program.told.pop(program.running, None)
            program.running, self._into = "", None
        elif self._into is not None:
            self._into.append(line)
            self._read_death(line)

    def _read_death(self, line: str) -> None:
        if match := _DIED.fullmatch(line):
            self._output.deaths.append(match["how"])
