"""A confined session's commits, brought from its private view into the real repository.

The view is the session's to write, so git reads it inside the sandbox only, and what it tells is
taken for a claim: object names are looked at letter by letter, objects come in through the
quarantine of ``git.imports``, and the task's branch moves by compare-and-swap. Afterwards the
worktree stands as if the session had worked in the real repository, and its leftovers can be
collected like any other's. Commits the branch does not lead to are kept under refs of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.git.imports import Imported, said_by_the_disk
from orchestrator.git.refs import branch_ref, stray_ref
from orchestrator.log_tail import last_words
from orchestrator.process import Ending, Job
from orchestrator.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from orchestrator.enclosures import Enclosures
    from orchestrator.executors import Executor
    from orchestrator.git.command import WorkTree
    from orchestrator.git.opening import OpenRepository
    from orchestrator.git.private_view import PrivateView
    from orchestrator.process import Exit
    from orchestrator.sandboxes import Sandbox

PATIENCE_SECONDS = 600.0
MOST_STRAYS = 50
_CLAIM_BYTES = 4 << 20
_FATAL = 128
"""With more than this a shell says that a signal ended its command."""

_PACK = """git pack-objects --revs --stdout --thin --delta-base-offset -q"""
_TELL = f"""
set -e
git symbolic-ref -q HEAD >"$OUT/branch" || :
git rev-parse -q --verify 'HEAD^{{commit}}' >"$OUT/head" || :
git for-each-ref --format='%(if:equals=commit)%(objecttype)%(then)%(objectname) %(refname)%(end)' |
    grep . >"$OUT/refs" || :
{{ git for-each-ref --format='%(objectname)' "$REF"; cat "$OUT/head" "$OUT/known"; }} | {_PACK} >"$OUT/pack"
"""
"""One process tree for all there is to ask; ``known`` excludes what the real repository has."""

_PACK_BESIDE = f'{_PACK} <"$OUT/beside" >"$OUT/pack"'

_PLAIN = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
}

_CLAIM = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64}) (refs/[^\x00-\x20\x7f]{1,255})")
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a view says of itself: where its HEAD stands, and its refs that name commits."""

    head: str
    branch: str
    refs: Mapping[str, str]

    def work(self, ref: str) -> tuple[str, ...]:
        """Where the session's work is: HEAD, and the task's branch ``ref``."""
        return tuple(dict.fromkeys(oid for oid in (self.head, self.refs.get(ref, "")) if oid))


@dataclass(frozen=True, slots=True)
class Brought:
    """What came home: ``notes`` are sentences for the architect, ``scanned`` the heads let in."""

    notes: tuple[str, ...] = ()
    scanned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a view is read: answers go to ``out``, ``ref`` is the task's branch in it."""

    view: PrivateView
    out: Path
    sandbox: Sandbox
    who: str
    ref: str
    env: Mapping[str, str]


class Homecoming:
    """Brings sessions' commits home, for one engine."""

    def __init__(self, git: OpenRepository, enclosures: Enclosures, executor: Executor) -> None:
        self._git = git
        self._enclosures = enclosures
        self._executor = executor

    async def bring(
        self,
        view: PrivateView,
        tree: WorkTree,
        *,
        sandbox: Sandbox,
        plan: str,
        task: str,
        branch: str,
        base: str,
        env: Mapping[str, str],
    ) -> Brought:
        """Take the session's commits in.

        What is refused stays outside, and the branch where it was: the files in the worktree are
        left for ``Leftovers``. Raises GitError when the machine fails; once more does no harm then,
        nor after a crash at any point of this.
        """
        async with scratch_folder() as out:
            reading = _Reading(view, out, sandbox, f"{plan}/{task}", branch_ref(branch), env)
            (out / "known").write_text(_excluded(view.known.values()))
            said = await self._ask(reading, _TELL)
            try:
                claim = read_claim(out)
            except ValueError as error:
                said = said or str(error)
            if said:
                return Brought((f"the session left its repository unreadable: {said}",))
            crash_point("import.told")
            known = set(view.known.values())
            tips = tuple(oid for oid in claim.work(reading.ref) if oid not in known)
            imported = await self._take(out / "pack", tips, base)
            if imported.refused:
                return Brought((imported.refused,))
            beside = _beside(claim, {*known, *tips})
            strays = await self._take_beside(reading, beside, (*known, *tips), base)
        try:
            await self._move(claim, view, tree, branch)
            for oid in () if strays.refused else beside:
                await self._git.refs.hold(stray_ref(plan, task, oid), oid)
        finally:
            self._git.imports.release(imported)
            self._git.imports.release(strays)
        crash_point("import.held")
        lost = (f"what stood beside its branch was not kept: {strays.refused}",)
        return Brought((*imported.warnings, *(lost if strays.refused else ())), tips)

    async def _take(self, pack: Path, tips: tuple[str, ...], base: str) -> Imported:
        return await self._git.imports.take(pack, tips, base) if tips else Imported()

    async def _take_beside(
        self, reading: _Reading, beside: tuple[str, ...], known: Iterable[str], base: str
    ) -> Imported:
        """Other branches, tags and stashes, which few sessions leave: a pack of their own."""
        if not beside:
            return Imported()
        wanted = "".join(f"{oid}\n" for oid in beside)
        (reading.out / "beside").write_text(wanted + _excluded(known))
        said = await self._ask(reading, _PACK_BESIDE)
        if said:
            return Imported(refused=said)
        return await self._take(reading.out / "pack", beside, base)

    async def _ask(self, reading: _Reading, script: str) -> str:
        """Have git answer inside; returns why it could not."""
        view, out, who = reading.view, reading.out, reading.who
        confinement = self._enclosures.of_import(reading.sandbox, view, who, out)
        await confinement.make_over()
        folder = view.over if reading.sandbox.covers else view.folder
        job = Job(
            argv=("sh", "-c", script),
            cwd=out,
            env={
                **reading.env,
                "OUT": str(out),
                "REF": reading.ref,
                **_PLAIN,
                "GIT_DIR": str(folder / "worktrees" / view.admin.name),
                "GIT_COMMON_DIR": str(folder),
            },
            cookie=f"{who}.import",
            log=out / "log",
            wall_seconds=PATIENCE_SECONDS,
        )
        ended = await self._executor.run(confinement.wrap(job))
        said = last_words(out / "log")
        if why := _machine_failed(ended, said):
            raise GitError(f"what the session committed waits in {view.folder}: {why}")
        return "" if ended.ok else said or "git said nothing"

    async def _move(
        self,
        claim: Claim,
        view: PrivateView,
        tree: WorkTree,
        branch: str,
    ) -> None:
        """Set the branch and the worktree's HEAD as the session left them."""
        git, ref = self._git, branch_ref(branch)
        old, new = await git.refs.resolve(ref) or "", claim.refs.get(ref, "")
        given = view.known.get(ref, "")
        if new and new != old and await self._is_commit(new):
            if old not in {"", given}:  # somebody else moved it meanwhile
                plan, task = branch.split("/")[1:]
                await git.refs.hold(stray_ref(plan, task, old), old)
            await git.refs.move(ref, new, old, "clerk: what the session committed")
            crash_point("import.branch-moved")
        elsewhere = claim.head if claim.branch != ref else ""
        if elsewhere:
            await git.git.run("update-ref", "--no-deref", "HEAD", elsewhere, at=tree)
        head = elsewhere or await git.refs.resolve(ref)
        if head and (head != given or _is_concluded(view, tree)):
            await git.git.run("read-tree", "--reset", head, at=tree)
            crash_point("import.index-set")
            _conclude(tree)
        _carry_rebase(view, tree)

    async def _is_commit(self, oid: str) -> bool:
        return await self._git.refs.resolve(oid) == oid


def read_claim(out: Path) -> Claim:
    """What the import's answers say; raises ValueError where git could not have said it."""
    head, branch = _text(out / "head").strip(), _text(out / "branch").strip()
    if head and not _OID.fullmatch(head):
        raise ValueError("its HEAD has no name that git could have given")
    refs = {}
    for line in _text(out / "refs").splitlines():
        found = _CLAIM.fullmatch(line)
        if found:
            refs[found[2]] = found[1]
    return Claim(head, branch if branch in refs else "", refs)


def _machine_failed(ended: Exit, said: str) -> str:
    """Why reading a view says nothing about the session; "" when it ran to git's own verdict."""
    if ended.error:
        return ended.error
    killed = ended.signal is not None or (ended.code or 0) > _FATAL
    if ended.ending is Ending.EXITED and killed:
        return "git was killed"
    return said_by_the_disk(said)


def _excluded(oids: Iterable[str]) -> str:
    return "".join(f"^{oid}\n" for oid in dict.fromkeys(oids))


def _beside(claim: Claim, placed: Collection[str]) -> tuple[str, ...]:
    """Commits of other branches, tags and stashes that are new, as many as may be kept."""
    claimed = (claim.refs[name] for name in sorted(claim.refs))
    return tuple(dict.fromkeys(oid for oid in claimed if oid not in placed))[:MOST_STRAYS]


def _text(path: Path) -> str:
    """A small regular file's text: our own script wrote it, but in a folder a job could reach."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _CLAIM_BYTES:
        raise ValueError("it told nothing that can be read")
    return path.read_text("utf-8", "surrogateescape")


def _is_concluded(view: PrivateView, tree: WorkTree) -> bool:
    """Whether a merge that we left open for the session is open no more."""
    return (tree.git_dir / "MERGE_HEAD").exists() and not (view.admin / "MERGE_HEAD").exists()


def _carry_rebase(view: PrivateView, tree: WorkTree) -> None:
    """A rebase the session left unfinished is known by its folder alone; nothing in it is taken."""
    for name in ("rebase-merge", "rebase-apply"):
        if (view.admin / name).is_dir():
            (tree.git_dir / name).mkdir(exist_ok=True)


def _conclude(tree: WorkTree) -> None:
    for name in ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE"):
        (tree.git_dir / name).unlink(missing_ok=True)
