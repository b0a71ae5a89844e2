"""An agent that follows a script: demos, benchmarks and tests without a model.

The script (docs/agents.md) says for each task what each attempt does. It is checked as a whole
when it is first read, and one attempt's step is handed to ``replay_player``, a separate program,
so that a replay is a session like any other: a process in a worktree that may be slow, wrong,
silent or killed.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import Field, ValidationError

from orchestrator.agents import replay_player
from orchestrator.agents.profile import refuse_unknown, require
from orchestrator.agents.protocol import (
    AgentCommand,
    Asked,
    Failed,
    Finished,
    Message,
    Started,
    ToolCall,
    UsageReported,
)
from orchestrator.errors import UsageError
from orchestrator.plan.diagnostics import Problem
from orchestrator.plan.model import Needs
from orchestrator.plan.scalars import Duration, Strict
from orchestrator.plan.source import read_source
from orchestrator.plan.yaml_guard import excess
from orchestrator.results import Usage
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.agents.protocol import AgentEvent, Prompt
    from orchestrator.plan.model import AgentProfile

_MOST_TOLD = 3

Lines = str | Annotated[tuple[str, ...], Field(strict=False)]


class StepUsage(Strict):
    """What a step says it consumed."""

    input: Annotated[int, Field(ge=0)] = 0
    output: Annotated[int, Field(ge=0)] = 0
    cost: Annotated[float, Field(ge=0, strict=False)] = 0.0


class Step(Strict):
    """What one attempt does, in the order of the fields."""

    say: Lines = Field((), description="Printed as messages.")
    delay: Duration | Annotated[float, Field(ge=0, strict=False)] = Field(
        0.0, description="Before anything else is done."
    )
    patch: Lines = Field((), description="Files beside the script, applied to the worktree.")
    run: Lines = Field((), description="Command lines for sh, in the worktree.")
    commit: str | None = Field(None, description="Commit everything; none leaves it uncommitted.")
    usage: StepUsage | None = None
    ask: str | None = Field(None, description="End with a question.")
    exit: Annotated[int, Field(ge=0, le=255)] = 0
    hang: bool = Field(False, description="Sleep for ever after all that.")


class Script(Strict):
    """The steps of each task, one per attempt; the last one repeats."""

    tasks: dict[str, Annotated[tuple[Step, ...], Field(strict=False, min_length=1)]]


class ReplayAgent:
    """One session of a ``replay`` agent; it resumes by keeping its session's id."""

    can_resume = True
    needs = Needs()

    def __init__(self, profile: AgentProfile) -> None:
        refuse_unknown(profile, "script")
        self._script = require(profile, "script", "replay.yaml")
        self._env = dict(profile.env)

    def command(self, prompt: Prompt) -> AgentCommand:
        path = prompt.plan_folder / self._script
        step = step_of(read_script(path), path, prompt.task, prompt.attempt)
        order = {
            **step.model_dump(exclude_defaults=True),
            "say": _lines(step.say),
            "run": _lines(step.run),
            "patch": [str(_patch(path, name)) for name in _lines(step.patch)],
            "session": prompt.resume or f"replay-{prompt.task}-{prompt.attempt}",
        }
        player = (sys.executable, "-I", "-S", replay_player.__file__)
        folder = path.parent.resolve()
        env = {"CLERK_SCRIPT_DIR": str(folder), **self._env}
        python = (Path(sys.prefix), Path(sys.base_prefix))
        readable = (*dict.fromkeys(python), Path(replay_player.__file__), folder)
        return AgentCommand((*player, json.dumps(order)), env, readable=readable)

    def read(self, line: str) -> Iterable[AgentEvent]:
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or len(told) != 1:
            return (Message(line),) if line.strip() else ()
        ((kind, value),) = told.items()
        return tuple(_event(kind, value))


def read_script(path: Path) -> Script:
    """The script at ``path``; raises UsageError naming the file, the field and what is wrong."""
    try:
        stat = path.stat()
    except OSError as error:
        raise UsageError(f"replay script {path}: {_reason(error)}") from error
    return _read(path, stat.st_mtime_ns, stat.st_size)


def step_of(script: Script, path: Path, task: str, attempt: int) -> Step:
    """What an attempt, counted from 1, does; raises UsageError for a task the script lacks."""
    steps = script.tasks.get(task)
    if steps is None:
        raise UsageError(f"replay script {path}: no task {task!r}; add it under tasks")
    return steps[min(max(attempt, 1), len(steps)) - 1]


@lru_cache(maxsize=8)
def _read(path: Path, modified: int, size: int) -> Script:  # noqa: ARG001 - the cache's key
    """Read once per version: a script of a thousand tasks serves a thousand sessions."""
    try:
        return Script.model_validate(yaml.load(_source(path), yaml.CSafeLoader))
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors()[:_MOST_TOLD]]
        raise UsageError(f"replay script {path}: {'; '.join(problems)}") from error
    except (yaml.YAMLError, ValueError) as error:
        told = safe_text(str(error), one_line=True, limit=300)
        raise UsageError(f"replay script {path}: {told}") from error


def _source(path: Path) -> str:
    """The script's text, bounded like a plan's; raises UsageError for what is none."""
    source = read_source(path)
    refused = (
        source if isinstance(source, Problem) else excess(yaml.parse(source, yaml.CSafeLoader))
    )
    if refused:
        raise UsageError(f"replay script {path}: {refused.told()}")
    return str(source)


def _reason(error: OSError) -> str:
    missing = isinstance(error, FileNotFoundError)
    return "there is no such file" if missing else error.strerror or "it cannot be read"


def _problem(detail: Any) -> str:
    if not detail["loc"]:
        return "a script is a mapping that begins with 'tasks:'"
    return f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"


def _patch(script: Path, name: str) -> Path:
    path = script.parent / name
    if not path.is_file():
        raise UsageError(f"replay script {script}: patch {name!r} is no file beside it")
    return path.resolve()


def _lines(value: str | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _event(kind: str, value: Any) -> Iterable[AgentEvent]:
    match kind, value:
        case "session", str():
            yield Started(value)
        case "say", str():
            yield Message(value)
        case "tool", [str(name), str(summary)]:
            yield ToolCall(name, summary)
        case "usage", dict():
            yield UsageReported(
                Usage(
                    int(_number(value.get("input"))),
                    int(_number(value.get("output"))),
                    _number(value.get("cost")),
                )
            )
        case "ask", str():
            yield Asked(value)
        case "failed", str():
            yield Failed(value)
        case "finished", str():
            yield Finished(value)


def _number(value: object) -> float:
    """A finite count or sum; what a line of the step's own commands forged is nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < 1e15 else 0.0
