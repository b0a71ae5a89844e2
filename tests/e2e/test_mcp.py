"""``clerk mcp`` as an agent's client meets it: the SDK's own, over real pipes, in a session that stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def session(yard):
    """A session that waits to be ended, and what its agent would start its server with."""
    tell = (
        'command -v clerk > "$GATES/command"; env -0 > "$GATES/env"; echo bad > a.txt; '
        f"{{ {yard.waits('end')}; }}"
    )
    yard.clerk("start", str(yard.plan({"a": tell}, budget={"attempts": 1})))
    yard.begun("end")
    told = (pair.partition("=") for pair in yard.gate("env").read_text().split("\0") if pair)
    env = {name: value for name, _, value in told}
    command = yard.gate("command").read_text().strip()
    yield StdioServerParameters(command=command, args=["mcp"], env=env)
    yard.gate("end").touch()


async def test_an_agent_checks_reads_notes_and_asks_by_tools(yard, session):
    async with Client(session, read_timeout_seconds=60) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"check", "brief", "ask", "note"}
        assert all(tool.description for tool in tools.values())
        assert len(json.dumps([tool.model_dump() for tool in tools.values()])) < 6000

        assert "Do a." in said(await client.call_tool("brief", {}))
        red = said(await client.call_tool("check", {}))
        assert red.startswith("not passed\n```text\nFAIL unit")
        assert red.endswith("\n```")
        unknown = await client.call_tool("check", {"names": ["nothing"]})
        assert unknown.is_error
        assert "it has: unit" in said(unknown)
        Path(session.env["PWD"], "a.txt").write_text("good\n")
        green = said(await client.call_tool("check", {"names": ["unit"]}))
        assert green.startswith("passed\n")
        assert said(await client.call_tool("note", {"text": "by a tool"})) == "noted"
        assert "ends now" in said(await client.call_tool("ask", {"question": "Which?"}))
        yard.until("a", "needs_input")
        gone = await client.call_tool("check", {})
        assert gone.is_error
    shown = yard.clerk("status", "a").stdout
    assert "by a tool" in shown
    assert "Which?" in shown


def said(result) -> str:
    return "".join(part.text for part in result.content)


def test_outside_of_a_session_it_says_whom_it_is_for(yard):
    refused = yard.clerk("mcp", code=2)
    assert "this is for agents" in refused.stderr


def test_without_the_sdk_it_names_the_mend(yard, tmp_path):
    broken = tmp_path / "broken" / "mcp"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text('raise ModuleNotFoundError("no", name="mcp")\n')
    env = {"PYTHONPATH": str(broken.parent), "CLERK_SOCKET": "/nowhere", "CLERK_TOKEN": "x"}
    assert "pip install 'clerk-of-works[mcp]'" in yard.clerk("mcp", code=4, **env).stderr
