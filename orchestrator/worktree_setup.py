"""Makes a fresh worktree ready, or says why it cannot be: then nothing may start in it.

Files come from the user's main checkout: *copied*, or *shared* by reflink where the file system
can, else copied too. Never by hard link or symlink: a session could write through it into the
user's own folder. Paths stay inside both trees, whatever links lie in them. Setup commands run
like checks do: through the sandbox, with the environment of checks.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from orchestrator.allowance import Allowance
from orchestrator.errors import SetupFailed
from orchestrator.log_tail import last_words
from orchestrator.supervision.job import Ending, Job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.executors import Executor
    from orchestrator.plan.model import Worktree
    from orchestrator.sandboxes import Confinement
    from orchestrator.supervision.job import Exit


@dataclass(frozen=True, slots=True)
class _Site:
    """Where setup happens and what all its commands have in common."""

    worktree: Path
    env: Mapping[str, str]
    executor: Executor
    confinement: Confinement
    log: Path
    cookie: str
    due: float
    allowance: Allowance

    def job(self, argv: Sequence[str], number: int) -> Job:
        """Command ``number``; the first one's log is ``log``, the others' beside it."""
        name = self.log.name if number == 0 else f"{self.log.stem}.{number}{self.log.suffix}"
        return Job(
            argv=argv,
            cwd=self.worktree,
            env=self.env,
            cookie=self.cookie,
            log=self.log.with_name(name),
            wall_seconds=max(0.0, self.due - anyio.current_time()),
            allowance=self.allowance,
        )


async def set_up(
    worktree: Path,
    wanted: Worktree,
    *,
    main_checkout: Path | None,
    env: Mapping[str, str],
    executor: Executor,
    confinement: Confinement,
    log: Path,
    cookie: str,
    timeout_seconds: float,
    allowance: Allowance | None = None,
) -> float:
    """Bring what the plan wants into ``worktree``; the seconds it took.

    ``main_checkout`` is None in a bare repository. Free when nothing is wanted. Raises
    SetupFailed naming the file or command and, for a command, how it ended and its last words.
    """
    if not (wanted.copy_ or wanted.share or wanted.setup):
        return 0.0
    began = anyio.current_time()
    bounds, due = allowance or Allowance(), began + timeout_seconds
    site = _Site(worktree, env, executor, confinement, log, cookie, due, bounds)
    copies = [_pair(site, main_checkout, name, "copy") for name in wanted.copy_]
    shares = [_pair(site, main_checkout, name, "share") for name in wanted.share]
    for source, destination in copies:
        await anyio.to_thread.run_sync(_copy, source, destination)
    for number, (source, destination) in enumerate(shares):
        await _share(site, source, destination, number)
    if wanted.setup:
        await confinement.make_over()
    for number, line in enumerate(wanted.setup, start=len(shares)):
        await _command(site, line, number)
    return anyio.current_time() - began


def _pair(site: _Site, main: Path | None, name: str, field: str) -> tuple[Path, Path]:
    """The source and destination of one entry, both proven to lie inside their trees."""
    if main is None:
        raise SetupFailed(
            f"worktree.{field}: {name!r} cannot be taken from a bare repository; "
            "use worktree.setup to make it"
        )
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ".git" in path.parts[:1] or not path.parts:
        raise SetupFailed(f"worktree.{field}: {name!r} must be a path inside the checkout")
    source, destination = main / path, site.worktree / path
    if not source.exists():
        raise SetupFailed(f"worktree.{field}: {name!r} is not in {main}; make it or drop it")
    if not source.resolve().is_relative_to(main.resolve()):
        raise SetupFailed(f"worktree.{field}: {name!r} leads out of {main}")
    if not destination.parent.resolve().is_relative_to(site.worktree.resolve()):
        raise SetupFailed(f"worktree.{field}: {name!r} leads out of the worktree by a link")
    return source.resolve(), destination


def _copy(source: Path, destination: Path) -> None:
    try:
        _make_room(source, destination)
        if source.is_dir():
            shutil.copytree(source, destination, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(source, destination)
    except (OSError, shutil.Error) as error:
        raise SetupFailed(f"worktree.copy: {source} could not be copied: {error}") from error


def _make_room(source: Path, destination: Path) -> None:
    """Never write through a link that lies where the copy goes, however deep in it.

    A setup that failed ran the branch's own commands here: its next try finds what they left.
    Raises OSError where something cannot make way.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    _clear(destination, is_folder=source.is_dir())
    if not destination.is_dir():
        return
    for folder, folders, files in os.walk(source):
        place = destination / Path(folder).relative_to(source)
        for name in (*folders, *files):
            _clear(place / name, is_folder=name in folders and not Path(folder, name).is_symlink())


def _clear(place: Path, *, is_folder: bool) -> None:
    """Remove what is neither free nor a folder where one is to be."""
    if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
        place.unlink()
    elif not is_folder and place.is_dir():
        raise OSError(errno.EISDIR, "a folder is in the way", str(place))


async def _share(site: _Site, source: Path, destination: Path, number: int) -> None:
    if not source.is_dir():
        await anyio.to_thread.run_sync(_copy, source, destination)
        return
    try:
        await anyio.to_thread.run_sync(_make_room, source, destination)
        destination.mkdir(exist_ok=True)
    except OSError as error:
        raise SetupFailed(f"worktree.share: {source} could not be copied: {error}") from error
    flags = ("-cR",) if sys.platform == "darwin" else ("-a", "--reflink=auto")
    job = site.job(("cp", *flags, f"{source}/.", f"{destination}/"), number)
    # Not through the sandbox: it reads the user's own folder, and runs nothing of the tree's.
    exit_ = await site.executor.run(job)
    if not exit_.ok:
        raise SetupFailed(_failure(f"worktree.share: copying {source}", exit_, job))


async def _command(site: _Site, line: str, number: int) -> None:
    job = site.job(("sh", "-c", line), number)
    exit_ = await site.executor.run(site.confinement.wrap(job))
    if not exit_.ok:
        raise SetupFailed(_failure(f"worktree.setup: {line!r}", exit_, job))


def _failure(what: str, exit_: Exit, job: Job) -> str:
    """One sentence: what failed, how, and its last words."""
    if exit_.error:
        return f"{what} could not be started: {exit_.error}"
    if exit_.ending is Ending.WALL:
        how = f"took longer than the {exit_.seconds:.0f} s it had"
    elif exit_.breach:
        how = f"was killed: {exit_.breach}"
    elif exit_.signal is not None:
        how = f"was killed by signal {exit_.signal}"
    else:
        how = f"exited with {exit_.code}"
    words = last_words(job.log) if job.log else ""
    return f"{what} {how}: {words}" if words else f"{what} {how}"
