from __future__ import annotations

import os
import signal

import pytest

from orchestrator.errors import GitError

pytestmark = pytest.mark.anyio


async def test_a_commit_tells_its_tree_parents_and_subject(sample, opened):
    base = sample.head
    head = sample.commit({"a.txt": "2"}, "the subject\n\nand a body")
    commit = await opened.objects.commit(head)
    assert commit.tree == sample.git("rev-parse", "HEAD^{tree}")
    assert commit.parents == (base,)
    assert commit.subject == "the subject"


async def test_commits_made_after_a_repack_are_seen(sample, opened):
    await opened.objects.tree_of(sample.head)
    sample.commit({"a.txt": "2"})
    sample.git("gc", "-q", "--prune=now")
    assert await opened.objects.tree_of(sample.head) == sample.git("rev-parse", "HEAD^{tree}")


async def test_a_reader_that_was_killed_is_replaced(sample, opened):
    await opened.objects.tree_of(sample.head)
    os.kill(opened.objects._reader.cat_file_all.proc.pid, signal.SIGKILL)
    assert (await opened.objects.commit(sample.head)).subject == "first"
    assert (await opened.objects.commit(sample.head)).subject == "first"


async def test_what_is_no_commit_is_an_error(sample, opened):
    with pytest.raises(GitError, match="cat-file failed"):
        await opened.objects.commit("1" * 40)
    with pytest.raises(GitError, match="cat-file failed"):
        await opened.objects.commit(sample.git("rev-parse", "HEAD:a.txt"))
    with pytest.raises(GitError, match="not the id of a commit"):
        await opened.objects.commit("HEAD\n")


async def test_a_reader_that_was_ended_in_mid_sentence_is_not_believed(sample, opened, monkeypatch):
    whole = await opened.objects.commit(sample.head)

    def broken_off(_reader, oid):
        return oid.encode(), b"commit", 200, b""

    monkeypatch.setattr(type(opened.objects._reader), "get_object_data", broken_off)
    assert await opened.objects.commit(sample.head) == whole


async def test_the_tree_of_a_commit_is_asked_for_once(sample, opened, monkeypatch):
    tree = sample.git("rev-parse", "HEAD^{tree}")
    assert await opened.objects.tree_of(sample.head) == tree
    monkeypatch.setattr(opened.objects, "raw_commit", None)
    assert await opened.objects.tree_of(sample.head) == tree


async def test_what_a_tree_holds_is_read_as_git_lists_it(sample, opened):
    sample.commit({"ünï 'q\"\n.txt": "1", "d/e/f": "2", "run": "3"})
    (sample.path / "run").chmod(0o755)
    (sample.path / "link").symlink_to("run")
    sample.git("add", "-A")
    sample.git("commit", "-qm", "modes")
    tree = await opened.objects.tree_of(sample.head)
    listing = sample.git("ls-tree", "-z", tree).split("\0")
    rows = (line.partition("\t") for line in listing if line)
    told = {(facts.split(" ")[0].lstrip("0"), name, facts.split(" ")[2]) for facts, _, name in rows}
    assert set(opened.objects.children_of(tree)) == told
    assert opened.objects.children_of(sample.head) is None
    assert opened.objects.children_of("1" * 40) is None
