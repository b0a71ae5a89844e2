"""The identity of a test: what stays the same from one run to the next, and can be run again.

Runners disagree on what ``classname`` and ``name`` hold. pytest and unittest tell a dotted module
and classes, JavaScript runners a file or a sentence, Go a package. Where the file can be told, the
identity is ``tests/test_x.py::Class::test``, which pytest itself takes.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PYTHON_FILES = re.compile(r"(?:^|[\s\"'])(?P<path>[\w./-]{1,300}\.py)\b")
_DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")


def identity_of(*, suite: str, classname: str, name: str, file: str = "", details: str = "") -> str:
    """The identity of one testcase, from what its element and its traceback tell."""
    if not classname and suite == "pytest" and _DOTTED.match(name):
        return _module_file(name, details) or f"{name.replace('.', '/')}.py"  # did not collect
    if file.endswith(".py") or (not file and _DOTTED.match(classname)):
        python = _python_identity(suite, classname, name, file, details)
        if python:
            return python
    group = file or classname or suite
    if not group or group == name:
        return name or "unnamed test"
    return f"{group}::{name}" if name else group


def _python_identity(suite: str, classname: str, name: str, file: str, details: str) -> str:
    """``path::Class::name``, or nothing where no Python file can be told."""
    path = file or _module_file(classname, details)
    if path:
        classes = _below(path, classname)
    elif suite == "pytest":
        parts = classname.split(".")
        module = list(takewhile(lambda part: not part[0].isupper(), parts)) or parts
        path, classes = "/".join(module) + ".py", parts[len(module) :]
    else:
        return ""
    return "::".join((path, *classes, name))


def _module_file(dotted: str, details: str) -> str:
    """The Python file named in ``details`` whose module is, or holds, ``dotted``."""
    for line in _lines_with([f"{part}.py" for part in dotted.split(".")], details):
        for match in _PYTHON_FILES.finditer(line):
            path = match["path"].removeprefix("./")
            module = path.removesuffix(".py").replace("/", ".")
            if dotted == module or dotted.startswith(module + "."):
                return path
    return ""


def _lines_with(words: Iterable[str], text: str) -> Iterator[str]:
    """The lines of ``text`` that hold one of ``words``, in order; a search for each, and no more."""
    ahead = {word: text.find(word) for word in words}
    while ahead := {word: at for word, at in ahead.items() if at >= 0}:
        at = min(ahead.values())
        begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
        yield text[begin:end] if end >= 0 else text[begin:]
        if end < 0:
            return
        ahead = {word: at if at > end else text.find(word, end) for word, at in ahead.items()}


def _below(path: str, classname: str) -> list[str]:
    """The classes in ``classname``: what is left of it without the module of ``path``."""
    module = path.removesuffix(".py").strip("./").split("/")
    parts = classname.split(".") if classname else []
    for start in range(len(module)):
        tail = module[start:]
        if parts[: len(tail)] == tail:
            return parts[len(tail) :]
    return [part for part in parts if part[:1].isupper()]
