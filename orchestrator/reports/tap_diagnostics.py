"""What stands below a failed point of TAP: YAML in the ways of several runners, or comments.

It is not read as YAML, which an untrusted command wrote, but line by line: what varies from run to
run is dropped, a stack is written as frames are, and the message and the place are looked for.
"""

from __future__ import annotations

import re
from textwrap import dedent

_FIELD = re.compile(r"(?P<indent> *)(?P<name>[A-Za-z_]{1,40}):(?: +(?P<value>.*))?")
_MESSAGES = ("message", "error")
_DROPPED = frozenset({"duration_ms", "type", "failureType", "code", "signal", "exitCode"})
_BLOCK = frozenset({"|", "|-", "|+", ">", ">-"})
_PLACE = re.compile(r"['\"]?(?P<path>[^\s'\":]{1,400}):(?P<line>\d{1,7})(?::\d{1,7})?['\"]?")
_COMMENT_PLACE = re.compile(r".*\b(?:at|file) (?P<path>\S{1,400}?),? line (?P<line>\d{1,7})\b.*")


class Diagnostics:
    """What was found in ``said``, the lines below one point."""

    def __init__(self, said: list[str]) -> None:
        self.lines: list[str] = []
        self.stack = False
        self.place: tuple[str, int] | None = None
        self._messages: dict[str, str] = {}
        name, inside = "", -1
        for line in dedent("\n".join(said)).split("\n"):
            indent = len(line) - len(line.lstrip())
            if inside >= 0 and (indent > inside or not line.strip()):
                self._take_block(name, line.strip())
                continue
            inside = -1
            match = _FIELD.fullmatch(line)
            if match is None:
                self._take_plain(line)
                continue
            name, value = match["name"], match["value"] or ""
            self._take_field(name, value, line)
            if value in _BLOCK:
                inside = len(match["indent"])

    @property
    def file(self) -> str:
        return self.place[0] if self.place else ""

    @property
    def message(self) -> str:
        """The line that tells why."""
        told = next((self._messages[name] for name in _MESSAGES if self._messages.get(name)), "")
        return told or next((line.strip() for line in self.lines if line.strip()), "")

    def _take_field(self, name: str, value: str, line: str) -> None:
        match = _PLACE.fullmatch(value) if name in {"location", "at"} else None
        if match:
            self.place = (match["path"].removeprefix("file://"), int(match["line"]))
        elif name in _MESSAGES and value not in _BLOCK:
            self._messages.setdefault(name, value.strip("'\""))
            self.lines += [line] if value else []
        elif name not in _DROPPED and value not in _BLOCK:
            self.lines.append(line)

    def _take_block(self, name: str, line: str) -> None:
        if name in _MESSAGES and line:
            self._messages[name] = self._messages.get(name) or line
        if name == "stack":
            self.stack = self.stack or bool(_PLACE.search(line))
            line = f"    at {line}"
        if name not in _DROPPED and line.strip():
            self.lines.append(line)

    def _take_plain(self, line: str) -> None:
        match = _COMMENT_PLACE.fullmatch(line)
        if match and self.place is None:
            self.place = (match["path"], int(match["line"]))
        elif line.strip():
            self.lines.append(line)
