from __future__ import annotations

import os
import sys

import anyio
import pytest

from orchestrator.errors import GitError
from orchestrator.git import pool

pytestmark = pytest.mark.anyio


async def test_a_checkout_holds_exactly_the_commit(sample, opened):
    base = sample.head
    head = sample.commit({"a.txt": "2\n", "x/y.txt": "new"})
    for commit in (head, base, head):
        async with opened.pool.acquire(commit) as checkout:
            files = sample.git("ls-files", "--others", "--cached", cwd=checkout.path).splitlines()
            assert tuple(files) == await opened.history.tracked_files(commit)
            assert sample.git("rev-parse", "HEAD", cwd=checkout.path) == commit
            assert checkout.tree == sample.git("rev-parse", f"{commit}^{{tree}}")
            assert sample.git("status", "--porcelain", cwd=checkout.path) == ""


@pytest.mark.parametrize(
    ("left", "commands"),
    [
        ((), ["checkout"]),
        (("left.txt",), ["checkout", "clean"]),
        (("ignored/x",), ["checkout", "clean"]),
        (("dir/deep/empty/",), ["checkout", "clean"]),
    ],
)
async def test_switching_a_used_checkout_cleans_what_a_check_left(sample, opened, left, commands):
    base = sample.head
    head = sample.commit({"a.txt": "2\n", ".gitignore": "ignored/\n"})
    async with opened.pool.acquire(base):
        pass
    async with opened.pool.acquire(base) as checkout:
        for name in left:
            (checkout.path / name).parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                (checkout.path / name).mkdir()
            else:
                (checkout.path / name).write_text("left\n")
    seen = []
    run = opened.git._run

    async def recorded(args, **kwargs):
        seen.append(args[0])
        return await run(args, **kwargs)

    opened.git._run = recorded
    async with opened.pool.acquire(head) as checkout:
        assert sample.git("status", "--porcelain", "--ignored", cwd=checkout.path) == ""
        assert not (checkout.path / "dir" / "deep").exists()
    assert seen == commands


async def test_files_are_written_anew_when_they_would_come_out_differently(sample, opened):
    head = sample.commit({"a.txt": "1\n"})
    for setting, content in (("false", b"1\n"), ("true", b"1\r\n"), ("false", b"1\n")):
        sample.git("config", "core.autocrlf", setting)
        async with opened.pool.acquire(head) as checkout:
            assert (checkout.path / "a.txt").read_bytes() == content


async def test_bytecode_of_the_former_tree_is_never_imported(sample, opened):
    """Same size, same second: Python itself cannot tell the two sources apart."""
    one = sample.commit({"m.py": "print(1)\n", "main.py": "import m\n"})
    two = sample.commit({"m.py": "print(2)\n"})
    for commit, said in ((one, "1"), (two, "2")) * 3:
        async with opened.pool.acquire(commit) as checkout:
            os.utime(checkout.path / "m.py", (1_000_000_000, 1_000_000_000))
            done = await anyio.run_process(
                [sys.executable, "-c", "import m"], cwd=checkout.path, env={"PATH": os.defpath}
            )
            assert done.stdout.decode().strip() == said
            assert (checkout.path / "__pycache__").exists()


async def test_what_cannot_be_told_is_cleaned(sample, opened, monkeypatch):
    seen = []
    run = opened.git._run

    async def recorded(args, **kwargs):
        seen.append(args[0])
        return await run(args, **kwargs)

    async with opened.pool.acquire(sample.head):
        pass
    opened.git._run = recorded
    for name, value in {"LOOKED_THROUGH": 1, "listed_paths": lambda *_, **__: None}.items():
        with monkeypatch.context() as patch:
            patch.setattr(pool, name, value)
            async with opened.pool.acquire(sample.head):
                pass
    assert seen.count("clean") == 2


async def test_nothing_a_check_left_survives(sample, opened, new_sample):
    base = sample.head
    async with opened.pool.acquire(base) as checkout:
        (checkout.path / "a.txt").write_text("ruin\n")
        (checkout.path / "junk.pyc").write_text("junk")
        (checkout.path / "empty" / "deeper").mkdir(parents=True)
        new_sample(checkout.path / "nested")
        (checkout.path / "dir" / "b.txt").unlink()
        os.mkfifo(checkout.path / "dir" / "b.txt")
    async with opened.pool.acquire(base) as again:
        assert again.path == checkout.path
        assert sorted(place.name for place in again.path.iterdir()) == [
            ".git",
            ".gitignore",
            "a.txt",
            "dir",
        ]
        assert (again.path / "a.txt").read_text() == "one\n"
        assert (again.path / "dir" / "b.txt").read_text() == "two\n"


@pytest.mark.parametrize("where", [".gitattributes", "x/.gitattributes"])
async def test_attributes_that_a_check_left_do_not_change_what_is_checked_next(
    sample, opened, where
):
    base = sample.commit({"x/y.txt": "old"})
    head = sample.commit({"x/y.txt": "new"})
    async with opened.pool.acquire(base) as checkout:
        (checkout.path / where).write_text("*.txt working-tree-encoding=UTF-16\n")
    async with opened.pool.acquire(head) as checkout:
        assert (checkout.path / "x/y.txt").read_bytes() == b"new"
        assert not (checkout.path / where).exists()


async def test_attributes_that_are_the_commits_own_are_there_again(sample, opened):
    base = sample.commit({".gitattributes": "*.txt -text\n"})
    head = sample.commit({"x/y.txt": "new"})
    for commit in (base, head):
        async with opened.pool.acquire(commit) as checkout:
            (checkout.path / ".gitattributes").unlink()
            os.mkfifo(checkout.path / ".gitattributes")
    with anyio.fail_after(20):
        async with opened.pool.acquire(base) as checkout:
            assert (checkout.path / ".gitattributes").read_text() == "*.txt -text\n"


async def test_a_repository_in_a_folder_of_the_commit_does_not_survive(sample, opened):
    head = sample.commit({"x/y.txt": "new"})
    async with opened.pool.acquire(head) as checkout:
        sample.git("init", "-q", str(checkout.path / "x"))
    async with opened.pool.acquire(head) as checkout:
        assert [entry.name for entry in (checkout.path / "x").iterdir()] == ["y.txt"]
        assert (checkout.path / ".git").is_file()


async def test_what_a_check_left_in_a_submodules_folder_does_not_survive(sample, opened):
    sample.git("update-index", "--add", "--cacheinfo", f"160000,{sample.head},vendor")
    sample.git("commit", "-qm", "a submodule")
    for _ in range(2):
        async with opened.pool.acquire(sample.head) as checkout:
            assert not list((checkout.path / "vendor").iterdir())
            (checkout.path / "vendor/conftest.py").write_text("")


async def test_an_index_told_to_overlook_a_change_is_not_believed(sample, opened):
    base = sample.head
    async with opened.pool.acquire(base) as checkout:
        sample.git("update-index", "--assume-unchanged", "a.txt", cwd=checkout.path)
        sample.git("update-index", "--skip-worktree", "dir/b.txt", cwd=checkout.path)
        (checkout.path / "a.txt").write_text("ruin\n")
        (checkout.path / "dir" / "b.txt").write_text("ruin\n")
    async with opened.pool.acquire(base) as again:
        assert (again.path / "a.txt").read_text() == "one\n"
        assert (again.path / "dir" / "b.txt").read_text() == "two\n"


async def test_a_change_with_forged_times_is_undone(sample, opened):
    base = sample.head
    async with opened.pool.acquire(base):
        pass
    async with opened.pool.acquire(base) as checkout:
        file = checkout.path / "a.txt"
        times = file.stat()
        file.write_text("two\n")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    async with opened.pool.acquire(base) as again:
        assert (again.path / "a.txt").read_text() == "one\n"


async def test_a_ruined_slot_is_made_again(sample, opened):
    base = sample.head
    async with opened.pool.acquire(base) as checkout:
        (checkout.path / ".git").unlink()
        (opened.linked.find(".verify/0").git_dir / "HEAD").write_text("rubbish")
    async with opened.pool.acquire(base) as again:
        assert (again.path / "a.txt").read_text() == "one\n"
        assert sample.git("rev-parse", "HEAD", cwd=again.path) == base


async def test_at_most_size_checkouts_are_out_and_none_is_shared(sample, opened):
    base = sample.head
    out, most = set(), 0

    async def user():
        nonlocal most
        async with opened.pool.acquire(base) as checkout:
            assert checkout.path not in out
            out.add(checkout.path)
            most = max(most, len(out))
            await anyio.lowlevel.checkpoint()
            out.remove(checkout.path)

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(user)
    assert most <= 2
    assert not out


async def test_an_unknown_commit_takes_no_slot(opened, sample):
    for _ in range(3):
        with pytest.raises(GitError):
            async with opened.pool.acquire("1" * 40):
                pass
    async with opened.pool.acquire(sample.head):
        pass


async def test_a_sparse_checkout_of_the_user_does_not_thin_out_verification(sample, opened):
    sample.git("sparse-checkout", "set", "--no-cone", "/a.txt")
    async with opened.pool.acquire(sample.head) as checkout:
        assert (checkout.path / "dir" / "b.txt").exists()


@pytest.mark.parametrize("bound", [0, 2000])
async def test_what_misleads_git_goes_whoever_looks_for_it(sample, opened, monkeypatch, bound):
    monkeypatch.setattr(pool, "LOOKED_THROUGH", bound)
    async with opened.pool.acquire(sample.head) as checkout:
        place = checkout.path
        for name in ("a/.GitAttributes", "a/b/.git/config", ".gitattributes"):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text("* text\n")
        (place / "a" / "kept.txt").write_text("kept\n")
        await pool._drop_misleading(place)
        left = sorted(str(path.relative_to(place)) for path in (place / "a").rglob("*"))
        assert left == ["a/b", "a/kept.txt"]
        assert not (place / ".gitattributes").exists()
        assert (place / ".git").is_file()
