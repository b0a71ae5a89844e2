"""A worktree as it stands, taken as a commit while somebody works in it.

Uncommitted and untracked files are in it, what git ignores is not: it is the very tree that would
be verified if the session ended now. The worktree is hostile and alive, so git reads it where the
session's own rights end, in a sandbox that may only read, by a git directory of our own
(``git.snapshot_dir``): a link swapped in for a file shows it nothing that the session does not
see itself. The session's index, HEAD and refs are not touched. What comes out is a claim: objects
enter through the quarantine of ``git.imports``, and no ref moves but one of the engine's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.borders.view_reading import (
    OID,
    PACK,
    Unreadable,
    excluded,
    machine_failed,
    told_file,
    told_text,
)
from orchestrator.errors import GitError, SnapshotRefused
from orchestrator.git.admission import admitted, beyond_links, listed
from orchestrator.git.snapshot_dir import make_snapshot_dir, snapshot_environment
from orchestrator.git.status import STATUS, read_status
from orchestrator.log_tail import last_words
from orchestrator.scratch import scratch_folder
from orchestrator.supervision.job import Ending, Job

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from orchestrator.allowance import Allowance
    from orchestrator.borders.enclosures import Enclosures
    from orchestrator.executors import Executor
    from orchestrator.git.command import WorkTree
    from orchestrator.git.opening import OpenRepository
    from orchestrator.git.private_view import PrivateView
    from orchestrator.git.status import Status
    from orchestrator.sandboxes import Confinement, Sandbox

PATIENCE_SECONDS = 120.0
MOST_FILES = 20_000
MOST_BYTES = 256 << 20
_STATUS_BYTES = 16 << 20

_LOOK = f"""
set -e
if [ "$VIEW" ]; then
    HEAD=$(GIT_DIR="$VIEW_ADMIN" GIT_COMMON_DIR="$VIEW" git rev-parse -q --verify 'HEAD^{{commit}}') || HEAD=
fi
printf '%s\\n' "$HEAD" >"$OUT/head"
[ "$HEAD" ] || exit 0
printf '%s\\n' "$HEAD" >"$GIT_DIR/HEAD"
git read-tree "$HEAD"
git {" ".join(STATUS)} >"$OUT/status"
"""

_TAKE = f"""
set -e
git update-index --force-remove -z --stdin <"$OUT/gone"
git update-index --add --remove --replace -z --stdin <"$OUT/paths"
tree=$(git write-tree)
commit=$HEAD
if [ "$tree" != "$(git rev-parse 'HEAD^{{tree}}')" ]; then
    GIT_AUTHOR_DATE=$(git show -s --format=@%ct HEAD) && GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
    export GIT_AUTHOR_DATE GIT_COMMITTER_DATE
    commit=$(git commit-tree "$tree" -p "$HEAD" <"$OUT/message")
fi
printf '%s\\n' "$commit" >"$OUT/commit"
{{ printf '%s\\n' "$commit"; cat "$OUT/known"; }} | {PACK} >"$OUT/pack"
"""
"""The same state gives the same commit: it is dated as the commit below it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A commit in the real repository; ``notes`` are sentences about what is not in it."""

    commit: str
    tree: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose work a snapshot is of: the task ``plan/name``, whose work descends from ``base``.

    ``sandbox`` is what may read it, ``view`` the private view of a session whose work is not home
    yet, ``ref`` what keeps the snapshot alive.
    """

    plan: str
    name: str
    base: str
    sandbox: Sandbox
    view: PrivateView | None
    ref: str


class Snapshots:
    """Takes snapshots, for one engine."""

    def __init__(
        self,
        git: OpenRepository,
        enclosures: Enclosures,
        executor: Executor,
        env: Mapping[str, str],
        allowance: Allowance,
    ) -> None:
        self._git = git
        self._enclosures = enclosures
        self._executor = executor
        self._env = env
        self._allowance = allowance

    async def take(self, tree: WorkTree, whose: Whose) -> Snapshot:
        """What stands in ``tree`` now, kept by the ref until somebody lets it go.

        Raises SnapshotRefused for what the work itself is to blame for, GitError when the machine
        fails.
        """
        async with scratch_folder() as out, scratch_folder() as notes:
            reading = await self._reading(tree, whose, out, notes / "log")
            try:
                status, known = await reading.look()
                wanted, left_out = await anyio.to_thread.run_sync(_admitted, tree, status)
                gone = beyond_links(tree.path, wanted)
                message = f"{whose.name}: as it stands"
                commit = await reading.commit(wanted, gone, known, message)
                return await self._let_in(reading, commit, whose, left_out)
            except Unreadable as error:
                raise SnapshotRefused(f"the work cannot be read as it stands: {error}") from error

    async def _reading(self, tree: WorkTree, whose: Whose, out: Path, log: Path) -> _Reading:
        git, view, sandbox = self._git, whose.view, whose.sandbox
        objects = await git.views.objects()
        confinement = self._enclosures.of_snapshot(
            sandbox, tree, view, objects=objects, who=f"{whose.plan}/{whose.name}", out=out
        )
        env, lenders = {"VIEW": "", "HEAD": ""}, objects
        if view is None:
            env["HEAD"] = await self._head(tree)
        else:
            folder = view.over if sandbox.covers else view.folder
            admin = folder / "worktrees" / view.admin.name
            env |= {"VIEW": str(folder), "VIEW_ADMIN": str(admin)}
            lenders = (folder / "objects", sandbox.objects_at(objects[0]), *objects[1:])
        own = out / "git"
        make_snapshot_dir(own, git.git, await git.views.config(), lenders)
        env |= {**snapshot_environment(own, git.git, tree.path), "OUT": str(out)}
        known = tuple(view.known.values()) if view else ()
        return _Reading(
            out, log, confinement, self._executor, {**self._env, **env}, known, self._allowance
        )

    async def _head(self, tree: WorkTree) -> str:
        asked = ("rev-parse", "-q", "--verify", "HEAD^{commit}")
        return (await self._git.git.run(*asked, at=tree, ok=(0, 1))).text

    async def _let_in(
        self, reading: _Reading, commit: str, whose: Whose, left_out: tuple[str, ...]
    ) -> Snapshot:
        git = self._git
        imported = await git.imports.take(
            reading.pack, (commit,), whose.base, max_bytes=2 * MOST_BYTES
        )
        if imported.refused:
            raise SnapshotRefused(imported.refused)
        try:
            await git.refs.hold(whose.ref, commit)
        finally:
            git.imports.release(imported)
        notes = (*left_out, *imported.warnings)
        return Snapshot(commit, await git.objects.tree_of(commit), notes)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading, whose answers go to ``out``; ``known`` are commits the repository has."""

    out: Path
    log: Path
    confinement: Confinement
    executor: Executor
    env: Mapping[str, str]
    known: tuple[str, ...]
    allowance: Allowance

    async def look(self) -> tuple[Status, str]:
        """What differs from the worktree's HEAD, and what of history need not be told."""
        await self._ask(_LOOK, {})
        head = told_text(self.out / "head").strip()
        if not OID.fullmatch(head):
            raise Unreadable("its HEAD names no commit")
        if told_file(self.out / "status").stat().st_size > _STATUS_BYTES:
            raise SnapshotRefused("too many files differ to be told; have git ignore what is made")
        status = read_status((self.out / "status").read_bytes())
        if status.head != head:
            raise Unreadable("its HEAD has no name that git could have given")
        return status, excluded(self.known or (head,))

    async def commit(
        self, paths: Iterable[str], gone: Collection[str], known: str, message: str
    ) -> str:
        """The worktree's state as a commit; its objects are in ``pack`` then.

        ``gone`` are those of ``paths`` that git could not look at to see it.
        """
        for name, content in {
            "paths": listed(path for path in paths if path not in gone),
            "gone": listed(gone),
            "known": known.encode(),
            "message": message.encode(),
        }.items():
            with (self.out / name).open("xb") as file:
                file.write(content)
        head = told_text(self.out / "head").strip()
        await self._ask(_TAKE, {"HEAD": head})
        return told_text(self.out / "commit").strip()

    @property
    def pack(self) -> Path:
        return told_file(self.out / "pack")

    async def _ask(self, script: str, env: Mapping[str, str]) -> None:
        await self.confinement.make_over()
        job = Job(
            argv=("sh", "-c", script),
            cwd=self.out,
            env={**self.env, **env},
            cookie=f"{self.out.name}.snapshot",
            log=self.log,
            wall_seconds=PATIENCE_SECONDS,
            allowance=self.allowance,
        )
        ended = await self.executor.run(self.confinement.wrap(job))
        said = last_words(self.log)
        if ended.ending is not Ending.EXITED:
            raise SnapshotRefused(ended.breach or _TOO_LONG)
        if why := machine_failed(ended, said):
            raise GitError(f"no snapshot could be taken: {why}")
        if not ended.ok:
            raise Unreadable(said or "git said nothing")


_TOO_LONG = (
    f"the work could not be read within {PATIENCE_SECONDS:.0f} s; is there a pipe among the files?"
)


def _admitted(tree: WorkTree, status: Status) -> tuple[list[str], tuple[str, ...]]:
    """What goes in, and a sentence for each that does not; raises SnapshotRefused for too much."""
    wanted, notes = admitted(tree.path, status)
    if len(wanted) > MOST_FILES:
        raise SnapshotRefused(
            f"{len(wanted)} files differ, more than {MOST_FILES}; have git ignore what is made"
        )
    size = sum(_size(tree.path / path) for path in wanted)
    if size > MOST_BYTES:
        raise SnapshotRefused(
            f"what differs has {size >> 20} MiB, more than {MOST_BYTES >> 20}; "
            "have git ignore what is made"
        )
    return wanted, notes


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # removed
        return 0
