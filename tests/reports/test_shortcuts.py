"""What spares reading a long text again finds the same as reading all of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.reports import frames, identities
from orchestrator.safe_text import _is_plain, _without_forbidden, safe_text

PIECES = st.sampled_from(
    [
        "tests/test_a.py",
        "./src/a.py",
        "a.b.py",
        ".py",
        "src/x.rs:1:2",
        "at foo (x.js:1:2)",
        'File "',
        '", line 3, in f',
        ":12:",
        "\u276f ",
        "panicked at ",
        "\n",
        " ",
        "\t",
        "'",
        '"',
        "\x1b[31m",
        "\r\n",
        "é",
        "\u200b",
        "e\u0301\u0301\u0301\u0301\u0301",
        "x" * 310,
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_every_place_holds_what_is_looked_for_first(text):
    for pattern, held in (*frames._INNERMOST_LAST, *frames._INNERMOST_FIRST):
        assert all(held in match[0] for match in pattern.finditer(text))


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.sampled_from(["tests.test_a", "tests.test_a.Class", "src.a", "a.b", "a"]))
def test_a_module_is_found_where_all_lines_are_read(text, dotted):
    paths = (m["path"].removeprefix("./") for m in identities._PYTHON_FILES.finditer(text))
    modules = ((path, path.removesuffix(".py").replace("/", ".")) for path in paths)
    known = (path for path, module in modules if f"{dotted}.".startswith(f"{module}."))
    assert identities._module_file(dotted, text) == next(known, "")


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_plain_text_is_what_looking_for_escapes_would_leave(text):
    assert safe_text(text) == _without_forbidden(text).expandtabs()
    assert not _is_plain(text) or _without_forbidden(text) == text
