"""A diff file by file: every line of it is told, coloured or not, and nothing breaks it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from scripted.building_site import a_lively_engine

from orchestrator.api.models import DiffStatView, DiffView
from tui.code import coloured, language_of
from tui.diff_files import files_of
from tui.diff_story import DiffStory
from tui.ink import Ground, Ink
from tui.line import Fold

DIFF = a_lively_engine().diffs["cart-total"]


def story(text, **stat):
    told = DiffStory()
    told.take(DiffView(stat=DiffStatView(**stat), text=text, truncated=False))
    return told


def words(lines):
    return [line.lead + (line.text or "".join(text for text, _ in line.spans)) for line in lines]


def test_files_are_told_apart_with_what_was_done_to_them():
    files = files_of(DIFF)
    assert [(f.path, f.added, f.removed, f.note) for f in files] == [
        ("src/cart/total.py", 6, 1, ""),
        ("src/cart/page.js", 5, 1, ""),
        ("tests/unit/test_total.py", 3, 0, "new"),
    ]
    first = files[0].hunks[0]
    assert first.where == "class Cart:"
    assert [(line.sign, line.number) for line in first.lines[:4]] == [
        (" ", 12), ("-", 13), ("+", 13), ("+", 14),
    ]  # fmt: skip


def test_code_is_coloured_and_its_lines_lie_on_what_was_done_to_them():
    told = story(DIFF, files=3)
    line = next(line for line in told.lines() if "with_quantity(self" in words([line])[0])
    assert line.under is Ground.ADDED
    assert ("def", Ink.KEYWORD) in line.spans
    assert ("with_quantity", Ink.DEFINED) in line.spans


def test_a_long_diff_begins_folded_and_unfolds_file_by_file():
    told = story(DIFF, files=3, insertions=5_000)
    assert len(told.lines()) == 2 + 3
    told.toggle(Fold("src/cart/page.js"))
    assert any("renderTotal" in line for line in words(told.lines()))
    assert not any("with_quantity" in line for line in words(told.lines()))
    told.toggle_all()
    assert any("with_quantity" in line for line in words(told.lines()))
    told.toggle_all()
    assert len(told.lines()) == 2 + 3


def test_what_is_no_text_is_told_by_what_git_says():
    binary = (
        "diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\n"
    )
    gone = "diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n"
    assert [(f.path, f.note) for f in files_of(binary + gone)] == [
        ("x.png", "binary"),
        ("new", "renamed"),
    ]
    assert any("differ" in line for line in words(story(binary, files=1).lines()))


@settings(deadline=None)
@given(st.text(alphabet="diff --git a/b\n+-@ 1,2\\\u2028\x0c\x1b[é", max_size=200))
def test_no_text_breaks_it(text):
    told = story(text, files=1)
    told.toggle_all()
    told.lines()


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=30), max_size=8),
    st.sampled_from(["python", "js", "html", "yaml", ""]),
)
def test_colouring_changes_no_line(lines, language):
    told = coloured(lines, language)
    plain = coloured(lines, "")
    assert ["".join(text for text, _ in spans) for spans in told] == [
        "".join(text for text, _ in spans) for spans in plain
    ]


def test_a_line_that_is_too_long_is_not_given_to_a_lexer():
    assert coloured(["x = '" + "a" * 10_000], "python") == [(("x = '" + "a" * 10_000, Ink.PLAIN),)]


def test_languages_are_known_by_names():
    assert language_of("a/b.py") == "python"
    assert language_of("x.yml") == "yaml"
    assert language_of("Makefile") == language_of("a.unheard-of") == ""
