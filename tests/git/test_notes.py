from __future__ import annotations

import hashlib

import pytest

from orchestrator.errors import RefMoved
from orchestrator.git.notes import DRAFT, NOTES

pytestmark = pytest.mark.anyio


async def test_notes_are_git_notes_and_come_back_as_written(sample, opened, plumbing):
    commits = [plumbing.commit({}, sample.head, message=f"{n}") for n in range(3)]
    told = {commit: f'{{"n": "{n} ü\udcff"}}\n' for n, commit in enumerate(commits[:2])}
    assert await opened.notes.read(commits) == {}
    await opened.notes.write(told, date=5)
    assert await opened.notes.read(commits) == told
    assert await opened.notes.noted() == {
        commit: sample.git("rev-parse", f"{NOTES}:{commit}") for commit in told
    }
    assert sample.git("notes", "--ref=clerk", "show", commits[0]) == told[commits[0]].strip()
    assert sample.git("log", "-1", "--format=%an %at", NOTES) == "Clerk of Works 5"
    assert await opened.refs.resolve(DRAFT) is None


async def test_what_others_noted_stays_whatever_their_layout(sample, opened, plumbing):
    """Git moves notes into folders once they are many; we find and replace them there, too."""
    commits = [sample.head, plumbing.commit({}, sample.head)]
    commits += [hashlib.sha1(b"%d" % n).hexdigest() for n in range(298)]
    flat = "".join(f"100644 blob {{blob}}\t{commit}\n" for commit in commits)
    blob = plumbing._fed("hash-object", "-w", "--stdin", given="theirs\n")
    tree = plumbing._fed("mktree", given=flat.format(blob=blob))
    sample.git("update-ref", NOTES, plumbing._fed("commit-tree", tree, given="by hand"))
    sample.git("notes", "--ref=clerk", "add", "-f", "-m", "by a person", commits[0])
    assert "/" in sample.git("ls-tree", "-r", "--name-only", NOTES)
    before = sample.git("rev-parse", NOTES)
    await opened.notes.write({commits[1]: "ours\n"}, date=1)
    assert sample.git("rev-parse", f"{NOTES}^") == before
    read = await opened.notes.read(commits)
    assert [read[commit] for commit in commits[:3]] == ["by a person\n", "ours\n", "theirs\n"]
    assert len(read) == 300


async def test_the_same_note_again_moves_nothing(sample, opened):
    await opened.notes.write({sample.head: "x\n"}, date=1)
    before = sample.git("for-each-ref")
    await opened.notes.write({sample.head: "x\n"}, date=2)
    assert sample.git("for-each-ref") == before


async def test_a_persons_note_in_between_is_kept(sample, opened, monkeypatch):
    other = sample.commit({"b": "1"})
    first, move_all = [True], opened.refs.move_all

    async def late(moves, *args, **kwargs):
        if first.pop() if first else False:
            sample.git("notes", "--ref=clerk", "add", "-m", "theirs", other)
        await move_all(moves, *args, **kwargs)

    monkeypatch.setattr(opened.refs, "move_all", late)
    await opened.notes.write({sample.git("rev-parse", "HEAD^"): "ours\n"}, date=1)
    assert sorted((await opened.notes.read(await opened.notes.noted())).values()) == [
        "ours\n",
        "theirs\n",
    ]


async def test_a_ref_that_never_rests_is_told(sample, opened, monkeypatch):
    async def moved(*args, **kwargs):
        raise RefMoved("moved")

    monkeypatch.setattr(opened.refs, "move_all", moved)
    with pytest.raises(Exception, match="keeps moving"):
        await opened.notes.write({sample.head: "x\n"}, date=1)


async def test_a_draft_left_by_a_crash_is_no_part_of_the_next(sample, opened, plumbing):
    await opened.refs.hold(DRAFT, plumbing.commit({"x": "1"}, sample.head))
    await opened.notes.write({sample.head: "x\n"}, date=1)
    assert sample.git("log", "--format=%s", NOTES) == "notes"
    assert sample.git("ls-tree", "--name-only", NOTES) == sample.head
    await opened.refs.hold(DRAFT, sample.head)
    await opened.notes.forget_draft()
    assert await opened.refs.resolve(DRAFT) is None
