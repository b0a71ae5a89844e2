"""Where programs live that were not installed system-wide, so that confined jobs may run them.

The search path tells: a folder on it may be read, and beside a ``bin`` the folders in which such
an installation keeps its libraries. Never a home folder itself, nor what merely lies beside the
programs: logins lie there too. Reads names only, and changes nothing.
"""

from __future__ import annotations

import os
import shutil
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SYSTEM = tuple(
    map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store"))
)
"""What every job may read."""

_BINARIES = frozenset({"bin", "sbin", "shims"})
_BESIDE = ("lib", "lib32", "lib64", "libexec", "include", "versions", "pyvenv.cfg")
_SHARED = "share"
_ROOTS = {"RUSTUP_HOME": ".rustup", "PYENV_ROOT": ".pyenv"}
"""Installations that programs on the path look up by a variable, or else below HOME."""


def search_path(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The absolute folders of PATH that exist."""
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    folders = (Path(entry) for entry in dict.fromkeys(entries) if entry.startswith("/"))
    return tuple(folder for folder in folders if _is_dir(folder))


def tool_paths(environ: Mapping[str, str], *, hidden: tuple[Path, ...] = ()) -> tuple[Path, ...]:
    """The paths outside ``SYSTEM`` that the programs on PATH need, as they are and as they resolve.

    None that holds a home folder or one of ``hidden``. Looked for once for each environment in a
    process's life: it is asked at every start.
    """
    facts = {name: environ[name] for name in ("PATH", "HOME", *_ROOTS) if name in environ}
    found = _found(tuple(facts.items()))
    held = {holder for path in hidden for holder in (path, *path.parents)}
    return tuple(path for path in found if path not in held)


@lru_cache(maxsize=64)
def _found(facts: tuple[tuple[str, str], ...]) -> tuple[Path, ...]:
    environ = dict(facts)
    home = _home(environ)
    beside = (path for folder in search_path(environ) for path in _installation(folder, home))
    wanted = dict.fromkeys((*beside, *tool_roots(environ).values()))
    found = {path: None for path in wanted if _may_be_shown(path, (home,))}
    # What lies in another of them is shown with it, and a mount costs time at every start.
    return tuple(path for path in found if found.keys().isdisjoint(path.parents))


def tool_roots(environ: Mapping[str, str]) -> dict[str, Path]:
    """Installations by the variable under which their programs look for them."""
    home = _home(environ)
    roots = {name: Path(environ.get(name) or home / default) for name, default in _ROOTS.items()}
    return {
        name: root
        for name, root in roots.items()
        if _is_dir(root) and not home.is_relative_to(root)
    }


def program_paths(program: Path, home: Path | None = None) -> tuple[Path, ...]:
    """What one program needs: its own folder as it resolves, and the installation that is in.

    One of npm's is installed with what it needs beside it. Of one that lies in ``home`` itself
    (by default this process's user's) nothing but the file.
    """
    home, real = home or Path.home(), program.resolve()
    around = (place for place in reversed(real.parents) if place.name == "node_modules")
    needed = (next(around, real.parent), *_installation(real.parent, home))
    shown = tuple(path for path in needed if _may_be_shown(path, (home,)))
    return shown if shown or is_system(real) else (real,)


def command_paths(word: str, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """What the program needs that is meant by the first word of a command line."""
    found = shutil.which(word, path=environ.get("PATH", os.defpath)) if "/" not in word else word
    if not found or not Path(found).is_absolute():
        return ()
    return program_paths(Path(found), _home(environ))


def is_system(path: Path) -> bool:
    """Whether every job may read ``path`` anyway."""
    return any(path.is_relative_to(system) for system in SYSTEM)


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or "/nonexistent")


def _may_be_shown(path: Path, hidden: Iterable[Path]) -> bool:
    return not is_system(path) and not any(secret.is_relative_to(path) for secret in hidden)


def _is_dir(path: Path) -> bool:
    """False also for a folder behind one that this user may not enter."""
    return os.path.isdir(path)  # noqa: PTH112 - pathlib's raises there


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - as above


def _installation(folder: Path, home: Path) -> Iterator[Path]:
    """``folder`` and what belongs to its programs, also where a link leads to."""
    for place in dict.fromkeys((folder, folder.resolve())):
        yield place
        prefix = place.parent
        if place.name not in _BINARIES or prefix == home:
            continue
        names = _BESIDE if prefix == home / ".local" else (*_BESIDE, _SHARED)
        yield from (prefix / name for name in names if _exists(prefix / name))
        yield from _base_of(prefix / "pyvenv.cfg")


def _base_of(config: Path) -> Iterator[Path]:
    """The installation that a virtual environment borrows its interpreter from."""
    try:
        lines = config.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        key, _, value = line.partition("=")
        base = Path(value.strip())
        if key.strip() == "home" and base.is_absolute() and _is_dir(base):
            for name in ("bin", "lib", "lib64", "include"):
                if _exists(base.parent / name):
                    yield base.parent / name
