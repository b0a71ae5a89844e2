"""Claude Code, headless: ``claude -p`` with its stream of JSON.

What it prints was learned from recorded runs (tests/agents/samples), not from promises:
``subtype: success`` may stand beside ``is_error: true``, so only ``is_error`` is believed; a
message's usage is repeated with each of its parts, and its output is only known from the stream,
when it ends; after ``--resume`` the totals of ``result`` count earlier sessions too, so that only
what was used since the last result is added up. Lines and fields that are unknown tell nothing: a
newer client must not break an older clerk.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from orchestrator.agents.profile import refuse_unknown
from orchestrator.agents.protocol import (
    AgentCommand,
    Asked,
    Failed,
    Finished,
    Message,
    RateLimited,
    Started,
    ToolCall,
    UsageReported,
)
from orchestrator.gateway import Gateway
from orchestrator.plan.model import Needs
from orchestrator.results import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.agents.protocol import AgentEvent, Prompt
    from orchestrator.plan.model import AgentProfile

ALLOWED_TOOLS = "Bash,Edit,MultiEdit,Write,Read,Glob,Grep,NotebookEdit,Task,TodoWrite"
"""Headless, whatever is not allowed is denied; an agent must build and test its own work."""

MCP_TOOLS = "mcp__clerk"
"""All tools of that server."""

_MCP_SERVERS = json.dumps(
    {
        "mcpServers": {
            "clerk": {
                "command": "clerk",
                "args": ["mcp"],
                # Filled in by the client: everybody reads a command line.
                "env": {name: f"${{{name}}}" for name in ("CLERK_SOCKET", "CLERK_TOKEN")},
            }
        }
    }
)

ASK_MARK = "CLERK-ASK:"

_HEADLESS = (
    "You work without a person at the keyboard. If, and only if, you cannot go on without a "
    f"person's decision, end with one line: {ASK_MARK} followed by your question."
)
_SUMMARY_CHARACTERS = 200
_RATE_STATUSES = frozenset({429, 529})
_LOGIN_STATUSES = frozenset({401, 403})
_LOGIN_TRIES = 2
"""The first refusal may only mean that the client has to renew its token."""

_LONGEST_NAME = 200
_NAME = re.compile(rf"\w[^\s]{{0,{_LONGEST_NAME - 1}}}")
_MOST_MESSAGES = 100
"""Of which more may still be told. What an agent calls them, and how many, is its own to say."""

_NOTHING = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 0,
}

_SERVICE = "https://api.anthropic.com"
_ELSEWHERE = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
"""Set, they mean another service with a login of another kind."""

_KEY, _TOKEN, _ADDRESS = "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"
_STAND_IN = "kept-by-clerk-outside-of-the-sandbox"


class ClaudeAgent:
    """One session of Claude Code."""

    can_resume = True
    needs = Needs(
        paths=("~/.claude/.credentials.json",),
        env=("CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL"),
        network=("api.anthropic.com", "console.anthropic.com", "platform.claude.com"),
    )

    def __init__(self, profile: AgentProfile) -> None:
        refuse_unknown(profile, "model", "args", "mcp")
        self._profile = profile
        self._session = ""
        self._until: float | None = None
        self._messages: dict[str, dict[str, int]] = {}
        self._streamed: dict[str, str] = {}
        self._context_tokens = 0
        self._past = Usage()
        self._settled = Usage()

    def command(self, prompt: Prompt) -> AgentCommand:
        argv = ["claude", "-p", "--output-format", "stream-json", "--verbose"]
        # Without its parts a long answer would be silence, and its tokens told too late.
        argv += ["--include-partial-messages"]
        tools = f"{ALLOWED_TOOLS},{MCP_TOOLS}" if self._profile.mcp else ALLOWED_TOOLS
        argv += ["--permission-mode", "acceptEdits", "--allowedTools", tools]
        argv += ["--append-system-prompt", _HEADLESS]
        if self._profile.model:
            argv += ["--model", self._profile.model]
        if prompt.resume:
            argv += ["--resume", prompt.resume]
        if prompt.budget_cost_usd is not None:
            # Resumed too: it is held against this session's own cost, whatever the totals tell.
            argv += ["--max-budget-usd", f"{prompt.budget_cost_usd:.4f}"]
        if self._profile.mcp:
            argv += ["--mcp-config", _MCP_SERVERS]
        env = dict(self._profile.env)
        gateway = gateway_of({**prompt.environ, **env})
        return AgentCommand((*argv, *self._profile.args), env, prompt.path, gateway=gateway)

    def read(self, line: str) -> Iterable[AgentEvent]:
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return ()
        if not isinstance(told, dict):
            return ()
        return tuple(self._events(told))

    def _events(self, told: dict[str, Any]) -> Iterator[AgentEvent]:
        match told.get("type"):
            case "system":
                yield from self._of_system(told)
            case "assistant" if not told.get("is_api_error_message"):
                yield from self._of_assistant(_dict(told.get("message")), _parent(told))
            case "stream_event":
                yield from self._of_stream(_dict(told.get("event")), _parent(told))
            case "rate_limit_event":
                yield from self._of_rate_limit(_dict(told.get("rate_limit_info")))
            case "result":
                yield from self._of_result(told)

    def _of_system(self, told: dict[str, Any]) -> Iterator[AgentEvent]:
        match told.get("subtype"):
            case "init":
                yield from self._start(told)
            case "permission_denied":
                yield ToolCall("denied", _text(told.get("tool_name")))
            case "api_retry":
                yield _retried(told, self._until)

    def _start(self, told: dict[str, Any]) -> Iterator[AgentEvent]:
        session = _text(told.get("session_id"))
        if _NAME.fullmatch(session) and session != self._session:
            self._session = session
            yield Started(session)

    def _of_assistant(self, message: dict[str, Any], parent: str) -> Iterator[AgentEvent]:
        for part in _list(message.get("content")):
            yield from _of_part(_dict(part))
        yield from self._count(_text(message.get("id")), _dict(message.get("usage")), parent)

    def _of_stream(self, event: dict[str, Any], parent: str) -> Iterator[AgentEvent]:
        """A message while it is written; several may be, one under each parent."""
        match event.get("type"):
            case "message_start":
                if len(self._streamed) >= _MOST_MESSAGES:
                    self._streamed.clear()
                self._streamed[parent[:_LONGEST_NAME]] = _text(
                    _dict(event.get("message")).get("id")
                )[: _LONGEST_NAME + 1]
            case "message_delta":
                name = self._streamed.get(parent[:_LONGEST_NAME], "")
                yield from self._count(name, _dict(event.get("usage")), parent)

    def _count(self, name: str, usage: dict[str, Any], parent: str) -> Iterator[AgentEvent]:
        """Count a message's tokens, of which each line tells a part; numbers only grow."""
        before = self._messages.get(name, _NOTHING)
        counted = {key: max(before[key], _int(usage.get(key))) for key in _NOTHING}
        if not 0 < len(name) <= _LONGEST_NAME or counted == before:
            return
        self._messages.pop(name, None)
        self._messages[name] = counted
        if len(self._messages) > _MOST_MESSAGES:
            self._past += _new_tokens(self._messages.pop(next(iter(self._messages))))
        if not parent:
            self._context_tokens = sum(counted.values())
        told = sum(map(_new_tokens, self._messages.values()), self._past)
        yield UsageReported(self._settled + told)

    def _of_rate_limit(self, info: dict[str, Any]) -> Iterator[AgentEvent]:
        if info.get("status") == "rejected":
            self._until = _number(info.get("resetsAt")) or None
            yield RateLimited(self._until, "the usage limit is reached")

    def _of_result(self, told: dict[str, Any]) -> Iterator[AgentEvent]:
        if not told.get("is_error"):  # one that could not be resumed echoes the id it missed
            yield from self._start(told)
        self._settled += _result_usage(told)
        self._messages.clear()
        self._past = Usage()
        share = self._context_share(told)
        yield self._verdict(told)
        settled = self._settled
        yield UsageReported(
            Usage(settled.input_tokens, settled.output_tokens, settled.cost_usd, share)
        )

    def _verdict(self, told: dict[str, Any]) -> AgentEvent:
        text = _text(told.get("result"))
        if not told.get("is_error"):
            _, mark, question = text.rpartition(ASK_MARK)
            return Asked(question.strip()) if mark else Finished(text)
        errors = "; ".join(_text(error) for error in _list(told.get("errors")))
        reason = text or errors or _text(told.get("subtype")) or "the agent told no reason"
        if _int(told.get("api_error_status")) in _RATE_STATUSES:
            return RateLimited(self._until, reason)
        return Failed(reason)

    def _context_share(self, told: dict[str, Any]) -> float | None:
        windows = [
            _int(_dict(model).get("contextWindow"))
            for model in _dict(told.get("modelUsage")).values()
        ]
        window = max(windows, default=0)
        return min(1.0, self._context_tokens / window) if window and self._context_tokens else None


def gateway_of(environ: Mapping[str, str]) -> Gateway | None:
    """How to reach the model without telling the session the key; none where there is no key.

    A login that the client keeps in its own files is not a key: it renews itself there.
    """
    key, token = environ.get(_KEY), environ.get(_TOKEN)
    if any(environ.get(name) for name in _ELSEWHERE) or not (key or token):
        return None
    headers = {"x-api-key": key} if key else {}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    stand_ins = {name: _STAND_IN for name in (_KEY, _TOKEN) if environ.get(name)}
    return Gateway(_ADDRESS, environ.get(_ADDRESS) or _SERVICE, headers, stand_ins)


def _of_part(part: dict[str, Any]) -> Iterator[AgentEvent]:
    if part.get("type") == "text" and _text(part.get("text")).strip():
        yield Message(_text(part["text"]))
    elif part.get("type") == "tool_use":
        yield ToolCall(_text(part.get("name")), _summary(_dict(part.get("input"))))


def _summary(arguments: dict[str, Any]) -> str:
    """The one argument that says most about a tool's call."""
    for name in ("command", "file_path", "path", "pattern", "description", "url", "query"):
        if isinstance(arguments.get(name), str):
            return str(arguments[name])[:_SUMMARY_CHARACTERS]
    return ""


def _retried(told: dict[str, Any], until: float | None) -> AgentEvent:
    """A request that failed and will be tried again, for minutes if need be."""
    status, error = _int(told.get("error_status")), _text(told.get("error"))
    if status in _RATE_STATUSES:
        return RateLimited(until, f"the service answered {status} {error}")
    if status in _LOGIN_STATUSES:
        reason = f"the service refused the login ({status} {error}); run 'claude /login'"
        return Failed(reason, final=_int(told.get("attempt")) >= _LOGIN_TRIES)
    return ToolCall("retry", f"{status or 'no connection'} {error}")


def _new_tokens(usage: dict[str, Any]) -> Usage:
    """Tokens of one message; re-reading the cache is not counted (it is in the cost)."""
    fresh = _int(usage.get("input_tokens")) + _int(usage.get("cache_creation_input_tokens"))
    return Usage(fresh, _int(usage.get("output_tokens")))


def _result_usage(told: dict[str, Any]) -> Usage:
    """What was used since the last result: by all models where it is told, else by the main one."""
    since = told.get("model_usage_since_last_result")
    if isinstance(since, dict):
        return sum((_model_usage(_dict(model)) for model in since.values()), Usage())
    own = _new_tokens(_dict(told.get("usage")))
    return Usage(own.input_tokens, own.output_tokens, _number(told.get("total_cost_usd")))


def _model_usage(model: dict[str, Any]) -> Usage:
    return Usage(
        _int(model.get("inputTokens")) + _int(model.get("cacheCreationInputTokens")),
        _int(model.get("outputTokens")),
        _number(model.get("costUSD")),
    )


def _parent(told: dict[str, Any]) -> str:
    """The call of a tool that a sub-agent works for; empty for the session itself."""
    return _text(told.get("parent_tool_use_id"))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < 1e15 else 0.0


def _int(value: object) -> int:
    return int(_number(value))
