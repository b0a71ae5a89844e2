"""``clerk mcp``: what a session may ask of the engine, as tools of the Model Context Protocol."""

from __future__ import annotations

import click

from orchestrator.cli.session import NOT_A_SESSION, in_session
from orchestrator.errors import CannotRun, UsageError

_SDK = frozenset({"mcp", "mcp_types"})


@click.command()
def mcp() -> None:
    """Serve this session's check, brief, ask and note as MCP tools over standard input and output.

    For an agent's list of MCP servers; it ends with its input.
    """
    if not in_session():
        raise UsageError(NOT_A_SESSION)
    try:
        from orchestrator.cli.mcp_tools import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _SDK:
            raise
        raise CannotRun(
            "the MCP SDK is not installed where clerk is; install it: "
            "pip install 'clerk-of-works[mcp]'"
        ) from error
    server().run("stdio")
