"""Clerk commands as processes of their own, forked from one that has imported everything.

A command imports for longer than a small plan takes, and the matrix runs hundreds. The server
is a plain process without threads, so that its children are as good as fresh ones: each gets
the environment, the folder and the crash order of its own and ends without coming back.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

TESTS = Path(__file__).parents[1]
RECOVER = "--recover-only"
"""In place of a command: an engine that starts, mends, takes orders and ends.

What follows are tasks of plan ``p`` to send back to work.
"""

Command = Callable[[list[str]], int]

_IMPORTS = (
    "orchestrator.cli.run",
    "orchestrator.engine",
    "orchestrator.api.server",
    "orchestrator.api.client",
    "orchestrator.cli.progress",
    "orchestrator.cli.outcome",
    "orchestrator.agents.command",
    "orchestrator.sandboxes.none",
    "orchestrator.sandboxes.bubblewrap",
    "orchestrator.executors.local",
    "crash.mutants",
    "uvicorn",
    "httpx",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended; ``code`` is minus the signal where one ended it."""

    code: int
    said: str

    @property
    def killed(self) -> bool:
        return self.code == -9


class Forks:
    """Starts commands, one at a time."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "crash.forks"],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._out = Path(tempfile.mkstemp(prefix="crash-forks-")[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
        self._out.unlink()

    def begin(
        self, args: Sequence[str], *, cwd: Path, env: Mapping[str, str], mutant: str = ""
    ) -> int:
        """Start a command; its process id. ``end`` waits for it."""
        order = {
            "args": list(args),
            "cwd": str(cwd),
            "env": dict(env),
            "out": str(self._out),
            "mutant": mutant,
        }
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def end(self) -> Ended:
        return Ended(int(self._server.stdout.readline()), self._out.read_text(errors="replace"))


def _serve() -> None:
    from orchestrator.cli import obey  # noqa: PLC0415 - once all else is imported

    for name in _IMPORTS:
        importlib.import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _be(json.loads(line), obey)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _be(order: dict[str, Any], obey: Command) -> None:
    """Become the command; never returns."""
    from orchestrator import crash_points  # noqa: PLC0415 - once all is imported

    code = 70
    try:
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["cwd"])
        _redirect(order["out"])
        tempfile.tempdir = None
        crash_points._script = crash_points._from(os.environ)
        if order["mutant"]:
            from crash.mutants import ALTERED  # noqa: PLC0415

            ALTERED[order["mutant"]]()
        first, *rest = order["args"]
        code = _recover(rest) if first == RECOVER else obey(order["args"])
    except BaseException:  # noqa: BLE001 - the parent reads of it in the log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _recover(retried: Sequence[str]) -> int:
    import anyio  # noqa: PLC0415 - in the forked command

    from orchestrator.engine import Engine  # noqa: PLC0415

    async def recover() -> None:
        async with Engine.open(Path.cwd()) as engine:
            for task in retried:
                engine.retry("p", task, "")

    anyio.run(recover)
    return 0


def _redirect(out: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for fd in (nothing, log):
        os.close(fd)


if __name__ == "__main__":
    _serve()
