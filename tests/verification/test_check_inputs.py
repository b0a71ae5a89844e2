"""Which entries of a tree count for a check, also by way of links."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestrator.git.listing import LINK, Listing, TreeEntry
from orchestrator.plan.globs import PathGlobs
from orchestrator.verification.check_inputs import covered


def listing(*files: str, **links: str) -> Listing:
    """A tree of files, and of links written with ``__`` for a slash."""
    targets = {name.replace("__", "/"): target for name, target in links.items()}
    entries = [TreeEntry("100644", "1", path) for path in files]
    entries += [TreeEntry(LINK, "2", path) for path in targets]
    return Listing(tuple(sorted(entries, key=lambda entry: entry.path)), targets)


def paths(tree: Listing, *patterns: str) -> set[str]:
    return {entry.path for entry in covered(tree, patterns)}


def test_only_what_the_globs_cover_counts_and_every_gitattributes():
    tree = listing("src/a", "lib/b", ".gitattributes", "lib/.gitattributes")
    assert paths(tree, "src/**") == {"src/a", ".gitattributes", "lib/.gitattributes"}


def test_what_a_covered_link_leads_to_counts_file_or_folder():
    tree = listing(
        "src/a", "data/x", "data/deep/y", "other", src__file="../data/x", src__d="../data/deep"
    )
    assert paths(tree, "src/**") == {"src/a", "src/file", "src/d", "data/x", "data/deep/y"}


def test_a_link_on_the_way_to_what_a_glob_covers_is_followed():
    tree = listing("real/src/a", "docs/b", lib="real")
    assert paths(tree, "lib/src/**") == {"lib", "real/src/a"}
    assert paths(tree, "docs/*") == {"docs/b", "lib"}


def test_links_behind_links_are_followed_and_loops_end():
    tree = listing(
        "end/a", "b/c", src__x="../hop/y", hop__y="../end", end__loop="../end", end__up="../b"
    )
    assert paths(tree, "src") == {"src/x", "hop/y", "end/a", "end/loop", "end/up", "b/c"}


def test_a_link_out_of_the_tree_or_to_nowhere_counts_as_itself():
    tree = listing("a", src__out="/etc/passwd", src__up="../../x", src__none="gone", src__me="me")
    assert paths(tree, "src") == {"src/out", "src/up", "src/none", "src/me"}


NAMES = st.sampled_from(["a", "b", "src", "lib"])
PLACES = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PATTERNS = st.sampled_from(["src", "src/**", "*", "**/a", "lib/*", "a/b", "*/b/*"])


@settings(max_examples=150, deadline=None)
@given(st.sets(PLACES, max_size=8), st.sets(PATTERNS, min_size=1, max_size=2))
def test_without_links_exactly_what_the_globs_cover_counts(files, patterns):
    globs = PathGlobs(patterns)
    assert paths(listing(*files), *patterns) == {path for path in files if globs.matches(path)}


@settings(max_examples=150, deadline=None)
@given(st.sets(PLACES, max_size=8), PLACES, PLACES, st.sets(PATTERNS, min_size=1, max_size=2))
def test_whatever_a_glob_reaches_through_a_link_counts(files, link, target, patterns):
    # in no tree is a path both a link and a folder, or both a file and a folder
    assume(not any(f"{one}/".startswith(f"{link}/") for one in files))
    assume(not any(link.startswith(f"{one}/") for one in files))
    depth = link.count("/")
    tree = listing(*files, **{link.replace("/", "__"): "../" * depth + target})
    globs, counted = PathGlobs(patterns), paths(tree, *patterns)
    for path in files:
        seen_as = link + path[len(target) :]
        if (path == target or path.startswith(f"{target}/")) and globs.matches(seen_as):
            assert path in counted
