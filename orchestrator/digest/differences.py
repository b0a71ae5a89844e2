"""Expected and actual, side by side: of long values only where they part, both cut at one place.

Runners print whole values, and an agent that sees the first hundred characters of each sees twice
the same. Two lines that tell the two sides, or the two sides of one comparison, are cut around
their first difference instead. Pure, and linear in the length of the text.
"""

from __future__ import annotations

import re
from itertools import takewhile

LONGEST_SIDE = 120
LEAD = 24
"""Characters of what both have in common that are shown before the difference."""

_SIDE = re.compile(
    r"\s*(?:[-+] ?|(?:expected|actual|received|want|wanted|got|left|right)\b[ \w]{0,20}: ?)",
    re.IGNORECASE,
)
_GUIDE = re.compile(r"\s*\?[\s^+~-]*")
_COMPARED = re.compile(
    r"(?P<head>(?:[\w.]{1,80}(?:Error|Exception): ?)?(?:assert |expected )?)(?P<one>.+?)"
    r"(?P<word> (?:==|!=|to (?:be|equal|deeply equal|strictly equal|match)) )(?P<other>.+)"
)


def aligned(one: str, other: str, room: int = LONGEST_SIDE) -> tuple[str, str]:
    """Both within ``room`` characters; where one is longer, both are cut around where they part."""
    if max(len(one), len(other)) <= room:
        return one, other
    begin = max(0, _parting(one, other) - LEAD)
    return _window(one, begin, room), _window(other, begin, room)


def sides_aligned(lines: list[str], room: int = LONGEST_SIDE) -> list[str]:
    """``lines`` with neighbours that tell expected and actual cut to where they part.

    Lines that only point at a difference are left out: what they point at may have moved.
    """
    kept = [line for line in lines if not _GUIDE.fullmatch(line)]
    number = 0
    while number + 1 < len(kept):
        kept[number : number + 2] = _pair(kept[number], kept[number + 1], room)
        number += 1
    return kept


def comparison_cut(line: str, room: int) -> str:
    """``line`` in ``room`` characters: where it compares two values, with the part that differs."""
    compared = _COMPARED.fullmatch(line) if len(line) > room else None
    if compared is None:
        return _window(line, 0, room)
    each = (room - len(compared["head"]) - len(compared["word"])) // 2
    if each <= LEAD:
        return _window(line, 0, room)
    one, other = aligned(compared["one"], compared["other"], each)
    return f"{compared['head']}{one}{compared['word']}{other}"


def _pair(one: str, other: str, room: int) -> list[str]:
    first, second = _SIDE.match(one), _SIDE.match(other)
    if not first or not second or first[0] == second[0]:
        return [one, other]
    sides = aligned(one[first.end() :], other[second.end() :], room)
    return [first[0] + sides[0], second[0] + sides[1]]


def _parting(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _window(text: str, begin: int, room: int) -> str:
    """``room`` characters of ``text`` from ``begin``, with a mark at each end that was cut."""
    head = "…" if begin else ""
    shown = text[begin : begin + room - len(head)]
    if begin + len(shown) < len(text):
        shown = shown[:-1] + "…"
    return head + shown
