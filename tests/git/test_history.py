from __future__ import annotations

import pytest

from orchestrator.errors import GitError
from orchestrator.git.history import DiffStat, clip

pytestmark = pytest.mark.anyio


async def test_changes_between_two_commits_are_exact(sample, opened):
    base = sample.head
    sample.git("mv", "a.txt", "ünï 'q\".txt")
    head = sample.commit({"dir/b.txt": "two\nthree\n", "bin": "\0\1"}, "second")
    history = opened.history
    stat, paths = await history.changes(base, head)
    assert paths == ("a.txt", "bin", "dir/b.txt", "ünï 'q\".txt")
    assert stat == DiffStat(4, insertions=2, deletions=1)
    assert "+three" in await history.diff_text(base, head, 10_000)
    assert await history.subjects(base, head) == ("second",)
    assert await history.tracked_files(base) == (".gitignore", "a.txt", "dir/b.txt")
    assert await history.file_at(head, "dir/b.txt") == b"two\nthree\n"
    assert await history.file_at(head, "a.txt") is None


async def test_ancestry_is_told(sample, opened):
    base = sample.head
    one, two = sample.commit_on(base, {"a.txt": "1"}), sample.commit_on(base, {"a.txt": "2"})
    history = opened.history
    assert await history.is_ancestor(base, one)
    assert not await history.is_ancestor(one, two)
    assert await history.merge_base(one, two) == base
    orphan = sample.git("commit-tree", "-m", "alone", f"{base}^{{tree}}")
    assert await history.merge_base(base, orphan) is None


def test_a_cut_text_stays_within_its_bytes_and_says_so():
    raw = b"line\n" * 1000
    text = clip(raw, 200)
    assert len(text.encode()) <= 200
    assert text.endswith("[… cut: 5000 bytes in all …]\n")
    assert clip(raw, 5000) == raw.decode()


async def test_sizes_and_paths_come_from_one_look(sample, opened):
    base = sample.head
    sample.commit({"dir/b.txt": "two\nthree\n"})
    sample.git("update-index", "--add", "--cacheinfo", f"160000,{base},:sub")
    sample.git("commit", "-qm", "a link")
    head = sample.head
    ran, run = [], opened.git.run

    async def counted(*args, **kwargs):
        ran.append(args[0])
        return await run(*args, **kwargs)

    opened.git.run = counted
    stat, paths = await opened.history.changes(base, head)
    assert (stat.files, paths) == (2, (":sub", "dir/b.txt"))
    assert await opened.history.changes(base, head) == (stat, paths)
    assert ran == ["diff-tree"]


async def test_a_tasks_change_is_still_known_when_it_lands(sample, opened, monkeypatch):
    base, heads = sample.head, [sample.commit({"a.txt": f"{number}\n"}) for number in range(30)]
    for head in heads:
        await opened.history.changes(base, head)
    monkeypatch.setattr(opened.git, "run", None)
    assert [await opened.history.paths(base, head) for head in heads] == [{"a.txt"}] * 30


async def test_what_is_known_of_changes_is_bounded(sample, opened, monkeypatch):
    monkeypatch.setattr("orchestrator.git.history._PATHS_KEPT", 5)
    opened.history._room = 5
    base, heads = sample.head, [sample.commit({"a.txt": f"{number}\n"}) for number in range(30)]
    for head in heads:
        assert (await opened.history.changes(base, head))[1] == ("a.txt",)
    assert len(opened.history._looks) < 5


async def test_many_changes_are_looked_at_by_one_command(sample, opened):
    base = sample.head
    one = sample.commit({"a.txt": "1\n"})
    two = sample.commit({("b" * 40): "2\n", "ünï 'q\".txt": "3\n"})
    expected = {
        pair: await opened.history.changes(*pair) for pair in ((base, one), (base, two), (one, one))
    }
    opened.history._looks.clear()
    await opened.history.look_ahead([*expected, (one, "1" * 40)])

    async def unexpected(*args, **kwargs):
        raise AssertionError(args)

    run, opened.git.run = opened.git.run, unexpected
    assert {pair: await opened.history.changes(*pair) for pair in expected} == expected
    opened.git.run = run
    with pytest.raises(GitError):
        await opened.history.changes(one, "1" * 40)


async def test_what_git_does_not_know_shifts_no_look_to_another_change(sample, opened):
    """A damaged or pruned repository must not keep an engine from starting, nor mislead it."""
    base, gone = sample.head, "1" * 40
    one = sample.commit({"a.txt": "1\n"})
    two = sample.commit({"b.txt": "2\n"})
    await opened.history.look_ahead([(gone, one)])
    await opened.history.look_ahead([(base, gone), (base, one), (one, two)])
    assert (await opened.history.changes(one, two))[1] == ("b.txt",)
    assert (await opened.history.changes(base, one))[1] == ("a.txt",)
    with pytest.raises(GitError):
        await opened.history.changes(base, gone)


async def test_the_common_base_of_several_is_told_and_one_is_its_own(sample, opened, monkeypatch):
    base = sample.head
    one, two = sample.commit_on(base, {"a.txt": "1"}), sample.commit_on(base, {"a.txt": "2"})
    assert await opened.history.common_base({one, two}) == base
    monkeypatch.setattr(opened.git, "run", None)
    assert await opened.history.common_base({one}) == one


async def test_which_commits_another_does_not_hold_is_asked_at_once(sample, opened):
    first = sample.git("rev-parse", "HEAD")
    second, third = (sample.commit({name: name}) for name in ("two.txt", "three.txt"))
    outside = opened.history.outside
    assert await outside((first, second, third), second) == {third}
    assert await outside((first, second), third) == frozenset()
