"""Every field of the model against every kind of value that the published schema excludes.

The table makes itself: a field that is added tomorrow is tested tomorrow.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from orchestrator.plan.schema import plan_schema

from .plan_rows import SMALL

WRONG: dict[str, list[object]] = {
    "string": ["~ no such thing ~"],
    "integer": [7_000_000_000_000],
    "number": [0.5],
    "boolean": [True],
    "array": [[], [[]], [{"a": None}]],
    "object": [{}, {"a b": [1]}],
    "null": [None],
}
FULL: dict[str, Any] = yaml.safe_load(SMALL) | {"services": {"web": {"run": "true"}}}
FULL["tasks"][0]["tests_first"] = {"paths": ["tests/**"], "check": "unit"}
SCHEMA: dict[str, Any] = plan_schema()

Place = tuple[int | str, ...]


def fields(model: dict[str, Any], place: Place = ()) -> Iterator[tuple[Place, frozenset[str]]]:
    """Every field below ``place`` with the kinds of value the schema allows there."""
    for name, field in model.get("properties", {}).items():
        yield (*place, name), frozenset(kinds(field))
        for within, part in parts(field, (*place, name)):
            yield from fields(part, within)


def parts(schema: dict[str, Any], place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The models that stand at ``place``, in its list or under its names."""
    if "$ref" in schema:
        yield place, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from parts(branch, place)
    if "items" in schema:
        yield from parts(schema["items"], (*place, 0))
    for named in schema.get("patternProperties", {}).values():
        yield from parts(named, (*place, next(iter(FULL[str(place[-1])]))))


def kinds(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield from kinds(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from kinds(branch)
    choices = [schema["const"]] if "const" in schema else schema.get("enum", [])
    yield from ({str: "string", int: "integer"}[type(choice)] for choice in choices[:1])
    if "type" in schema:
        yield schema["type"]
    if schema.get("type") == "number":
        yield "integer"


def with_value(place: Place, value: object) -> dict[str, Any]:
    """``FULL`` with another value at ``place``."""
    document = copy.deepcopy(FULL)
    within: Any = document
    for step in place[:-1]:
        within = within[step] if isinstance(step, int) else within.setdefault(step, {})
    within[place[-1]] = value
    return document


ROWS = list(fields(SCHEMA))


@pytest.mark.parametrize(("place", "allowed"), ROWS, ids=[".".join(map(str, p)) for p, _ in ROWS])
def test_a_field_refuses_every_other_kind_of_value(here, clerk, place, allowed):
    path = here.home / "plan.yaml"
    for kind in WRONG.keys() - allowed:
        for value in WRONG[kind]:
            path.write_text(yaml.safe_dump(with_value(place, value)))
            clerk("plan", "check", str(path)).refuses(2, str(place[-1]), lines=8)


def test_the_plan_in_which_values_are_changed_has_no_other_mistake(here, clerk):
    """At most what comes later is refused in it, so that the fields of these are tested too."""
    path = here.home / "plan.yaml"
    path.write_text(yaml.safe_dump(FULL))
    told = clerk("plan", "check", str(path)).err.splitlines()
    assert all("later version" in line for line in told)
