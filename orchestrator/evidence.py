"""What proves that one commit of the target may stand there, as a document of its own.

It is made from the engine's records when a task lands, kept as a git note on the landed commit, and
from then on read without the engine. So it names every commit and tree in full, and a reader holds
each word against git (``audit``); nothing here believes a document that somebody else wrote.
Pure: facts in, document out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import TypeAdapter, ValidationError

from orchestrator.states import Strategy, Verdict
from orchestrator.tests_first.rules import wanted_of
from orchestrator.verification.check_history import command_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.git.landings import PastLanding
    from orchestrator.records import AttemptRecord, PlanRecord, TaskRecord
    from orchestrator.results import CheckResult

VERSION: Literal[1] = 1
MOST_TESTS = 500
"""So many names of tests are kept of one check; ``count`` tells of all."""


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """One check on the verified tree; ``command`` is a hash, ``cached`` that it was known before."""

    check: str
    kind: str
    command: str
    verdict: Verdict
    tree: str
    seconds: float
    runs: int
    passed: int
    failed: int
    errored: int
    skipped: int
    cached: bool
    tolerated: bool
    flaky_tests: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return self.verdict is Verdict.PASSED or (self.verdict is Verdict.FLAKY and self.tolerated)


@dataclass(frozen=True, slots=True)
class TestsSeen:
    """Tests of one check that were seen red, or green, on a tree."""

    __test__ = False

    check: str
    tree: str
    count: int
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttemptSeen:
    """One session at the task, and what it ran in."""

    number: int
    agent: str
    sandbox: str
    outcome: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """One landing, or what ``undoes`` one.

    ``commit`` is what landed, ``head`` the task's own head (or the landing that is taken back),
    ``base`` the target before. The checks ran
    on ``verified_commit``: the landed commit itself, or a later one that landed together with it.
    ``approved_head`` and ``approved_tests`` are what a person approved, if one did.
    """

    clerk: Literal[1]
    plan: str
    task: str
    title: str
    target: str
    plan_hash: str
    strategy: Strategy
    undoes: bool
    commit: str
    base: str
    head: str
    tree: str
    verified_commit: str
    verified_tree: str
    sandbox: str
    checks: tuple[CheckSeen, ...]
    red: tuple[TestsSeen, ...]
    green: tuple[TestsSeen, ...]
    approved_head: str
    approved_tests: str
    attempts: tuple[AttemptSeen, ...]

    @property
    def is_its_own(self) -> bool:
        """Whether the landed commit itself was verified."""
        return self.verified_commit == self.commit


@dataclass(frozen=True, slots=True)
class Seen:
    """Results on the tree of a commit; ``red`` on one with the tests alone."""

    commit: str
    tree: str
    results: Sequence[CheckResult]


_EVIDENCE = TypeAdapter(Evidence)


def evidence_of(
    past: PastLanding,
    tree: str,
    *,
    plan: PlanRecord,
    task: TaskRecord,
    title: str,
    attempts: Iterable[AttemptRecord],
    verified: Seen,
    red: Seen | None,
) -> Evidence:
    """The evidence of one landing, from what is on record of it."""
    return Evidence(
        clerk=VERSION,
        plan=task.plan,
        task=task.id,
        title=title,
        target=plan.target,
        plan_hash=plan.source_hash,
        strategy=past.strategy,
        undoes=past.undoes,
        commit=past.commit,
        base=past.base,
        head=past.head,
        tree=tree,
        verified_commit=verified.commit,
        verified_tree=verified.tree,
        sandbox=plan.sandbox,
        checks=tuple(_check(result, verified.tree) for result in verified.results),
        red=tuple(_red(red)) if red else (),
        green=tuple(_green(red, verified)) if red else (),
        approved_head=task.approved_head if task.approved_head == past.head else "",
        approved_tests=task.tests_approved,
        attempts=tuple(_attempt(attempt) for attempt in attempts),
    )


def evidence_text(evidence: Evidence) -> str:
    """As a note: JSON, one field a line."""
    return _EVIDENCE.dump_json(evidence, indent=1).decode() + "\n"


def parse_evidence(text: str) -> Evidence:
    """A note as a document; raises ValueError with a sentence for what is none."""
    try:
        return _EVIDENCE.validate_json(text.encode("utf-8", "replace"))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise ValueError(f"{where}: {fault['msg']}" if where else fault["msg"]) from error


def newest_results(rows: Iterable[Sequence[CheckResult]]) -> tuple[CheckResult, ...]:
    """What the verifications of one commit, oldest first, come to: each check's last word."""
    told = {(r.check, r.command): r for results in rows for r in results if not r.skipped}
    return tuple(told.values())


def _check(result: CheckResult, tree: str) -> CheckSeen:
    report = result.report
    return CheckSeen(
        check=result.check,
        kind=result.kind,
        command=command_hash(result.command),
        verdict=result.verdict,
        tree=tree,
        seconds=round(result.seconds, 3),
        runs=result.runs,
        passed=report.passed,
        failed=report.failed,
        errored=report.errored,
        skipped=report.skipped,
        cached=result.cached,
        tolerated=result.tolerated,
        flaky_tests=result.flaky_tests[:MOST_TESTS],
    )


def _red(red: Seen) -> Iterator[TestsSeen]:
    for check, wanted in wanted_of(red.results).items():
        names = (*wanted.names.values(), *wanted.files.values())
        yield TestsSeen(check, red.tree, wanted.count, names[:MOST_TESTS])


def _green(red: Seen, verified: Seen) -> Iterator[TestsSeen]:
    """Those that were red and were seen to pass, where the report names what passed."""
    wanted = wanted_of(red.results)
    for result in verified.results:
        if result.check in wanted and result.ok:
            names = wanted[result.check].of(result.report).passed_tests or ()
            count = len(names) or result.report.passed
            yield TestsSeen(result.check, verified.tree, count, names[:MOST_TESTS])


def _attempt(attempt: AttemptRecord) -> AttemptSeen:
    outcome = str(attempt.outcome or "")
    return AttemptSeen(attempt.number, attempt.agent, attempt.sandbox, outcome, attempt.counted)
