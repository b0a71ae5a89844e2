"""Whether a task may land, and if not, which gate is closed and why.

Everything here is derived from stored facts and from what git says at this moment, and nothing
of it is ever stored: a readiness that was true a minute ago proves nothing. Pure functions; the
looking-at-git itself happens in ``survey``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.states import TaskState, Verdict
from orchestrator.tests_first.rules import awaits_approval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.plan.model import Task
    from orchestrator.records import TaskRecord


class GateName(StrEnum):
    """The conditions of landing, in the order in which they are shown."""

    VERIFIED = "verified"
    RED_PROVEN = "red proven"
    IN_SCOPE = "in scope"
    PROTECTED = "protected paths untouched"
    CLEAN = "merges cleanly"
    MERGED_RESULT = "merged result verified"
    DEPENDENCIES = "dependencies merged"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition; ``reason`` is a sentence whether it is open or closed.

    ``asked`` is False where the plan does not ask for it: then it is open and proves nothing.
    ``refused`` tells the closed ones apart: something speaks against it, rather than that it was
    not reached yet, or waits for a person.
    """

    name: GateName
    open: bool
    reason: str
    asked: bool = True
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """What git said about ``head`` beside ``target``: paths changed, and conflicts.

    ``conflicts`` is None while nobody has looked; counts are of the task's own changes. ``locked``
    are tests changed since they were seen red as ``tests_head``, ``reconfigured`` files that decide
    which tests run; ``unproven`` the tests not seen green at ``head``, None while nobody has looked.
    ``restored`` is the verdict on the work with what it may not change put back, if that was verified:
    not one on ``head``.
    """

    head: str
    target: str = ""
    files: int = 0
    insertions: int = 0
    deletions: int = 0
    out_of_scope: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    conflicts: tuple[str, ...] | None = None
    tests_head: str = ""
    locked: tuple[str, ...] = ()
    reconfigured: tuple[str, ...] = ()
    unproven: tuple[str, ...] | None = None
    restored: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """All gates of one task."""

    gates: tuple[Gate, ...]

    def first_closed(self, *, but: Sequence[GateName] = ()) -> Gate | None:
        """The first closed gate that is not one of ``but``."""
        return next((g for g in self.gates if not g.open and g.name not in but), None)

    @property
    def merge_ready(self) -> bool:
        """Every gate is open but the one that only landing itself can open."""
        return self.first_closed(but=(GateName.MERGED_RESULT,)) is None

    @property
    def first_obstacle(self) -> Gate | None:
        """What makes an order to land senseless; a conflict does not, it goes to the agent."""
        return self.first_closed(but=(GateName.MERGED_RESULT, GateName.CLEAN))


def readiness(
    task: Task,
    record: TaskRecord,
    survey: Survey | None,
    *,
    unmerged: Sequence[str],
    stands_on: Sequence[str] = (),
    clashes: Sequence[str] = (),
) -> Readiness:
    """The gates of ``task``; ``unmerged`` are its dependencies that have not landed.

    Of these, ``stands_on`` are those that it was begun on and that land before it. ``clashes`` are
    the branches in flight that it is forecast to conflict with, which closes no gate.
    """
    if survey is not None and survey.head != record.head:
        survey = None
    return Readiness(
        (
            _verified(task, record, survey),
            _red_proven(task, record, survey),
            _in_scope(task, survey),
            _protected(survey),
            _clean(record, survey, clashes),
            _merged_result(record),
            _dependencies(unmerged, stands_on),
            _approved(task, record),
        )
    )


def approved(task: Task, record: TaskRecord) -> bool:
    """Whether nobody need approve, or somebody approved exactly this head."""
    return not task.approve or bool(record.head and record.approved_head == record.head)


def waits_for_approval(task: Task, record: TaskRecord, survey: Survey | None) -> bool:
    """Whether the task is stopped for a person to approve its tests, or how they are run now."""
    if record.state is not TaskState.NEEDS_INPUT or task.tests_first is None:
        return False
    if awaits_approval(task, record):
        return True
    if survey is None or survey.head != record.head or survey.locked or survey.unproven != ():
        return False
    return bool(survey.reconfigured) and record.approved_head != record.head


_WITHOUT = {
    Verdict.PASSED: "passed only",
    Verdict.FAILED: "did not pass",
    Verdict.TIMED_OUT: "did not pass",
}
"""What is told of work that was verified with what it may not change put back."""


def _verified(task: Task, record: TaskRecord, survey: Survey | None) -> Gate:
    wanted, several = ", ".join(task.done_when), len(task.done_when) > 1
    if record.head and record.verified_head == record.head:
        return Gate(GateName.VERIFIED, True, f"passed {wanted} at {record.head[:9]}")
    if record.state is TaskState.VERIFYING:
        return Gate(
            GateName.VERIFIED, False, f"{wanted} {'are' if several else 'is'} being checked"
        )
    if record.head and record.verified_head:
        return Gate(GateName.VERIFIED, False, "the branch changed after it was verified")
    failed = record.state is TaskState.FAILED  # nobody tries again unless a person says so
    if survey is not None and survey.restored in _WITHOUT:
        put_back = _some(tuple(dict.fromkeys((*survey.locked, *survey.protected))))
        told = f"{wanted} {_WITHOUT[survey.restored]} with {put_back} put back"
        told = f"{told}; the branch itself is not verified"
        refused = failed or survey.restored is not Verdict.PASSED
        return Gate(GateName.VERIFIED, False, told, refused=refused)
    told = f"{wanted} {'have' if several else 'has'} not passed"
    return Gate(GateName.VERIFIED, False, told if failed else f"{told} yet", refused=failed)


def _red_proven(task: Task, record: TaskRecord, survey: Survey | None) -> Gate:
    name = GateName.RED_PROVEN
    if task.tests_first is None:
        return Gate(name, True, "the plan asks for no tests first", asked=False)
    if closed := _red_unproven(task, record, survey):
        return closed
    told = f"red at {record.tests_head[:9]}, green at {record.head[:9]}"
    if survey and survey.reconfigured:
        told += f"; a person approved the change of {_some(survey.reconfigured)}"
    return Gate(name, True, told)


def _red_unproven(task: Task, record: TaskRecord, survey: Survey | None) -> Gate | None:
    """The gate as long as the locked tests prove nothing yet; None when they do."""
    if not record.tests_head:
        return _red_awaited("the tests have not been seen red yet")
    if awaits_approval(task, record):
        return _red_awaited(f"a person must approve the tests: clerk approve {task.id}")
    if survey is None or survey.tests_head != record.tests_head:
        return _red_awaited("the locked tests have not been looked at yet")
    if survey.locked:
        told = f"changes locked tests: {_some(survey.locked)}"
        return Gate(GateName.RED_PROVEN, False, told, refused=True)
    return _not_green(survey) or _unlooked(task, record, survey)


def _red_awaited(reason: str) -> Gate:
    return Gate(GateName.RED_PROVEN, False, reason)


def _not_green(survey: Survey) -> Gate | None:
    if survey.unproven is None:
        return _red_awaited("the locked tests have not been seen green yet")
    if not survey.unproven:
        return None
    told = f"locked tests did not pass: {_some(survey.unproven)}"
    return Gate(GateName.RED_PROVEN, False, told, refused=True)


def _unlooked(task: Task, record: TaskRecord, survey: Survey) -> Gate | None:
    if not survey.reconfigured or record.approved_head == record.head:
        return None
    return _red_awaited(reconfigured_sentence(task.id, survey.reconfigured))


def reconfigured_sentence(task: str, paths: Sequence[str]) -> str:
    """What a person is asked where nobody else can tell whether tests were hidden."""
    return (
        f"changes what decides which tests run: {_some(paths)}; look at it, then: "
        f"clerk approve {task}"
    )


def _in_scope(task: Task, survey: Survey | None) -> Gate:
    name = GateName.IN_SCOPE
    if not task.touches:
        return Gate(name, True, "the plan sets no scope", asked=False)
    if survey is None:
        return Gate(name, False, "the changes have not been looked at yet")
    if survey.out_of_scope:
        told = f"changes outside its scope: {_some(survey.out_of_scope)}"
        return Gate(name, False, told, refused=True)
    return Gate(name, True, "every changed file is in scope")


def _protected(survey: Survey | None) -> Gate:
    name = GateName.PROTECTED
    if survey is None:
        return Gate(name, False, "the changes have not been looked at yet")
    if survey.protected:
        told = f"changes protected paths: {_some(survey.protected)}"
        return Gate(name, False, told, refused=True)
    return Gate(name, True, "no protected path is changed")


def _clean(record: TaskRecord, survey: Survey | None, clashes: Sequence[str]) -> Gate:
    name = GateName.CLEAN
    if record.state is TaskState.MERGED:
        return Gate(name, True, "it has landed")
    if survey is None or survey.conflicts is None:
        return Gate(name, False, "not compared with the target yet")
    if survey.conflicts:
        told = f"conflicts with the target in {_some(survey.conflicts)}"
        return Gate(name, False, told, refused=True)
    ahead = f"; will conflict with {_some(clashes)}, not landed yet" if clashes else ""
    return Gate(name, True, f"merges cleanly onto {survey.target[:9]}{ahead}")


def _merged_result(record: TaskRecord) -> Gate:
    name = GateName.MERGED_RESULT
    if record.reverted_commit:
        told = f"landed, and was taken back with {record.reverted_commit[:9]}"
        return Gate(name, False, told, refused=True)
    if record.state is TaskState.MERGED:
        return Gate(name, True, f"landed as {record.merged_commit[:9]}: clerk evidence {record.id}")
    if record.state is TaskState.MERGING:
        return Gate(name, False, f"candidate {record.intent[:9]} is being verified")
    return Gate(name, False, "verified as merged when it lands")


def _dependencies(unmerged: Sequence[str], stands_on: Sequence[str]) -> Gate:
    if missing := [name for name in unmerged if name not in stands_on]:
        return Gate(GateName.DEPENDENCIES, False, f"waits for {_some(missing)}")
    if unmerged:
        told = f"stands on {_some(unmerged)}, proven as it is, and lands after it"
        return Gate(GateName.DEPENDENCIES, True, told)
    return Gate(GateName.DEPENDENCIES, True, "everything it needs has landed")


def _approved(task: Task, record: TaskRecord) -> Gate:
    name = GateName.APPROVED
    if not task.approve:
        return Gate(name, True, "the plan asks for no approval", asked=False)
    if approved(task, record):
        return Gate(name, True, f"a person approved {record.head[:9]}")
    return Gate(name, False, f"a person must approve it: clerk approve {task.id}")


def _some(names: Sequence[str], limit: int = 3) -> str:
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
