"""From the text of a plan to a tree of values with places; the only reader of YAML.

YAML takes the last of two equal keys and turns ``no``, ``1.10`` and ``12:30`` into something
else without a word. Here equal keys are problems, names are taken as they are written, and a
scalar that YAML would change beyond recognition is refused. Parsing is never construction: no
tag makes an object.
"""

from __future__ import annotations

import re

import yaml

from orchestrator.plan.diagnostics import Problem, Spot
from orchestrator.plan.document import Item
from orchestrator.plan.quoting import quoted
from orchestrator.plan.yaml_guard import excess

_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What no terminal, commit message or reader should meet: control characters, line separators,
# and marks that turn text around. Tabs and line ends are the only ones a plan needs.
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff"
_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_FORBIDDEN_IN_FILE = re.compile(f"[{_CONTROL}{_TURNING}]")
_FORBIDDEN_IN_VALUE = re.compile(f"[{_CONTROL}{_TURNING}\r]")

_TAG = "tag:yaml.org,2002:"
_PLAIN_INT = re.compile(r"[-+]?(0|[1-9][0-9_]{0,14})")
_PLAIN_FLOAT = re.compile(r"[-+]?[0-9][0-9_]{0,14}\.[0-9]{0,15}")

_NULLS = frozenset({"", "~", "null"})
_TRUTHS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}

_MENDS = {
    "expected <document start>": "a plan is one document; remove what follows the first",
    "mapping values are not allowed": "quote the text, or write it as a block with '|'",
    "cannot start any token": "indent with spaces, quote text that begins with '@', '`' or '%'",
    "undefined alias": "quote text that begins with '*'",
    "unexpected end of stream": "close the quote or bracket",
    "did not find expected ',' or": "close the bracket, or quote text that holds ',' or ':'",
    "did not find expected '-' indicator": "indent it like the line above, or quote the text",
    "did not find expected key": "indent it like the line above, or quote the text",
}


def read_document(source: str) -> Item | Problem:
    """The tree of ``source``, or why there is none; smaller faults are noted in the tree."""
    forbidden = _FORBIDDEN_IN_FILE.search(source)
    if forbidden:
        return _forbidden_in(source, forbidden.start())
    try:
        refused = excess(yaml.parse(source, Loader=_Loader))
        node = None if refused else yaml.compose(source, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        return _syntax(error)
    if refused:
        return refused
    return _item(node) if isinstance(node, yaml.MappingNode) else _no_mapping(node)


def _item(node: yaml.Node) -> Item:
    """The node as an item; ``yaml_guard`` has bounded the depth and the number of them."""
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        elements = tuple(_item(each) for each in node.value)
        return Item(_spot(node), [each.data for each in elements], elements=elements)
    return _scalar(node) if isinstance(node, yaml.ScalarNode) else _strange_tag(node)


def _mapping(node: yaml.MappingNode) -> Item:
    fields: dict[str, Item] = {}
    keys: dict[str, Spot] = {}
    faults: list[tuple[Spot, str]] = []
    for key, value in node.value:
        spot, fault = _spot(key), _key_fault(key)
        if not fault and key.value in keys:
            first = keys[key.value].line
            fault = f"{quoted(key.value)} is given twice; the first is on line {first}"
        if fault:
            faults.append((spot, fault))
        else:
            keys[key.value], fields[key.value] = spot, _item(value)
    data = {name: item.data for name, item in fields.items()}
    return Item(_spot(node), data, fields, keys, faults=tuple(faults))


def _key_fault(key: yaml.Node) -> str:
    """Why a key cannot be a name. Names are taken as written: ``on`` is no truth value here."""
    if not isinstance(key, yaml.ScalarNode):
        return "a list or mapping cannot be a name; write a word"
    if key.tag == f"{_TAG}merge":
        return "'<<' is not understood here; write the fields out"
    if _FORBIDDEN_IN_VALUE.search(key.value):
        return f"the name {quoted(key.value)} holds a control character; remove it"
    return ""


def _scalar(node: yaml.ScalarNode) -> Item:
    written = str(node.value)
    data: str | int | float | bool | None = None
    match node.tag.removeprefix(_TAG):
        case "str":
            return _text(node, written)
        case "null" if written.lower() in _NULLS:
            return Item(_spot(node), written=written)
        case "bool" if written.lower() in _TRUTHS:
            data = _TRUTHS[written.lower()]
            return Item(
                _spot(node), data, written=written, reading=f"the truth value {data!r}".lower()
            )
        case "int" if _PLAIN_INT.fullmatch(written):
            data = int(written.replace("_", ""))
        case "float" if _PLAIN_FLOAT.fullmatch(written):
            data = float(written.replace("_", ""))
        case _:
            return _misread(node, written)
    return Item(_spot(node), data, written=written, reading=f"the number {data}")


def _text(node: yaml.ScalarNode, written: str) -> Item:
    found = _FORBIDDEN_IN_VALUE.search(written)
    if found:
        return _unread(node, f"holds the control character U+{ord(found[0]):04X}; remove it")
    return Item(_spot(node), written, written=written)


def _misread(node: yaml.ScalarNode, written: str) -> Item:
    reading = _reading(node)
    if reading is None:
        return _strange_tag(node)
    return _unread(
        node,
        f"is written {quoted(written)[1:-1]} without quotes and YAML reads it as {reading};"
        f" quote it if it is text, else write a plain decimal number",
    )


def _strange_tag(node: yaml.Node) -> Item:
    return _unread(node, f"has the tag {quoted(node.tag)}, which means nothing here; remove it")


def _unread(node: yaml.Node, words: str) -> Item:
    return Item(_spot(node), faults=((_spot(node), words),), unread=True)


def _reading(node: yaml.ScalarNode) -> str | None:
    """What YAML makes of a scalar that is no plain number; None where its tag is a stranger."""
    kind = node.tag.removeprefix(_TAG)
    if kind == "timestamp":
        return "a date"
    if kind not in {"int", "float"} or len(node.value) > 40:
        return "a number" if kind in {"int", "float"} else None
    maker = yaml.SafeLoader("")
    make = maker.construct_yaml_int if kind == "int" else maker.construct_yaml_float
    try:
        return f"the number {make(node)}"
    except ValueError:
        return "a number"


def _spot(node: yaml.Node) -> Spot:
    return Spot(node.start_mark.line + 1, node.start_mark.column + 1)


def _forbidden_in(source: str, index: int) -> Problem:
    line = source.count("\n", 0, index) + 1
    column = index - source.rfind("\n", 0, index)
    found = ord(source[index])
    return Problem(
        Spot(line, column), f"the file holds the control character U+{found:04X}; remove it"
    )


def _syntax(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    found = error.problem or "cannot be understood"
    within = f", {error.context}" if error.context else ""
    if error.context and error.context_mark and mark and error.context_mark.line != mark.line:
        within += f" that begins on line {error.context_mark.line + 1}"
    mend = next((mend for part, mend in _MENDS.items() if part in found), "")
    sentence = f"no valid YAML: {found}{within}" + (f"; {mend}" if mend else "")
    return Problem(Spot(mark.line + 1, mark.column + 1) if mark else None, sentence)


def _no_mapping(node: yaml.Node | None) -> Problem:
    if node is None:
        return Problem(Spot(1, 1), "the file is empty; a plan begins with 'clerk: 1'")
    return Problem(_spot(node), "a plan is a mapping of fields; begin it with 'clerk: 1'")
