"""What stands for the owner's own in a scene: files, secrets, and servers that somebody could call.

Everything is open to every user, so that nothing but the sandbox can be what keeps an agent away.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.selftest.escapes import SECRETS, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST_SOCKET_PATH = 100


class Canaries:
    """The canaries below ``folder``, and those of the repository beside them."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.home, self.outside = folder / "home", folder / "outside"
        self._repository = repository
        self._before: Mapping[str, str] = {}
        self._listeners: dict[str, socket.socket] = {}
        self._name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        self._socket = self.outside / "socket"

    def place(self) -> None:
        """Make them; the repository must be there."""
        _write(self.home / ".ssh/id", SECRETS["file"])
        _write(self.home / ".profile", b"")
        _write(self.outside / "victim", b"untouched")
        _write(self.outside / "folder/file", b"untouched")
        self._listen()

    def remember(self) -> None:
        """From now on a change is one by somebody else."""
        self._before = self._state()

    @property
    def owners_environment(self) -> dict[str, str]:
        """What the owner has in their environment besides what everybody has."""
        return {"HOME": str(self.home), VARIABLE: SECRETS["environment"].decode()}

    @property
    def told(self) -> dict[str, str]:
        """Where they are, so that no agent fails for not finding them."""
        port = self._listeners["TCP"].getsockname()[1]
        return {
            "OUTSIDE": str(self.outside),
            "OWNERS_HOME": str(self.home),
            "COMMON_DIR": str(self._repository / ".git"),
            "SOCKET": str(self._socket),
            "UNNAMED": self._name,
            "PORT": str(port),
        }

    def moved(self) -> tuple[str, ...]:
        """What was made, changed or removed."""
        after = self._state()
        return tuple(
            name
            for name in sorted(self._before.keys() | after.keys())
            if self._before.get(name) != after.get(name)
        )

    def heard(self) -> tuple[str, ...]:
        """The listeners that somebody called."""
        return tuple(name for name, one in self._listeners.items() if _was_called(one))

    def close(self) -> None:
        for listener in self._listeners.values():
            listener.close()

    def _listen(self) -> None:
        self._listeners["TCP"] = socket.create_server(("127.0.0.1", 0))
        unnamed = socket.socket(socket.AF_UNIX)
        unnamed.bind(f"\0{self._name}")
        self._listeners["an unnamed socket"] = unnamed
        if len(os.fsencode(self._socket)) <= _LONGEST_SOCKET_PATH:
            named = socket.socket(socket.AF_UNIX)
            named.bind(str(self._socket))
            self._socket.chmod(0o777)
            self._listeners["a named socket"] = named
        for listener in self._listeners.values():
            listener.listen()
            listener.setblocking(False)

    def _state(self) -> dict[str, str]:
        git = self._repository / ".git"
        found = {"config": _content(git / "config")}
        for name, folder in (
            ("home", self.home),
            ("outside", self.outside),
            ("hooks", git / "hooks"),
        ):
            found |= {f"{name}/{path}": content for path, content in _contents(folder)}
        return found


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o777)
    path.write_bytes(content)
    path.chmod(0o666)


def _contents(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in folder.rglob("*"):
        yield path.relative_to(folder), _content(path)


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"


def _was_called(listener: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        listener.accept()[0].close()
        return True
    return False
