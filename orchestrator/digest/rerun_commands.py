"""The command that runs one failing test again, where its runner and its identity tell it.

Made from the check's own command, so that it runs in the same way, and only where that is plain: a
command that changes folders first, or runs through a script, is left alone, since a command that
does not work costs an agent more than none. Pure functions.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.results import Failure

_RUNNERS = (
    ("pytest", re.compile(r"(?:^|[;&|] *)(?P<how>(?:[\w./=:@-]+ +){0,6}?(?:[\w./-]*/)?pytest)\b")),
    ("go", re.compile(r"(?:^|[;&|] *)(?P<how>(?:\w+=[\w./-]+ +){0,4}go +test)\b")),
    ("cargo", re.compile(r"(?:^|[;&|] *)(?P<how>(?:\w+=[\w./-]+ +){0,4}cargo +test)\b")),
    ("vitest", re.compile(r"(?:^|[;&|] *)(?P<how>(?:npx +)?(?:[\w./-]*/)?vitest)\b")),
    ("jest", re.compile(r"(?:^|[;&|] *)(?P<how>(?:npx +)?(?:[\w./-]*/)?jest)\b")),
)
_ELSEWHERE = re.compile(r"(?:^|[\s;&|(])(?:cd|pushd|env -C|make -C) ")
_GO_TEST = re.compile(r"(?:Test|Fuzz|Example)\w*(?:/.*)?")
_RUST_TEST = re.compile(r"\w+(?:::\w+)*")
_SPECIAL = re.compile(r"([.^$*+?()\[\]{}|\\])")


def rerun_command(command: str, failure: Failure) -> str:
    """The command that runs this test alone; empty where nobody can tell."""
    if _ELSEWHERE.search(command) or failure.phase == "collection":
        return ""
    for name, runner in _RUNNERS:
        if found := runner.search(command):
            return _MAKERS[name](found["how"], failure.test)
    return ""


def _pytest(how: str, test: str) -> str:
    file, _, name = test.partition("::")
    return f"{how} -q {shlex.quote(test)}" if file.endswith(".py") and name else ""


def _go(how: str, test: str) -> str:
    package, _, name = test.rpartition("::")
    if not package or not _GO_TEST.fullmatch(name):
        return ""
    pattern = "/".join(f"^{_escaped(part)}$" for part in name.split("/"))
    return f"{how} {shlex.quote(package)} -run {shlex.quote(pattern)}"


def _cargo(how: str, test: str) -> str:
    name = test.rpartition(" ")[2]
    return f"{how} {name} -- --exact" if _RUST_TEST.fullmatch(name) else ""


def _vitest(how: str, test: str) -> str:
    return _javascript(f"{how} run", test)


def _javascript(how: str, test: str) -> str:
    file, _, name = test.partition("::")
    if not name or not re.search(r"\.[cm]?[jt]sx?$", file):
        return ""
    return f"{how} {shlex.quote(file)} -t {shlex.quote(_escaped(name.replace(' > ', ' ')))}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


_MAKERS = {
    "pytest": _pytest,
    "go": _go,
    "cargo": _cargo,
    "vitest": _vitest,
    "jest": _javascript,
}
