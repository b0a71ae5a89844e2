"""Services in a plan: which run beside a check, and the ports that their texts name.

``{port.NAME}`` is a port of this verification alone. NAME is a service, or begins with one and a
hyphen (``web-admin`` is a second port of ``web``), so that every port has an owner who listens
there. Nothing is started here and no port is chosen.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from orchestrator.plan.graph import check_closure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from orchestrator.plan.model import Check, Plan, Service

STATE = "{state}"
_PORT = re.compile(r"(?<!\$)\{port\.([^{}\s]*)\}")
_NO_LETTER = re.compile(r"[^A-Z0-9]")


def beside(plan: Plan, check: Check) -> tuple[str, ...]:
    """The services that run beside a check, in an order in which they may start."""
    return check_closure(plan.services, check.services)


def ports_in(text: str) -> list[str]:
    """The names of the ports that ``text`` asks for."""
    return _PORT.findall(text)


def owner_of(port: str, services: Collection[str]) -> str | None:
    """The service that listens at the port of that name: the one with the longest fitting name."""
    fitting = [name for name in services if port == name or port.startswith(f"{name}-")]
    return max(fitting, key=len, default=None)


def port_names(plan: Plan, services: Collection[str]) -> tuple[str, ...]:
    """The names of all ports of ``services``, each of which has one of its own name at least."""
    asked = (port for text in _all_texts(plan) for port in ports_in(text))
    named = {port for port in asked if owner_of(port, plan.services) in services}
    return tuple(sorted({*services, *named}))


def variable_of(port: str) -> str:
    """The variable that tells a check and a service the port of that name."""
    return f"CLERK_PORT_{_NO_LETTER.sub('_', port.upper())}"


def with_ports(text: str, ports: Mapping[str, int]) -> str:
    """``text`` with the numbers of the ports it names; raises KeyError for one there is not."""
    return _PORT.sub(lambda found: str(ports[found[1]]), text)


def command_of(text: str, ports: Mapping[str, int], state: str) -> str:
    """A shell command of a service, with its ports and the path of its folder."""
    return with_ports(text, ports).replace(STATE, shlex.quote(state))


def texts_of(service: Service) -> Iterator[str]:
    """Every text of a service in which a port may be named."""
    ready = service.ready
    yield from (service.run, *service.env.values())
    yield from filter(None, (ready.http, ready.tcp, ready.command, ready.log) if ready else ())


def _all_texts(plan: Plan) -> Iterable[str]:
    for service in plan.services.values():
        yield from texts_of(service)
    for check in plan.checks.values():
        yield from (check.run, *check.env.values())
