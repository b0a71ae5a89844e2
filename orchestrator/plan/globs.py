"""Which paths a list of globs covers.

One meaning everywhere (scope, protection, lint): ``*`` and ``?`` stay within a folder, ``**``
crosses folders, ``[ab]`` is one character; dotfiles are files like any other; case counts. A pattern whose last part is a plain word covers that path and, when it is a folder,
everything beneath it. Paths are relative to the repository's root, with ``/``. Nothing here
reads a disk: a path need not exist to be covered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wcmatch import glob

from orchestrator.plan.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.FORCEUNIX
_LONGEST = 500
_MAGIC = re.compile(r"[*?\[]")
_CLASS = re.compile(r"\[[!^]?\]?[^\]]*\]")
_NOTHING = re.compile(r"(?!)")


class PathGlobs:
    """Globs compiled once; patterns must have passed ``check_glob``."""

    __slots__ = ("_covers", "patterns")

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._covers = _compiled(self.patterns)

    def matches(self, path: str) -> bool:
        """Whether one of the patterns covers ``path`` (repository-relative, with ``/``)."""
        return self._covers.match(path) is not None

    def __bool__(self) -> bool:
        return bool(self.patterns)


def check_glob(pattern: str) -> str:
    """``pattern`` when it can cover a path of a repository.

    Raises ValueError with the mend: an absolute path or ``..`` would never match, an unbalanced
    bracket would silently stand for itself.
    """
    for breaks, sentence in _FAULTS:
        if breaks(pattern):
            raise ValueError(f"{quoted(pattern)} {sentence}")
    return pattern


def literal_prefix(pattern: str) -> str:
    """What every path that ``pattern`` covers begins with."""
    magic = _MAGIC.search(pattern)
    return pattern[: magic.start()] if magic else pattern.rstrip("/")


def literal_tail(pattern: str) -> str:
    """What every path that ``pattern`` covers has in it somewhere."""
    return pattern[max(map(pattern.rfind, "*?]")) + 1 :].strip("/")


def literal_folder(pattern: str) -> str:
    """The folders before the first wildcard, with a closing ``/``; empty when there are none.

    A pattern without any wildcard is returned whole: it may be a folder.
    """
    magic = _MAGIC.search(pattern)
    if magic is None:
        return pattern.rstrip("/") + "/"
    return pattern[: pattern.rfind("/", 0, magic.start()) + 1]


def may_lie_beneath(pattern: str, folder: str) -> bool:
    """Whether ``pattern`` may cover a path beneath ``folder``; in doubt it may."""
    fixed = literal_folder(pattern)
    if fixed.startswith(f"{folder}/"):
        return True
    if not f"{folder}/".startswith(fixed):
        return False
    ends_in_word = not _MAGIC.search(pattern.rstrip("/").rpartition("/")[2])
    return "**" in pattern or ends_in_word or folder.count("/") < pattern.count("/")


def covered_folder(pattern: str) -> str | None:
    """The folder of which ``pattern`` covers everything, with a closing ``/``; None if it is none.

    ``src/**`` covers ``src/``, ``src/cart`` covers ``src/cart/``, ``**`` all (the empty folder).
    """
    folder = literal_folder(pattern)
    return folder if pattern.rstrip("/") + "/" == folder or pattern == f"{folder}**" else None


def _unclosed_class(pattern: str) -> bool:
    return any("[" in _CLASS.sub("", part) for part in pattern.split("/"))


_FAULTS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda p: len(p) > _LONGEST, f"is longer than {_LONGEST} characters; shorten it"),
    (
        lambda p: p.startswith(("/", "~")),
        "is absolute; globs begin at the repository's root, without '/'",
    ),
    (lambda p: p.startswith("!"), "begins with '!'; globs cannot exclude, list what is meant"),
    (lambda p: "\\" in p, "has a backslash; write '/' between folders, '[*]' for a plain '*'"),
    (
        lambda p: not {".", ".."}.isdisjoint(p.split("/")),
        "has a '.' or '..' folder; write the path as git lists it",
    ),
    (lambda p: "//" in p, "has an empty folder name; write one '/'"),
    (_unclosed_class, "has a '[' without its ']'; close it, or write '[[]' for a plain '['"),
    (
        lambda p: "{" in _CLASS.sub("", p),
        "has a '{'; write one glob for each choice, or '[{]' for a plain '{'",
    ),
)


def _compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    expressions: list[str] = []
    for pattern in patterns:
        for form in _forms(pattern):
            expressions += glob.translate(form, flags=_FLAGS)[0]
    return re.compile("|".join(f"(?:{each})" for each in expressions)) if expressions else _NOTHING


def _forms(pattern: str) -> tuple[str, ...]:
    """The pattern, and what it covers as a folder when its last part is a plain word."""
    path = pattern.rstrip("/")
    if _MAGIC.search(path.rpartition("/")[2]):
        return (pattern,)
    return (path, f"{path}/**")
