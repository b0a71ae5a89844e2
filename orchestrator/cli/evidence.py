"""``clerk evidence``: what proves a landed task, as git holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.connection import print_json
from orchestrator.cli.orders import json_option, repo_option
from orchestrator.errors import ExitCode
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.audit import Finding
    from orchestrator.evidence import CheckSeen, Evidence, TestsSeen


@click.command()
@click.argument("task")
@click.option("--plan", help="Only this plan, where several have the task.")
@repo_option
@json_option
def evidence(task: str, plan: str | None, repo: str | None, as_json: bool) -> int:
    """Show what proves that TASK may stand on the target; with --json, export it.

    Read from git alone. Exit codes: 0 it fits the commit it is noted on, 1 it does not, 2 there is
    none.
    """
    from orchestrator.audit import SOUND
    from orchestrator.cli.proofs import evidence_for
    from orchestrator.evidence import evidence_text

    finding = anyio.run(evidence_for, repo, task, plan)
    if finding.evidence is not None and as_json:
        print_json(evidence_text(finding.evidence))
    elif finding.evidence is not None:
        click.echo("\n".join(_page(finding.evidence)))
    fits = finding.standing in SOUND
    if not fits:
        click.echo(safe_text(f"it proves nothing: {_why(finding)}", one_line=True), err=True)
    return ExitCode.DONE if fits else ExitCode.TASK_FAILED


def _why(finding: Finding) -> str:
    return f"{finding.station.oid[:9]}: {finding.reason}"


def _page(told: Evidence) -> Iterator[str]:
    yield safe_text(f"{told.plan}/{told.task}: {told.title}", one_line=True)
    how = f"landed on {told.target} by {told.strategy}"
    how = f"taken back from {told.target}" if told.undoes else how
    yield safe_text(f"  {how} as {told.commit}", one_line=True)
    yield f"  from {told.base}, {'landing' if told.undoes else 'head'} {told.head}"
    yield f"  plan {told.plan_hash[:16]}"
    where = "without a sandbox" if told.sandbox == "none" else f"in {told.sandbox}"
    yield ""
    yield safe_text(f"checks on tree {told.verified_tree}, {where}", one_line=True)
    if not told.is_its_own:
        yield f"  of {told.verified_commit}, which landed with it"
    for check in told.checks:
        yield safe_text(f"  {_check(check)}", one_line=True, limit=300)
    for word, seen in (("red", told.red), ("green", told.green)):
        for tests in seen:
            yield from _tests(word, tests)
    if told.approved_head or told.approved_tests:
        yield ""
        yield "approved by a person"
        yield from (f"  the work at {told.approved_head}",) if told.approved_head else ()
        yield from (f"  the tests at {told.approved_tests}",) if told.approved_tests else ()
    if told.attempts:
        yield ""
        yield "attempts"
    for one in told.attempts:
        box = "no sandbox" if one.sandbox == "none" else f"in {one.sandbox}"
        counted = "" if one.counted else ", not counted"
        line = f"  {one.number}. {one.agent} {one.outcome.replace('_', ' ')}, {box}{counted}"
        yield safe_text(line, one_line=True, limit=300)


def _check(check: CheckSeen) -> str:
    counts = f", {check.passed} tests passed" if check.passed else ""
    took = "known before" if check.cached else f"{check.seconds:g} s"
    flaky = f", flaky: {', '.join(check.flaky_tests[:3])}" if check.flaky_tests else ""
    return f"{check.check} ({check.kind}): {check.verdict}{counts}, {took}{flaky}"


def _tests(word: str, seen: TestsSeen) -> Iterator[str]:
    yield ""
    yield safe_text(
        f"tests first, seen {word} in {seen.check} on tree {seen.tree}: {seen.count}", one_line=True
    )
    for name in seen.tests[:_SHOWN]:
        yield safe_text(f"  {name}", one_line=True, limit=200)
    if len(seen.tests) > _SHOWN:
        yield f"  and {len(seen.tests) - _SHOWN} more (--json names them)"


_SHOWN = 10
