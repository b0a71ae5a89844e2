"""The command ``clerk`` as sessions find it: this very program, wherever it is installed.

Our own virtual environment is kept from the sessions' PATH, since its python is not the project's,
and a sandbox shows nothing that was not lent. So there is a folder with one small script in it,
which starts our interpreter isolated: nothing in the worktree is imported in place of ours.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import orchestrator

_FOLDER = "command"
_PACKAGES = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True)
class SessionCommand:
    """``folder`` is to stand on PATH, ``readable`` is what the command in it needs."""

    folder: Path
    readable: tuple[Path, ...]


def session_command(state_dir: Path) -> SessionCommand:
    """The command, written below the engine's state where it is not there yet."""
    folder = state_dir / _FOLDER
    folder.mkdir(mode=0o755, exist_ok=True)
    package = Path(orchestrator.__file__).parent
    packages = [Path(entry) for entry in sys.path if Path(entry).name in _PACKAGES]
    _keep(folder / "clerk", _script([package.parent, *packages]))
    installed = (Path(sys.prefix), Path(sys.base_prefix), package, *packages)
    return SessionCommand(folder, (folder, *dict.fromkeys(filter(Path.exists, installed))))


def _script(sources: list[Path]) -> str:
    """Searched last: what the interpreter has by itself comes first."""
    program = (
        f"import sys; sys.path += {[str(source) for source in sources]!r}; "
        "from orchestrator.cli import main; main()"
    )
    return f'#!/bin/sh\nexec {shlex.join((sys.executable, "-I", "-c", program))} "$@"\n'


def _keep(path: Path, text: str) -> None:
    """In one step: a session may be about to run it."""
    if path.is_file() and path.read_text("utf-8", "surrogateescape") == text:
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, "utf-8", "surrogateescape")
    fresh.chmod(0o755)
    fresh.replace(path)
