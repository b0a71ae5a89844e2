"""An assembler for the few classic BPF instructions that a seccomp filter is made of.

Only jumps forwards, by label; a label nobody set or a jump too far for the one byte it has is
an error here, never a filter that decides something else. Knows nothing of system calls.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_NEXT = ""
_FARTHEST = 255

_Line = tuple[int, int, str, str]


@dataclass(slots=True)
class Program:
    """Instructions in their order. A jump without a label for a case falls through in it."""

    _lines: list[_Line] = field(default_factory=list)
    _labels: dict[str, int] = field(default_factory=dict)

    def label(self, name: str) -> None:
        """Name the place of the next instruction."""
        if name in self._labels:
            raise ValueError(f"the label {name!r} is set twice")
        self._labels[name] = len(self._lines)

    def load(self, offset: int) -> None:
        """Take the 32-bit word at ``offset`` of what is judged."""
        self._lines.append((_LOAD_WORD, offset, _NEXT, _NEXT))

    def keep(self, mask: int) -> None:
        """Clear all bits of the loaded word but these."""
        self._lines.append((_AND, mask, _NEXT, _NEXT))

    def equal(self, value: int, yes: str = _NEXT, no: str = _NEXT) -> None:
        self._lines.append((_EQUAL, value, yes, no))

    def at_least(self, value: int, yes: str = _NEXT, no: str = _NEXT) -> None:
        """Compare unsigned."""
        self._lines.append((_AT_LEAST, value, yes, no))

    def any_bit(self, mask: int, yes: str = _NEXT, no: str = _NEXT) -> None:
        self._lines.append((_ANY_BIT, mask, yes, no))

    def answer(self, value: int) -> None:
        self._lines.append((_RETURN, value, _NEXT, _NEXT))

    def assembled(self) -> bytes:
        """An array of ``struct sock_filter``."""
        return b"".join(
            struct.pack("=HBBI", code, self._distance(at, yes), self._distance(at, no), value)
            for at, (code, value, yes, no) in enumerate(self._lines)
        )

    def _distance(self, at: int, label: str) -> int:
        if label == _NEXT:
            return 0
        if label not in self._labels:
            raise ValueError(f"the label {label!r} is not set")
        distance = self._labels[label] - at - 1
        if not 0 <= distance <= _FARTHEST:
            raise ValueError(f"a jump of {distance} to {label!r} is out of reach")
        return distance
