"""A verification that a session, or a person, asks for while the work goes on.

The same verifier, the same checks and so the same cache as the verification after the session:
what has passed here need not be run there. It proves nothing by itself. It is on record for who
looks at the task, and moves no task; what lands is verified by ``verification`` and the queue.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from orchestrator import sandboxes
from orchestrator.borders.snapshots import Snapshots, Whose
from orchestrator.environment import confined_environment
from orchestrator.errors import GitError, UsageError
from orchestrator.git.refs import branch_ref, check_ref
from orchestrator.jobs.restoration import restored
from orchestrator.jobs.survey import survey_work
from orchestrator.jobs.verification import keep_verification
from orchestrator.plan.graph import check_closure
from orchestrator.results import Verification
from orchestrator.site import ASKED, BRANCH, RESTORED
from orchestrator.verification.check_graph import run_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from orchestrator.borders.snapshots import Snapshot
    from orchestrator.git.command import WorkTree
    from orchestrator.plan.model import Plan
    from orchestrator.readiness import Survey
    from orchestrator.records import TaskRecord
    from orchestrator.results import CheckResult
    from orchestrator.site import Site

_PATHS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Ask:
    """Which checks of which task; ``folder`` is where the work stands, None: its worktree."""

    plan: str
    task: str
    checks: tuple[str, ...]
    everything: bool = False
    use_cache: bool = True
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it, in few tokens too; ``warnings`` would keep the work from landing."""

    verification: Verification
    digest: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is verified of a snapshot."""

    commit: str
    tree: str
    warnings: tuple[str, ...] = ()


class AskedChecks:
    """Verifies what stands in worktrees, for one engine."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._snapshots = Snapshots(
            site.git,
            site.enclosures,
            site.executor,
            confined_environment(site.environ),
            site.records.settings.allowance,
        )

    def wanted(self, plan: str, task: str, names: Sequence[str]) -> tuple[str, ...]:
        """The checks that are meant; raises UsageError for one that is none of the task's."""
        book = self._site.records.book
        planned, checks = book.task(plan, task), book.plan(plan).checks
        allowed = check_closure(checks, planned.done_when)
        for name in names:
            if name not in allowed:
                raise UsageError(_no_such_check(name, task, allowed))
        return tuple(dict.fromkeys(names)) or planned.done_when

    def order(self, ask: Ask) -> tuple[str, ...]:
        """All that will be looked at, needs first."""
        return run_order(self._site.records.book.plan(ask.plan).checks, ask.checks)

    async def snapshot(self, ask: Ask) -> Snapshot:
        """The work as it stands, kept until ``let_go``."""
        site = self._site
        record = site.records.book.task_record(ask.plan, ask.task)
        tree = self._standing(ask)
        view = None
        name = "none"
        if ask.folder is None:
            view = site.git.views.find(site.enclosures.view_of(f"{ask.plan}/{ask.task}"), tree)
            name = view.sandbox if view else site.records.book.record(ask.plan).sandbox
        whose = Whose(
            ask.plan,
            ask.task,
            record.base or await self._target(ask.plan),
            sandboxes.load(name),
            view,
            check_ref(ask.plan, ask.task),
        )
        return await self._snapshots.take(tree, whose)

    async def let_go(self, ask: Ask) -> None:
        """Nobody needs the snapshot any more."""
        await self._site.git.refs.let_go(check_ref(ask.plan, ask.task))

    async def verify(
        self, ask: Ask, snapshot: Snapshot, on_result: Callable[[CheckResult], None]
    ) -> Finding:
        """Verify ``snapshot`` and put what came of it on record; ``on_result`` is told each result."""
        site = self._site
        plan = site.records.book.snapshot(ask.plan)
        record, live = plan.tasks[ask.task], site.records.activity.of(ask.plan, ask.task)
        seen = await self._look(ask, plan.plan, record, snapshot)
        shown = site.request(plan, ask.checks, seen.commit, seen.tree, record)

        def tell(result: CheckResult) -> None:
            if shown.on_result is not None:
                shown.on_result(result)
            on_result(result)

        request = replace(
            shown,
            use_cache=shown.use_cache and ask.use_cache,
            fail_fast=not ask.everything,
            on_result=tell,
        )
        try:
            verification = await site.verifier.verify(request)
        finally:
            live.running_checks = set()
        warnings = (*snapshot.notes, *seen.warnings)
        finding = Finding(verification, self.digest(ask, verification), warnings)
        if self._is_news(record, verification):
            keep_verification(
                site, plan.plan, record, verification, purpose=ASKED, commit=snapshot.commit
            )
        return finding

    def digest(self, ask: Ask, verification: Verification) -> str:
        """In few tokens, with what changed since whatever was verified last."""
        record = self._site.records.book.task_record(ask.plan, ask.task)
        last = self._site.records.newest(record, ASKED, BRANCH, RESTORED)
        return self._site.digest(record, verification, purpose=last.purpose if last else ASKED)

    def _is_news(self, record: TaskRecord, verification: Verification) -> bool:
        """Whether anything ran that is not on record: who waits asks again and again."""
        last = self._site.records.store.last_verification(record.plan, record.id, ASKED)
        known = last is not None and last.tree == verification.tree
        return not (known and all(result.cached for result in verification.results))

    def _standing(self, ask: Ask) -> WorkTree:
        """The checkout that is meant; raises UsageError when there is none."""
        site = self._site
        if ask.folder is not None:
            return site.records.repository.work_tree_at(ask.folder)
        tree = site.git.linked.glance(f"{ask.plan}/{ask.task}")
        if tree is None:
            raise UsageError(f"task {ask.task!r} has no worktree; nobody has worked on it yet")
        return tree

    async def _target(self, plan: str) -> str:
        target = self._site.target(plan)
        found = await self._site.git.refs.resolve(branch_ref(target))
        if found is None:
            raise UsageError(f"the target branch {target!r} is gone; make it again")
        return found

    async def _look(self, ask: Ask, plan: Plan, record: TaskRecord, snapshot: Snapshot) -> _Seen:
        """What to verify, with what it may not change put back; a person may change anything."""
        base = record.base or await self._target(record.plan)
        git, record = self._site.git, replace(record, base=base)
        plain = _Seen(snapshot.commit, snapshot.tree)
        if not await git.history.is_ancestor(base, snapshot.commit):
            rewritten = f"the history was rewritten: it no longer holds its base {base[:12]}"
            return replace(plain, warnings=(rewritten,))
        survey = await survey_work(git.history, git.candidates, plan, record, snapshot.commit)
        told = tuple(_told(survey))
        if ask.folder is not None:
            return replace(plain, warnings=told)
        with suppress(GitError):
            if found := await restored(git, record, survey, snapshot.tree):
                await git.refs.hold(check_ref(ask.plan, ask.task), found.commit)
                paths = (*found.paths, *found.displaced)
                back = f"checked with {_some(paths)} as the architect has it"
                return _Seen(found.commit, found.tree, (*told, back))
        return replace(plain, warnings=told)


def _told(survey: Survey) -> Iterator[str]:
    for what, paths in (
        ("paths that no session may change", survey.protected),
        ("locked tests", survey.locked),
        ("paths outside its scope", survey.out_of_scope),
    ):
        if paths:
            yield f"the work changes {what}: {_some(paths)}"


def _some(paths: tuple[str, ...]) -> str:
    more = len(paths) - _PATHS_SHOWN
    shown = ", ".join(paths[:_PATHS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _no_such_check(name: str, task: str, allowed: Sequence[str]) -> str:
    near = get_close_matches(name, allowed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{name!r} is no check of task {task!r}{hint}; it has: {', '.join(allowed)}"
