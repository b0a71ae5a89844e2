"""A worktree is made ready, or nothing may start in it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from orchestrator import executors, sandboxes
from orchestrator.errors import SetupFailed
from orchestrator.executors import Executor
from orchestrator.plan.model import Worktree
from orchestrator.sandboxes import Confinement
from orchestrator.sandboxes.enclosure import Enclosure
from orchestrator.supervision.job import Exit, Job
from orchestrator.supervision.process import OnLine
from orchestrator.worktree_setup import set_up

pytestmark = pytest.mark.anyio

SetUp = Callable[..., Awaitable[float]]


class Refusing:
    """An executor that must not be asked."""

    async def run(self, job: Job, on_line: OnLine | None = None) -> Exit:
        raise AssertionError(job.argv)


@pytest.fixture
def main(tmp_path: Path) -> Path:
    folder = tmp_path / "main"
    (folder / "modules" / "deep").mkdir(parents=True)
    (folder / "modules" / "deep" / "m.js").write_text("m")
    (folder / "modules" / "link").symlink_to("deep/m.js")
    (folder / ".env").write_text("KEY=1")
    return folder


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    folder = tmp_path / "worktree"
    folder.mkdir()
    return folder


@pytest.fixture
def prepare(tmp_path: Path, main: Path, worktree: Path, env: dict[str, str]) -> SetUp:
    async def prepared(
        *,
        executor: Executor | None = None,
        main_checkout: Path | None = main,
        timeout_seconds: float = 60.0,
        **wanted: object,
    ) -> float:
        return await set_up(
            worktree,
            Worktree(**wanted),  # type: ignore[arg-type]
            main_checkout=main_checkout,
            env={**env, "FROM_PLAN": "yes"},
            executor=executor or executors.load("local"),
            confinement=Confinement(sandboxes.load("none"), Enclosure("shop/cart")),
            log=tmp_path / "logs" / "setup.log",
            cookie="cart-1",
            timeout_seconds=timeout_seconds,
        )

    return prepared


async def test_nothing_wanted_starts_nothing(prepare: SetUp) -> None:
    assert await prepare(executor=Refusing()) == 0.0


async def test_files_and_folders_come_from_the_main_checkout(
    prepare: SetUp, worktree: Path
) -> None:
    assert await prepare(copy=[".env", "modules/deep"], share=["modules"]) > 0
    assert (worktree / ".env").read_text() == "KEY=1"
    assert (worktree / "modules" / "link").readlink() == Path("deep/m.js")


async def test_nothing_in_the_worktree_leads_back_into_the_users_folder(
    prepare: SetUp, main: Path, worktree: Path
) -> None:
    await prepare(copy=[".env"], share=["modules"])
    for name in (".env", "modules/deep/m.js"):
        assert (worktree / name).stat().st_ino != (main / name).stat().st_ino
        (worktree / name).write_text("changed")
    assert (main / "modules" / "deep" / "m.js").read_text() == "m"


async def test_sharing_twice_does_not_nest(prepare: SetUp, worktree: Path) -> None:
    await prepare(share=["modules"])
    await prepare(share=["modules"])
    assert not (worktree / "modules" / "modules").exists()


async def test_setup_runs_in_order_in_the_worktree(prepare: SetUp, worktree: Path) -> None:
    await prepare(
        copy=[".env"], setup=["cp .env copied", 'cat copied > out; echo "$FROM_PLAN" >> out']
    )
    assert (worktree / "out").read_text() == "KEY=1yes\n"


async def test_a_failing_command_is_quoted_and_the_rest_not_run(
    prepare: SetUp, worktree: Path
) -> None:
    with pytest.raises(SetupFailed, match=r"'echo broken >&2; exit 3' exited with 3: broken"):
        await prepare(setup=["echo broken >&2; exit 3", "touch ran"])
    assert not (worktree / "ran").exists()


async def test_a_slow_command_is_stopped(prepare: SetUp) -> None:
    with pytest.raises(SetupFailed, match="took longer"):
        await prepare(setup=["sleep 600"], timeout_seconds=0.2)


@pytest.mark.parametrize("field", ["copy", "share"])
async def test_what_is_missing_is_named(prepare: SetUp, field: str) -> None:
    with pytest.raises(SetupFailed, match=rf"worktree\.{field}: 'gone' is not in"):
        await prepare(**{field: ["gone"]})


@pytest.mark.parametrize("field", ["copy", "share"])
async def test_a_bare_repository_has_nothing_to_copy(prepare: SetUp, field: str) -> None:
    with pytest.raises(SetupFailed, match="bare repository"):
        await prepare(main_checkout=None, **{field: ["modules"]})


async def test_a_source_that_leads_out_is_refused(
    prepare: SetUp, main: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("s")
    (main / "leak").symlink_to(tmp_path / "secret")
    with pytest.raises(SetupFailed, match="leads out of"):
        await prepare(copy=["leak"])


async def test_a_link_in_the_branch_cannot_turn_the_copy_elsewhere(
    prepare: SetUp, worktree: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (worktree / "modules").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SetupFailed, match="leads out of the worktree"):
        await prepare(copy=["modules/deep"])
    await prepare(share=["modules"])
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (worktree / "modules" / "deep" / "m.js").is_file()


async def test_a_copied_file_replaces_a_link_instead_of_following_it(
    prepare: SetUp, worktree: Path, tmp_path: Path
) -> None:
    (tmp_path / "target").write_text("untouched")
    (worktree / ".env").symlink_to(tmp_path / "target")
    await prepare(copy=[".env"])
    assert (tmp_path / "target").read_text() == "untouched"
    assert not (worktree / ".env").is_symlink()


@pytest.mark.parametrize("wanted", [{"copy": ["modules"]}, {"share": ["modules"]}])
async def test_what_a_failed_setup_left_deep_inside_is_not_written_through(
    prepare: SetUp, tmp_path: Path, worktree: Path, wanted: dict[str, object]
) -> None:
    theirs, elsewhere = tmp_path / "theirs", tmp_path / "elsewhere"
    theirs.write_text("precious")
    elsewhere.mkdir()
    planted = f"rm -r modules/*; ln -s {elsewhere} modules/deep; ln -s {theirs} modules/link; false"
    for line in (planted, "rm modules/deep/m.js; ln -s ../../theirs modules/deep/m.js; false"):
        with pytest.raises(SetupFailed):
            await prepare(**wanted, setup=[line])
    await prepare(**wanted)
    assert theirs.read_text() == "precious"
    assert not list(elsewhere.iterdir())
    assert (worktree / "modules/deep/m.js").read_text() == "m"


@pytest.mark.parametrize("wanted", [{"copy": ["modules"]}, {"share": ["modules"]}])
async def test_a_folder_in_a_files_place_is_told(
    prepare: SetUp, worktree: Path, wanted: dict[str, object]
) -> None:
    (worktree / "modules/deep/m.js").mkdir(parents=True)
    with pytest.raises(SetupFailed, match="a folder is in the way"):
        await prepare(**wanted)
