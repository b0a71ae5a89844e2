"""``clerk plan``: what a plan file says, before anything is started.

Nothing here starts, writes or asks an engine, but trials that were asked for. A plan that is wrong is one PlanError, told by the
command line's top; what is merely unwise goes to stdout and fails only under ``--strict``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.orders import json_option, repo_option
from orchestrator.errors import CannotRun, ExitCode, PlanError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from orchestrator.git.repository import Repository
    from orchestrator.plan.model import Plan

plan_argument = click.argument("file", metavar="PLAN", type=click.Path(path_type=Path))


@click.group()
def plan() -> None:
    """Check and show plan files; nothing is started."""


@plan.command()
@plan_argument
@click.option("--strict", is_flag=True, help="Exit 1 when there is a warning.")
@click.option("--baseline", is_flag=True, help="Run all checks on the target, as it is now.")
@click.option("--audit-inputs", is_flag=True, help="Run checks with inputs on the target, audited.")
@repo_option
@json_option
def check(
    file: Path, strict: bool, baseline: bool, audit_inputs: bool, repo: str | None, as_json: bool
) -> int:
    """Tell what is wrong with PLAN, and what is unwise.

    With --baseline and --audit-inputs it also runs checks on the target, and tells which cannot
    run, which are green before any work, and which read outside their inputs.
    Exit codes: 0 the plan can run, 1 it has warnings and --strict was given, or such a run led to
    a warning, 2 it is wrong.
    """
    from orchestrator.cli.plan_page import check_lines, checked_as_data
    from orchestrator.cli.plan_speed import speed_findings
    from orchestrator.cli.plan_trial import audit_findings, baseline_findings, tried
    from orchestrator.plan.lint import Severity, lint

    try:
        loaded = _load(file)
    except PlanError as error:
        if not as_json:
            raise
        _print_json({"problems": error.problems, "findings": []})
        return ExitCode.BAD_USAGE
    ran = tried(loaded, repo, baseline=baseline, audit_inputs=audit_inputs)
    found = [*audit_findings(loaded, ran)] if ran is not None and audit_inputs else []
    if ran is not None and baseline:
        told = {finding.subject for finding in found}
        found += (each for each in baseline_findings(loaded, ran) if each.subject not in told)
    alarming = any(finding.severity is Severity.WARNING for finding in found)
    findings = [
        *found,
        *lint(loaded, files=tracked_files(loaded.target, repo)),
        *speed_findings(loaded, repo, ran),
    ]
    findings.sort(key=lambda finding: finding.severity is Severity.HINT)
    if as_json:
        _print_json(checked_as_data(loaded, findings))
    else:
        _print(check_lines(loaded, findings))
    warned = any(finding.severity is Severity.WARNING for finding in findings)
    return ExitCode.TASK_FAILED if alarming or (strict and warned) else ExitCode.DONE


@plan.command()
@plan_argument
@json_option
def show(file: Path, as_json: bool) -> None:
    """Show what PLAN would run, in which order."""
    from orchestrator.cli.plan_page import show_lines, shown_as_data

    loaded = _load(file)
    if as_json:
        _print_json(shown_as_data(loaded))
    else:
        _print(show_lines(loaded))


@plan.command()
def schema() -> None:
    """Print the JSON Schema of plan files, for editors."""
    from orchestrator.plan.schema import plan_schema_text

    click.echo(plan_schema_text(), nl=False)


def tracked_files(target: str, repo: str | None) -> Collection[str] | None:
    """The files of the branch ``target``; None where there is no repository or no such branch."""
    import anyio

    from orchestrator.git.repository import Repository

    try:
        repository = Repository.discover(Path(repo) if repo else Path.cwd())
    except CannotRun:
        if repo is not None:
            raise
        return None
    return anyio.run(_files_of, repository, target)


async def _files_of(repository: Repository, target: str) -> Collection[str] | None:
    from orchestrator.git.history import History
    from orchestrator.git.refs import Refs, branch_ref

    refs = Refs(repository.git, repository.null_oid)
    commit = await refs.resolve(branch_ref(target))
    return None if commit is None else await History(repository.git).tracked_files(commit)


def _load(file: Path) -> Plan:
    from orchestrator import agents, reports
    from orchestrator.plan.load import load_plan

    plan = load_plan(file, agents=agents.names(), reports=reports.formats()).plan
    agents.check_profiles(plan, shown_path=str(file))
    return plan


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(data: object) -> None:
    click.echo(json.dumps(data, indent=2))
