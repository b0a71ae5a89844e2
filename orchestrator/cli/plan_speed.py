"""The check that a plan's verification waits for, as a finding: by what is on record of its runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import ClerkError
from orchestrator.plan.lint import Finding, Severity
from orchestrator.plan.quoting import quoted
from orchestrator.verification.check_history import History, Past
from orchestrator.verification.loop_speed import dominant
from orchestrator.verification_records import runs_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.model import Plan
    from orchestrator.results import Verification

RULE = "slow-check"


def speed_findings(plan: Plan, repo: str | None, tried: Verification | None) -> Iterator[Finding]:
    """A hint where one check takes most of the loop; ``tried`` are runs of just now."""
    slowest = dominant(plan, _history(plan, repo, tried))
    if slowest is not None:
        subject = f"check {quoted(slowest.check)}"
        yield Finding(Severity.HINT, RULE, subject, slowest.sentence)


def _history(plan: Plan, repo: str | None, tried: Verification | None) -> History:
    known = _on_record(plan, repo)
    fresh = runs_in(tried) if tried is not None else ()
    return History(
        {
            name: Past([*(run for run in fresh if run.check_name == name), *known.of(name).runs])
            for name in plan.checks
        }
    )


def _on_record(plan: Plan, repo: str | None) -> History:
    from orchestrator.git.repository import Repository
    from orchestrator.site import Records
    from orchestrator.verification_records import history_of

    try:
        repository = Repository.discover(Path(repo) if repo else Path.cwd())
        with Records.open_readonly(repository.common_dir) as records:
            return history_of(records.store, plan)
    except ClerkError:  # of no state, or of one that cannot be read, another command tells
        return History()
