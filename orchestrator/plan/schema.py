"""The plan format for editors: JSON Schema 2020-12, made from the models and nothing else.

``plans/plan.schema.json`` is this, committed; a test holds the two equal. Rules that a schema
cannot say (references, cycles, globs) are told by ``clerk plan check``.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from orchestrator.plan.model import Plan

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def plan_schema() -> dict[str, Any]:
    """The schema as JSON-able data; every call makes a new one."""
    made: dict[str, Any] = _plain(Plan.model_json_schema(by_alias=True, mode="validation"))
    return {"$schema": DIALECT, **made}


def plan_schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"


def _plain(schema: Any) -> Any:
    """``schema`` without generated titles, its descriptions without the indent of source code."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _kept(key, value) for key, value in schema.items() if key != "title"}
    if "patternProperties" in plain:
        # Names that do not fit the pattern would be free of any rule otherwise.
        plain["additionalProperties"] = False
    return plain


def _kept(key: str, value: Any) -> Any:
    if key in {"properties", "patternProperties", "$defs"}:
        # Keys are names here, of which one is 'title'.
        return {name: _plain(part) for name, part in value.items()}
    if key == "description":
        return inspect.cleandoc(value).replace("``", "'")
    return value if key == "default" else _plain(value)
