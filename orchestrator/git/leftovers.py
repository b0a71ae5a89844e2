"""What a session left behind, brought onto its task's branch as commits.

Runs once per session, after its last process is gone: two git commands when the agent committed
everything, five when it did not. Nothing the agent committed is ever dropped; what the branch
cannot take (a rewritten history) stays under a keep ref and is told. Paths are given to git one
by one after a look at each, since a pipe, a socket or an endless sparse file in the tree would
hang it, and a repository inside the worktree would come in as a bare link.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.git.admission import (
    admitted,
    beyond_links,
    clear_pipes,
    folders_of,
    listed,
    special_file,
    with_markers,
)
from orchestrator.git.imports import refusal_sentence
from orchestrator.git.linked import delete_trees, open_up
from orchestrator.git.policy import scan
from orchestrator.git.refs import branch_ref, stray_ref
from orchestrator.git.status import STATUS, Status, read_status
from orchestrator.git.worktrees import attach

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from orchestrator.git.command import Git, WorkTree
    from orchestrator.git.history import History
    from orchestrator.git.objects import Objects
    from orchestrator.git.refs import Refs

PATIENCE_SECONDS = 120.0
GLANCE_SECONDS = 10.0
"""After so long a look is taken for a pipe that git waits at, before it gets all its time."""
_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
_REBASES = ("rebase-merge", "rebase-apply")


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of a session's work.

    ``head`` is the task's branch now, ``changed`` whether its tree differs from the base's.
    ``refused`` says in a sentence why the work cannot be taken as it is ("" when it can);
    ``conflicts`` are files committed with conflict markers in them; ``notes`` one sentence for
    each oddity.
    """

    head: str
    changed: bool
    refused: str = ""
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Task:
    """Whose leftovers are collected, from which base, and which heads were looked at already."""

    plan: str
    name: str
    branch: str
    base: str
    scanned: Collection[str]


class Leftovers:
    """Collects what sessions leave."""

    def __init__(self, git: Git, refs: Refs, history: History, objects: Objects) -> None:
        self._git = git
        self._refs = refs
        self._history = history
        self._objects = objects

    async def collect(
        self, tree: WorkTree, *, branch: str, base: str, message: str, scanned: Collection[str] = ()
    ) -> Collected:
        """Commit everything not ignored in ``tree`` and bring its commits to ``branch``.

        ``branch`` is ``clerk/<plan>/<task>``, ``base`` the commit its work must descend from.
        Commits of a detached HEAD or of another branch are brought over when they do; the
        branch's own commits that would fall off are kept under a keep ref. What came is held
        against ``git.policy``, but for heads in ``scanned``, which were already. Raises GitError when
        git cannot work in there at all.
        """
        _, plan, name = branch.split("/", 2)
        task = _Task(plan, name, branch, base, scanned)
        if tree.path.is_symlink() or not tree.path.is_dir():
            # Through a link, whatever it leads to would be committed as the session's work.
            head = await self._head_of(branch)
            return await self._judge(task, head, notes=("the worktree is gone",))
        open_up(tree.path)
        self._require_no_symref(branch)
        _drop_locks(tree.git_dir)
        status, cleared = await self._status(tree)
        before = status.head
        if status.branch not in {"", branch} and before:
            await self._detach(tree, before)  # else the commit below would move that branch
        wanted, left_out = admitted(tree.path, status)
        cleared += clear_pipes(tree.path, folders_of(tree.path, wanted))
        notes = (*cleared, *left_out)
        conflicts = await anyio.to_thread.run_sync(with_markers, tree.path, status.unmerged)
        if wanted or _is_unfinished(tree):
            told = {*status.unstaged, *status.untracked}  # the rest is staged as it is
            await self._commit(tree, [path for path in wanted if path in told], message)
            on_branch = status.branch == branch
            head = await (self._head_of(branch) if on_branch else self._head_in(tree))
            status = replace(status, head=head)
        if status.branch != branch or _is_rebasing(tree):
            moved = await self._bring_over(task, tree, status)
            brought = conflicts if moved.head == status.head else ()
            return replace(moved, conflicts=brought, notes=(*notes, *moved.notes))
        collected = await self._judge(task, status.head, descends=before == base, notes=notes)
        return replace(collected, conflicts=conflicts)

    async def _status(self, tree: WorkTree) -> tuple[Status, tuple[str, ...]]:
        """The status, and what had to be cleared away for git to tell it."""
        try:
            answer = await self._git.run(*STATUS, at=tree, timeout_seconds=GLANCE_SECONDS)
        except GitError:
            cleared = await anyio.to_thread.run_sync(clear_pipes, tree.path)
            return await self._patient_status(tree), cleared
        return read_status(answer.stdout), ()

    async def _patient_status(self, tree: WorkTree) -> Status:
        try:
            answer = await self._git.run(*STATUS, at=tree, timeout_seconds=PATIENCE_SECONDS)
        except GitError as error:
            special = await anyio.to_thread.run_sync(special_file, tree.path)
            if special is None:
                raise
            raise GitError(f"{special} is a pipe or a socket, which git cannot read") from error
        return read_status(answer.stdout)

    async def _commit(self, tree: WorkTree, paths: Sequence[str], message: str) -> None:
        """Commit ``paths`` as they are in the files, together with what is staged."""
        gone = beyond_links(tree.path, paths)
        if gone:
            await self._git.run(
                *("update-index", "--force-remove", "-z", "--stdin"), at=tree, input=listed(gone)
            )
        if names := listed(path for path in paths if path not in gone):
            await self._git.run(
                "update-index",
                "--add",
                "--remove",
                "--replace",
                "-z",
                "--stdin",
                at=tree,
                input=names,
            )
            crash_point("leftovers.staged")
        await self._git.run(
            "commit",
            "--quiet",
            "--no-verify",
            "--allow-empty",
            "--file=-",
            at=tree,
            input=message.encode(),
        )
        crash_point("leftovers.committed")

    async def _bring_over(self, task: _Task, tree: WorkTree, status: Status) -> Collected:
        """Move the branch to a HEAD that stands elsewhere, if its commits belong there."""
        ref = branch_ref(task.branch)
        old = (await self._refs.list(ref)).get(ref, "")
        where = f"on branch '{status.branch}'" if status.branch else "on a detached HEAD"
        rebasing = await _stop_rebase(tree)
        head, note = status.head, f"the session ended {where}"
        if rebasing and old:
            await self._keep(task, head)
            head, note = (
                old,
                "the session ended in the middle of a rebase; the branch stays as it was",
            )
        elif not old or not await self._history.is_ancestor(head, old):
            if not await self._descends(task, head):
                await self._keep(task, head)
                return await self._judge(
                    task, old or task.base, refused=_rewritten(task), notes=(note,)
                )
            await self._advance(task, head, old)
        else:
            head = old
        await attach(self._git, tree, task.branch)
        await self._git.run("read-tree", "--reset", "-u", head, at=tree)
        return await self._judge(task, head, notes=(note,))

    async def _advance(self, task: _Task, head: str, old: str) -> None:
        if old and not await self._history.is_ancestor(old, head):
            await self._keep(task, old)
        reason = "clerk: bring the session's commits to its branch"
        await self._refs.move(branch_ref(task.branch), head, old, reason)
        crash_point("leftovers.branch-moved")

    async def _keep(self, task: _Task, head: str) -> None:
        if head:
            await self._refs.hold(stray_ref(task.plan, task.name, head), head)

    async def _judge(
        self,
        task: _Task,
        head: str,
        *,
        descends: bool = False,
        refused: str = "",
        notes: tuple[str, ...] = (),
    ) -> Collected:
        if not refused and not descends and not await self._descends(task, head):
            await self._keep(task, head)
            refused = _rewritten(task)
        changed = await self._objects.tree_of(head) != await self._objects.tree_of(task.base)
        if changed and not refused and head not in task.scanned:
            brought = await self._history.entries(task.base, head)
            findings = await scan(
                self._git, task.base, head, brought=brought, objects=self._objects
            )
            refused = refusal_sentence([finding.sentence for finding in findings.refusals])
            notes = (*notes, *(finding.sentence for finding in findings.warnings))
        return Collected(head, changed, refused, notes=notes)

    async def _descends(self, task: _Task, head: str) -> bool:
        return bool(head) and await self._history.is_ancestor(task.base, head)

    async def _detach(self, tree: WorkTree, head: str) -> None:
        await self._git.run("update-ref", "--no-deref", "HEAD", head, at=tree)

    async def _head_in(self, tree: WorkTree) -> str:
        return (await self._git.run("rev-parse", "--verify", "HEAD", at=tree)).text

    async def _head_of(self, branch: str) -> str:
        head = await self._refs.resolve(branch_ref(branch))
        if head is None:
            raise GitError(
                f"the branch '{branch}' is gone; its commits may be under refs/clerk/keep"
            )
        return head

    def _require_no_symref(self, branch: str) -> None:
        """A branch turned into a pointer would carry a commit to whatever it points at."""
        loose = self._git.common_dir / branch_ref(branch)
        if loose.is_file() and loose.read_bytes().startswith(b"ref:"):
            raise GitError(f"the session made the branch '{branch}' a pointer to another branch")


def _rewritten(task: _Task) -> str:
    return f"the history of '{task.branch}' was rewritten: it no longer holds its base {task.base[:12]}"


def _drop_locks(git_dir: Path) -> None:
    """Locks of a git that died with the session."""
    for name in ("index.lock", "HEAD.lock"):
        (git_dir / name).unlink(missing_ok=True)


def _is_unfinished(tree: WorkTree) -> bool:
    return any((tree.git_dir / name).exists() for name in _UNFINISHED)


def _is_rebasing(tree: WorkTree) -> bool:
    return any((tree.git_dir / name).exists() for name in _REBASES)


async def _stop_rebase(tree: WorkTree) -> bool:
    """Forget a rebase in progress; tells whether there was one."""
    places = [tree.git_dir / name for name in _REBASES if (tree.git_dir / name).exists()]
    await delete_trees(*places)
    return bool(places)
