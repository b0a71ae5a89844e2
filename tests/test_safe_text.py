from __future__ import annotations

import os
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.safe_text import MARKS_ALLOWED, REPLACEMENT, safe_text

NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90[]P_^X\\\x07\x9c;0m?\n\r\t ab\u202e\u200b\u0301\ufe0f"),
        st.characters(),
    ),
    max_size=200,
)
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_nothing_a_terminal_obeys_is_left(text: str) -> None:
    assert not OBEYED.search(safe_text(text))
    assert "\t" not in safe_text(text)


@settings(max_examples=200, deadline=None)
@given(NASTY)
def test_no_run_of_combining_marks_is_longer_than_allowed(text: str) -> None:
    marks = "".join(
        "M" if unicodedata.category(c) in {"Mn", "Me"} else "." for c in safe_text(text)
    )
    assert "M" * (MARKS_ALLOWED + 1) not in marks


@settings(max_examples=200, deadline=None)
@given(NASTY)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    once = safe_text(text)
    assert safe_text(once) == once


@settings(max_examples=200, deadline=None)
@given(NASTY, st.integers(min_value=1, max_value=40))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = safe_text(text, limit=limit, one_line=True)
    assert len(line) <= limit
    assert line.splitlines() in ([], [line])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_become_text(raw: bytes) -> None:
    assert not OBEYED.search(safe_text(raw))
    assert not OBEYED.search(safe_text(os.fsdecode(raw)))


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]52;c;ZXZpbA==\x07b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("a\x1bP+q544e\x1b\\b", "ab"),
        ("a\x9d52;c;ZXZpbA==\x9cb", "ab"),
        ("a\x1b]0;never ended\nb", "a\nb"),
        ("a\x1b_gone", "a"),
        ("a\x1bcb", "ab"),
        ("a\x1b(0b", "ab"),
        ("a\x1b", "a"),
        ("a\x1b\x1b[2Jb", "ab"),
        ("12\r\n34\r56", "12\n34\n56"),
        ("user\u202etxt.exe", f"user{REPLACEMENT}txt.exe"),
        ("a\u200bb\ufeffc", f"a{REPLACEMENT}b{REPLACEMENT}c"),
        ("x\U000e0041y", f"x{REPLACEMENT}y"),
        ("bell\x07 back\x08", f"bell{REPLACEMENT} back{REPLACEMENT}"),
        ("\udcff", REPLACEMENT),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 3),
        ("\u26a0\ufe0f careful", "\u26a0 careful"),
        ("a\tb", "a       b"),
        ("café 東京 naïve", "café 東京 naïve"),
        ("[/] [@click=app.quit()]", "[/] [@click=app.quit()]"),
    ],
)
def test_hostile_text_is_defused_and_honest_text_kept(hostile: str, shown: str) -> None:
    assert safe_text(hostile) == shown


def test_a_cut_is_marked_with_an_ellipsis() -> None:
    assert safe_text("abcdef", limit=4) == "abc…"
    assert safe_text("abcd", limit=4) == "abcd"
    assert safe_text(" a\n\t b\r\nc ", one_line=True) == "a b c"


@pytest.mark.parametrize(
    "piece", ["\x1b]", "\x1b[", "\x9b1;", "\x1b[1 ", "\u0301", "\x1bP", "\r", "é\u0301"]
)
def test_a_long_hostile_text_ends_at_all(piece: str) -> None:
    assert not OBEYED.search(safe_text(piece * 200_000))
