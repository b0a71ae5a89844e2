"""What a glob covers, against a matcher that is slow and obvious."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan.globs import (
    PathGlobs,
    check_glob,
    covered_folder,
    literal_folder,
    literal_prefix,
    literal_tail,
)

NAMES = st.sampled_from(["a", "b", ".a", "ab", "a.b", "A"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.sampled_from(["a", "b", ".a", "ab", "*", "**", "a*", "?", "*.b", "[ab]", "[!a]b"])
PATTERNS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


def covers(pattern, path):
    """The definition: part by part, and beneath a folder that is named by a plain word."""
    parts, names = pattern.split("/"), path.split("/")
    if _match(parts, names):
        return True
    named = not set("*?[") & set(parts[-1])
    return named and any(_match(parts, names[:cut]) for cut in range(1, len(names)))


def _match(parts, names):
    if not parts:
        return not names
    if parts[0] == "**":
        # At the end it covers what is beneath, not the folder itself.
        least = 1 if len(parts) == 1 else 0
        return any(_match(parts[1:], names[cut:]) for cut in range(least, len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _match(parts[1:], names[1:])


@settings(max_examples=400, deadline=None)
@given(PATTERNS, PATHS)
def test_a_glob_covers_what_its_definition_says(pattern, path):
    assert PathGlobs([pattern]).matches(path) == covers(pattern, path)


@settings(max_examples=100, deadline=None)
@given(st.lists(PATTERNS, max_size=4), PATHS)
def test_several_globs_cover_what_any_of_them_covers(patterns, path):
    each = [PathGlobs([pattern]).matches(path) for pattern in patterns]
    assert PathGlobs(patterns).matches(path) == any(each)


@settings(max_examples=200, deadline=None)
@given(PATTERNS, PATHS)
def test_what_is_covered_has_the_literal_parts_of_its_glob(pattern, path):
    if PathGlobs([pattern]).matches(path):
        assert path.startswith(literal_prefix(pattern))
        assert literal_tail(pattern) in path
        assert f"{path}/".startswith(literal_folder(pattern))


@settings(max_examples=200, deadline=None)
@given(PATTERNS, PATHS)
def test_a_covered_folder_is_covered_whatever_is_in_it(pattern, path):
    folder = covered_folder(pattern)
    if folder is not None:
        assert PathGlobs([pattern]).matches(folder + path)


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("src/cart", "src/cart/deep/.env", True),
        ("src/cart/", "src/cart/a.py", True),
        ("src/cart", "src/cart", True),
        ("src/cart", "src/cart2/a.py", False),
        ("**/tests", "a/b/tests/c/d.py", True),
        ("src/*", "src/a/b", False),
        (".github/**", ".github/workflows/ci.yml", True),
        ("**", ".env", True),
        ("*.py", "src/a.py", False),
        ("**/*.py", "a.py", True),
        ("README", "readme", False),
        ("a b/ü*", "a b/ütf", True),
        ("[[]x]", "[x]", True),
        ("@(a|b)", "@(a|b)", True),
        ("a|b", "a", False),
        ("~x", "~x", False),
        ("new\nline", "new\nline", True),
    ],
)
def test_a_glob_means_what_people_expect(pattern, path, covered):
    if pattern.startswith("~"):
        with pytest.raises(ValueError, match="is absolute"):
            check_glob(pattern)
    else:
        assert PathGlobs([check_glob(pattern)]).matches(path) is covered


def test_no_globs_cover_nothing():
    nothing = PathGlobs([])
    assert not nothing
    assert not nothing.matches("")
    assert PathGlobs(["a"])


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("/etc/passwd", "is absolute"),
        ("~/x", "is absolute"),
        ("a/../../b", "'..' folder"),
        ("**/..", "'..' folder"),
        ("./a", "'.' or"),
        ("a//b", "empty folder name"),
        ("a[b", "'[' without its ']'"),
        ("a[b/c]", "'[' without its ']'"),
        ("!a", "cannot exclude"),
        ("a\\b", "backslash"),
        ("*.{js,ts}", "one glob for each choice"),
        ("a" * 501, "longer than 500"),
    ],
)
def test_a_glob_that_would_never_match_is_refused(pattern, fault):
    with pytest.raises(ValueError, match=r".") as caught:
        check_glob(pattern)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "pattern", ["a[!b]c", "[]]", "[]a]b", "[[:alpha:]]*", "[{]x}", "a..b", "..a"]
)
def test_a_glob_that_only_looks_strange_is_accepted(pattern):
    assert check_glob(pattern) == pattern
