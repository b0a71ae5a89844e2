"""What is allowed in a plan and still unwise, told before it costs anything.

Pure: the tracked files come from the caller, who knows git. A *warning* is likely a mistake of
the architect; a *hint* is worth a look. However large the plan is, a rule tells at most one
finding for each task, glob or check, and never one for each pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.plan.globs import PathGlobs, covered_folder, literal_folder
from orchestrator.plan.graph import TaskGraph, check_closure, positions
from orchestrator.plan.model import TestsFirst
from orchestrator.plan.overlap import Overlap, TrackedFiles
from orchestrator.plan.quoting import quoted
from orchestrator.plan.services import beside
from orchestrator.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from orchestrator.plan.model import Plan, Task

BRIEF_TOKENS = 4_000
"""Longest brief; beyond it the agent's context goes to reading instead of doing."""

_NAMED = 3


class Severity(StrEnum):
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark; ``rule`` is its stable name, ``subject`` what it is about."""

    severity: Severity
    rule: str
    subject: str
    sentence: str


def lint(plan: Plan, *, files: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Findings about a loaded plan, warnings first.

    ``files`` are the tracked paths of the repository, relative to its root; without them (None)
    nothing is said about globs that match nothing.
    """
    tracked = TrackedFiles(files or ())
    findings = [
        *_no_e2e(plan),
        *_overlaps(plan, tracked),
        *_long_briefs(plan),
        *(_empty_globs(plan, tracked) if files is not None else ()),
        *_inputs_in_vain(plan),
        *_unscoped(plan),
        *_idle_checks(plan),
        *_idle_services(plan),
        *_idle_stacks(plan),
        *_tests_first(plan, tracked, knows_files=files is not None),
    ]
    return tuple(sorted(findings, key=lambda found: found.severity is Severity.HINT))


def _no_e2e(plan: Plan) -> Iterator[Finding]:
    if all(check.kind != "e2e" for check in plan.checks.values()):
        yield Finding(
            Severity.WARNING,
            "no-e2e",
            "checks",
            "none is of kind e2e; agents fail where components meet, so prove the whole once",
        )


def _overlaps(plan: Plan, tracked: TrackedFiles) -> Iterator[Finding]:
    graph = TaskGraph.of(plan)
    overlap = Overlap([task.touches for task in plan.tasks], tracked)
    for number, name in enumerate(graph.names):
        later = overlap.shares[number] & graph.beside(number) & -(1 << number)
        others = list(positions(later))
        if others:
            example = overlap.example(number, others[0])
            yield Finding(
                Severity.WARNING,
                "overlap",
                f"task {quoted(name)}",
                f"may run at the same time as {_listed([graph.names[n] for n in others])} and"
                f" touches the same paths, like {quoted(example)}; let one come after the other",
            )


def _long_briefs(plan: Plan) -> Iterator[Finding]:
    for task in plan.tasks:
        tokens = estimate_tokens(task.brief)
        if tokens > BRIEF_TOKENS:
            yield Finding(
                Severity.WARNING,
                "long-brief",
                f"task {quoted(task.id)}",
                f"its brief is about {tokens:,} tokens, more than {BRIEF_TOKENS:,}; split the task"
                " or name the files to read",
            )


def _empty_globs(plan: Plan, tracked: TrackedFiles) -> Iterator[Finding]:
    for pattern in plan.protect:
        if not tracked.matching(pattern):
            sentence = f"{quoted(pattern)} matches no tracked file, so it protects nothing yet"
            yield Finding(Severity.WARNING, "empty-glob", "protect", sentence)
    for task in plan.tasks:
        empty = [pattern for pattern in task.touches if not tracked.matching(pattern)]
        if empty:
            sentence = f"touches {_listed(empty)}, where no file is tracked yet"
            yield Finding(Severity.HINT, "empty-glob", f"task {quoted(task.id)}", sentence)
    for name, check in plan.checks.items():
        empty = [pattern for pattern in check.inputs if not tracked.matching(pattern)]
        if empty:
            sentence = (
                f"inputs {_listed(empty)} match no tracked file, so no change there runs it again"
            )
            yield Finding(Severity.WARNING, "empty-glob", f"check {quoted(name)}", sentence)


def _inputs_in_vain(plan: Plan) -> Iterator[Finding]:
    """Checks with inputs that run after every change all the same, since what they need does."""
    for name, check in plan.checks.items():
        needed = [need for need in check_closure(plan.checks, check.needs) if need != name]
        whole = [need for need in needed if not plan.checks[need].inputs]
        if check.inputs and whole:
            sentence = f"its inputs spare no run, as it needs {_listed(whole)}, which has none"
            yield Finding(Severity.HINT, "inputs-in-vain", f"check {quoted(name)}", sentence)


def _unscoped(plan: Plan) -> Iterator[Finding]:
    unscoped = [task.id for task in plan.tasks if not task.touches]
    if unscoped and len(plan.tasks) > 1:
        sentence = (
            f"{_listed(unscoped)}: no touches, so any path may change and no conflict is forecast"
        )
        yield Finding(Severity.HINT, "no-scope", "tasks", sentence)


def _idle_stacks(plan: Plan) -> Iterator[Finding]:
    for task in plan.tasks:
        if task.stack and not task.after:
            sentence = "stack says nothing without after, which names what it may be begun on"
            yield Finding(Severity.WARNING, "idle-stack", f"task {quoted(task.id)}", sentence)


def _idle_checks(plan: Plan) -> Iterator[Finding]:
    wanted = {name for task in plan.tasks for name in task.done_when}
    idle = plan.checks.keys() - set(check_closure(plan.checks, wanted))
    for name in plan.checks:
        if name in idle:
            sentence = "no task's done_when asks for it, so it never runs"
            yield Finding(Severity.HINT, "idle-check", f"check {quoted(name)}", sentence)


def _tests_first(plan: Plan, tracked: TrackedFiles, *, knows_files: bool) -> Iterator[Finding]:
    """Tests first that cannot be written, are not there, or cannot be told by name."""
    for task in plan.tasks:
        if isinstance(task.tests_first, TestsFirst):
            found = _of_tests(plan, task, task.tests_first, tracked, knows_files=knows_files)
            for severity, sentence in found:
                yield Finding(severity, "tests-first", f"task {quoted(task.id)}", sentence)


def _of_tests(
    plan: Plan, task: Task, first: TestsFirst, tracked: TrackedFiles, *, knows_files: bool
) -> Iterator[tuple[Severity, str]]:
    empty = [glob for glob in first.paths if not tracked.matching(glob)]
    if first.given and knows_files and empty:
        sentence = f"its tests are given, and {_listed(empty)} matches no tracked file"
        yield Severity.WARNING, sentence
    protected = Overlap([first.paths, plan.protect], tracked)
    if not first.given and protected.shares[0]:
        example = protected.example(0, 1)
        sentence = f"no session may write its tests: protect covers them, like {quoted(example)}"
        yield Severity.WARNING, sentence
    if not plan.checks[first.check].report:
        sentence = (
            f"check {quoted(first.check)} has no report, so its tests are told by its exit code"
            " alone: one that is skipped later is not missed"
        )
        yield Severity.WARNING, sentence
    if task.touches and not first.given and not _covers(task.touches, first.paths, tracked):
        sentence = (
            f"touches does not cover {_listed(list(first.paths))}, so no conflict of its tests is"
            " forecast"
        )
        yield Severity.HINT, sentence


def _covers(touches: tuple[str, ...], paths: tuple[str, ...], tracked: TrackedFiles) -> bool:
    """Whether all that ``paths`` cover, as far as it is known, is in ``touches``."""
    scope = PathGlobs(touches)
    files = {file for glob in paths for file in tracked.matching(glob)}
    folders = [covered for glob in touches if (covered := covered_folder(glob)) is not None]
    within = all(
        glob in touches or any(literal_folder(glob).startswith(folder) for folder in folders)
        for glob in paths
    )
    return within or bool(files and all(map(scope.matches, files)))


def _idle_services(plan: Plan) -> Iterator[Finding]:
    wanted = {name for task in plan.tasks for name in task.done_when}
    running = check_closure(plan.checks, wanted)
    used = {name for check in running for name in beside(plan, plan.checks[check])}
    for name in plan.services:
        if name not in used:
            sentence = "no check that runs asks for it, so it never starts"
            yield Finding(Severity.HINT, "idle-service", f"service {quoted(name)}", sentence)


def _listed(names: list[str]) -> str:
    told = ", ".join(quoted(name) for name in names[:_NAMED])
    more = len(names) - _NAMED
    return f"{told} and {more} more" if more > 0 else told
