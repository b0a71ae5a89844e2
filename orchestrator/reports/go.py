"""``go test -json``: one event a line, and between them what the compiler said.

Leaves are counted, not the tests around them. A package that failed and none of whose tests did
(it was not built, it panicked at the start, its TestMain said no) is an error of its own, as is a
test that began and never ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from orchestrator.reports.cases import Cases
from orchestrator.reports.frames import Frame, innermost_own
from orchestrator.reports.go_names import names_around
from orchestrator.reports.plain_text import plain_text
from orchestrator.reports.source import ReportUnreadable, open_regular, read_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.results import Report

_ENDS = frozenset({"pass", "fail", "skip"})
_SIGNS = ('"Action":', '"Package":', '"ImportPath":', '"Elapsed":', '{"Time":')
_UNBUILT = re.compile(r"FAIL +(?P<package>\S{1,500}) \[(?P<why>[a-z ]{1,40})\]")
_COMPILED = re.compile(r"# (?P<package>\S{1,500})(?: \[.{0,500}\])?")
_FRAME_OF_OUTPUT = re.compile(r" *(=== (RUN|PAUSE|CONT|NAME)\b|--- (FAIL|PASS|SKIP|BENCH): )")
_VERDICT = re.compile(r"(FAIL|PASS|ok|exit status \d+|FAIL\s+\S.*|ok\s+\S.*)")
_PLACE = re.compile(r"\s*\S{1,300}\.go:\d{1,7}(?::\d{1,7})?: ")
_MODULE = re.compile(rb"^module[ \t]+(\S{1,300})", re.MULTILINE)
_MODULE_BYTES = 64 * 1024


class _Event(BaseModel):
    model_config = ConfigDict(alias_generator=lambda name: name.title().replace("_", ""))

    action: str
    package: str = ""
    test: str = ""
    output: str = ""
    import_path: str = ""
    failed_build: str = ""


_EVENT = TypeAdapter(_Event)


@dataclass(slots=True)
class _Test:
    output: list[str] = field(default_factory=list)
    outcome: str = ""
    failed_before: bool = False


@dataclass(slots=True)
class _Package:
    """One run of a package's tests; with retries there are several."""

    name: str
    output: list[str] = field(default_factory=list)
    tests: dict[str, _Test] = field(default_factory=dict)
    failed: bool = False
    build: str = ""

    def leaves(self) -> Iterator[tuple[str, _Test]]:
        """Tests that tell of themselves: those within none, and those that alone say no."""
        around = {outer for name in self.tests for outer in names_around(name)}
        bad = {name for name, test in self.tests.items() if test.outcome not in {"pass", "skip"}}
        told = {outer for name in bad for outer in names_around(name)}
        for name, test in self.tests.items():
            if name not in around or (name in bad and name not in told):
                yield name, test


@dataclass(slots=True)
class _Stream:
    """Everything that was read."""

    packages: list[_Package] = field(default_factory=list)
    running: dict[str, _Package] = field(default_factory=dict)
    builds: dict[str, list[str]] = field(default_factory=dict)
    loose: list[str] = field(default_factory=list)
    damaged: bool = False


class GoParser:
    """Reads the events of one or several commands."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        stream = _read(plain_text(read_report(path)))
        cases = Cases(root)
        module = _module(root)
        _count_unbuilt(stream, cases)
        if not (stream.packages or stream.running or cases.failures or stream.damaged):
            raise ReportUnreadable("it holds no event of go test -json")
        packages = [*stream.packages, *stream.running.values()]
        last = _last(packages)
        for package in packages:
            _count(package, stream, last, _Places(module, package.name), cases)
        for name in stream.running:
            cases.cut_off(f"package {name} did not end")
        if stream.damaged:
            cases.cut_off("a line of it is damaged")
        return cases.report()


def _read(text: str) -> _Stream:
    stream = _Stream()
    for line in text.split("\n"):
        try:
            event = _EVENT.validate_json(line) if line.startswith("{") else None
        except ValidationError:
            event = None
        if event is None:
            stream.loose.append(line)
            stream.damaged |= any(sign in line for sign in _SIGNS)
        elif event.action.startswith("build-"):
            stream.builds.setdefault(event.import_path, []).append(event.output)
        elif event.package:
            _take(event, stream)
        else:
            stream.damaged = True
    return stream


def _take(event: _Event, stream: _Stream) -> None:
    package = stream.running.setdefault(event.package, _Package(event.package))
    if event.test:
        test = package.tests.setdefault(event.test, _Test())
        test.output.append(event.output)
        if event.action in _ENDS and test.outcome != "fail":
            test.outcome = event.action
        return
    package.output.append(event.output)
    if event.action in _ENDS:
        package.failed = event.action == "fail"
        package.build = event.failed_build
        stream.packages.append(stream.running.pop(event.package))


def _count_unbuilt(stream: _Stream, cases: Cases) -> None:
    """Before Go 1.24 the compiler, and what was not built, stood between the events."""
    compiling = ""
    for line in stream.loose:
        if match := _COMPILED.fullmatch(line):
            compiling = match["package"]
        elif match := _UNBUILT.fullmatch(line):
            said = stream.builds.get(match["package"], [])
            _add_unbuilt(match["package"], "\n".join(said), match["why"], cases)
        elif compiling and line.strip():
            stream.builds.setdefault(compiling, []).append(line)


def _add_unbuilt(package: str, said: str, why: str, cases: Cases) -> None:
    lines = [line for line in said.split("\n") if not _COMPILED.fullmatch(line)]
    first = next((line for line in lines if line.strip()), why)
    message = _PLACE.sub("", first, count=1)
    cases.failed(package, "\n".join(lines), message=message, phase="collection", error=True)


def _last(packages: list[_Package]) -> dict[tuple[str, str], _Test]:
    """The last run of each test: where a package ran again, a runner tried again what failed."""
    last: dict[tuple[str, str], _Test] = {}
    for package in packages:
        for name, test in package.tests.items():
            before = last.get((package.name, name))
            if before is not None:
                test.failed_before = before.failed_before or before.outcome == "fail"
            last[package.name, name] = test
    return last


class _Places:
    """Paths of one package, which Go tells from the package's own folder."""

    def __init__(self, module: str, package: str) -> None:
        inside = package == module or package.startswith(f"{module}/")
        self._folder = package[len(module) :].strip("/") if module and inside else ""

    def of(self, text: str) -> Frame | None:
        """The innermost place, told from the module's folder."""
        frame = innermost_own(text)
        if frame is None or "/" in frame.path or not self._folder:
            return frame
        return Frame(f"{self._folder}/{frame.path}", frame.line, frame.function)


def _count(
    package: _Package,
    stream: _Stream,
    last: dict[tuple[str, str], _Test],
    places: _Places,
    cases: Cases,
) -> None:
    told = False
    for name, test in package.leaves():
        told |= test.outcome not in {"pass", "skip"}
        if last[package.name, name] is not test:
            continue
        if test.outcome == "pass":
            cases.passed(f"{package.name}::{name}", flaky=test.failed_before)
        elif test.outcome == "skip":
            cases.skipped()
        else:
            _add_failure(package, name, test, places, cases)
    if package.failed and not told:
        _add_package(package, stream, cases)


def _add_failure(package: _Package, name: str, test: _Test, places: _Places, cases: Cases) -> None:
    ended = test.outcome == "fail"
    details = cases.clean(_without_frame(test.output))
    message = details if details.strip() else "failed" if ended else "began and did not end"
    panic = next((line for line in details.split("\n") if line.startswith("panic: ")), "")
    message = panic or _PLACE.sub("", message.lstrip("\n"), count=1)
    place = places.of(details)
    cases.failed(f"{package.name}::{name}", details, message=message, error=not ended, place=place)


def _add_package(package: _Package, stream: _Stream, cases: Cases) -> None:
    said = stream.builds.get(package.build) or stream.builds.get(package.name)
    if package.build or said:
        _add_unbuilt(package.name, "".join(said or ()), "it was not built", cases)
        return
    lines = _without_frame(package.output).split("\n")
    details = "\n".join(line for line in lines if not _VERDICT.fullmatch(line))
    message = details.strip() or "the package failed though none of its tests did"
    cases.failed(package.name, details, message=message, error=True)


def _without_frame(output: list[str]) -> str:
    """What was said without Go's own lines around it, which hold times."""
    lines = "".join(output).split("\n")
    return "\n".join(line for line in lines if not _FRAME_OF_OUTPUT.match(line))


def _module(root: Path) -> str:
    """The module's path, by which packages lead to folders; empty when there is none."""
    try:
        with open_regular(root / "go.mod") as file:
            match = _MODULE.search(file.read(_MODULE_BYTES))
    except (ReportUnreadable, OSError):
        return ""
    return match[1].decode("utf-8", "replace") if match else ""
