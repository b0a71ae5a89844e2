"""The session's door as MCP tools, by the official SDK, whose one room this is.

Four tools and no more, each a request of the door. Descriptions are short: an agent pays for them
in every turn. What checks print is data, and comes in a fence that nothing in it can close.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from orchestrator import __version__
from orchestrator.api.check_views import CheckRequest
from orchestrator.api.session_views import AskRequest, NoteRequest
from orchestrator.cli.check_answer import answer_lines, heard, line_of
from orchestrator.cli.session import session_client
from orchestrator.errors import ClerkError
from orchestrator.feedback import fenced
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from orchestrator.api.check_views import CheckLine
    from orchestrator.api.client import SessionClient

PATIENCE_SECONDS = 50.0
"""Clients give a tool a minute, some of them."""

_INSTRUCTIONS = "Your task's own door: have your work verified, read your brief, leave a note, ask."


async def check(
    context: Context,
    names: Annotated[
        tuple[str, ...], Field(description="Only these checks and what they need; none: all.")
    ] = (),
    everything: Annotated[bool, Field(description="Go on after a failure.")] = False,  # noqa: FBT002 - told by name
    wait_seconds: Annotated[
        float, Field(gt=0, le=3600, description="Then what is known is told, and checks go on.")
    ] = PATIENCE_SECONDS,
) -> str:
    """Verify your work as it stands, uncommitted files too, as it will be verified when you end.

    Tells what fails and why, in few words. What passes is not run again. Call it again when it
    says NOT DONE.
    """
    request = CheckRequest(checks=names, everything=everything, patience_seconds=wait_seconds)
    told = 0

    async def say(line: CheckLine) -> None:
        nonlocal told
        for text in line_of(line):
            told += 1
            await context.report_progress(told, message=text)

    async with _door() as door:
        answer = await heard(door.check(request), say)
    verdict = "passed" if answer.passed else "not passed" if answer.done else "not done"
    told_whole = "\n".join(answer_lines(answer))
    return f"{verdict}\n{fenced(told_whole)}"


async def brief() -> str:
    """Read again what this session was told: the task, its criteria, scope and limits."""
    async with _door() as door:
        return safe_text((await door.brief()).text)


async def ask(
    question: Annotated[str, Field(min_length=1, max_length=4000, description="One question.")],
) -> str:
    """Ask the person something you cannot go on without. It ENDS this session."""
    async with _door() as door:
        await door.ask(AskRequest(text=question).text)
    return "asked; this session ends now, and another goes on with the answer"


async def note(
    text: Annotated[str, Field(min_length=1, max_length=2000, description="What to tell.")],
) -> str:
    """Leave a note for the person who looks at this task; it changes nothing."""
    async with _door() as door:
        await door.note(NoteRequest(text=text).text)
    return "noted"


def server() -> MCPServer:
    """The server, to be run."""
    made = MCPServer("clerk", version=__version__, instructions=_INSTRUCTIONS, log_level="ERROR")
    for tool in (check, brief, ask, note):
        made.tool(structured_output=False)(tool)
    return made


@asynccontextmanager
async def _door() -> AsyncIterator[SessionClient]:
    """The session's door; what it refuses is told to the model, with the mend."""
    try:
        async with session_client() as client:
            yield client
    except ClerkError as error:
        raise ToolError(safe_text(str(error))) from error
