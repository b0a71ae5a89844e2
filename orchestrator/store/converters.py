"""Records to columns and back, derived from the fields of the dataclasses.

The one place that knows how a type is stored: enums by value, a nested record flat with its
name as prefix, a mapping as JSON text, anything else as it is. What is read is validated where
a wrong value could do harm (enums). Text is made storable on the way in: a lone surrogate
cannot be encoded and PostgreSQL refuses NUL, so both become U+FFFD.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, get_args, get_type_hints

from orchestrator.errors import StoreError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")


class Row(Protocol):
    """Columns by name."""

    def __getitem__(self, column: str, /) -> Any: ...


class _Field(Protocol):
    """How one field of a record is stored."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    def write(self, value: Any, row: dict[str, Any]) -> None: ...

    def read(self, row: Row) -> Any: ...


class Converter(Generic[R]):
    """Converts records of one dataclass; ``prefix`` goes before every column's name."""

    def __init__(self, kind: type[R], prefix: str = "") -> None:
        hints = get_type_hints(kind, localns={"Mapping": Mapping})
        self._kind = kind
        self._fields = tuple(_field(f.name, hints[f.name], prefix) for f in fields(kind))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns a record takes."""
        return tuple(column for field in self._fields for column in field.columns)

    def to_row(self, record: R) -> dict[str, Any]:
        """The columns of ``record`` by name."""
        row: dict[str, Any] = {}
        for field in self._fields:
            field.write(getattr(record, field.name), row)
        return row

    def to_record(self, row: Row) -> R:
        """The record in ``row``, which may hold more; raises StoreError on an unknown enum."""
        return self._kind(**{field.name: field.read(row) for field in self._fields})

    def as_stored(self, record: R) -> R:
        """``record`` as it would be read back."""
        return self.to_record(self.to_row(record))


@dataclass(frozen=True, slots=True)
class _Plain:
    """A field in a column of its own."""

    name: str
    column: str
    to_column: Callable[[Any], Any]
    to_value: Callable[[Any], Any]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def write(self, value: Any, row: dict[str, Any]) -> None:
        row[self.column] = self.to_column(value)

    def read(self, row: Row) -> Any:
        return self.to_value(row[self.column])


@dataclass(frozen=True, slots=True)
class _Nested:
    """A field that is a record itself, laid flat."""

    name: str
    converter: Converter[Any]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.converter.columns

    def write(self, value: Any, row: dict[str, Any]) -> None:
        row.update(self.converter.to_row(value))

    def read(self, row: Row) -> Any:
        return self.converter.to_record(row)


def _field(name: str, hint: Any, prefix: str) -> _Field:
    column = prefix + name
    kind, optional = _without_none(hint)
    if isinstance(kind, type) and is_dataclass(kind):
        return _Nested(name, Converter(kind, f"{column}_"))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        plain = _Plain(name, column, kind.__str__, _member_of(kind, column))
    elif kind is str:
        plain = _Plain(name, column, storable, _same)
    elif kind in (bool, int, float):
        plain = _Plain(name, column, _same, _same)
    else:
        plain = _Plain(name, column, json.dumps, json.loads)
    return _or_none(plain) if optional else plain


def _without_none(hint: Any) -> tuple[Any, bool]:
    """The type in ``X | None`` and whether None was there."""
    if not isinstance(hint, UnionType):
        return hint, False
    (kind,) = (arg for arg in get_args(hint) if arg is not NoneType)
    return kind, True


def _or_none(plain: _Plain) -> _Plain:
    def to_column(value: Any) -> Any:
        return None if value is None else plain.to_column(value)

    def to_value(column: Any) -> Any:
        return None if column is None else plain.to_value(column)

    return _Plain(plain.name, plain.column, to_column, to_value)


def _member_of(kind: type[StrEnum], column: str) -> Callable[[str], StrEnum]:
    members = {member.value: member for member in kind}

    def member(text: str) -> StrEnum:
        if text not in members:
            raise StoreError(
                f"the stored {column} {text!r} is unknown to this version of clerk;"
                " use the version that wrote it"
            )
        return members[text]

    return member


def _same(value: Any) -> Any:
    return value


def storable(text: str) -> str:
    """``text`` without what a database cannot keep."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
