"""What a job may reach. A sandbox rewrites a job so that it runs confined to its enclosure.

``bubblewrap`` is the one that promises everything docs/trust.md says; ``landlock`` promises less
and says so; ``none`` confines nothing and is marked as such on every attempt. A sandbox that does
not hold on this machine is never used: ``probe`` runs an attack, and believes no version.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from orchestrator.registry import look_up
from orchestrator.sandboxes.toolchain import command_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from orchestrator.sandboxes.enclosure import Enclosure, Network
    from orchestrator.supervision.job import Job

SANDBOXES = {
    "bubblewrap": "orchestrator.sandboxes.bubblewrap:Bubblewrap",
    "landlock": "orchestrator.sandboxes.landlock:Landlock",
    "seatbelt": "orchestrator.sandboxes.seatbelt:Seatbelt",
    "none": "orchestrator.sandboxes.none:NoSandbox",
}


class Sandbox(Protocol):
    """One way to confine jobs.

    ``confines`` is false only where nothing is held; ``covers`` says whether it can show one
    folder in place of another. Without that the private common directory stands beside the real
    one, and the worktree's ``.git`` file leads to it for as long as the session runs.
    """

    name: str
    confines: bool
    covers: bool

    async def make_over(self, enclosure: Enclosure) -> None:
        """Let jobs write what they may: its folders become theirs where they have a user of their own.

        Once after the engine has written there, before the first job; raises CannotRun.
        """

    def wrap(self, job: Job, enclosure: Enclosure) -> Job:
        """The same job, confined to ``enclosure``. Raises CannotRun when that cannot be done."""

    def objects_at(self, objects: Path) -> Path:
        """Where a job finds the real object folder ``objects``, to borrow from."""

    def network(self, ports: tuple[int, ...]) -> AbstractAsyncContextManager[Network]:
        """A network for several jobs, as long as the context is open; raises CannotRun."""

    async def probe(self) -> str:
        """Why this sandbox does not hold on this machine, and the mend; empty when it does."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """A sandbox together with what the jobs of one session or verification may reach in it.

    ``launcher`` are words before each job's own command, in the network where it runs; ``env`` is
    laid over its environment.
    """

    sandbox: Sandbox
    enclosure: Enclosure
    launcher: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def with_way_out(
        self,
        socket: Path,
        *,
        launcher: tuple[str, ...],
        readable: tuple[Path, ...],
        env: Mapping[str, str],
    ) -> Confinement:
        """The same, with the proxy at ``socket``, which ``launcher`` makes known inside."""
        enclosure = replace(self.enclosure, egress=socket)
        out = replace(self, enclosure=enclosure, launcher=launcher, env=env)
        return out.lending(readable)

    @asynccontextmanager
    async def meeting(self, ports: tuple[int, ...]) -> AsyncIterator[Confinement]:
        """The same for jobs that find each other at ``ports``, until this is left."""
        async with self.sandbox.network(ports) as network:
            yield replace(self, enclosure=replace(self.enclosure, network=network))

    def lending(self, readable: tuple[Path, ...]) -> Confinement:
        """The same, with more to read."""
        enclosure = replace(self.enclosure, readable=(*self.enclosure.readable, *readable))
        return replace(self, enclosure=enclosure)

    async def make_over(self) -> None:
        """See ``Sandbox.make_over``."""
        await self.sandbox.make_over(self.enclosure)

    def wrap(self, job: Job) -> Job:
        """The same job, confined; raises CannotRun."""
        own = replace(job, env={**job.env, **self.env}, disk=self.enclosure.roots)
        enclosure = self._with_program(own)
        if self.sandbox.covers:
            own = replace(own, argv=(*self.launcher, *own.argv))
            return self.sandbox.wrap(own, enclosure)
        wrapped = self.sandbox.wrap(own, enclosure)
        return replace(wrapped, argv=(*self.launcher, *wrapped.argv))

    def _with_program(self, job: Job) -> Enclosure:
        """A job may read the program that it is."""
        if not self.sandbox.confines or not isinstance(job.argv[0], str):
            return self.enclosure
        return self.lending(command_paths(job.argv[0], job.env)).enclosure


@cache
def load(name: str) -> Sandbox:
    """The sandbox of that name; raises UsageError with the names there are."""
    return cast("Sandbox", look_up("sandbox", name, SANDBOXES)())
