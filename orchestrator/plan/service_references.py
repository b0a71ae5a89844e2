"""Services and ports that a plan names, and who may name which.

A check may use the ports of its own services and of those that they need: the others do not run
while it does. A service may know every port: programs are told of each other in both directions.
Like all references these are judged on the tree of the file.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from orchestrator.plan.diagnostics import Problem
from orchestrator.plan.quoting import quoted
from orchestrator.plan.services import owner_of, ports_in, variable_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.plan.diagnostics import Spot
    from orchestrator.plan.document import Item

_LIKE_PORT = re.compile(r"(?<!\$)\{([A-Za-z]+)\.([^{}\s]*)\}")
_LIKE = 0.8  # '{ports.web}' is, '{path.web}' of somebody's own is not


def port_problems(root: Item) -> Iterator[Problem]:
    """Every port that is nobody's, or not there when it is wanted; and names that would meet."""
    services = root.field("services").fields
    for name, service in services.items():
        for field, text, spot in _texts(service, "run", "env", "ready"):
            lead = f"service {quoted(name)}: {field}"
            yield from _misspelt(lead, text, spot)
            yield from _nobodys(lead, text, spot, services)
    for name, check in root.field("checks").fields.items():
        there = _there(check, services)
        for field, text, spot in _texts(check, "run", "env"):
            lead = f"check {quoted(name)}: {field}"
            yield from _misspelt(lead, text, spot)
            yield from _nobodys(lead, text, spot, services)
            yield from _absent(lead, text, spot, services, there)
    yield from _meeting_variables(root, services)
    yield from _meeting_logs(root, services)


def _texts(item: Item, *fields: str) -> Iterator[tuple[str, str, Spot]]:
    """Field, text and place of what is written in ``fields`` and in the mappings there."""
    for name in fields:
        field = item.field(name)
        if field.text:
            yield name, field.text, field.spot
        for step, part in field.fields.items():
            if part.text:
                yield f"{name}.{step}", part.text, part.spot


def _misspelt(lead: str, text: str, spot: Spot) -> Iterator[Problem]:
    for word, name in _LIKE_PORT.findall(text):
        if word != "port" and SequenceMatcher(None, word.lower(), "port").ratio() > _LIKE:
            wrong = quoted("{" + word + "." + name + "}")
            yield Problem(spot, f"{lead} holds {wrong}; did you mean '{{port.{name}}}'?")


def _nobodys(lead: str, text: str, spot: Spot, services: Mapping[str, Item]) -> Iterator[Problem]:
    for port in ports_in(text):
        if owner_of(port, services) is None:
            otherwise = "a port is named after its service, as in {port.web} or {port.web-admin}"
            yield Problem(spot, f"{lead} names the port {quoted(port)}", port, services, otherwise)


def _absent(
    lead: str, text: str, spot: Spot, services: Mapping[str, Item], there: set[str]
) -> Iterator[Problem]:
    for port in ports_in(text):
        owner = owner_of(port, services)
        if owner is not None and owner not in there:
            yield Problem(
                spot,
                f"{lead} names the port {quoted(port)}, and the service {quoted(owner)} does not"
                " run beside this check; add it to its services",
            )


def _there(check: Item, services: Mapping[str, Item]) -> set[str]:
    """The services of a check and what they need; circles and unknown names are told elsewhere."""
    found: set[str] = set()
    open_ = [name for name, _ in check.field("services").texts()]
    while open_:
        name = open_.pop()
        if name not in found and name in services:
            found.add(name)
            open_ += [need for need, _ in services[name].field("needs").texts()]
    return found


def _meeting_variables(root: Item, services: Mapping[str, Item]) -> Iterator[Problem]:
    """Two ports that a check would be told by one variable."""
    told: dict[str, str] = {}
    for port, spot in _named_ports(root, services):
        other = told.setdefault(variable_of(port), port)
        if other != port:
            yield Problem(
                spot,
                f"the ports {quoted(other)} and {quoted(port)} would both be told as"
                f" {variable_of(port)}; rename one",
            )


def _named_ports(root: Item, services: Mapping[str, Item]) -> Iterator[tuple[str, Spot]]:
    for name in services:
        yield name, root.field("services").keys[name]
    for section, fields in (("services", ("run", "env", "ready")), ("checks", ("run", "env"))):
        for item in root.field(section).fields.values():
            for _, text, spot in _texts(item, *fields):
                yield from ((port, spot) for port in ports_in(text))


def _meeting_logs(root: Item, services: Mapping[str, Item]) -> Iterator[Problem]:
    checks = root.field("checks")
    for name in services:
        log = f"service-{name}"
        if log in checks.fields:
            yield Problem(
                checks.keys[log],
                f"check {quoted(log)}: {log}.log is the log of the service {quoted(name)};"
                " rename the check",
            )
