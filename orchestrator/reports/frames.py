"""Places in code, found in tracebacks of several languages.

One question is answered: where in the project's *own* code did it break? A path is the project's
own when it is relative (whoever asks has cut the checkout's folder off) and lies in no folder of
installed packages. Product code goes before tests: that is where the mend belongs.

Patterns are anchored at the start of a line and built of disjoint character classes, so that
hostile output costs linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH = r"(?:file://)?(?P<path>[^\s:()\"'<>|]{1,300}\.[A-Za-z]{1,5})"

_PYTHON = re.compile(
    r'^[ |]*File "(?P<path>[^"\n]{1,300})", line (?P<line>\d{1,7})(?:, in (?P<name>\S{1,80}))?',
    re.MULTILINE,
)
_PYTEST = re.compile(
    r"^(?P<path>[^\s:\"]{1,300}\.py):(?P<line>\d{1,7}):(?: in (?P<name>[\w<>.]{1,80})$)?",
    re.MULTILINE,
)
_JAVASCRIPT = re.compile(
    rf"^ *at (?:(?:async |new )?(?P<name>[\w$.<>\[\] ]{{1,80}}) \()?{_PATH}:(?P<line>\d{{1,7}}):\d+",
    re.MULTILINE,
)
_POINTER = re.compile(
    rf"^ *\u276f (?:(?P<name>[\w$.<>]{{1,80}}) )?{_PATH}:(?P<line>\d{{1,7}}):\d+", re.MULTILINE
)
_PANIC = re.compile(
    rf"^(?:thread '[^'\n]{{0,200}}' (?:\(\d{{1,9}}\) )?)?panicked at (?P<name>){_PATH}:(?P<line>\d{{1,7}})",
    re.MULTILINE,
)
_PLAIN = re.compile(rf"^ *(?P<name>){_PATH}[:(](?P<line>\d{{1,7}})(?:[:,) ]|$)", re.MULTILINE)

_INNERMOST_LAST = (_PYTHON, _PYTEST)
_INNERMOST_FIRST = (_JAVASCRIPT, _POINTER, _PANIC, _PLAIN)

_INSTALLED = re.compile(
    r"(^|/)(node_modules|site-packages|dist-packages|\.venv|venv|\.tox|\.nox|vendor|\.yarn|\.cargo)/"
    r"|(^|/)_testmain\.go$"  # made by go test
)
_TEST = re.compile(
    r"(^|/)(tests?|testing|__tests__|spec|e2e)/"
    r"|(^|/)(test_[^/]*|conftest)\.py$"
    r"|[._-](test|tests|spec)\.\w+$"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One place: ``path`` relative to the project when it is its own, ``line`` from 1."""

    path: str
    line: int
    function: str = ""

    @property
    def own(self) -> bool:
        foreign = self.path.startswith(("/", "..", "<", "~", "node:")) or ":" in self.path
        return not foreign and not _INSTALLED.search(self.path)

    @property
    def is_test(self) -> bool:
        return bool(_TEST.search(self.path))


def innermost_own(text: str) -> Frame | None:
    """Where ``text``, a traceback, broke in the project's own code; product code before tests."""
    for frames in _by_language(text):
        own = [frame for frame in frames if frame.own]
        if own:
            return next((frame for frame in own if not frame.is_test), own[0])
    return None


def places(text: str) -> list[Frame]:
    """Every place of the project's own that ``text`` names in the way of Python, outermost first."""
    found = next((frames for frames in (_frames(p, text) for p in _INNERMOST_LAST) if frames), [])
    return [frame for frame in found if frame.own]


def is_test_path(path: str) -> bool:
    """Whether that file is a test, by the habits of the languages we know."""
    return bool(_TEST.search(path))


def _by_language(text: str) -> Iterator[list[Frame]]:
    """The frames that each language's pattern finds, innermost first."""
    for pattern in _INNERMOST_LAST:
        yield _frames(pattern, text)[::-1]
    for pattern in _INNERMOST_FIRST:
        yield _frames(pattern, text)


def _frames(pattern: re.Pattern[str], text: str) -> list[Frame]:
    return [
        Frame(match["path"].removeprefix("./"), int(match["line"]), (match["name"] or "").strip())
        for match in pattern.finditer(text)
    ]
