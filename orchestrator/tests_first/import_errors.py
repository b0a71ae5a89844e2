"""Tests that did not run because something could not be imported: what, and whose it is.

Read from the words of a failure, which are data of an untrusted command. A test that names what the
work is to bring cannot be imported before the work; one that is broken, or lacks a dependency, can
neither. Only what the project's own files make plausible is taken for the former. Patterns are
anchored at the start of a line, so that hostile output costs linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_LINE = r"^(?:E {1,8})?[ \t]{0,8}(?:[\w.]{1,80}: )?(?:Error: )?"
_SYNTAX = re.compile(
    rf"{_LINE}(?:SyntaxError|IndentationError|TabError|Transform failed|Parse failure)\b",
    re.MULTILINE,
)
_NO_MODULE = re.compile(rf"{_LINE}No module named '(?P<name>[\w.]{{1,200}})'", re.MULTILINE)
_NO_NAME = re.compile(
    rf"{_LINE}cannot import name '[\w.]{{1,200}}' from '(?P<name>[\w.]{{1,200}})'", re.MULTILINE
)
_NO_FILE = re.compile(
    rf"{_LINE}(?:Cannot find module|Failed to resolve import|Failed to load url) "
    r"['\"]?(?P<name>[^\s'\"]{1,300})",
    re.MULTILINE,
)
_ANY = re.compile(rf"{_LINE}(?:ModuleNotFoundError|ImportError)\b", re.MULTILINE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Project:
    """The paths that are there, and the globs of those that the work may bring; none means any."""

    files: Collection[str]
    touches: Collection[str] = ()

    def holds(self, module: str) -> bool:
        """Whether there is a module, or a package, of that dotted name."""
        path = module.replace(".", "/")
        ends = (f"{path}.py", f"{path}/__init__.py", f"{path}.pyi")
        return any(file == end or file.endswith(f"/{end}") for file in self.files for end in ends)

    def may_bring(self, module: str) -> bool:
        """Whether a module that is not there is one of the project's own, yet to come."""
        if self.holds(module):
            return False
        first = module.partition(".")[0]
        folders = {part for file in self.files for part in file.split("/")[:-1]}
        planned = {word for glob in self.touches for word in _WORD.findall(glob)}
        return first in folders or first in planned or not self.touches


def is_syntax_error(text: str) -> bool:
    """Whether ``text`` tells that a file is not even code."""
    return _SYNTAX.search(text) is not None


def is_import_error(text: str) -> bool:
    """Whether ``text`` tells that something could not be imported."""
    return any(pattern.search(text) for pattern in (_NO_MODULE, _NO_NAME, _NO_FILE, _ANY))


def lacks_the_work(text: str, project: Project) -> bool:
    """Whether all that ``text`` could not import is the project's own and yet to come."""
    modules = [match["name"] for match in _NO_MODULE.finditer(text)]
    names = [match["name"] for match in _NO_NAME.finditer(text)]
    files = [match["name"] for match in _NO_FILE.finditer(text)]
    if not (modules or names or files):
        return False
    return (
        all(map(project.may_bring, modules))
        and all(map(project.holds, names))
        and all(name.startswith((".", "/", "@/", "~/", "#")) for name in files)
    )
