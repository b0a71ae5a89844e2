"""Names in a plan that must lead somewhere: tasks, checks, services and agents.

Works on the tree of the file, not on the model, so that a misspelt name is told together with a
misspelt field. Only names are judged here; the values themselves are the model's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.plan.diagnostics import Problem
from orchestrator.plan.graph import cycles
from orchestrator.plan.later import LATER_AGENTS
from orchestrator.plan.model import NEEDED_FIELD, Plan
from orchestrator.plan.quoting import quoted
from orchestrator.plan.service_references import port_problems
from orchestrator.plan.subjects import task_subject
from orchestrator.plan.values import REPORT, tells_report

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from orchestrator.plan.diagnostics import Spot
    from orchestrator.plan.document import Item

_DOTTED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def reference_problems(
    root: Item, *, agents: Collection[str], reports: Mapping[str, bool]
) -> Iterator[Problem]:
    """Every name that leads nowhere, to itself or in a circle.

    ``agents`` are the built-in types, ``reports`` the built-in formats, each with whether a command
    may print it.
    """
    yield from _tasks(root)
    yield from _checks(root)
    yield from _services(root)
    yield from _reports(root, reports)
    yield from _profiles(root, agents)
    yield from _agents(root, agents)


def _tasks(root: Item) -> Iterator[Problem]:
    ids = _ids(root)
    checks = root.field("checks").fields
    for index, task in enumerate(root.field("tasks").elements):
        subject, own = task_subject(task, index), task.field("id")
        if own.text and ids[own.text] is not task:
            line = ids[own.text].field("id").spot.line
            yield Problem(own.spot, f"{subject} is defined twice; the first is on line {line}")
        yield from _names(f"{subject}: after", task.field("after"), ids, "task", own.text)
        yield from _names(f"{subject}: done_when", task.field("done_when"), checks, "check")
        yield from _red_check(subject, task, checks)
        yield from _given(subject, task, root)
    yield from _circles("task", "after", ids)


def _red_check(subject: str, task: Item, checks: Collection[str]) -> Iterator[Problem]:
    """What is seen red must be asked for in the end, or nobody would see it green."""
    check = task.field("tests_first").field("check")
    criteria = [name for name, _ in task.field("done_when").texts()]
    lead = f"{subject}: tests_first names check {quoted(check.text)}"
    if check.text and check.text not in checks:
        yield Problem(check.spot, lead, check.text, checks, "there is no such check")
    elif check.text and criteria and check.text not in criteria:
        yield Problem(check.spot, f"{lead}, which is not in done_when; add it there")


def _given(subject: str, task: Item, root: Item) -> Iterator[Problem]:
    item = task.field("tests_first")
    if item.text == "given" and not list(root.field("protect").texts()):
        sentence = (
            "the plan protects no paths; protect the tests, or write {given: true, paths: […], "
            "check: NAME}"
        )
        yield Problem(item.spot, f"{subject}: tests_first is given, but {sentence}")


def _checks(root: Item) -> Iterator[Problem]:
    checks, services = root.field("checks").fields, root.field("services").fields
    for name, check in checks.items():
        lead = f"check {quoted(name)}: needs"
        yield from _names(lead, check.field("needs"), checks, "check", name)
        lead = f"check {quoted(name)}: services"
        yield from _names(lead, check.field("services"), services, "service")
    yield from _circles("check", "needs", checks)


def _services(root: Item) -> Iterator[Problem]:
    services = root.field("services").fields
    for name, service in services.items():
        lead = f"service {quoted(name)}: needs"
        yield from _names(lead, service.field("needs"), services, "service", name)
    yield from _circles("service", "needs", services)
    yield from port_problems(root)


def _reports(root: Item, reports: Mapping[str, bool]) -> Iterator[Problem]:
    for name, check in root.field("checks").fields.items():
        item, run = check.field("report"), check.field("run").text
        lead = f"check {quoted(name)}: report is {quoted(item.text)}"
        if not item.text or _DOTTED.fullmatch(item.text):
            continue
        if item.text not in reports:
            listed = f"there are: {', '.join(sorted(reports))}, or any package.module:Class"
            yield Problem(item.spot, lead, item.text, reports, listed)
        elif run and not reports[item.text] and not tells_report(run):
            mend = f"have the command write it to {REPORT}, the path it is read from"
            yield Problem(item.spot, f"{lead}, which is read from a file; {mend}")


def _ids(root: Item) -> dict[str, Item]:
    """The first task of every id."""
    ids: dict[str, Item] = {}
    for task in root.field("tasks").elements:
        name = task.field("id").text
        if name:
            ids.setdefault(name, task)
    return ids


def _names(
    lead: str, listed: Item, known: Collection[str], kind: str, own: str | None = None
) -> Iterator[Problem]:
    seen: set[str] = set()
    for name, spot in listed.texts():
        if name == own:
            yield Problem(spot, f"{lead} names the {kind} itself; remove it")
        elif name in seen:
            yield Problem(spot, f"{lead} names {quoted(name)} twice; remove one")
        elif name not in known:
            otherwise = f"there is no such {kind}"
            yield Problem(spot, f"{lead} names {quoted(name)}", name, known, otherwise, own)
        seen.add(name)


def _circles(kind: str, field: str, items: Mapping[str, Item]) -> Iterator[Problem]:
    edges = {
        name: [other for other, _ in item.field(field).texts() if other != name]
        for name, item in items.items()
    }
    for circle in cycles(edges):
        chain = " -> ".join(circle)
        spot = items[circle[0]].field(field).spot
        yield Problem(
            spot, f"{kind} {quoted(circle[0])}: {field} leads in a circle, {chain}; remove one"
        )


def _profiles(root: Item, agents: Collection[str]) -> Iterator[Problem]:
    known = {*agents, *LATER_AGENTS}
    for name, profile in root.field("agents").fields.items():
        kind = profile.field("type")
        if kind.text and kind.text not in known and not _DOTTED.fullmatch(kind.text):
            sentence = f"agent {quoted(name)}: type is {quoted(kind.text)}"
            listed = f"there are: {', '.join(sorted(agents))}, or any package.module:Class"
            yield Problem(kind.spot, sentence, kind.text, agents, listed)


def _agents(root: Item, agents: Collection[str]) -> Iterator[Problem]:
    profiles = root.field("agents").fields
    for subject, name, spot in _uses(root):
        if name in profiles or name in LATER_AGENTS:
            continue
        if name in NEEDED_FIELD and name in agents:
            words = (
                f"{quoted(name)} needs a profile; add one to agents, with {NEEDED_FIELD[name]!r}"
            )
            yield Problem(spot, f"{subject} {words}")
        elif name not in agents:
            known = {*profiles, *agents} - NEEDED_FIELD.keys()
            listed = f"there are: {', '.join(sorted(known))}"
            yield Problem(spot, f"{subject} is {quoted(name)}", name, known, listed)


def _uses(root: Item) -> Iterator[tuple[str, str, Spot]]:
    """Every agent that is asked for; the plan's own, where it is not written, once if needed."""
    tasks = root.field("tasks").elements
    for index, task in enumerate(tasks):
        item = task.field("agent")
        if item.text:
            yield f"{task_subject(task, index)}: agent", item.text, item.spot
    item = root.field("agent")
    if item.text:
        yield "agent", item.text, item.spot
    elif "agent" not in root.fields and any("agent" not in task.fields for task in tasks):
        yield "agent", Plan.model_fields["agent"].default, root.spot
