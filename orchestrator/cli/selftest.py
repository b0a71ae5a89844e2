"""``clerk selftest``: agents that cheat, on this machine, and whether each is caught."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.orders import json_option
from orchestrator.cli.signals import on_signal
from orchestrator.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.selftest.case import Finding


@click.command()
@click.option("--only", metavar="NAME", multiple=True, help="Only this case; may be repeated.")
@click.option("--sandbox", default="auto", show_default=True, help="What to try.")
@json_option
def selftest(only: tuple[str, ...], sandbox: str, as_json: bool) -> int:
    """Run agents that lie, cheat, attack and hang, and show that each is caught.

    Works in a temporary folder and leaves nothing behind. Exit codes: 0 every case was caught,
    1 one was not, or could not be tried; 4 no sandbox holds here, 130 interrupted.
    """
    from orchestrator.selftest.report import as_data, page

    using, findings = anyio.run(_self_test, sandbox, only)
    if findings is None:
        return ExitCode.INTERRUPTED
    if as_json:
        import json

        click.echo(json.dumps(as_data(findings, sandbox=using), indent=2))
    else:
        for line in page(findings, sandbox=using):
            click.echo(line)
    return ExitCode.DONE if all(finding.ok for finding in findings) else ExitCode.TASK_FAILED


async def _self_test(sandbox: str, only: Sequence[str]) -> tuple[str, list[Finding] | None]:
    """The sandbox that was tried, and what was found; None when a signal came in between."""
    from orchestrator.sandboxes.choice import choose
    from orchestrator.selftest.report import line
    from orchestrator.selftest.runner import self_test

    def tell(finding: Finding) -> None:
        click.echo(line(finding), err=True)

    using = await choose(sandbox)
    findings = None
    async with anyio.create_task_group() as group:
        group.start_soon(on_signal, group.cancel_scope.cancel)
        findings = await self_test(sandbox=using, only=only, tell=tell)
        group.cancel_scope.cancel()
    return using, findings
