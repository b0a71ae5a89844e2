"""``clerk doctor``: what is missing on this machine and in this repository, and the mend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.orders import json_option, repo_option
from orchestrator.errors import ExitCode
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.doctor.finding import Finding
    from orchestrator.doctor.ground import Ground

MARKS = {"ok": "✓", "warn": "!", "missing": "✗"}


@click.command()
@click.argument("plan", required=False, type=click.Path(path_type=Path))
@repo_option
@json_option
def doctor(plan: Path | None, repo: str | None, as_json: bool) -> int:
    """Say what is missing here, and how to mend it; with PLAN also what that plan needs.

    Changes nothing. Exit codes: 0 all is well, or only limited, 4 the engine cannot run here.
    """
    from orchestrator.doctor.examination import examine
    from orchestrator.doctor.finding import Standing

    findings = anyio.run(examine, _ground(plan, repo))
    if as_json:
        click.echo(json.dumps(_as_data(findings), indent=2))
    else:
        for line in _lines(findings):
            click.echo(line)
    stuck = any(finding.standing is Standing.MISSING for finding in findings)
    return ExitCode.CANNOT_RUN if stuck else ExitCode.DONE


def _ground(plan: Path | None, repo: str | None) -> Ground:
    from orchestrator import agents, reports
    from orchestrator.doctor.ground import Ground
    from orchestrator.plan.load import load_plan

    start = Path(repo) if repo else None
    if plan is None:
        return Ground.survey(start)
    loaded = load_plan(plan, agents=agents.names(), reports=reports.formats())
    return Ground.survey(start, plan=loaded.plan, plan_folder=loaded.path.parent)


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        told = safe_text(finding.told, one_line=True)
        yield f"{MARKS[finding.standing]} {finding.name:<{width}}  {finding.standing:<7}  {told}"
        if finding.mend:
            yield f"{'':{width + 13}}mend: {safe_text(finding.mend, one_line=True)}"


def _as_data(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [
        {
            "name": finding.name,
            "standing": str(finding.standing),
            "told": finding.told,
            "mend": finding.mend,
        }
        for finding in findings
    ]
