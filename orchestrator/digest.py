"""A verification in few tokens: what failed, where, why, and what changed since.

Written for an agent that has never seen the output. The same failure is told once; what passed is
a number; the full log stays on disk and its path is told. Invariants, each from a real failure of
somebody's reporter: never beyond the budget; never "0 failed" for what could not be parsed; what
was cut is announced; what could not run is told as nobody's fault; text from tests is data, without
a control character in it. Pure, and linear in what the reports hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.excerpts import excerpt, from_both_ends, one_line
from orchestrator.failure_groups import (
    Change,
    Group,
    change_since,
    failing,
    groups_of,
    headline,
    result_of,
)
from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text
from orchestrator.states import Verdict
from orchestrator.tokens import BYTES_PER_TOKEN

if TYPE_CHECKING:
    from orchestrator.results import CheckResult, Report, Verification

NAMED_TESTS = 3
LEAST_LINES = 2
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
_CUT = "[… cut to fit …]"


@dataclass(slots=True)
class _Section:
    """What is told of one check: always ``head`` and ``foot``, of ``blocks`` as many as fit."""

    head: list[str]
    blocks: list[list[str]] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)
    shown: int = 0

    def lines(self) -> list[str]:
        left = len(self.blocks) - self.shown
        body = [line for block in self.blocks[: self.shown] for line in block]
        return [*self.head, *body, *([_left_out(left)] if left else []), *self.foot]


def digest(
    verification: Verification,
    *,
    budget_tokens: int,
    previous: Verification | None = None,
    baseline: Verification | None = None,
) -> str:
    """``verification`` told within ``budget_tokens`` (see ``orchestrator.tokens``).

    ``previous`` is the one before it on the same branch, to tell what changed; ``baseline`` the
    target's own, to tell what was broken before.
    """
    room = int(budget_tokens * BYTES_PER_TOKEN)
    sections = [
        _section(result, result_of(previous, result.check), result_of(baseline, result.check))
        for result in verification.results
        if result.verdict is not Verdict.PASSED
    ]
    passed = [r for r in verification.results if r.verdict is Verdict.PASSED]
    last = [_passed_line(passed)] if passed else []
    _show_what_fits(sections, room - _size(last))
    lines = [line for section in sections for line in section.lines()] + last
    return _within("\n".join(lines) or "No check ran.", room)


def _section(result: CheckResult, before: CheckResult | None, base: CheckResult | None) -> _Section:
    if result.skipped:
        return _Section([f"NOT RUN {result.check}: {one_line(result.reason, 120)}"])
    section = _Section([_header(result, base)])
    known = failing(base) if base is not None and base.report.parsed else frozenset[str]()
    if result.verdict is Verdict.ERRORED:
        section.head += [f"  {one_line(result.reason, 196)}", _NOT_YOURS]
    elif result.report.failures:
        _tell_failures(section, result, known)
    else:
        section.head.append(f"  {one_line(result.reason, 196)}")
        if base is not None and base.verdict is Verdict.FAILED:
            section.head.append("  The target fails this check too.")
    section.blocks += _output(result.report)
    section.foot = _foot(result, change_since(result, before), known)
    return section


def _header(result: CheckResult, base: CheckResult | None) -> str:
    report = result.report
    parts = [f"{_WORDS[result.verdict]} {result.check}"]
    if result.exit_code is not None:
        parts.append(f"exit {result.exit_code}")
    if report.parsed:
        counts = {
            "errors found" if report.findings else "failed": report.failed,
            "could not run": report.errored,
            "warnings": report.warnings,
            "passed": report.passed,
            "skipped": report.skipped,
            "passed only when tried again": report.flaky,
        }
        parts.append(", ".join(f"{count} {word}" for word, count in counts.items() if count))
    elif result.verdict is Verdict.FAILED:
        parts.append("guessed from its output" if report.guessed else "output not parsed")
    parts.append("known from before" if result.cached else show_duration(round(result.seconds, 1)))
    if base is not None and base.verdict is Verdict.PASSED:
        parts.append("target: green")
    return " | ".join(part for part in parts if part)


def _tell_failures(section: _Section, result: CheckResult, known: frozenset[str]) -> None:
    failures = result.report.failures
    groups = groups_of(failures, known)
    counted = result.report.failed + result.report.errored
    if len(groups) > 1:
        said = headline(failures)
        section.head.append(f"  {len(groups)} distinct causes")
        section.head += [f"  nearly all say: {one_line(said, 160)}"] if said else []
    if counted > len(failures):
        section.head.append(f"  details were kept of {len(failures)} of {counted} failures")
    section.blocks += [_block(number, group) for number, group in enumerate(groups, 1)]


def _block(number: int, group: Group) -> list[str]:
    example = group.example
    tests = [example.test, *(f.test for f in group.failures if f is not example)]
    phase = f" in {example.phase}" if example.phase else ""
    known = " (fails on the target too)" if group.known else ""
    lines = [f"[{number}] x{len(tests)}{phase}{known} {one_line(example.test, 150)}"]
    lines += [f"      also {one_line(test, 150)}" for test in tests[1:NAMED_TESTS]]
    if len(tests) > NAMED_TESTS:
        lines.append(f"      +{len(tests) - NAMED_TESTS} more")
    if example.path:
        function = f" in {one_line(example.function, 60)}" if example.function else ""
        lines.append(f"  at {one_line(example.path, 120)}:{example.line}{function}")
    return lines + [f"    {line}" for line in _narrowed(excerpt(example))]


def _output(report: Report) -> list[list[str]]:
    """What the output tells by itself: what looks like failures, then how it ends."""
    guesses = groups_of(report.guessed)
    blocks = [_block(number, group) for number, group in enumerate(guesses, 1)]
    lines = _quoted(report.tail)[-LAST_LINES if guesses else 0 :]
    return [*blocks, ["  output:", *lines]] if lines else blocks


def _narrowed(lines: list[str]) -> list[str]:
    return [line if len(line) <= 196 else f"{line[:195]}…" for line in lines]


def _quoted(tail: str) -> list[str]:
    return [f"    {line}" for line in _narrowed(safe_text(tail).split("\n")) if line.strip()]


def _foot(result: CheckResult, change: Change | None, known: frozenset[str]) -> list[str]:
    lines = []
    broken_before = failing(result) & known
    if broken_before:
        lines.append(f"  fail on the target already, without your change: {len(broken_before)}")
    if change is not None:
        lines.append(
            f"  since the last verification: {len(change.new)} newly failing, "
            f"{len(change.still)} still failing, {len(change.mended)} no longer failing"
        )
    if result.log:
        lines.append(f"  full log: {safe_text(result.log, one_line=True)}")
    return lines


def _passed_line(passed: list[CheckResult]) -> str:
    tests = sum(result.report.passed for result in passed)
    flaky = sum(result.report.flaky for result in passed)
    told = f"PASS {', '.join(result.check for result in passed)}"
    told += f" | {tests} tests passed" if tests else ""
    told += f", {flaky} of them only when tried again" if flaky else ""
    return one_line(told)


def _left_out(count: int) -> str:
    return f"  [… {count} more {'part' if count == 1 else 'parts'} left out; see the full log …]"


def _show_what_fits(sections: list[_Section], room: int) -> None:
    """Let every section show its first block, then its second, and so on, while there is room.

    The first one is cut to a fair share rather than left out.
    """
    room -= sum(_size(section.lines()) for section in sections)
    waiting = [section for section in sections if section.blocks]
    for left, section in zip(range(len(waiting), 0, -1), waiting, strict=True):
        section.blocks[0] = _shrunk(section.blocks[0], room // left)
        room -= _size(section.blocks[0])
        section.shown = 1 if section.blocks[0] else 0
    while waiting:
        waiting = [section for section in waiting if 0 < section.shown < len(section.blocks)]
        for section in list(waiting):
            cost = _size(section.blocks[section.shown])
            if cost <= room:
                room -= cost
                section.shown += 1
            else:
                waiting.remove(section)


def _shrunk(block: list[str], room: int) -> list[str]:
    """The first line and as many others, from both ends, as fit; nothing when next to none do."""
    if _size(block) <= room:
        return block
    kept: set[int] = set()
    room -= _size([_CUT])
    for number in from_both_ends(len(block)):
        room -= _size([block[number]])
        if room < 0:
            break
        kept.add(number)
    if len(kept) < LEAST_LINES:
        return []
    gap = next(number for number in range(len(block)) if number not in kept)
    lines = [line for number, line in enumerate(block) if number in kept]
    return [*lines[:gap], _CUT, *lines[gap:]]


def _size(lines: list[str]) -> int:
    """Bytes of the lines, each with its newline."""
    return sum(len(line.encode()) + 1 for line in lines)


def _within(text: str, room: int) -> str:
    """``text`` in at most ``room`` bytes; the last resort when not even the headers fit."""
    raw = text.encode()
    if len(raw) <= room:
        return text
    mark = f"\n{_CUT}".encode()
    if room < len(mark):
        return raw[: max(0, room)].decode("utf-8", "ignore")
    return raw[: room - len(mark)].decode("utf-8", "ignore") + mark.decode()
