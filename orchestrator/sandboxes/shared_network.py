"""A network namespace with nobody in it, which the jobs of one verification enter one by one.

A process is needed only to make it: afterwards a descriptor of the engine's keeps it, so no number
of a process that has ended can ever lead a job into another network, and with the engine it is
gone. Its loopback is up and leads nowhere else. Whoever is not root makes a user namespace with
it, which owns it, and in which the jobs' own are made: a job has no right over either.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import CannotRun
from orchestrator.supervision.job import Job, Witness
from orchestrator.supervision.process import supervise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SECONDS = 60.0
_LINE = "echo $$; exec sleep 60"


@asynccontextmanager
async def shared_network(
    guard: str, enter: str, *, is_root: bool
) -> AsyncIterator[tuple[str, ...]]:
    """The words before a command that runs in it; ``guard`` is bwrap, ``enter`` nsenter.

    Raises CannotRun when it cannot be made.
    """
    kinds = ("net",) if is_root else ("user", "net")
    with ExitStack() as held:
        kept = await _made(guard, kinds, held)
        places = (f"--{kind}=/proc/{os.getpid()}/fd/{number}" for kind, number in kept.items())
        own_user = () if is_root else ("--preserve-credentials",)
        yield (enter, *places, *own_user, "--")


async def _made(guard: str, kinds: tuple[str, ...], held: ExitStack) -> dict[str, int]:
    """Descriptors of fresh namespaces, by kind."""
    kept: dict[str, int] = {}
    answered = anyio.Event()
    failure = ["it told nothing"]

    def on_line(pid: str) -> None:
        try:
            for kind in kinds:
                kept[kind] = _kept(Path("/proc", pid, "ns", kind), held)
        except OSError as error:
            failure[0] = str(error)
        answered.set()

    async def make() -> None:
        ended = await supervise(_maker(guard, kinds), on_line)
        failure[0] = ended.error or failure[0]
        answered.set()

    async with anyio.create_task_group() as making:
        making.start_soon(make)
        await answered.wait()
        making.cancel_scope.cancel()
    if kept.keys() != set(kinds):
        raise CannotRun(f"no network could be made for the services: {failure[0]}")
    return kept


def _kept(namespace: Path, held: ExitStack) -> int:
    """A descriptor that keeps ``namespace``; raises OSError, also where it is the engine's own."""
    number = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    held.callback(os.close, number)
    if os.fstat(number).st_ino == Path("/proc/self/ns", namespace.name).stat().st_ino:
        raise OSError(f"{namespace} is the engine's own")
    return number


def _maker(guard: str, kinds: tuple[str, ...]) -> Job:
    spaces = (f"--unshare-{kind}" for kind in kinds)
    held = ("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/", "/")
    return Job(
        argv=(guard, *spaces, *held, "--json-status-fd", Witness(), "--", "sh", "-c", _LINE),
        cwd=Path("/"),
        env={"PATH": os.defpath},
        cookie="network",
        wall_seconds=_SECONDS,
    )
