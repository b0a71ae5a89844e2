"""Whether checks would test the tree that they are told of, or a part of some other checkout.

The commonest false green: an installation that leads to the user's own checkout, so that its code
is tested in place of the branch's. Known before anything runs, from the checkout as setup left it,
the variables and the programs that checks are given. It counts in every sandbox: where that
checkout cannot be seen, the same link makes a check fail for which nobody is to blame. What a
program finds out while it runs is not seen. Reads only, and so many entries at most; nothing that
was found may ever pass.
"""

from __future__ import annotations

import os
import re
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.verification.tools import packages_of, programs, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ENTRIES = 2_000
"""So many entries of the checkout's upper folders are looked at, and of each folder of packages."""

DEPTH = 3
MOST_BYTES = 64 * 1024

_INTERPRETERS = frozenset({"python", "python3", "pytest", "node"})
"""Looked for though no command line names them: scripts of the tree do."""

_NO_CODE = frozenset({"HOME", "PWD", "OLDPWD", "TMPDIR", "SHELL"})
_INSTALLED = ("pyvenv.cfg", "conda-meta")
_CUSTOM = frozenset({"sitecustomize.py", "usercustomize.py"})
_QUOTED = re.compile(r"""["'](/[^"'\n]+)["']""")
_FILE_URL = re.compile(r'"file://(/[^"\n]+)"')

_PIP = "install it anew in worktree.setup, e.g. pip install -e ."
_NPM = "install it anew in worktree.setup, e.g. npm ci"
_VARIABLE = "let it name a path in the tree, or take it away"
_SEARCH = "start the engine without it on PATH"


@dataclass(frozen=True, slots=True)
class Stray:
    """``what`` leads to ``to``, in the checkout ``into``; ``mend`` is what to do about it."""

    what: str
    to: str
    into: str
    mend: str

    def __str__(self) -> str:
        inside = "" if self.to == self.into else f", in {self.into}"
        return (
            f"{self.what} leads to {self.to}{inside}, another checkout of this repository; "
            f"{self.mend}"
        )


@dataclass(frozen=True, slots=True)
class Given:
    """What checks are given beside the tree: their command lines and all their variables.

    ``environments`` are several where a check or a service has variables of its own. ``homely`` is
    whether they have the user's own home, and what is installed there.
    """

    lines: tuple[str, ...]
    environments: tuple[Mapping[str, str], ...]
    homely: bool = False


def other_checkouts(common_dir: Path, main_checkout: Path | None) -> tuple[Path, ...]:
    """All checkouts of a repository that git knows of, and the user's own."""
    found = [main_checkout] if main_checkout is not None else []
    for told in common_dir.glob("worktrees/*/gitdir"):
        try:
            found.append(Path(told.read_text("utf-8", "surrogateescape").strip()).parent)
        except OSError:
            continue  # it was removed just now
    return tuple(found)


def strays(
    checkout: Path, common_dir: Path, others: Iterable[Path], given: Given
) -> tuple[Stray, ...]:
    """All that leads from what checks of ``checkout`` are given into one of ``others``."""
    homes = {env["HOME"] for env in given.environments if env.get("HOME")}
    look = _Look(_Borders.around(checkout, common_dir, others, homes))
    for env in given.environments:
        look.at_variables(env)
        look.at_programs(given.lines, env.get("PATH", ""))
    if given.homely:
        for home in homes:
            look.queue(Path(home).glob(".local/lib/python3*/site-packages"))
    look.queue(_installed_in(look.borders.own))
    look.at_packages()
    return tuple(look.found)


def told(found: Sequence[Stray]) -> str:
    """In a sentence why nothing may run; empty when nothing was found."""
    more = f" (and {len(found) - 1} more like it)" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else ""


@dataclass(frozen=True, slots=True)
class _Borders:
    """Real paths: what is checked, and where its code must not come from.

    ``lived_in`` are checkouts that hold a home. Those are full of what is no code of theirs.
    """

    own: str
    common_dir: str
    others: tuple[str, ...]
    lived_in: frozenset[str]

    @classmethod
    def around(
        cls, checkout: Path, common_dir: Path, others: Iterable[Path], homes: Iterable[str]
    ) -> _Borders:
        own = os.path.realpath(checkout)
        real = {os.path.realpath(other) for other in others} - {own, "/"}
        lived = {one for one in real for home in homes if _within(os.path.realpath(home), one)}
        inner_first = tuple(sorted(real, key=len, reverse=True))
        return cls(own, os.path.realpath(common_dir), inner_first, frozenset(lived))

    def crossed(self, place: str) -> tuple[str, str]:
        """Where ``place`` leads to and the other checkout that this lies in, or two empty words."""
        try:
            real = os.path.realpath(place)
        except ValueError:  # a NUL: no path at all
            return "", ""
        if _within(real, self.own) or _within(real, self.common_dir):
            return "", ""
        into = next((other for other in self.others if _within(real, other)), "")
        if into in self.lived_in and not self._has(os.path.relpath(real, into)):
            return "", ""
        return (real, into) if into else ("", "")

    def shown(self, place: str) -> str:
        """A place as people know it: within the tree, or in full."""
        return os.path.relpath(place, self.own) if _within(place, self.own) else place

    def _has(self, within: str) -> bool:
        return os.path.lexists(os.path.join(self.own, within))  # noqa: PTH118 - words throughout


@dataclass(slots=True)
class _Look:
    """One look around; ``waiting`` are folders of packages not looked into yet."""

    borders: _Borders
    found: dict[Stray, None] = field(default_factory=dict)
    waiting: deque[str] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)

    def queue(self, folders: Iterable[Path | str]) -> None:
        for folder in folders:
            name = str(folder)
            if name not in self.seen:
                self.seen.add(name)
                self.waiting.append(name)

    def at_variables(self, env: Mapping[str, str]) -> None:
        """Paths in values; what another checkout has *installed* is no code of its own."""
        for name, value in env.items():
            if name in _NO_CODE or name.startswith("CLERK_"):
                continue
            mend = _SEARCH if name == "PATH" else _VARIABLE
            for part in re.split(r"[:;\s=,]+", value):
                if part.startswith("/"):
                    self._lead(name, part, mend, installed=True)

    def at_programs(self, lines: Iterable[str], path: str) -> None:
        """What is installed beside the programs that are named, and beside what interprets them."""
        named = set(words(lines))
        for word in named:
            if word.startswith("/"):
                self._lead("a command line", word, _VARIABLE, installed=True)
        places = list(programs(named | _INTERPRETERS, path).values())
        places += [Path(self.borders.own, word) for word in named if "/" in word]
        for place in places:
            self.queue(map(str, packages_of(place)))
            interpreter = _interpreter(place)
            if interpreter is not None:
                self._lead(self.borders.shown(str(place)), interpreter, _PIP, installed=True)
                self.queue(map(str, packages_of(Path(interpreter))))

    def at_packages(self) -> None:
        while self.waiting:
            folder = self.waiting.popleft()
            if os.path.basename(folder) == "node_modules":  # noqa: PTH119 - words throughout
                self._modules(folder)
            else:
                self._site(folder)

    def _modules(self, folder: str) -> None:
        """A link in place of a folder of modules, or of one of the modules or its scope's."""
        inside = _within(folder, self.borders.own)
        if os.path.islink(folder):  # noqa: PTH114 - words throughout
            self._lead(self.borders.shown(folder), folder, _NPM, installed=not inside)
            return
        for entry in _entries(folder):
            if entry.is_symlink():
                self._lead(self.borders.shown(entry.path), entry.path, _NPM, installed=not inside)
            elif entry.name.startswith("@"):
                self._modules(entry.path)

    def _site(self, folder: str) -> None:
        """Python's packages: links, and files that name further folders."""
        for entry in _entries(folder):
            if entry.is_symlink():
                self._lead(self.borders.shown(entry.path), entry.path, _PIP)
            for place in _named_by(entry, folder):
                self._lead(self.borders.shown(entry.path), place, _PIP, installed=True)

    def _lead(self, what: str, place: str, mend: str, *, installed: bool = False) -> None:
        """Note where something leads; with ``installed`` packages of the other checkout may be used."""
        real, into = self.borders.crossed(place)
        if into and not (installed and _is_installed(real, into)):
            self.found[Stray(what, real, into, mend)] = None


def _installed_in(top: str) -> Iterator[str]:
    """Folders of packages in a checkout, near its top."""
    level, left = [top], ENTRIES
    for _ in range(DEPTH):
        below: list[str] = []
        for folder in level:
            for entry in islice(_entries(folder), left):
                left -= 1
                if entry.name == "node_modules":
                    yield entry.path
                elif entry.name == "pyvenv.cfg":
                    yield from map(str, Path(folder).glob("lib/python3*/site-packages"))
                elif entry.name != ".git" and entry.is_dir(follow_symlinks=False):
                    below.append(entry.path)
        level = below


def _named_by(entry: os.DirEntry[str], folder: str) -> Iterator[str]:
    """The places that a file among Python's packages adds to where modules are looked for."""
    name = entry.name
    if name.endswith((".pth", ".egg-link")):
        for line in _text(entry.path).splitlines():
            if line.startswith(("import ", "import\t")):
                yield from _QUOTED.findall(line)
            elif line.strip() and not line.startswith("#"):
                yield os.path.join(folder, line.strip())  # noqa: PTH118 - words throughout
    elif name in _CUSTOM or (name.startswith("__editable__") and name.endswith(".py")):
        yield from _QUOTED.findall(_text(entry.path))
    elif name.endswith(".dist-info"):
        origin = _text(f"{entry.path}/direct_url.json")
        if '"editable"' in origin:
            yield from _FILE_URL.findall(origin)


def _interpreter(program: Path) -> str | None:
    """What runs a script, by its first line."""
    first, _, _ = _text(str(program), 512).partition("\n")
    line = first[2:].split() if first.startswith("#!") else []
    return line[0] if line and line[0].startswith("/") else None


def _is_installed(real: str, top: str) -> bool:
    """Whether a place belongs to an installation below ``top``, and not to the code beside it."""
    place = Path(real)
    if "node_modules" in place.relative_to(top).parts:
        return True
    around = (place, *place.parents)
    inner = around[: around.index(Path(top))]
    return any((folder / mark).exists() for folder in inner for mark in _INSTALLED)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from islice(found, ENTRIES)
    except OSError:
        return  # none can be read from there either


def _text(path: str, most: int = MOST_BYTES) -> str:
    """The beginning of a file; of anything else, or of none, nothing: a pipe would never end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(most).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def _within(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip("/") + "/")
