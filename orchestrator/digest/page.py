"""A verification in few tokens: what failed, where, why, and what changed since.

Written for an agent that has never seen the output. The same failure is told once; what passed is
a number; the full log stays on disk and its path is told. Invariants, each from a real failure of
somebody's reporter: never beyond the budget; never "0 failed" for what could not be parsed; what
was cut is announced; what could not run is told as nobody's fault; text from tests is data, without
a control character in it. Pure, and linear in what the reports hold.

``check_section`` says what there is to tell; here is decided what of it fits. Checks share the room
evenly: each shows its first cause in full, then all causes in a line each, then more of them in
full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.digest.check_section import left_out, passed_line, section_of
from orchestrator.digest.comparisons import result_of
from orchestrator.digest.excerpts import from_both_ends
from orchestrator.plan.values import show_duration
from orchestrator.states import Verdict
from orchestrator.tokens import BYTES_PER_TOKEN
from orchestrator.verification.check_history import History

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.digest.check_section import Block, Section
    from orchestrator.results import CheckResult, Verification

LEAST_LINES = 2
LEFT_OUT_BYTES = 96
"""What the line takes, at most, that tells how much of a check was left out."""

_CUT = "[… cut to fit …]"
_NO_HISTORY = History()


def digest(
    verification: Verification,
    *,
    budget_tokens: int,
    previous: Verification | None = None,
    baseline: Verification | None = None,
    history: History = _NO_HISTORY,
) -> str:
    """``verification`` told within ``budget_tokens`` (see ``orchestrator.tokens``).

    ``previous`` is the one before it on the same branch, to tell what changed; ``baseline`` the
    target's own, to tell what was broken before; ``history`` knows of flaky tests.
    """
    room = int(budget_tokens * BYTES_PER_TOKEN)
    parts = [
        _Part(
            section_of(
                result,
                before=result_of(previous, result.check),
                base=result_of(baseline, result.check),
                past=history.of(result.check),
            )
        )
        for result in verification.results
        if result.verdict is not Verdict.PASSED
    ]
    last = _last_lines(verification, previous)
    _show_what_fits(parts, room - _size(last))
    lines = [line for part in parts for line in part.lines()] + last
    return _within("\n".join(lines) or "No check ran.", room)


@dataclass(slots=True)
class _Part:
    """What is shown of a section: ``full`` of its blocks in full, of ``listed`` at least a line."""

    section: Section
    full: int = 0
    listed: int = 0
    extras: int = 0

    def lines(self) -> list[str]:
        section = self.section
        body = [line for block in section.blocks[: self.full] for line in block.full]
        body += [block.short for block in section.blocks[self.full : self.listed]]
        rest = section.blocks[max(self.full, self.listed) :]
        foot = [left_out(rest)] if rest else []
        return [*section.head, *body, *foot, *section.extras[: self.extras], *section.foot]

    def least(self) -> int:
        """Bytes that it takes whatever is left out."""
        spare = LEFT_OUT_BYTES if self.section.blocks else 0
        return _size(self.section.head) + _size(self.section.foot) + spare


class _Step(Protocol):
    """One thing more that a part could show."""

    def __call__(self, part: _Part, room: int) -> int | None:
        """Show it if it fits, and say how many bytes it took; None when there is nothing, or no room."""


def _last_lines(verification: Verification, previous: Verification | None) -> list[str]:
    passed = [r for r in verification.results if r.verdict is Verdict.PASSED]
    lines = [passed_line(passed, _mended(passed, previous))] if passed else []
    if len(verification.results) > 1 and verification.seconds >= 1:
        lines.append(f"All of it took {show_duration(round(verification.seconds, 1))}.")
    return lines


def _mended(passed: Sequence[CheckResult], previous: Verification | None) -> list[str]:
    before = [(result.check, result_of(previous, result.check)) for result in passed]
    red = (Verdict.FAILED, Verdict.TIMED_OUT)
    return [check for check, result in before if result is not None and result.verdict in red]


def _show_what_fits(parts: list[_Part], room: int) -> None:
    room -= sum(part.least() for part in parts)
    room = _show_first_blocks([part for part in parts if part.section.blocks], room)
    half = max(0, room) // 2
    room -= half - _in_turn(parts, half, _show_line)
    for step in (_show_in_full, _show_line, _show_extra):
        room = _in_turn(parts, room, step)


def _show_first_blocks(parts: list[_Part], room: int) -> int:
    """Each the first of its blocks, cut to a fair share; who needs less leaves more to the others."""
    waiting = sorted(parts, key=lambda part: _size(part.section.blocks[0].full))
    for left, part in zip(range(len(waiting), 0, -1), waiting, strict=True):
        block = part.section.blocks[0]
        block.full = _shrunk(block, max(0, room) // left)
        if block.full:
            room -= _size(block.full)
            part.full = part.listed = 1
    return room


def _in_turn(parts: list[_Part], room: int, step: _Step) -> int:
    """Let every part take one ``step`` after the other while there is room; returns what is left."""
    waiting = list(parts)
    while waiting:
        for part in list(waiting):
            took = step(part, room)
            if took is None:
                waiting.remove(part)
            else:
                room -= took
    return room


def _show_line(part: _Part, room: int) -> int | None:
    blocks = part.section.blocks[part.listed :]
    if not blocks or not blocks[0].short or _size([blocks[0].short]) > room:
        return None
    part.listed += 1
    return _size([blocks[0].short])


def _show_in_full(part: _Part, room: int) -> int | None:
    blocks = part.section.blocks[part.full :]
    if not blocks:
        return None
    shown = _size([blocks[0].short]) if part.full < part.listed else 0
    if not blocks[0].short:  # an output has no short form, and is cut instead
        blocks[0].full = _shrunk(blocks[0], room)
    took = _size(blocks[0].full) - shown
    if not blocks[0].full or took > room:
        return None
    part.full += 1
    part.listed = max(part.full, part.listed)
    return took


def _show_extra(part: _Part, room: int) -> int | None:
    extras = part.section.extras[part.extras :]
    if not extras or _size(extras[:1]) > room:
        return None
    part.extras += 1
    return _size(extras[:1])


def _shrunk(block: Block, room: int) -> list[str]:
    """The first line and as many others, from both ends, as fit; its short form if next to none do."""
    lines = block.full
    if _size(lines) <= room:
        return lines
    kept: set[int] = set()
    left = room - _size([_CUT])
    for number in from_both_ends(len(lines)):
        left -= _size([lines[number]])
        if left < 0:
            break
        kept.add(number)
    if len(kept) < LEAST_LINES:
        return [block.short] if block.short and _size([block.short]) <= room else []
    gap = next(number for number in range(len(lines)) if number not in kept)
    shown = [line for number, line in enumerate(lines) if number in kept]
    return [*shown[:gap], _CUT, *shown[gap:]]


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
