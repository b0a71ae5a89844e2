"""Checks that a person asks for, in a task's worktree or in a checkout of their own.

A task's worktree is read as its session's is, since who worked there was no friend; any other
checkout is the person's own, and read with their rights.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.errors import UsageError
from orchestrator.jobs.asked_check import Ask

if TYPE_CHECKING:
    from orchestrator.api.check_views import OwnerCheckRequest
    from orchestrator.api.lines import Telling
    from orchestrator.jobs.asked_check import AskedChecks
    from orchestrator.orders.check_desk import CheckDesk
    from orchestrator.site import Site


class OwnerChecks:
    """Serves the owner of one engine."""

    def __init__(self, site: Site, checks: AskedChecks, desk: CheckDesk) -> None:
        self._site = site
        self._checks = checks
        self._desk = desk

    async def check(self, plan: str, task: str, request: OwnerCheckRequest) -> Telling:
        """Verify what stands in the folder by the criteria of the task."""
        wanted = self._checks.wanted(plan, task, request.checks)
        folder = await anyio.to_thread.run_sync(self._folder, plan, task, request.folder)
        ask = Ask(
            plan,
            task,
            wanted,
            everything=request.everything,
            use_cache=request.use_cache,
            folder=folder,
        )
        run = await self._desk.open(ask)
        patience = request.patience_seconds
        return partial(self._desk.follow, run, patience_seconds=patience, standing=lambda: None)

    def _folder(self, plan: str, task: str, told: str) -> Path | None:
        """The checkout that is meant; None for the task's own worktree."""
        try:
            os.fsencode(told)
            folder = Path(told).resolve()
        except (ValueError, OSError, RuntimeError) as error:
            raise UsageError(f"{told!r} is no folder") from error
        if folder.is_relative_to(self._site.records.worktree_path(plan, task).resolve()):
            return None
        return self._site.records.repository.work_tree_at(folder).path
