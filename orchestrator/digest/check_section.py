"""What a digest tells of one check: who failed, where, why, what is new; in parts that can be left out.

A cause has two forms, in full and in one line, so that where many causes share a small budget each is
still told. What fails on the target too comes last, and says so. Nothing in this file knows how much
room there is. Pure functions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.digest.comparisons import change_since, failing
from orchestrator.digest.excerpts import excerpt, explanation, one_line, told_message
from orchestrator.digest.failure_groups import groups_of, headline, is_finding, masked
from orchestrator.digest.rerun_commands import rerun_command
from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text
from orchestrator.states import Verdict
from orchestrator.verification.check_history import NO_PAST, flakes_told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.digest.failure_groups import Group
    from orchestrator.results import CheckResult, Failure, Report
    from orchestrator.verification.check_history import Past

LINE = 196
"""Characters of a line at most."""
NAMED_TESTS = 3
NAMES_LINE = 180
PLACES_LINE = 100
LINES_OF_A_FILE = 4
EXPLAINED_LINES = 6
"""Of a finding, whose message tells most."""
LAST_LINES = 8
"""Of an output of which more is told above it."""

_WORDS = {
    Verdict.PASSED: "PASS",
    Verdict.FAILED: "FAIL",
    Verdict.ERRORED: "ERROR",
    Verdict.TIMED_OUT: "TIMEOUT",
    Verdict.FLAKY: "FLAKY",
}
_NOT_YOURS = "  This check could not run. That is not the fault of your change."


@dataclass(slots=True)
class Block:
    """One cause: ``full`` is all that is told of it, ``short`` the same in a line, if there is one.

    ``failures`` are those that it stands for; 0 of an output.
    """

    full: list[str]
    short: str = ""
    failures: int = 0


@dataclass(slots=True)
class Section:
    """One check: always ``head`` and ``foot``, of ``blocks`` and ``extras`` what fits."""

    head: list[str]
    blocks: list[Block] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)


def section_of(
    result: CheckResult,
    *,
    before: CheckResult | None = None,
    base: CheckResult | None = None,
    past: Past = NO_PAST,
) -> Section:
    """What is told of a check that did not pass; ``before`` on its branch, ``base`` on the target."""
    if result.skipped:
        return Section([f"NOT RUN {one_line(result.check, 60)}: {one_line(result.reason, 120)}"])
    known = failing(base)
    section = Section([_header(result, base), *_reason(result, base)])
    failures = result.report.failures
    if result.verdict is not Verdict.ERRORED and failures:
        section.head += _of_all(result, known)
        any_new = bool(failing(result) - known)
        section.blocks = _blocks(groups_of(failures, known), any_new=any_new)
    section.blocks += _output(result.report)
    section.foot = [*_changes(result, before), *_flakes(result, past), *_log(result)]
    section.extras = _again(result, known)
    return section


def passed_line(passed: Sequence[CheckResult], mended: Sequence[str] = ()) -> str:
    """All checks that passed, in a line; ``mended`` of them did not the last time."""
    tests = sum(result.report.passed for result in passed)
    flaky = sum(result.report.flaky for result in passed)
    told = f"PASS {', '.join(result.check for result in passed)}"
    told += f" | {tests:,} tests passed" if tests else ""
    told += f", {flaky} of them only when tried again" if flaky else ""
    told += f" | failed the last time: {', '.join(mended)}" if mended else ""
    return one_line(told)


def left_out(blocks: Sequence[Block]) -> str:
    """That these are not told."""
    failures = sum(block.failures for block in blocks)
    causes = sum(block.failures > 0 for block in blocks)
    parts = [f"{causes} more {_plural('cause', causes)} ({failures})"] if causes else []
    parts += ["output"] if causes < len(blocks) else []
    return f"  [… {' and '.join(parts)} left out; see the full log …]"


def _header(result: CheckResult, base: CheckResult | None) -> str:
    report = result.report
    parts = [f"{_WORDS[result.verdict]} {one_line(result.check, 60)}"]
    if result.exit_code is not None:
        parts.append(f"exit {result.exit_code}")
    if report.parsed:
        parts.append(_counts(report))
    elif result.verdict is Verdict.FAILED:
        parts.append("guessed from its output" if report.guessed else "output not parsed")
    if result.cached:
        parts.append("known from before")
    elif result.seconds:
        parts.append(show_duration(round(result.seconds, 1)))
    if result.runs > 1:
        parts.append(f"{result.runs} runs")
    if base is not None and base.verdict is Verdict.PASSED:
        parts.append("target: green")
    return " | ".join(part for part in parts if part)


def _counts(report: Report) -> str:
    counts = {
        f"{_plural('error', report.failed)} found" if report.findings else "failed": report.failed,
        "could not run": report.errored,
        _plural("warning", report.warnings): report.warnings,
        "passed": report.passed,
        "skipped": report.skipped,
        "passed only when tried again": report.flaky,
    }
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)


def _reason(result: CheckResult, base: CheckResult | None) -> list[str]:
    """Why, in a sentence, where the failures do not say it."""
    plain = result.verdict is Verdict.FAILED and result.exit_code != 0
    plain = plain and bool(result.report.failures)
    lines = [f"  {one_line(result.reason, LINE - 2)}"] if result.reason and not plain else []
    if result.verdict is Verdict.ERRORED:
        lines.append(_NOT_YOURS)
    elif not result.report.failures and base is not None and base.verdict is Verdict.FAILED:
        lines.append("  The target fails this check too.")
    if result.written:
        lines.append(f"  it changed files of the checkout: {_named(result.written)}")
    return lines


def _of_all(result: CheckResult, known: frozenset[str]) -> list[str]:
    """What there is to say before the causes."""
    failures = result.report.failures
    counted = result.report.failed + result.report.errored
    old = sum(failure.test in known for failure in failures)
    lines = []
    if old:
        lines.append(f"  {_known(old, len(failures) - old)}")
    groups = groups_of(failures, known)
    if len(groups) > 1:
        lines.append(f"  {len(groups):,} distinct causes")
    said = headline(failures)
    if said and not _is_told(said, groups[0].example):
        lines.append(f"  nearly all say: {one_line(said)}")
    if counted > len(failures):
        lines.append(f"  details were kept of {len(failures):,} of {counted:,} failures")
    return lines


def _known(old: int, new: int) -> str:
    """How many of the failures are the target's own: a criterion is met without them alone."""
    if not new:
        return "all of them fail on the target too; they must pass to be done"
    fail = "fails" if old == 1 else "fail"
    return f"{new:,} new; {old:,} {fail} on the target too, and must pass to be done"


def _is_told(said: str, example: Failure) -> bool:
    """Whether the first cause tells it anyway, with the error's name or without."""
    bare = said.partition(": ")[2] or said
    return any(bare in masked(line) for line in (example.message, *excerpt(example)))


def _blocks(groups: Sequence[Group], *, any_new: bool = False) -> list[Block]:
    """Of what fails on the target anyway a line each, beside what does not."""
    blocks = [_block(number, group) for number, group in enumerate(groups, 1)]
    for block, group in zip(blocks, groups, strict=True):
        if group.known and any_new:
            block.full = [block.short]
    return blocks


def _block(number: int, group: Group) -> Block:
    example, count = group.example, len(group.failures)
    what = f"[{number}]{f' x{count}' if count > 1 else ''}"
    what += f" in {one_line(example.phase, 20)}" if example.phase else ""
    what += " (fails on the target too)" if group.known else ""
    places = _places(group.failures)
    message = told_message(example)
    if is_finding(example):
        short = f"{what} {message}" + (f" at {_place(example)}" if example.path else "")
        heading = (
            [short] if places in ([], [_place(example)]) else [f"{what} {message}", *_at(places)]
        )
        full = [*heading, *_indented(explanation(example, EXPLAINED_LINES))]
    else:
        short = f"{what} {one_line(example.test, 90)}: {message}"
        names = _names([f.test for f in _first(example, group.failures)])
        full = [f"{what} {names}", *_at(places), *_indented(excerpt(example))]
    return Block([_capped(line) for line in full], one_line(short, LINE), count)


def _at(places: Iterable[str]) -> list[str]:
    return [f"  at {place}" for place in places]


def _first(example: Failure, failures: Iterable[Failure]) -> list[Failure]:
    return [example, *(failure for failure in failures if failure is not example)]


def _names(tests: Sequence[str]) -> str:
    """The first tests, each as far as it differs from the first."""
    first = tests[0]
    told = [one_line(first, 150)]
    room = NAMES_LINE - len(told[0])
    for test in tests[1:NAMED_TESTS]:
        name = one_line(_differing(first, test), 100)
        room -= len(name) + 2
        if room < 0:
            break
        told.append(name)
    more = len(tests) - len(told)
    return ", ".join(told) + (f" +{more:,}" if more else "")


def _differing(first: str, test: str) -> str:
    """``test`` without what it has in common with ``first``: the function's name, or the file's."""
    for mark in ("[", "::"):
        common = first.partition(mark)[0] + mark
        if mark in first and test.startswith(common):
            return test[len(common) - len(mark) :]
    return test


def _places(failures: Iterable[Failure]) -> list[str]:
    """The places of the failures in one line, lines of one file together."""
    found: dict[str, dict[int | None, str]] = defaultdict(dict)
    for failure in failures:
        if failure.path:
            found[failure.path].setdefault(failure.line, failure.function)
    if not found:
        return []
    (path, lines), *others = found.items()
    if len(lines) == 1 and not others:
        line, function = next(iter(lines.items()))
        where = f" in {one_line(function, 60)}" if function else ""
        return [f"{one_line(path, 120)}{_numbers([line])}{where}"]
    told: list[str] = []
    room = PLACES_LINE
    for path, lines in found.items():
        place = f"{one_line(path, 120)}{_numbers(list(lines))}"
        room -= len(place) + 2
        if told and room < 0:
            break
        told.append(place)
    more = len(found) - len(told)
    rest = f" and {more:,} more {_plural('file', more)}" if more else ""
    return [f"{', '.join(told)}{rest}"]


def _numbers(lines: Sequence[int | None]) -> str:
    numbers = [str(line) for line in lines if line is not None]
    if not numbers:
        return ""
    more = len(numbers) - LINES_OF_A_FILE
    return f":{','.join(numbers[:LINES_OF_A_FILE])}" + (f",+{more:,}" if more > 0 else "")


def _place(failure: Failure) -> str:
    return f"{one_line(failure.path, 120)}{_numbers([failure.line])}"


def _output(report: Report) -> list[Block]:
    """What the output tells by itself: what looks like failures, then how it ends."""
    guesses = _blocks(groups_of(report.guessed))
    lines = [line for line in safe_text(report.tail).split("\n") if line.strip()]
    lines = lines[-LAST_LINES if guesses else 0 :]
    return [*guesses, Block(["  output:", *_indented(lines)])] if lines else guesses


def _indented(lines: Iterable[str]) -> list[str]:
    return [_capped(f"    {line}") for line in lines]


def _capped(line: str) -> str:
    """``line`` within the length of a line, its own indentation kept."""
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"


def _changes(result: CheckResult, before: CheckResult | None) -> list[str]:
    """What is new since the last verification, with names while they are few."""
    change = change_since(result, before)
    if change is None:
        return _same_output(result, before)
    if change.nothing and change.still:
        return [f"  since the last verification: the same {len(change.still):,} still failing"]
    parts = []
    if change.new is not None:
        parts.append(_counted_names("newly failing", change.new))
    if change.still:
        parts.append(f"{len(change.still):,} still failing")
    if change.gone is not None:
        parts.append(_counted_names("no longer failing", change.gone))
    told = "; ".join(part for part in parts if part)
    return [_capped(f"  since the last verification: {told}")] if told else []


def _same_output(result: CheckResult, before: CheckResult | None) -> list[str]:
    if before is None or not result.report.tail or before.report.parsed:
        return []
    if masked(result.report.tail) != masked(before.report.tail):
        return []
    return ["  since the last verification: it says the same"]


def _counted_names(what: str, tests: frozenset[str]) -> str:
    if not tests:
        return ""
    names = f" ({', '.join(one_line(test, 80) for test in sorted(tests))})"
    few = len(tests) <= NAMED_TESTS and len(names) < NAMES_LINE // 2
    return f"{len(tests):,} {what}{names if few else ''}"


def _flakes(result: CheckResult, past: Past) -> list[str]:
    """Tests that failed and are known to fail now and then, or passed when tried again."""
    lines = []
    if result.flaky_tests and result.verdict is not Verdict.FLAKY:
        lines.append(f"  failed, then passed on this tree: {_named(result.flaky_tests)}")
    flaked = past.flakes()
    flaky = [failure.test for failure in result.report.failures if failure.test in flaked]
    if flaky:
        lines.append(f"  flaky before: {_named(flakes_told(flaky, past))}")
    return [_capped(line) for line in lines]


def _log(result: CheckResult) -> list[str]:
    return [f"  full log: {safe_text(result.log, one_line=True)}"] if result.log else []


def _again(result: CheckResult, known: frozenset[str]) -> list[str]:
    if result.verdict is Verdict.ERRORED:
        return []
    failures = sorted(result.report.failures, key=lambda failure: failure.test in known)
    command = rerun_command(result.command, failures[0]) if failures else ""
    line = f"  one again: {safe_text(command, one_line=True)}"
    return [line] if command and len(line) <= LINE else []


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(one_line(name, 100) for name in names[:NAMED_TESTS])
    more = len(names) - NAMED_TESTS
    return f"{shown} and {more:,} more" if more > 0 else shown


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
