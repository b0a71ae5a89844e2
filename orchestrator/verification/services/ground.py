"""Where the services of one verification run, and what is the same for all of them.

Services run as checks do: in the checkout, through the executor, within the same bounds. What
could not even be started has an exit that says so; nothing here raises for it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import ClerkError
from orchestrator.plan.services import STATE, command_of, variable_of, with_ports
from orchestrator.supervision.job import Exit, Job
from orchestrator.verification.services import prober

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.plan.model import Service
    from orchestrator.supervision.process import OnLine
    from orchestrator.verification.check_run import Workbench

_PYTHON = Path(sys.executable).resolve()
_PROBER = Path(prober.__file__)

_BEYOND_SECONDS = 5.0
"""What a prober gets beyond its own time to say that it was in vain."""


def state_folder(services: Mapping[str, Service], name: str, scratch: Path) -> Path:
    """A service's own folder; its path is short, since sockets are made in such folders."""
    return scratch / f"s{list(services).index(name)}"


@dataclass(frozen=True, slots=True)
class Ground:
    """``services`` are the plan's, ``ports`` their numbers by name; ``bench`` is where they meet."""

    services: Mapping[str, Service]
    ports: Mapping[str, int]
    bench: Workbench

    def state(self, name: str) -> str:
        return str(state_folder(self.services, name, self.bench.scratch))

    def log(self, name: str) -> Path:
        return self.bench.logs / f"service-{name}.log"

    @property
    def is_private(self) -> bool:
        """Whether nobody but these services and their checks is in the network."""
        network = self.bench.confinement.enclosure.network
        return network is not None and bool(network.entry)

    def variables(self, names: Sequence[str]) -> dict[str, str]:
        """What tells the ports of these names."""
        return {variable_of(name): str(self.ports[name]) for name in names}

    async def serve(self, name: str) -> Exit:
        """Run a service until it ends."""
        service = self.services[name]
        argv = ("sh", "-c", command_of(service.run, self.ports, self.state(name)))
        return await self._run(self._job(name, argv, log=self.log(name)))

    async def probe(
        self, name: str, words: Sequence[str], on_line: OnLine, *, seconds: float
    ) -> Exit:
        """Let the prober ask from where the service is, for ``seconds``."""
        command = (str(_PYTHON), "-I", "-S", str(_PROBER), f"{seconds:g}", *words)
        wall = seconds + _BEYOND_SECONDS
        return await self._run(self._job(name, command, wall_seconds=wall), on_line)

    def _job(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path | None = None,
        wall_seconds: float | None = None,
    ) -> Job:
        bench, state = self.bench, self.state(name)
        given = self.services[name].env.items()
        own = {key: with_ports(text, self.ports).replace(STATE, state) for key, text in given}
        return Job(
            argv=argv,
            cwd=bench.folder,
            env={**bench.env, **self.variables(tuple(self.ports)), **own},
            cookie=f"{bench.cookie}.service-{name}",
            log=log,
            wall_seconds=wall_seconds,
            log_bytes=bench.log_bytes,
            grace_seconds=bench.grace_seconds,
            allowance=bench.allowance,
        )

    async def _run(self, job: Job, on_line: OnLine | None = None) -> Exit:
        confinement = self.bench.confinement
        if on_line is not None:
            confinement = confinement.lending((_PYTHON, Path(sys.base_prefix), _PROBER))
        try:
            return await self.bench.executor.run(confinement.wrap(job), on_line)
        except (ClerkError, OSError) as error:
            return Exit(error=str(error))
