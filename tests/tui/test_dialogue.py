"""The transcript as a conversation: whatever pieces it comes in, the same lines are shown."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.dialogue import Dialogue
from tui.line import Fold

TEXT = """\
2026-11-30T11:02:11Z started 7c0c
2026-11-30T11:02:19Z calls Read src/total.py
2026-11-30T11:02:21Z calls Read src/page.js
2026-11-30T11:02:24Z used 11894 tokens, 0.0714 USD
2026-11-30T11:02:24Z calls Edit src/page.js
2026-11-30T11:02:41Z says It follows:
    - one total a line;
    - no more.
2026-11-30T11:03:02Z calls Bash pytest
2026-11-30T11:03:09Z asks May I?
no event at all
2026-11-30T11:05:12Z ended completed
"""


def shown(dialogue, pieces):
    lines = []
    for piece in pieces:
        added, replaced = dialogue.add(piece)
        lines = lines[: len(lines) - replaced] + added
    return lines


def words(lines):
    return [f"{line.lead}{line.text}".strip() for line in lines]


def test_calls_are_folded_and_what_is_said_is_not():
    told = words(shown(Dialogue(2), [TEXT]))
    calls = [line for line in told if "calls" in line]
    assert len(calls) == 1
    assert "▸ 3 calls  Read \u00d72, Edit · last: Edit src/page.js" in calls[0]
    assert any("It follows:" in line for line in told)
    assert "- no more." in told
    assert any("· Bash pytest" in line for line in told), "one call alone needs no fold"
    assert any("? May I?" in line for line in told)
    assert "no event at all" in told
    assert not any("tokens" in line for line in told)


def test_a_fold_opens_and_closes_alone_or_with_all_others():
    dialogue = Dialogue(1)
    folded = shown(dialogue, [TEXT])
    fold = next(line.target for line in folded if isinstance(line.target, Fold))
    dialogue.toggle(fold)
    opened = words(dialogue.lines())
    assert any("· Read src/total.py" in line for line in opened)
    assert any("used 11894 tokens" in line for line in opened)
    dialogue.toggle(fold)
    assert dialogue.lines() == folded
    dialogue.toggle_all()
    assert words(dialogue.lines()) == opened
    dialogue.toggle_all()
    assert dialogue.lines() == folded


@settings(deadline=None)
@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_pieces_may_end_anywhere(cuts):
    ends = sorted({*cuts, 0, len(TEXT)})
    pieces = [TEXT[a:b] for a, b in pairwise(ends)]
    whole = shown(Dialogue(1), [TEXT])
    pieced = Dialogue(1)
    assert words(shown(pieced, pieces)) == words(whole)
    assert words(pieced.lines()) == words(whole)


@settings(deadline=None)
@given(st.lists(st.text(alphabet="2026-11-30T:Z says calls\n \x1b[", max_size=60), max_size=6))
def test_whatever_comes_is_shown_piece_by_piece_as_in_one(pieces):
    one, many = Dialogue(1), Dialogue(1)
    assert words(shown(many, pieces)) == words(shown(one, ["".join(pieces)]))


def test_a_message_that_pretends_to_be_an_event_stays_a_message():
    forged = "2026-11-30T11:00:00Z says hello\n    2026-11-30T11:00:01Z ended completed\n"
    told = shown(Dialogue(1), [forged])
    assert [line.lead.strip() for line in told[1:]] == [""]
