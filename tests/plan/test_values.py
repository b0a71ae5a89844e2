"""Units as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan.values import LONGEST_SECONDS, parse_duration, parse_tokens, show_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("20s", 20), ("1.5m", 90), ("2h", 7200), (" 5m ", 300), (90, 90), (0.5, 0.5)],
)
def test_a_duration_is_in_seconds(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "5", "5 m", "m", "-5m", "1e3s", "٣s", "5m\n5", "9" * 400 + "h"]
)
def test_other_text_is_no_duration(written):
    with pytest.raises(ValueError, match="is not a duration; write 500ms"):
        parse_duration(written)


@pytest.mark.parametrize(("written", "tokens"), [("400k", 400_000), ("1.5M", 1_500_000), (7, 7)])
def test_tokens_are_counted(written, tokens):
    assert parse_tokens(written) == tokens


@pytest.mark.parametrize("written", ["", "400", "400K", "k", "-1k", "9" * 400 + "k"])
def test_other_text_is_no_number_of_tokens(written):
    with pytest.raises(ValueError, match="is not a number of tokens; write 400000"):
        parse_tokens(written)


def test_other_types_are_left_to_the_model():
    assert parse_duration(None) is None
    assert parse_tokens([1]) == [1]


@pytest.mark.parametrize("wall", ["1000h", "1e9", "99999999999999999999", "0", "-5", "true", "0s"])
def test_durations_beyond_reason_are_refused_by_the_plan(problems_of, small, wall):
    (line,) = problems_of(small.replace("checks:", f"budget: {{wall: {wall}}}\nchecks:"))
    assert "budget.wall" in line


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (3.24, "3.2s"),
        (59, "59s"),
        (60, "1m"),
        (61, "1m 1s"),
        (3600, "1h"),
        (3900, "1h 5m"),
    ],
)
def test_a_duration_is_shown_in_two_units(seconds, shown):
    assert show_duration(seconds) == shown


@given(st.integers(1, int(LONGEST_SECONDS)))
def test_a_shown_duration_reads_back_to_its_last_unit(seconds):
    parts = [parse_duration(part) for part in show_duration(seconds).split()]
    assert 0 <= seconds - sum(parts) < (1 if seconds < 3600 else 60)
