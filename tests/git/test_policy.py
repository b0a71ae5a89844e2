"""What a tip must not bring, rule by rule and against real trees."""

from __future__ import annotations

import os
import unicodedata
from itertools import count
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.git.policy import (
    Entry,
    beside,
    fold,
    new_ways_out,
    read_batch,
    refused_entry,
    scan,
    too_big,
    twins,
    warned_entry,
)
from orchestrator.git.tree_links import leads_out

pytestmark = pytest.mark.anyio

BLOB, LINK, REPOSITORY = "100644", "120000", "160000"
NAME = st.text(st.sampled_from("aAbBéÉeE\u0301"), min_size=1, max_size=3)
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join)
STEP = st.sampled_from(["a", "b", "c", "..", "."])
LINKS = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join),
    st.lists(STEP, min_size=1, max_size=5).map("/".join),
    max_size=5,
)


def new(path, mode=BLOB):
    return Entry(path, mode, "1" * 40)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (new("lib", REPOSITORY), "is a repository of its own"),
        (new(".gitattributes", LINK), "is a symbolic link, which git must not read"),
        (new("d/.GitModules", LINK), "is a symbolic link, which git must not read"),
        (new("a\nb"), "has control characters"),
        (new("a\x1b]52;c;eA==\x07"), "has control characters"),
        (new("\u202egpj.exe"), "has control characters"),
        (new("\x9b31m"), "has control characters"),
        (new("d/" + "é" * 128), "has a name of more than 255 bytes"),
        (new("/".join(["d" * 200] * 21)), "has a path of more than 4095 bytes"),
    ],
)
def test_a_hostile_entry_is_refused_in_a_sentence(entry, reason):
    finding = refused_entry(entry)
    assert finding.reason.startswith(reason)
    assert finding.sentence.isprintable()


@pytest.mark.parametrize(
    "entry",
    [
        new("src/main.py"),
        new("ünï/日本.txt"),
        new("d/" + "a" * 255),
        new("link", LINK),
        Entry("a\nb", BLOB, "1" * 40, BLOB),
        Entry("a\nb", "000000", "0" * 40, BLOB),
        Entry("lib", REPOSITORY, "1" * 40, REPOSITORY),
    ],
)
def test_what_is_honest_or_was_there_before_is_not_refused(entry):
    assert refused_entry(entry) is None


@pytest.mark.parametrize(
    "path", ["CON", "d/nul.txt", "lpt1/x", "a:b", "a.", "a ", "back\\slash", "z\u200bw", "\udcff"]
)
def test_what_hurts_elsewhere_is_a_warning(path):
    assert warned_entry(new(path)) is not None
    assert refused_entry(new(path)) is None


def test_a_moved_submodule_is_a_warning():
    moved = Entry("lib", REPOSITORY, "1" * 40, REPOSITORY)
    assert "another commit" in warned_entry(moved).reason


def test_a_file_above_the_bound_is_told_with_its_size():
    found = list(too_big({"1" * 40: 11}, [new("big"), new("lib", REPOSITORY)], 10))
    assert [finding.sentence for finding in found] == [
        "'big' has 11 bytes, more than the 10 allowed"
    ]


@pytest.mark.parametrize(
    ("added", "present", "told"),
    [
        (["a"], ["a", "A"], ["a"]),
        (["B/x"], ["B/x", "b/y"], ["B"]),
        (["B/x", "B/z"], ["B/x", "B/z", "b/x"], ["B"]),
        (["é"], ["e\u0301", "é"], ["é"]),
        (["ẞ", "ss"], ["ẞ", "ss"], ["ẞ"]),
        (["a"], ["a", "b"], []),
        (["c/new"], ["A", "a", "c/new"], []),
        (["A/new"], ["A/new", "A/x", "a/y"], []),
        (["A/y"], ["A/y", "A/x", "a/y"], ["A/y"]),
    ],
)
def test_twins_are_told_once_and_only_where_new(added, present, told):
    assert [finding.path for finding in twins(added, present)] == told


@given(st.lists(PATH, unique=True, max_size=8), st.data())
def test_twins_are_found_exactly_when_folding_loses_a_name(present, data):
    files = [p for p in present if not any(q.startswith(f"{p}/") for q in present)]
    added = data.draw(st.lists(st.sampled_from(files), unique=True)) if files else []

    def parts(paths):
        folders = {str(up) for path in paths for up in PurePosixPath(path).parents}
        return {*paths, *folders} - {"."}

    def lost(paths):
        return len(parts(paths)) - len({fold(part) for part in parts(paths)})

    before = [path for path in files if path not in added]
    assert bool(list(twins(added, files))) == (lost(files) > lost(before))


def grown(paths):
    """Trees by their oid, of which the topmost is "0", that hold these files."""
    trees, numbers = {"0": {}}, count(1)
    for path in paths:
        at, *names = ["0", *path.split("/")]
        *folders, name = names
        for folder in folders:
            at = trees[at].setdefault(folder, ("40000", str(next(numbers))))[1]
            trees.setdefault(at, {})
        trees[at][name] = (BLOB, "1" * 40)
    return lambda oid: [(mode, name, child) for name, (mode, child) in trees[oid].items()]


@given(st.sets(PATH, max_size=12), st.data())
def test_twins_need_no_look_at_more_than_what_stands_beside_them(paths, data):
    whole = {p for p in paths if not any(other.startswith(f"{p}/") for other in paths)}
    added = {p for p in whole if data.draw(st.booleans())}
    near = beside(added, "0", grown(sorted(whole)))
    assert {f.path for f in twins(added, near)} == {f.path for f in twins(added, whole)}


def test_folders_that_nothing_new_lies_in_are_not_read():
    children, read = grown(["a/b/c", "big/x/y", "A/z"]), []

    def seen(oid):
        read.append(oid)
        return children(oid)

    assert set(beside(["a/new"], "0", seen)) == {"a/b", "A/z", "big"}
    assert len(read) == 3
    assert beside(["a/new"], "0", lambda _: None) is None
    assert beside(["/".join("a" * 99)], "0", lambda _: [("40000", "a", "1")]) is None


@given(st.text())
def test_folding_forgets_case_and_spelling_of_accents(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("path", "links", "out"),
    [
        ("a", {"a": "/etc/passwd"}, True),
        ("a", {"a": "../x"}, True),
        ("d/a", {"d/a": "../x"}, False),
        ("d/a", {"d/a": "../../x"}, True),
        ("d/a", {"d/a": "b/../x"}, False),
        ("d/a", {"d/a": "b/../x", "d/b": ".."}, True),
        ("a", {"a": "b", "b": "/etc"}, True),
        ("a", {"a": "b", "b": "a"}, False),
        ("a", {"a": "x/../../y"}, True),
        ("a", {"a": "."}, False),
        ("b", {"a": "/etc"}, False),
    ],
)
def test_a_link_is_followed_through_other_links(path, links, out):
    assert leads_out(path, links) is out


@given(LINKS)
def test_a_link_said_to_stay_inside_does_when_the_kernel_follows_it(tmp_path_factory, links):
    """The model is a real folder: whatever resolves, resolves below the top."""
    top = tmp_path_factory.mktemp("links") / "tree"
    top.mkdir()
    made = {}
    for path, target in sorted(links.items()):
        place = top / path
        if any(str(up) in made for up in PurePosixPath(path).parents):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(place):
            place.symlink_to(target)
            made[path] = target
    for path in made:
        try:
            found = (top / path).resolve(strict=True)
        except (OSError, RuntimeError):
            continue
        assert leads_out(path, made) or found.is_relative_to(top)


def test_an_old_link_that_a_new_one_turns_outwards_is_told():
    before = {"d/a": "b/../x", "old": "/etc"}
    after = {**before, "d/b": ".."}
    found = list(new_ways_out(before, after, [new("d/b", LINK)]))
    assert [finding.path for finding in found] == ["d/a"]


@given(st.lists(st.binary()))
def test_contents_are_read_whole_whatever_they_hold(contents):
    raw = b"".join(b"%d\n%b\n" % (len(content), content) for content in contents)
    assert [os.fsencode(text) for text in read_batch(raw)] == contents


async def test_a_real_change_is_judged_whole(sample, opened):
    base = sample.commit({"Read.me": "x\n"})
    (sample.path / "out").symlink_to("../elsewhere")
    (sample.path / "in").symlink_to("dir/b.txt")
    (sample.path / ".gitignore").unlink()
    (sample.path / ".gitignore").symlink_to("a.txt")
    tip = sample.commit({"READ.ME": "y\n", "a\tb": "z\n", "aux": "w\n", "big": "0" * 2000})
    found = await scan(opened.git, base, tip, max_blob_bytes=1000)
    assert sorted(finding.sentence for finding in found.refusals) == [
        "'.gitignore' is a symbolic link, which git must not read its rules through",
        "'READ.ME' and 'Read.me' are one file where case or accents do not count",
        "'a b' has control characters in its name",
        "'big' has 2000 bytes, more than the 1000 allowed",
        "'out' is a symbolic link that leads out of the tree, to '../elsewhere'",
    ]
    assert [finding.path for finding in found.warnings] == ["aux"]


async def test_what_was_on_the_base_is_nobodys_new_fault(sample, opened):
    (sample.path / "out").symlink_to("/etc/passwd")
    base = sample.commit({"A": "x\n", "a": "y\n", "a\tb": "z\n", "big": "0" * 2000})
    tip = sample.commit({"A": "changed\n", "a\tb": "changed\n", "fine.txt": "good\n"})
    assert not await scan(opened.git, base, tip, max_blob_bytes=1000)


async def test_a_removed_file_needs_no_second_look(sample, opened):
    sample.git("rm", "-q", "a.txt")
    assert not await scan(opened.git, sample.head, sample.commit({}))


async def test_the_twin_of_a_new_file_is_found_without_a_listing_of_all(
    sample, opened, monkeypatch
):
    base = sample.commit({"lib/Café/x": "1", "other/y": "2"})
    tip = sample.commit({"lib/cafe\u0301/z": "3"})
    whole = await scan(opened.git, base, tip)
    brought = await opened.history.entries(base, tip)
    monkeypatch.setattr(opened.git, "run", None)
    near = await scan(opened.git, base, tip, brought=brought, objects=opened.objects)
    assert near == whole
    assert [finding.path for finding in near.refusals] == ["lib/cafe\u0301"]
