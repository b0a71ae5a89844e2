"""``clerk plan check --audit-inputs``: the audit of a plan's inputs, as findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator.plan.graph import check_closure
from orchestrator.plan.lint import Finding, Severity
from orchestrator.plan.quoting import quoted
from orchestrator.states import Verdict

if TYPE_CHECKING:
    from orchestrator.plan.model import Plan
    from orchestrator.results import CheckResult, Verification

RULE = "inputs-audit"


def audit_findings(plan: Plan, repo: str | None) -> list[Finding]:
    """A warning for each check with inputs that the audit does not let pass on the target."""
    from orchestrator.git.repository import Repository
    from orchestrator.inspection import inspect

    wanted = check_closure(plan.checks, {name for task in plan.tasks for name in task.done_when})
    checks = tuple(name for name in wanted if plan.checks[name].inputs)
    if not checks:
        return []
    repository = Repository.discover(Path(repo) if repo else Path.cwd())
    found: list[Verification] = []

    async def go() -> None:
        found.append(await inspect(repository, plan, checks, audit_inputs=True))

    anyio.run(go)
    failed = (result for result in found[0].failed_checks() if plan.checks[result.check].inputs)
    return [_finding(result) for result in failed]


def _finding(result: CheckResult) -> Finding:
    told = result.reason or str(result.verdict)
    sentence = told
    if result.verdict is not Verdict.ERRORED or result.skipped:
        sentence = f"its inputs could not be audited, as it does not pass on the target: {told}"
    return Finding(Severity.WARNING, RULE, f"check {quoted(result.check)}", sentence)
