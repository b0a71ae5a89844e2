"""``clerk plan check --baseline`` and ``--audit-inputs``: a plan's checks tried on its target, as findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator.plan.graph import check_closure
from orchestrator.plan.lint import Finding, Severity
from orchestrator.plan.quoting import quoted
from orchestrator.states import Verdict
from orchestrator.verification.baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.model import Plan
    from orchestrator.results import CheckResult, Verification

AUDIT = "inputs-audit"
BASELINE = "baseline"

_PATHS_SHOWN = 5


def tried(
    plan: Plan, repo: str | None, *, baseline: bool, audit_inputs: bool
) -> Verification | None:
    """The checks of ``plan``, or only those with inputs, as they come out on the target."""
    from orchestrator.git.repository import Repository
    from orchestrator.inspection import inspect

    wanted = check_closure(plan.checks, {name for task in plan.tasks for name in task.done_when})
    checks = tuple(name for name in wanted if baseline or plan.checks[name].inputs)
    if not checks or not (baseline or audit_inputs):
        return None
    repository = Repository.discover(Path(repo) if repo else Path.cwd())
    found: list[Verification] = []

    async def go() -> None:
        found.append(await inspect(repository, plan, checks, audit_inputs=audit_inputs))

    anyio.run(go)
    return found[0]


def audit_findings(plan: Plan, verification: Verification) -> Iterator[Finding]:
    """A warning for each check with inputs that the audit does not let pass on the target."""
    for result in verification.failed_checks():
        if plan.checks[result.check].inputs:
            yield Finding(Severity.WARNING, AUDIT, _subject(result), _audited(result))


def _audited(result: CheckResult) -> str:
    told = result.reason or str(result.verdict)
    if result.verdict is not Verdict.ERRORED or result.skipped:
        return f"its inputs could not be audited, as it does not pass on the target: {told}"
    return told


def baseline_findings(plan: Plan, verification: Verification) -> Iterator[Finding]:
    """What is wrong with criteria before any work, then which of them are red, as they may be."""
    found = Baseline.of(plan, verification)
    for name in found.done:
        criteria = ", ".join(map(quoted, plan.task(name).done_when))
        sentence = f"its criteria ({criteria}) pass on {plan.target} before any work: they prove nothing of it"
        yield Finding(Severity.WARNING, BASELINE, f"task {quoted(name)}", sentence)
    for result in verification.results:
        if result.written:
            sentence = (
                f"changes files of the tree, so nothing is kept as known: {_some(result.written)}"
            )
            yield Finding(Severity.WARNING, BASELINE, _subject(result), sentence)
        if result.check not in found.red:
            continue
        cannot = result.verdict is Verdict.ERRORED
        severity = Severity.WARNING if cannot else Severity.HINT
        word = "cannot run on" if cannot else "does not pass yet on"
        why = result.reason or result.verdict.replace("_", " ")
        yield Finding(severity, BASELINE, _subject(result), f"{word} {plan.target}: {why}")


def _some(paths: tuple[str, ...]) -> str:
    more = len(paths) - _PATHS_SHOWN
    told = ", ".join(map(quoted, paths[:_PATHS_SHOWN]))
    return f"{told} and {more} more" if more > 0 else told


def _subject(result: CheckResult) -> str:
    return f"check {quoted(result.check)}"
