"""Tests before work: what the plan asks for, and which part of it a task is in.

The part is read off the record, never stored: while no commit is on record whose tests were seen
red, they are to be written; from then on they are locked. Pure. Nothing here may call work proven
by the absence of a fact: without a red proof on record every test of it counts as not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from orchestrator.plan.model import TestsFirst
from orchestrator.states import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.plan.model import Plan, Task
    from orchestrator.records import TaskRecord
    from orchestrator.results import CheckResult, Failure, Report

TEST_KINDS = frozenset({"unit", "integration", "e2e"})
NO_PROOF = "nothing was seen red"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a task's ``tests_first`` comes to.

    ``paths`` are the globs of the tests, ``checks`` those in which red is looked for: one of them
    must be.
    """

    __test__ = False

    paths: tuple[str, ...]
    checks: tuple[str, ...]
    given: bool = False
    approve: bool = False
    allow_missing: bool = False


def asked_of(plan: Plan, task: Task) -> Asked | None:
    """What the plan asks of ``task``; None where it asks for no tests first.

    Tests that are just ``given`` are what the plan protects, and red is looked for in every
    criterion that runs tests.
    """
    wanted = task.tests_first
    if wanted is None:
        return None
    if isinstance(wanted, TestsFirst):
        return Asked(
            wanted.paths, (wanted.check,), wanted.given, wanted.approve, wanted.allow_missing
        )
    runs = tuple(name for name in task.done_when if plan.checks[name].kind in TEST_KINDS)
    return Asked(plan.protect, runs or task.done_when, given=True)


def is_writing(asked: Asked | None, record: TaskRecord) -> bool:
    """Whether the next session writes the tests, and nothing else."""
    return asked is not None and not asked.given and not record.tests_head


def awaits_tests(plan: Plan, task: Task) -> bool:
    """Whether a task's criteria say nothing before its tests are written."""
    asked = asked_of(plan, task)
    return asked is not None and not asked.given


def within(task: Task, asked: Asked | None, record: TaskRecord) -> Task:
    """``task`` with the scope of its part: the tests alone, then the work beside them."""
    if asked is None or asked.given:
        return task
    if is_writing(asked, record):
        return task.model_copy(update={"touches": asked.paths})
    return task.model_copy(
        update={"touches": (*task.touches, *asked.paths) if task.touches else ()}
    )


def awaits_approval(task: Task, record: TaskRecord) -> bool:
    """Whether the tests were seen red and a person has yet to say that they are the right ones."""
    wanted = task.tests_first
    asks = isinstance(wanted, TestsFirst) and wanted.approve
    return asks and bool(record.tests_head) and record.tests_approved != record.tests_head


@dataclass(frozen=True, slots=True)
class Wanted:
    """Tests of one check that were red and must pass.

    ``names`` are as ``Failure.passes_as``, ``files`` are of those that could not even be collected:
    of each some test must pass. ``count`` is how many were red.
    """

    names: Mapping[str, str]
    files: Mapping[str, str]
    count: int

    def joined(self, other: Wanted) -> Wanted:
        """The tests of both."""
        names, files = {**self.names, **other.names}, {**self.files, **other.files}
        return Wanted(names, files, max(self.count, other.count, len(names) + len(files)))

    def of(self, report: Report) -> Report:
        """``report`` with no other passed tests than these in it."""
        if report.passed_tests is None:
            return report
        told = dict.fromkeys(name for name in report.passed_tests if self._covers(name))
        return replace(report, passed_tests=tuple(told))

    def missing(self, report: Report) -> tuple[str, ...]:
        """The tests of which ``report`` does not say that they passed."""
        if report.passed_tests is None:
            enough = report.passed >= self.count
            return () if enough else (*self.names.values(), *self.files.values())
        passed = set(report.passed_tests)
        inside = {part for name in passed for part in _parents(name)}
        told = [shown for name, shown in self.names.items() if name not in passed]
        return (*told, *(shown for name, shown in self.files.items() if name not in inside))

    def _covers(self, name: str) -> bool:
        return name in self.names or not self.files.keys().isdisjoint(_parents(name))


def wanted_of(red: Iterable[CheckResult]) -> dict[str, Wanted]:
    """By check, what a red proof demands of the green run."""
    return {
        result.check: _wanted(result.report.failures)
        for result in red
        if result.verdict is Verdict.FAILED
    }


def all_wanted(proofs: Iterable[Iterable[CheckResult]]) -> dict[str, Wanted]:
    """By check, what several red proofs demand together of one green run."""
    together: dict[str, Wanted] = {}
    for red in proofs:
        for name, want in wanted_of(red).items():
            together[name] = together[name].joined(want) if name in together else want
    return together


def unproven(
    red: Iterable[CheckResult], green: Iterable[CheckResult], *, checks: Iterable[str]
) -> tuple[str, ...]:
    """The tests that were seen red and not seen green since; a sentence where there is no proof."""
    wanted = {name: want for name, want in wanted_of(red).items() if name in set(checks)}
    if not wanted:
        return (NO_PROOF,)
    reports = {result.check: result.report for result in green if result.ok}
    told: list[str] = []
    for name, want in wanted.items():
        told += want.missing(reports[name]) if name in reports else (f"all of {name}",)
    return tuple(told)


def keep_wanted(result: CheckResult, wanted: Wanted | None) -> Report:
    """The report of a check without the names of passed tests that nobody asks for."""
    report = result.report
    if wanted is None and report.passed_tests:
        return replace(report, passed_tests=())
    return report if wanted is None else wanted.of(report)


def tells_of(result: CheckResult, wanted: Wanted | None) -> bool:
    """Whether a result known from before says what is wanted to be known; one that failed does."""
    return wanted is None or not result.ok or not wanted.missing(result.report)


def _wanted(failures: Iterable[Failure]) -> Wanted:
    kept = tuple(failures)
    files = {one.passes_as: one.test for one in kept if one.phase == "collection"}
    names = {one.passes_as: one.test for one in kept if one.phase != "collection"}
    return Wanted(names, files, len(names) + len(files))


def _parents(name: str) -> Iterator[str]:
    """What a test is in: ``a.b::c`` is in ``a.b`` and in ``a``."""
    module = name.rpartition("::")[0]
    return accumulate(module.split("."), lambda outer, part: f"{outer}.{part}")
