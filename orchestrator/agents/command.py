"""Any command line as an agent.

The line is run by ``sh -c`` in the worktree; what it prints is its talk, exit 0 means it is
done. It may tell more by lines of JSON, ``{"clerk": {…}}`` (docs/agents.md). Placeholders are
replaced by quoted words, so that no title or path can become a command.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from orchestrator.agents.profile import refuse_unknown, require
from orchestrator.agents.protocol import (
    AgentCommand,
    Asked,
    Message,
    RateLimited,
    UsageReported,
)
from orchestrator.errors import UsageError
from orchestrator.plan.model import Needs
from orchestrator.results import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.agents.protocol import AgentEvent, Prompt
    from orchestrator.plan.model import AgentProfile

_PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z_]+)\}")
_KNOWN = ("attempt", "prompt_file", "task", "worktree")


class CommandAgent:
    """One session of a ``command`` agent; it cannot resume."""

    can_resume = False
    needs = Needs()

    def __init__(self, profile: AgentProfile) -> None:
        refuse_unknown(profile, "run", "prompt", "args")
        self._profile = profile
        self._line = require(profile, "run", '"my-agent --prompt-file {prompt_file}"')
        _refuse_placeholders(self._line)

    def command(self, prompt: Prompt) -> AgentCommand:
        words = {
            "prompt_file": str(prompt.path),
            "worktree": str(prompt.worktree),
            "task": prompt.task,
            "attempt": str(prompt.attempt),
        }
        line = _PLACEHOLDER.sub(
            lambda match: shlex.quote(words.get(match[1], match[0])), self._line
        )
        for argument in self._profile.args:
            line = f"{line} {shlex.quote(argument)}"
        stdin = prompt.path if self._profile.prompt == "stdin" else None
        return AgentCommand(("sh", "-c", line), dict(self._profile.env), stdin)

    def read(self, line: str) -> Iterable[AgentEvent]:
        told = _told(line)
        if told is None:
            return (Message(line),) if line.strip() else ()
        return tuple(_events(told))


def _refuse_placeholders(line: str) -> None:
    """Raise UsageError for a placeholder that is misspelt, or stands in quotes of its own."""
    for match in _PLACEHOLDER.finditer(line):
        name = match[1]
        close = difflib.get_close_matches(name, _KNOWN, n=1, cutoff=0.75)
        if name not in _KNOWN and close:
            raise UsageError(f"run: there is no {{{name}}}; did you mean {{{close[0]}}}?")
        if name in _KNOWN and _is_quoted(line[: match.start()]):
            raise UsageError(
                f"run: {{{name}}} is quoted already; take the quotes around it away "
                "(run is a line for sh as it is, without a sh -c of yours)"
            )


def _is_quoted(before: str) -> bool:
    """Whether what follows ``before`` on a shell's line stands inside quotes."""
    quote = ""
    characters = iter(before)
    for character in characters:
        if character == "\\" and quote != "'":
            next(characters, "")
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
    return bool(quote)


def _told(line: str) -> dict[str, Any] | None:
    """What a ``{"clerk": {…}}`` line tells, None for any other line."""
    if not line.lstrip().startswith('{"clerk"'):
        return None
    try:
        told = json.loads(line).get("clerk")
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _events(told: dict[str, Any]) -> Iterable[AgentEvent]:
    if told.keys() & {"input_tokens", "output_tokens", "cost_usd", "context_share"}:
        share = told.get("context_share")
        yield UsageReported(
            Usage(
                int(_number(told.get("input_tokens"))),
                int(_number(told.get("output_tokens"))),
                _number(told.get("cost_usd")),
                _number(share) if share is not None else None,
            )
        )
    if "rate_limited_until" in told:
        yield RateLimited(_number(told["rate_limited_until"]) or None)
    if told.get("ask"):
        yield Asked(str(told["ask"]))


def _number(value: object) -> float:
    """A finite count or sum; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < 1e15 else 0.0
