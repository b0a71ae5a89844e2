"""What a verdict depends on besides the tree, and the folder that is always gone afterwards."""

import os

import anyio
import pytest

from orchestrator.keyed_lock import KeyedLock
from orchestrator.plan.model import Worktree
from orchestrator.scratch import scratch_folder
from orchestrator.verification.surroundings import MISSING, surroundings


@pytest.fixture
def anyio_backend():
    return "asyncio"


def around(tmp_path):
    wanted = Worktree.model_validate({"copy": [".env"], "share": ["node_modules"]})
    return surroundings(wanted, tmp_path, tmp_path)


def test_content_of_copied_files_counts_and_their_time_does_not(tmp_path):
    env = tmp_path / ".env"
    env.write_text("A=1")
    before = around(tmp_path)
    os.utime(env, (1, 1))
    assert around(tmp_path) == before
    env.write_text("A=2")
    assert around(tmp_path).copied != before.copied


def test_an_installed_package_changes_a_shared_folder(tmp_path):
    (tmp_path / "node_modules/left-pad").mkdir(parents=True)
    before = around(tmp_path)
    assert around(tmp_path) == before
    (tmp_path / "node_modules/right-pad").mkdir()
    assert around(tmp_path).shared != before.shared


def test_files_of_a_copied_folder_count_by_name_and_content(tmp_path):
    folder = tmp_path / ".env"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = around(tmp_path).copied
    (folder / "a").rename(folder / "b")
    assert around(tmp_path).copied != before


def test_what_is_missing_or_not_to_be_had_is_told_not_raised(tmp_path):
    assert around(tmp_path).copied == {".env": MISSING}
    wanted = Worktree.model_validate({"copy": [".env"]})
    assert surroundings(wanted, None, tmp_path).copied == {}


@pytest.mark.anyio
async def test_a_scratch_folder_is_gone_whatever_was_done_to_it():
    async with scratch_folder() as empty:
        assert empty.stat().st_mode & 0o777 == 0o700
    async with scratch_folder() as folder:
        deep = os.open(folder, os.O_RDONLY)
        for _ in range(1200):
            os.mkdir("d", dir_fd=deep)
            inner = os.open("d", os.O_RDONLY, dir_fd=deep)
            os.close(deep)
            deep = inner
        os.close(deep)
        (folder / "closed").mkdir()
        (folder / "closed/file").touch()
        (folder / "closed").chmod(0)
        (folder / "link").symlink_to("/")
    assert not empty.exists()
    assert not folder.exists()


@pytest.mark.anyio
async def test_one_key_is_held_by_one_and_nothing_is_kept():
    lock = KeyedLock()
    told = []

    async def hold(key, name):
        async with lock.hold(key):
            told.append(f"{name} in")
            await anyio.lowlevel.checkpoint()
            told.append(f"{name} out")

    async with anyio.create_task_group() as together:
        for key, name in (("k", "a"), ("k", "b"), ("other", "c")):
            together.start_soon(hold, key, name)
    assert told.index("a out") < told.index("b in")
    assert told.index("c in") < told.index("a out")
    assert lock._wanted == {}
