"""Everything the jobs of one engine work with, put together in one place.

``Records`` is what reading needs, ``Site`` adds the means to build. Both only hold; what is
done with them is the jobs' affair.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from orchestrator import sandboxes
from orchestrator.digest.page import digest
from orchestrator.errors import NothingStored
from orchestrator.events import EventKind
from orchestrator.forecast import Outlook
from orchestrator.git.history import History
from orchestrator.git.repository import Repository
from orchestrator.identity import Identity
from orchestrator.plan_book import PlanBook
from orchestrator.scheduling import activity
from orchestrator.scheduling.activity import Activity
from orchestrator.settings import Settings, load_settings
from orchestrator.states import Verdict
from orchestrator.store import Store
from orchestrator.tests_first.rules import wanted_of
from orchestrator.verification.run import VerificationRequest
from orchestrator.verification_records import history_of, results_from, verification_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.borders.enclosures import Enclosures
    from orchestrator.borders.homecoming import Homecoming
    from orchestrator.executors import Executor
    from orchestrator.git.opening import OpenRepository
    from orchestrator.ledger import Ledger
    from orchestrator.records import TaskRecord, VerificationRecord
    from orchestrator.results import CheckResult, Verification
    from orchestrator.scheduling.activity import TaskActivity
    from orchestrator.scheduling.decision import PlanSnapshot
    from orchestrator.sessions.doorkeeper import Doorkeeper
    from orchestrator.verification.verifier import Verifier

BASELINE = "baseline"
BRANCH = "branch"
CANDIDATE = activity.CANDIDATE
ASKED = "asked"
RED = "red"
RESTORED = "restored"
"""Of work with what no session may change put back: not of the branch, whatever it came to."""

_OF_WORK = (BRANCH, RESTORED)


@dataclass(frozen=True, slots=True)
class Scrutiny:
    """How closely the checks of a plan are looked at, as whoever ran it last wished.

    Forgotten with the engine; ``audit_inputs`` may be a setting, too.
    """

    use_cache: bool = True
    audit_inputs: bool = False


@dataclass(frozen=True)
class Records:
    """What is known: stored facts, plans in force, what goes on, and the repository's history."""

    repository: Repository
    settings: Settings
    store: Store
    activity: Activity = field(default_factory=Activity)
    outlook: Outlook = field(default_factory=Outlook)
    scrutiny: dict[str, Scrutiny] = field(default_factory=dict)

    @classmethod
    def open(cls, repository: Repository, settings: Settings) -> Records:
        """For who holds the engine's lock; a damaged database is moved aside."""
        store = Store.open_or_begin_anew(settings.database, backed_up=settings.database_backed_up)
        return cls(repository, settings, store)

    @classmethod
    @contextmanager
    def open_readonly(cls, common_dir: Path) -> Iterator[Records]:
        """What is stored, for a client while no engine runs; raises NothingStored when nothing is."""
        repository = Repository.discover(common_dir)
        settings = load_settings(repository.state_dir, os.environ)
        default = repository.state_dir / "clerk.db"
        if settings.database.endswith(str(default)) and not default.exists():
            raise NothingStored("no plan was started here yet; start one with: clerk run PLAN")
        store = Store.open_readonly(settings.database)
        try:
            yield cls(repository, settings, store)
        finally:
            store.close()

    @cached_property
    def book(self) -> PlanBook:
        return PlanBook(self.store)

    @cached_property
    def history(self) -> History:
        return History(self.repository.git)

    def has_baseline(self, plan: str) -> bool:
        """Whether the target's own tree was verified for this plan, or could not be.

        One that could not be judged counts for this engine's life, or until it expires.
        """
        if plan not in self._baselined and plan not in self._expired:
            last = self.store.last_verification(plan, "", BASELINE)
            if last is not None and last.verdict != Verdict.ERRORED:
                self._baselined.add(plan)
        return plan in self._baselined

    def settle_baseline(self, plan: str) -> None:
        """Go on with what is known: what is not known to be green guards nothing."""
        self._baselined.add(plan)
        self._expired.discard(plan)

    def expire_baseline(self, plan: str) -> None:
        """Verify the target anew before the next session."""
        self._baselined.discard(plan)
        self._expired.add(plan)

    def has_errored_baseline(self, plan: str) -> bool:
        """Whether the target could not be judged when it was verified last."""
        last = self.store.last_verification(plan, "", BASELINE)
        return last is not None and last.verdict == Verdict.ERRORED

    @cached_property
    def _baselined(self) -> set[str]:
        return set()

    @cached_property
    def _expired(self) -> set[str]:
        return set()

    def worktree_path(self, plan: str, task: str) -> Path:
        return self.repository.worktrees_dir / plan / task

    def logs(self, plan: str, *parts: str) -> Path:
        """The folder of a session's or a verification's files; made if need be."""
        folder = self.repository.state_dir.joinpath("logs", plan, *parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def red_results(self, record: TaskRecord) -> tuple[CheckResult, ...]:
        """What was seen red of the tests that are locked now; nothing without a proof on record."""
        proof = self.store.last_verification(record.plan, record.id, RED)
        if proof is None or not record.tests_head or proof.commit != record.tests_head:
            return ()
        return results_from(proof)

    def newest(self, record: TaskRecord, *purposes: str) -> VerificationRecord | None:
        """The newest verification of a task for one of ``purposes``, if there was one."""
        found = (self.store.last_verification(record.plan, record.id, one) for one in purposes)
        return max(filter(None, found), key=lambda one: one.id, default=None)

    def baseline(self, plan: str) -> tuple[CheckResult, ...]:
        """What the target's own tree came to when the plan started; empty when not known yet.

        Asked for every landing and every look at the board, and once known it stays.
        """
        if plan not in self._baselines:
            record = self.store.last_verification(plan, "", BASELINE)
            if record is None:
                return ()
            self._baselines[plan] = results_from(record)
        return self._baselines[plan]

    @cached_property
    def _baselines(self) -> dict[str, tuple[CheckResult, ...]]:
        return {}


@dataclass(frozen=True)
class Site:
    """What jobs work with, beyond what is known."""

    records: Records
    ledger: Ledger
    git: OpenRepository
    verifier: Verifier
    executor: Executor
    enclosures: Enclosures
    homecoming: Homecoming
    environ: Mapping[str, str]
    doorkeeper: Doorkeeper

    @property
    def user(self) -> Identity:
        """Who agents and the engine commit as."""
        return self.records.repository.identity

    @property
    def main_checkout(self) -> Path | None:
        return self.records.repository.checkout

    def target(self, plan: str) -> str:
        """The branch that a plan lands on."""
        return self.records.book.record(plan).target

    def request(
        self,
        plan: PlanSnapshot,
        checks: tuple[str, ...],
        commit: str,
        tree: str,
        record: TaskRecord | None,
        *,
        fail_fast: bool = False,
        trust_failures: bool = False,
    ) -> VerificationRequest:
        """A verification whose results show on the board as they come; of no task: a baseline."""
        scrutiny = self.records.scrutiny.get(plan.plan.name, Scrutiny())
        folder, live = self.records.logs(plan.plan.name, BASELINE), None
        if record is not None:
            number = f"{record.sessions}-{commit[:12]}"
            folder = self.records.logs(record.plan, record.id, "checks", number)
            live = self.records.activity.of(record.plan, record.id)
            live.begin_checks(checks)
        return VerificationRequest(
            plan=plan.plan,
            checks=checks,
            commit=commit,
            tree=tree,
            sandbox=sandboxes.load(plan.record.sandbox),
            logs=folder,
            main_checkout=self.main_checkout,
            use_cache=scrutiny.use_cache,
            trust_failures=trust_failures,
            audit_inputs=scrutiny.audit_inputs or self.records.settings.audit_inputs,
            fail_fast=fail_fast,
            history=partial(history_of, self.records.store, plan.plan),
            wanted_tests=wanted_of(self.records.red_results(record)) if record else {},
            on_begin=live.begin_check if live else None,
            on_result=partial(self._on_result, record, live),
        )

    def _on_result(
        self, record: TaskRecord | None, live: TaskActivity | None, result: CheckResult
    ) -> None:
        if record is None or live is None:
            return
        live.end_check(result)
        if not result.cached:
            self.ledger.tell(
                EventKind.CHECK_ENDED,
                _ended(result),
                plan=record.plan,
                task=record.id,
                data={
                    "check": result.check,
                    "verdict": result.verdict,
                    "seconds": result.seconds,
                    "runs": result.runs,
                    "flaky_tests": list(result.flaky_tests),
                    "overloaded": result.overloaded,
                },
            )

    def digest(self, record: TaskRecord, verification: Verification, *, purpose: str) -> str:
        """A failed verification in few tokens, told apart from the one before and the baseline."""
        store = self.records.store
        before = self.records.newest(record, *(_OF_WORK if purpose in _OF_WORK else (purpose,)))
        baseline = store.last_verification(record.plan, "", BASELINE)
        return digest(
            verification,
            budget_tokens=self.records.settings.digest_tokens,
            previous=verification_from(before) if before else None,
            baseline=verification_from(baseline) if baseline else None,
        )


def _ended(result: CheckResult) -> str:
    """What became of a check, in a line; why, where it is neither green nor red."""
    told = "skipped" if result.skipped else result.verdict.replace("_", " ")
    why = result.skipped or result.overloaded or result.verdict is Verdict.FLAKY
    return f"{result.check} {told}: {result.reason}" if why else f"{result.check} {told}"
