"""The command line: one front door of the engine among others.

Commands are imported when they are called, so that ``clerk --help`` starts at once. Expected
errors become one message and an exit code here and nowhere else; unexpected ones a log file.
Data goes to stdout, talk to stderr.
"""

from __future__ import annotations

import difflib
import gc
import importlib
import os
import sys
import traceback

import click

from orchestrator import __version__
from orchestrator.errors import ClerkError, ExitCode, PlanError

COMMANDS = {
    "answer": ("orchestrator.cli.orders:answer", "Answer a task's question."),
    "approve": ("orchestrator.cli.orders:approve", "Approve a task for landing."),
    "ask": ("orchestrator.cli.session:ask", "Ask the person, from within a session."),
    "audit": ("orchestrator.cli.audit:audit", "Tell which commits of the target are proven."),
    "brief": ("orchestrator.cli.show:brief", "Print exactly what a task's agent gets."),
    "cache": ("orchestrator.cli.cache:cache", "Show or forget verdicts that are known."),
    "cancel": ("orchestrator.cli.orders:cancel", "Stop a task and what depends on it."),
    "check": ("orchestrator.cli.check:check", "Verify the work in this folder as it stands."),
    "clean": ("orchestrator.cli.clean:clean", "Remove worktrees and branches no longer needed."),
    "dashboard": ("orchestrator.cli.dashboard:dashboard", "Open the dashboard."),
    "diff": ("orchestrator.cli.show:diff", "Show what a task changed."),
    "doctor": ("orchestrator.cli.doctor:doctor", "Say what is missing here, and how to mend it."),
    "engine": ("orchestrator.cli.engine:engine", ""),
    "evidence": ("orchestrator.cli.evidence:evidence", "Show what proves a landed task."),
    "log": ("orchestrator.cli.show:log", "Show a session's transcript."),
    "mcp": ("orchestrator.cli.mcp:mcp", "Serve check, brief, ask and note as MCP tools."),
    "merge": ("orchestrator.cli.orders:merge", "Land proven tasks on the target."),
    "note": ("orchestrator.cli.session:note", "Leave a note, from within a session."),
    "pause": ("orchestrator.cli.orders:pause", "Start no further session of a plan or a task."),
    "plan": ("orchestrator.cli.plan:plan", "Check and show plan files."),
    "resume": ("orchestrator.cli.orders:resume", "Go on with a paused plan or task."),
    "retry": ("orchestrator.cli.orders:retry", "Send a task back to its agent."),
    "run": ("orchestrator.cli.run:run", "Run a plan in the foreground."),
    "revert": ("orchestrator.cli.queue:revert", "Take a landed task back."),
    "queue": ("orchestrator.cli.queue:queue", "Show and change who lands next."),
    "selftest": (
        "orchestrator.cli.selftest:selftest",
        "Run agents that cheat; show who is caught.",
    ),
    "start": ("orchestrator.cli.engine:start", "Start the engine in the background."),
    "status": ("orchestrator.cli.show:status", "Show where every task stands."),
    "stop": ("orchestrator.cli.engine:stop", "Stop the background engine."),
}
"""Command name to its function and its line in the help (none: hidden)."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when one is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(name for name, (_, line) in COMMANDS.items() if line)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            hint = f"{error.message} Did you mean '{near[0]}'?"
            raise click.UsageError(hint, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


YOUNG = 50_000
"""So many objects come to be before garbage is looked for among them."""


@click.group(cls=LazyGroup, invoke_without_command=True)
@click.version_option(__version__, prog_name="clerk")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Have a plan built by many coding agents at once, and trust what comes back.

    Without a command, opens the dashboard and starts the engine if none runs.
    """
    if ctx.invoked_subcommand is None:
        from orchestrator.cli.dashboard import dashboard

        ctx.invoke(dashboard)


def main() -> None:
    """Run the command line and exit with a code of ``errors.ExitCode``.

    Nothing that imports make is garbage, and looking through all of it again and again is a tenth
    of a short command; of what an engine makes little goes in circles.
    """
    gc.set_threshold(YOUNG, 20, 50)
    sys.exit(obey(sys.argv[1:]))


def obey(arguments: list[str]) -> int:
    """Run one command line; returns its exit code."""
    try:
        result = cli.main(arguments, prog_name="clerk", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return ExitCode.BAD_USAGE
    except BrokenPipeError:
        # Whoever read our output has had enough; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:  # noqa: BLE001 - the last door: a bug becomes a log file and a code
        expected = _expected(error)
        if expected is None:
            return _report_bug()
        _show(expected)
        return expected.exit_code
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _expected(error: BaseException) -> ClerkError | None:
    """The error to show, also from within a group of tasks; None for a bug."""
    if isinstance(error, ClerkError):
        return error
    if isinstance(error, BaseExceptionGroup):
        inner = [_expected(one) for one in error.exceptions]
        return inner[0] if inner and all(inner) else None
    return None


def _show(error: ClerkError) -> None:
    from orchestrator.safe_text import safe_text

    lines = error.problems if isinstance(error, PlanError) else str(error).splitlines()
    for number, line in enumerate(lines):
        lead = "clerk: " if number == 0 and not isinstance(error, PlanError) else ""
        click.echo(lead + safe_text(line), err=True)


def _report_bug() -> int:
    import tempfile

    with tempfile.NamedTemporaryFile("w", prefix="clerk-bug-", suffix=".log", delete=False) as file:
        traceback.print_exc(file=file)
    error = sys.exc_info()[1]
    click.echo(f"clerk: a bug: {type(error).__name__}; details are in {file.name}", err=True)
    return ExitCode.INTERNAL
