"""The plan as data: frozen models that refuse what they do not know.

Only shapes and the rules of a single value live here. What spans values (references, cycles)
is in ``graph``; reading a file with line numbers is in ``load``. Units are in the field
descriptions: durations are seconds, sizes tokens, cost US dollars.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from orchestrator.plan.values import parse_duration, parse_tokens
from orchestrator.states import MergeMode

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""A name that is safe as a ref component, a folder and a word on the command line."""

Text = Annotated[str, StringConstraints(min_length=1)]
Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Tokens = Annotated[int, BeforeValidator(parse_tokens), Field(gt=0)]


class Strict(BaseModel):
    """Base of all plan models."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Budget(Strict):
    """What a task may consume."""

    attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="Sessions that may end without success before the task has failed."
    )
    wall: Duration = Field(2700.0, description="Longest time of one session, e.g. 45m.")
    idle: Duration = Field(300.0, description="Longest silence of one session, e.g. 5m.")
    tokens: Tokens | None = Field(None, description="Tokens of all sessions of a task, e.g. 400k.")
    cost: Annotated[float, Field(gt=0, strict=False)] | None = Field(
        None, description="US dollars of all sessions of a task."
    )


class BudgetOverride(Strict):
    """The parts of the plan's budget that one task changes."""

    attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    wall: Duration | None = None
    idle: Duration | None = None
    tokens: Tokens | None = None
    cost: Annotated[float, Field(gt=0, strict=False)] | None = None


class Worktree(Strict):
    """How a fresh worktree is made ready for a session or a verification."""

    copy_: tuple[Text, ...] = Field(
        (), alias="copy", strict=False, description="Files copied from the main checkout."
    )
    share: tuple[Text, ...] = Field(
        (), strict=False, description="Ignored folders reflinked or copied from the main checkout."
    )
    setup: tuple[Text, ...] = Field(
        (), strict=False, description="Commands run in each fresh worktree."
    )
    env: dict[str, str] = Field(
        default_factory=dict, description="Environment of setup, sessions and checks."
    )


class Ready(Strict):
    """How a service tells that it is ready."""

    http: Text | None = None
    tcp: Text | None = None
    command: Text | None = None
    log: Text | None = None
    within: Duration = 20.0


class Service(Strict):
    """A program that runs beside checks."""

    run: Text
    ready: Ready | None = None
    needs: tuple[Name, ...] = Field((), strict=False)


CheckKind = Literal["build", "lint", "types", "unit", "integration", "e2e"]


class Check(Strict):
    """One verification command."""

    kind: CheckKind = Field("unit", description="What the check is about; plans should have e2e.")
    run: Text = Field(description="Shell command line; {report} is a fresh path for a report.")
    report: Text | None = Field(None, description="Format of the file at {report}, e.g. junit.")
    needs: tuple[Name, ...] = Field(
        (), strict=False, description="Checks that must pass before this one starts."
    )
    timeout: Duration = Field(600.0, description="Longest run, e.g. 5m.")
    inputs: tuple[Text, ...] = Field((), strict=False)
    services: tuple[Name, ...] = Field((), strict=False)
    rerun: Annotated[int, Field(ge=0, le=10)] = 0
    exclusive: tuple[Name, ...] = Field((), strict=False)


class TestsFirst(Strict):
    """Tests that are written and seen red before the work that makes them green."""

    __test__ = False

    paths: tuple[Text, ...] = Field(strict=False, min_length=1)
    check: Name


class Task(Strict):
    """One human-defined subtask."""

    id: Name
    title: Text
    brief: Text = Field(description="What the agent is told to do.")
    touches: tuple[Text, ...] = Field(
        (), strict=False, description="Globs of the paths it may change; none means any."
    )
    after: tuple[Name, ...] = Field(
        (), strict=False, description="Tasks that must be merged before this one starts."
    )
    done_when: tuple[Name, ...] = Field(
        strict=False, min_length=1, description="Checks that must pass: the success criteria."
    )
    priority: int = Field(0, description="Higher goes first among tasks that are ready.")
    approve: bool = Field(False, description="A person must approve before it lands.")
    agent: Text | None = Field(None, description="Agent profile; the plan's by default.")
    budget: BudgetOverride | None = None
    tests_first: TestsFirst | Literal["given"] | None = None
    stack: bool = False
    variants: Annotated[int, Field(ge=1, le=16)] = 1
    agents: tuple[Text, ...] = Field((), strict=False)


class AgentProfile(Strict):
    """How to reach one agent.

    ``type`` is a built-in name (see ``orchestrator.agents``) or ``package.module:Class``. Which
    of the other fields an agent understands is its own affair; it refuses the rest.
    """

    type: Text
    model: Text | None = Field(None, description="Model name, where the agent takes one.")
    run: Text | None = Field(None, description="Command line of a 'command' agent.")
    prompt: Literal["file", "stdin"] = Field("file", description="How 'command' gets its prompt.")
    script: Text | None = Field(None, description="Script of a 'replay' agent, beside the plan.")
    args: tuple[str, ...] = Field((), strict=False, description="Further arguments.")
    env: dict[str, str] = Field(default_factory=dict, description="Further environment.")


class Plan(Strict):
    """A whole plan."""

    clerk: Literal[1] = Field(description="Version of this format.")
    name: Name = Field(description="Names branches, worktrees and logs.")
    target: Text = Field("main", description="The branch that receives merges.")
    merge: Annotated[MergeMode, Field(strict=False)] = Field(
        MergeMode.MANUAL, description="Whether proven tasks land by themselves."
    )
    parallel: Annotated[int, Field(ge=1, le=64)] = Field(4, description="Sessions at once.")
    agent: Text = Field("claude", description="Agent profile of tasks that name none.")
    agents: dict[Name, AgentProfile] = Field(default_factory=dict)
    budget: Budget = Field(default_factory=Budget)
    worktree: Worktree = Field(default_factory=Worktree)
    services: dict[Name, Service] = Field(default_factory=dict)
    checks: dict[Name, Check] = Field(min_length=1)
    protect: tuple[Text, ...] = Field(
        (), strict=False, description="Globs of paths that no session may change."
    )
    tasks: tuple[Task, ...] = Field(strict=False, min_length=1)

    def task(self, task_id: str) -> Task:
        """The task of that id; raises KeyError."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise KeyError(task_id)

    def budget_of(self, task: Task) -> Budget:
        """The plan's budget with the task's own changes laid over it."""
        changes = task.budget.model_dump(exclude_none=True) if task.budget else {}
        return self.budget.model_copy(update=changes)

    def agent_of(self, task: Task) -> tuple[str, AgentProfile]:
        """Name and profile of the agent a task uses; built-in names need no entry."""
        name = task.agent or self.agent
        return name, self.agents.get(name) or AgentProfile(type=name)
