"""The worktrees of tasks: one branch, one folder, from the first session to the landing.

A task's commits live on ``clerk/<plan>/<task>`` and are never dropped here: where a branch has
to start anew, its old head is kept under ``refs/clerk/keep`` first. Opening decides from what
git and our ledger say, so a crash at any point is mended by opening again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.git.refs import branch_ref, stray_ref, task_branch
from orchestrator.git.status import STATUS, read_status

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.git.command import Git, WorkTree
    from orchestrator.git.history import History
    from orchestrator.git.linked import LinkedWorktrees
    from orchestrator.git.refs import Refs


class TaskWorktrees:
    """Creates, reopens and removes the worktrees of tasks."""

    def __init__(self, git: Git, refs: Refs, history: History, linked: LinkedWorktrees) -> None:
        self._git = git
        self._refs = refs
        self._history = history
        self._linked = linked

    def path_of(self, plan: str, task: str) -> Path:
        return self._linked.home / plan / task

    def stands(self, plan: str, task: str) -> bool:
        """Whether anything is there to be removed."""
        return self._linked.stands(f"{plan}/{task}")

    async def create(self, plan: str, task: str, start: str) -> WorkTree:
        """A fresh worktree on the task's branch, which starts at the commit ``start``.

        An older branch of that name gives way; commits only it holds are kept under a keep ref.
        """
        branch = task_branch(plan, task)
        await self._begin(plan, task, branch_ref(branch), start)
        return await self._linked.add(f"{plan}/{task}", start, branch=branch)

    async def reopen(self, plan: str, task: str) -> WorkTree:
        """The task's worktree as its last session left it, or a new one at the branch's head.

        Nothing is cleaned: leftovers are ``Leftovers.collect``'s to commit, and a merge in
        progress may be what the next session is to finish. Raises GitError when there is no
        branch.
        """
        name, branch = f"{plan}/{task}", task_branch(plan, task)
        if standing := self._linked.find(name):
            return standing
        head = await self._refs.resolve(branch_ref(branch))
        if head is None:
            raise GitError(f"there is no branch '{branch}' to open; the task must start anew")
        return await self._linked.add(name, head, branch=branch)

    async def go_ahead(self, plan: str, task: str, old: str, new: str) -> tuple[str, ...]:
        """Bring the files of a standing worktree from ``old``, its head, to ``new``.

        For a branch that is about to move there: asked again after a crash it is done, or does it.
        Returns the uncommitted paths that forbid it, and then nothing was changed.
        """
        tree = self._linked.find(f"{plan}/{task}")
        if tree is None or await self._holds(tree, new):
            return ()
        status = read_status((await self._git.run(*STATUS, at=tree)).stdout)
        if status.changed or status.head != old:
            return status.changed or (f"its HEAD, which is at {status.head[:9]}",)
        await self._git.run("update-index", "-q", "--refresh", at=tree, ok=(0, 1))
        moved = await self._git.run("read-tree", "-m", "-u", old, new, at=tree, ok=(0, 128))
        return (moved.complaint,) if moved.code else ()

    async def _holds(self, tree: WorkTree, commit: str) -> bool:
        answer = await self._git.run(
            "diff-index", "--cached", "--quiet", "--no-ext-diff", commit, at=tree, ok=(0, 1)
        )
        return answer.code == 0

    async def remove(self, plan: str, task: str) -> None:
        """Remove the worktree; the branch stays. Nothing there is fine."""
        await self._linked.discard(f"{plan}/{task}")
        plan_folder = self._linked.home / plan
        if plan_folder.is_dir() and not os.listdir(plan_folder):  # noqa: PTH208 - only whether
            plan_folder.rmdir()

    async def _begin(self, plan: str, task: str, ref: str, start: str) -> None:
        """The task's branch at ``start``; what stood on it is kept where it was more than that."""
        old = await self._refs.resolve(ref)
        if old == start:
            return
        if old and not await self._history.is_ancestor(old, start):
            await self._refs.hold(stray_ref(plan, task, old), old)
        crash_point("worktree.set-aside")
        await self._refs.move(ref, start, old or "", "clerk: task starts anew")


async def attach(git: Git, tree: WorkTree, branch: str) -> None:
    """Put a worktree's HEAD on ``branch`` without touching files."""
    await git.run("symbolic-ref", "-m", "clerk: attach", "HEAD", branch_ref(branch), at=tree)
