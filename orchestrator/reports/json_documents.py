"""JSON in what an untrusted command wrote, be it alone or amid a script runner's chatter.

A document begins a line. How deep one may nest and how much one may hold is bounded, and one that
is cut off or damaged is refused with all that stands around it: what was in it, nobody knows.
"""

from __future__ import annotations

import re
from json import JSONDecoder
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from orchestrator.reports.source import ReportUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

MOST_BRACKETS = 2_000_000

_BEGINNING = re.compile(r'^(?:\[\s{0,40})?\{\s{0,40}(?:"|\Z)|^\[\s{0,40}(?:\]|\Z)', re.MULTILINE)
"""Of a list of records, a record, or an empty list; chatter in brackets is something else."""


def begins_with_json(text: str) -> bool:
    """Whether a document begins somewhere in ``text``, whole or not."""
    return bool(_BEGINNING.search(text))


def documents(text: str, shape: TypeAdapter[T]) -> list[T]:
    """All documents in ``text``; raises ReportUnreadable unless each is whole and has that shape."""
    if text.count("[") + text.count("{") > MOST_BRACKETS:
        raise ReportUnreadable("it holds too many elements")
    try:
        return [shape.validate_python(document) for document in _decoded(text)]
    except RecursionError as error:
        raise ReportUnreadable("it nests too deep") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ReportUnreadable(f"it has another shape at {place or 'its top'}") from error
    except ValueError as error:
        raise ReportUnreadable(f"it is no whole JSON: {error}") from error


def _decoded(text: str) -> Iterator[Any]:
    decoder = JSONDecoder()
    place = 0
    while match := _BEGINNING.search(text, place):
        document, place = decoder.raw_decode(text, match.start())
        yield document
