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
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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

_INNERMOST_LAST = ((_PYTHON, 'File "'), (_PYTEST, ".py:"))
_INNERMOST_FIRST = (
    (_JAVASCRIPT, "at "),
    (_POINTER, "\u276f"),
    (_PANIC, "panicked at "),
    (_PLAIN, "."),
)
"""Each with what every match of it holds: a text without that need not be gone through."""

_PATHS_KEPT = 4096
"""The same few files are named again and again by the failures of a report."""

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
        return _is_own(self.path)

    @property
    def is_test(self) -> bool:
        return is_test_path(self.path)


def innermost_own(text: str) -> Frame | None:
    """Where ``text``, a traceback, broke in the project's own code; product code before tests."""
    for matches in _by_language(text):
        own = None
        for match in matches:
            path = match["path"].removeprefix("./")
            if _is_own(path):
                own = own or match
                if not is_test_path(path):
                    return _frame(match)
        if own is not None:
            return _frame(own)
    return None


def places(text: str) -> list[Frame]:
    """Every place of the project's own that ``text`` names in the way of Python, outermost first."""
    by_pattern = ([*_found(*one, text)] for one in _INNERMOST_LAST)
    frames = map(_frame, next(filter(None, by_pattern), []))
    return [frame for frame in frames if frame.own]


@lru_cache(maxsize=_PATHS_KEPT)
def is_test_path(path: str) -> bool:
    """Whether that file is a test, by the habits of the languages we know."""
    return bool(_TEST.search(path))


@lru_cache(maxsize=_PATHS_KEPT)
def _is_own(path: str) -> bool:
    foreign = path.startswith(("/", "..", "<", "~", "node:")) or ":" in path
    return not foreign and not _INSTALLED.search(path)


def _by_language(text: str) -> Iterator[Iterable[re.Match[str]]]:
    """The places that each language's pattern finds, innermost first."""
    for one in _INNERMOST_LAST:
        yield reversed([*_found(*one, text)])
    for one in _INNERMOST_FIRST:
        yield _found(*one, text)


def _found(pattern: re.Pattern[str], held: str, text: str) -> Iterable[re.Match[str]]:
    return pattern.finditer(text) if held in text else ()


def _frame(match: re.Match[str]) -> Frame:
    path, name = match["path"].removeprefix("./"), match["name"] or ""
    return Frame(path, int(match["line"]), name.strip())
