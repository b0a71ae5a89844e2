"""What the models find wrong, said in the words of the plan.

The models judge single values and know nothing of lines; each of their errors is followed to
its place in the file and told with what was written, what YAML made of it and what to write
instead. A value that could not even be read is told once, as that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from orchestrator.plan.diagnostics import Problem, Spot
from orchestrator.plan.model import Plan
from orchestrator.plan.quoting import quoted
from orchestrator.plan.scalars import Strict
from orchestrator.plan.subjects import remark_at, sentence_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from orchestrator.plan.document import Item, Loc

NO_CRITERIA = "a task without strict success criteria is never merge-ready"

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list, like [a, b]",
    "dict_type": "a mapping of names",
    "model_type": "a mapping of fields",
    "model_attributes_type": "a mapping of fields",
}
_BOUNDS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
_CHOICE = re.compile(r"'([^']*)'")


def modelled(root: Item) -> tuple[Plan | None, list[Problem]]:
    """The plan that ``root`` holds, or why its values are none."""
    unreadable = list(_faults((), root, root))
    try:
        return Plan.model_validate(root.data), unreadable
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        wrong = (problem for detail in details for problem in _problems(detail, root))
        return None, [*unreadable, *wrong]


def _faults(loc: tuple[int | str, ...], item: Item, root: Item) -> Iterator[Problem]:
    for spot, words in item.faults:
        tell = sentence_at if item.unread else remark_at
        yield Problem(spot, tell(loc, root, words))
    for step, part in item.parts():
        yield from _faults((*loc, step), part, root)


def _problems(detail: ErrorDetails, root: Item) -> Iterator[Problem]:
    loc = detail["loc"]
    item = root.follow(loc)
    if item.unread:
        return
    match detail["type"]:
        case "extra_forbidden":
            yield _unknown_field(loc, root)
        case "missing":
            words = f"is missing; {_mend(loc, 'add it')}"
            yield Problem(item.spot, sentence_at(loc, root, words))
        case "too_short" if item.data:
            # The model counts only the elements that are right; the wrong ones are told already.
            return
        case "literal_error" | "enum":
            yield _no_choice(loc, root, item, detail["ctx"]["expected"])
        case _:
            spot = _key_spot(loc, root) if loc[-1:] == ("[key]",) else item.spot
            yield Problem(spot, _wrong_value(detail, root, item))


def _wrong_value(detail: ErrorDetails, root: Item, item: Item) -> str:
    loc, kind, context = detail["loc"], detail["type"], detail.get("ctx", {})
    if kind in _WANTED:
        return sentence_at(loc, root, _wrong_type(loc, item, _WANTED[kind]))
    if kind in _BOUNDS:
        bound = _BOUNDS[kind].format(**context)
        return sentence_at(loc, root, f"is {item.written}; it must be {bound}")
    if kind == "string_too_short":
        return sentence_at(loc, root, "is empty; write a text")
    if kind == "too_short":
        return sentence_at(loc, root, f"is empty; {_mend(loc, 'name at least one')}")
    if kind == "value_error":
        return remark_at(loc, root, str(context["error"]))
    if kind == "string_pattern_mismatch":  # only variables have a pattern
        words = f"names {quoted(item.text)}; use letters, digits and '_', no digit first"
    else:
        words = f"is wrong: {detail['msg'].lower()}"
    return sentence_at(loc, root, words)


def _wrong_type(loc: Loc, item: Item, wanted: str) -> str:
    if item.data is None:
        return f"is empty; {_mend(loc, f'it must be {wanted}')}"
    if wanted == "text" and item.reading:
        return (
            f"is written {item.written} without quotes and YAML reads it as {item.reading};"
            f' quote it: "{item.written}"'
        )
    if loc[-1:] == ("agent",) and isinstance(item.data, dict):
        return "is a mapping; give that a name in 'agents', and write the name here"
    return f"is {_told(item)}; it must be {wanted}"


def _told(item: Item) -> str:
    if isinstance(item.data, dict):
        return "a mapping"
    if isinstance(item.data, list):
        return "a list"
    return item.reading or f"the text {quoted(item.written)}"


def _mend(loc: Loc, usual: str) -> str:
    return NO_CRITERIA if loc[-1:] == ("done_when",) else usual


def _no_choice(loc: Loc, root: Item, item: Item, expected: str) -> Problem:
    words = f"is {quoted(item.text) if item.text else item.written or 'empty'}"
    known = _CHOICE.findall(expected)
    return Problem(
        item.spot, sentence_at(loc, root, words), item.text, known, f"it must be {expected}"
    )


def _unknown_field(loc: Loc, root: Item) -> Problem:
    name = str(loc[-1])
    known = _fields_at(loc[:-1])
    sentence = remark_at(loc[:-1], root, f"unknown field {quoted(name)}")
    return Problem(_key_spot(loc, root), sentence, name, known, f"there are: {', '.join(known)}")


def _key_spot(loc: Loc, root: Item) -> Spot:
    names = [step for step in loc if step != "[key]"]
    return root.follow(names[:-1]).keys.get(str(names[-1]), root.spot)


def _fields_at(loc: Loc) -> list[str]:
    """The names that may stand in the mapping at ``loc``."""
    model: type[Strict] = Plan
    for step in loc:
        nested = _model_in(_fields(model).get(str(step)))
        model = nested or model
    return list(_fields(model))


def _fields(model: type[Strict]) -> Mapping[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[Strict] | None:
    """The model somewhere within ``annotation``, which may be a union, tuple or dict."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
