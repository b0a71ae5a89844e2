"""The published schema is the model's, and says what the loader says.

``conforms`` reads the part of JSON Schema 2020-12 that the schema uses and refuses any keyword
it does not know, so that it cannot be lenient by ignorance.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from orchestrator.plan.schema import DIALECT, plan_schema, plan_schema_text

ROOT = Path(__file__).parents[2]
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
SILENT = {"$schema", "$defs", "description", "default"}

# The plan of the design's chapter on the plan file, with fields that come later.
DESIGN = """\
clerk: 1
name: shop
target: main
merge: manual
parallel: 4
agent: claude
agents:
  claude: {type: claude, model: sonnet}
  mine:   {type: command, run: "my-agent --prompt-file {prompt_file}"}
budget: {attempts: 3, wall: 45m, idle: 5m, tokens: 400k, cost: 5.00}
worktree:
  copy:  [.env]
  share: [node_modules]
  setup: ["npm ci"]
  env:   {NODE_ENV: test}
services:
  web: {run: "npm start -- --port {port.web}", ready: {http: "http://127.0.0.1:{port.web}/", within: 20s}}
checks:
  build: {kind: build, run: "npm run build", inputs: ["src/**", "package*.json"]}
  unit:  {kind: unit,  run: "pytest -q --junitxml={report}", report: junit, needs: [build]}
  e2e:   {kind: e2e,   run: "npx playwright test", services: [web], needs: [build], timeout: 5m, rerun: 1}
protect: ["plans/**", ".github/**"]
tasks:
  - id: cart-total
    title: The cart shows a running total
    brief: |
      …
    touches: ["src/cart/**", "tests/e2e/cart*"]
    after: []
    done_when: [unit, e2e]
    tests_first: {paths: ["tests/e2e/cart*"], check: e2e}
    priority: 3
    approve: true
    agent: mine
    budget: {wall: 90}
    stack: true
    variants: 3
    agents: [claude, mine]
"""


def conforms(value, schema, defs):
    # A value of the wrong type is out; the other keywords may rely on the right one.
    keys = sorted(schema.keys() - SILENT, key=lambda key: key != "type")
    return all(_holds(key, schema, value, defs) for key in keys)


def _holds(key, schema, value, defs):
    asked = schema[key]
    if key == "additionalProperties":
        known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        extra = [
            part
            for name, part in value.items()
            if name not in known and not any(re.search(each, name) for each in patterns)
        ]
        return not extra if asked is False else all(conforms(part, asked, defs) for part in extra)
    return KEYWORDS[key](asked, value, defs)


KEYWORDS = {
    "$ref": lambda asked, value, defs: conforms(value, defs[asked.removeprefix("#/$defs/")], defs),
    "anyOf": lambda asked, value, defs: any(conforms(value, each, defs) for each in asked),
    "oneOf": lambda asked, value, defs: sum(conforms(value, each, defs) for each in asked) == 1,
    "type": lambda asked, value, defs: (
        isinstance(value, TYPES[asked]) and (asked == "boolean") == isinstance(value, bool)
    ),
    "enum": lambda asked, value, defs: value in asked,
    "const": lambda asked, value, defs: value == asked,
    "required": lambda asked, value, defs: set(asked) <= value.keys(),
    "properties": lambda asked, value, defs: all(
        conforms(part, asked[name], defs) for name, part in value.items() if name in asked
    ),
    "patternProperties": lambda asked, value, defs: all(
        conforms(part, each, defs)
        for pattern, each in asked.items()
        for name, part in value.items()
        if re.search(pattern, name)
    ),
    "items": lambda asked, value, defs: all(conforms(each, asked, defs) for each in value),
    "pattern": lambda asked, value, defs: re.search(asked, value) is not None,
    "minLength": lambda asked, value, defs: len(value) >= asked,
    "minItems": lambda asked, value, defs: len(value) >= asked,
    "minProperties": lambda asked, value, defs: len(value) >= asked,
    "minimum": lambda asked, value, defs: value >= asked,
    "maximum": lambda asked, value, defs: value <= asked,
    "exclusiveMinimum": lambda asked, value, defs: value > asked,
}


def accepts(source):
    schema = plan_schema()
    return conforms(yaml.safe_load(source), schema, schema["$defs"])


def test_the_committed_schema_is_the_model_s():
    assert (ROOT / "plans" / "plan.schema.json").read_text("utf-8") == plan_schema_text(), (
        "write it anew: clerk plan schema > plans/plan.schema.json"
    )


def test_the_schema_says_its_dialect_and_names_fields_as_the_file_does():
    schema = plan_schema()
    assert schema["$schema"] == DIALECT
    assert "copy" in schema["$defs"]["Worktree"]["properties"]
    assert "title" in schema["$defs"]["Task"]["properties"]
    assert "title" not in schema["$defs"]["Task"]
    assert schema["additionalProperties"] is False


def test_every_field_has_a_description():
    schema = plan_schema()
    models = [schema, *(each for each in schema["$defs"].values() if "properties" in each)]
    bare = [
        name
        for each in models
        for name, part in each["properties"].items()
        if "description" not in part
    ]
    assert bare == []


def test_the_whole_plan_of_the_design_conforms():
    assert accepts(DESIGN)


def test_the_demo_plan_conforms(small):
    assert accepts(small)
    assert accepts((ROOT / "plans" / "shop" / "plan.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("clerk: 1", "clerk: 2"),
        ("name: shop", "name: Shop"),
        ("merge: manual", "merge: maybe"),
        ("parallel: 4", "parallel: 0"),
        ("attempts: 3", "attempts: 0"),
        ("wall: 45m", "wall: 45 minutes"),
        ("wall: 45m", "wall: 0"),
        ("tokens: 400k", "tokens: many"),
        ("cost: 5.00", "cost: free"),
        ("kind: unit", "kind: units"),
        ("done_when: [unit, e2e]", "done_when: []"),
        ("done_when: [unit, e2e]", ""),
        ("done_when: [unit, e2e]", "done_when: unit"),
        ("title: The", "titel: The"),
        ("NODE_ENV: test", "NODE_ENV: 1"),
        ("approve: true", "approve: 1"),
        ("variants: 3", "variants: 99"),
        ("  build:", "  Build:"),
        ("check: e2e}", "chek: e2e}"),
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(problems_of, old, new):
    assert old in DESIGN
    source = DESIGN.replace(old, new, 1)
    assert not accepts(source)
    assert any("later version" not in line for line in problems_of(source))


def test_of_the_design_s_plan_only_what_comes_later_is_refused(problems_of):
    lines = problems_of(DESIGN)
    assert all("comes with a later version" in line for line in lines)
    assert lines
