"""One service of one verification, from its start to its end.

It is *settled* once it is ready or in *trouble*. Trouble may also come later; whatever it is, the
service has ended by then and its last words are known. Nothing is raised for it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from orchestrator.log_tail import missing_command
from orchestrator.reports.output import extract
from orchestrator.verification.services.inquiry import Inquiry

if TYPE_CHECKING:
    from orchestrator.supervision.job import Exit
    from orchestrator.verification.services.ground import Ground

_NOT_FOUND = 127


class ServiceRun:
    """A service that will run, does, or did; ``trouble`` says in a sentence why it is of no use."""

    def __init__(self, name: str, ground: Ground) -> None:
        self.name = name
        self.trouble = ""
        self.settled = anyio.Event()
        self.down = anyio.Event()
        self._ground = ground
        self._inquiry = Inquiry(name, ground)
        self._scope = anyio.CancelScope()
        self._why = ""

    async def live(self) -> None:
        """Start it and keep it, until it ends, is not ready in time, or is not wanted any more."""
        with suppress(OSError):
            self._ground.log(self.name).unlink()  # an earlier one's words must not make it ready
        with self._scope:
            async with anyio.create_task_group() as parts:
                parts.start_soon(self._become_ready)
                await self._inquiry.free.wait()
                self._end(self._death(await self._ground.serve(self.name)))
        self.fail(self._why)

    def fail(self, trouble: str) -> None:
        """It is of no use, and nothing of it runs."""
        self.trouble = trouble
        self.settled.set()
        self.down.set()

    async def look_again(self, *, closely: bool) -> None:
        """Hear whether it has ended; ``closely`` asks it, as a check without it has not failed."""
        await anyio.lowlevel.checkpoint()
        silence = await self._inquiry.silence() if closely and not self.down.is_set() else ""
        if silence:
            self._end(silence)
            await self.down.wait()

    def last_output(self) -> str:
        """The head and the end of what it wrote, as a report shows it."""
        return extract(self._ground.log(self.name)).replace(f"{self._ground.bench.folder}/", "")

    @property
    def log(self) -> str:
        return str(self._ground.log(self.name))

    async def _become_ready(self) -> None:
        trouble = await self._inquiry.trouble()
        if trouble:
            self._end(trouble)  # it is settled once it has ended: no check may begin meanwhile
        else:
            self.settled.set()

    def _end(self, why: str) -> None:
        """Stop it; of several reasons the first is told."""
        self._why = self._why or why
        self._scope.cancel()

    def _death(self, ended: Exit) -> str:
        who, when = (
            f"service {self.name!r}",
            "" if self.settled.is_set() else " before it was ready",
        )
        if ended.error:
            return f"{who} could not be started: {ended.error}"
        if ended.breach:
            return f"{who} was killed{when}: {ended.breach}"
        if ended.signal is not None:
            return f"{who} was killed{when} by signal {ended.signal}"
        if ended.code == 0:
            return f"{who} ended{when} (exit code 0); it must stay in the foreground"
        missing = ""
        if ended.code == _NOT_FOUND:
            missing = (
                f": {missing_command(self._ground.log(self.name)) or 'a command'} was not found"
            )
        return f"{who} died{when} (exit code {ended.code}{missing})"
