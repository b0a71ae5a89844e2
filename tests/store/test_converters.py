"""Records survive the way to columns and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Field, SQLModel

from orchestrator.errors import StoreError
from orchestrator.events import Event, EventKind
from orchestrator.records import AttemptRecord, PlanRecord, TaskRecord, VerificationRecord
from orchestrator.results import Usage
from orchestrator.states import Outcome, TaskState
from orchestrator.store.converters import Converter, storable
from orchestrator.store.tables import MirroredTable

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
numbers = st.floats(allow_nan=False)
usages = st.builds(Usage, st.integers(), st.integers(), numbers, st.none() | numbers)
for kind, strategy in ((str, text), (float, numbers), (Usage, usages)):
    st.register_type_strategy(kind, strategy)
json_values = st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=3)
events = st.builds(
    Event, st.sampled_from(EventKind), data=st.dictionaries(st.text(), json_values, max_size=3)
)
records = st.one_of(
    events, *map(st.from_type, (PlanRecord, TaskRecord, AttemptRecord, VerificationRecord))
)


@given(record=records)
@settings(max_examples=60, deadline=None)
def test_every_record_comes_back_as_it_was(record: Any) -> None:
    converter = Converter(type(record))
    row = converter.to_row(record)
    assert set(row) == set(converter.columns)
    assert {type(value) for value in row.values()} <= {str, int, float, bool, type(None)}
    assert converter.to_record(row) == record


def test_enums_are_stored_by_value_and_nested_records_flat() -> None:
    row = Converter(AttemptRecord).to_row(
        AttemptRecord("p", "t", 1, "a", "none", outcome=Outcome.NO_CHANGE, usage=Usage(5))
    )
    assert row["outcome"] == "no_change"
    assert type(row["outcome"]) is str
    assert row["usage_input_tokens"] == 5
    assert "usage" not in row


def test_a_state_that_is_unknown_is_refused_when_read() -> None:
    converter = Converter(TaskRecord)
    row = converter.to_row(TaskRecord("p", "t")) | {"state": "RUNNING"}
    with pytest.raises(StoreError, match=r"stored state 'RUNNING' is unknown"):
        converter.to_record(row)


@given(found=st.text(st.characters()))
@settings(max_examples=60, deadline=None)
def test_text_is_made_storable_and_storable_text_is_left_alone(found: str) -> None:
    clean = storable(found)
    clean.encode()
    assert "\0" not in clean
    assert storable(clean) == clean
    assert len(clean) == len(found)


def test_a_field_without_a_column_is_told_when_the_table_is_bound() -> None:
    @dataclass(frozen=True)
    class Grown:
        name: str
        added: int = 0

    class GrownRow(SQLModel, table=True):
        __tablename__ = "grown_in_a_test"
        name: str = Field(primary_key=True)
        revision: int

    try:
        with pytest.raises(TypeError, match="GrownRow and its record differ in added"):
            MirroredTable(GrownRow, Grown, key=("name",), order="name")
    finally:
        SQLModel.metadata.remove(GrownRow.metadata.tables["grown_in_a_test"])


def test_states_are_members_after_reading() -> None:
    converter = Converter(TaskRecord)
    task = converter.as_stored(TaskRecord("p", "t", state=TaskState.MERGING))
    assert task.state is TaskState.MERGING
