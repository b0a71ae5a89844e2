"""Finds out whether a service is ready, and whether it still is there.

Where strangers share the network, its ports must be free before it starts (``free``): whoever
listens there is not the service, and would be believed in its place. An inquiry ends with an answer always, ready or not: time is
bounded on both sides. Nothing is asked from the engine's network.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text
from orchestrator.verification.services.question import (
    NOTHING,
    address_of,
    asked,
    own_ports,
    question,
)

if TYPE_CHECKING:
    from orchestrator.verification.services.ground import Ground

FIRST_MOMENT_SECONDS = 0.25
"""How long a service that tells nothing must live to count as started."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2


class Inquiry:
    """What is asked about one service before it counts as ready."""

    def __init__(self, name: str, ground: Ground) -> None:
        self.free = anyio.Event()
        self._name = name
        self._ground = ground
        self._ready = ground.services[name].ready
        self._said: list[str] = []
        if ground.is_private:
            self.free.set()

    async def trouble(self) -> str:
        """Wait until the service is ready; in a sentence why it is not, empty when it is."""
        refused = await self._probed()
        if refused or (self._ready is not None and self._ready.log is None):
            return refused
        if self._ready is None or self._ready.log is None:
            await anyio.sleep(FIRST_MOMENT_SECONDS)
            return ""
        with anyio.move_on_after(self._ready.within):
            await self._has_said(self._ready.log.encode())
            return ""
        return self._late("it did not appear")

    async def silence(self) -> str:
        """Why a service that was ready cannot be reached; empty when it can, or nobody knows where."""
        address = address_of(self._ready, self._ground.ports)
        if address is None:
            return ""
        said: list[str] = []
        words = ("", "tcp", address.host, str(address.port))
        await self._ground.probe(self._name, words, said.append, seconds=0.0)
        if any(line.startswith("late") for line in said):
            return f"service {self._name!r} does not answer any more at port {address.port}"
        return ""

    async def _probed(self) -> str:
        service = self._ground.services[self._name]
        strangers = not self._ground.is_private
        taken = own_ports(self._name, service, self._ground.services, self._ground.ports)
        words = question(self._ready, self._ground.ports, self._ground.state(self._name))
        if not strangers and words == NOTHING:
            return ""
        told = (",".join(map(str, taken if strangers else ())), *words)
        within = self._ready.within if self._ready else 0.0
        ended = await self._ground.probe(self._name, told, self._hear, seconds=within)
        last, _, answer = (self._said or [""])[-1].partition(" ")
        if last == "taken":
            return f"the port {answer} of service {self._name!r} is taken: somebody listens there"
        if last == "late":
            return self._late(safe_text(answer, one_line=True, limit=200))
        if last == "ready" and ended.ok:
            return ""
        how = ended.error or f"its prober ended with {ended.code}"
        return f"service {self._name!r} could not be asked whether it is ready: {how}"

    def _hear(self, line: str) -> None:
        self._said.append(line)
        if line == "free":
            self.free.set()

    async def _has_said(self, text: bytes) -> None:
        """Wait until the service's output holds ``text``."""
        log, place, seen, pause = self._ground.log(self._name), 0, b"", _FIRST_PAUSE
        while True:
            with suppress(OSError), log.open("rb") as file:
                file.seek(place)
                fresh = file.read()
                place += len(fresh)
                seen = seen[-len(text) :] + fresh
            if text in seen:
                return
            await anyio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.5)

    def _late(self, answer: str) -> str:
        within = show_duration(self._ready.within) if self._ready else ""
        what = asked(self._ready, self._ground.ports)
        return f"service {self._name!r} was not ready within {within}: asked {what}: {answer}"
