"""The plan as data: frozen models that refuse what they do not know.

Only shapes live here: the kinds of single values are in ``scalars``, what spans values (references,
cycles) is in ``references``, and reading a file with line numbers in ``load``; fields whose behaviour
comes later are refused by ``later``. The field descriptions are read by people: they become the
published schema.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from orchestrator.plan.landing import Queue
from orchestrator.plan.scalars import (
    Attempts,
    Branch,
    Dollars,
    Duration,
    Glob,
    Host,
    Inside,
    Lent,
    Line,
    Name,
    Remote,
    Strict,
    Text,
    Tokens,
    Variable,
    Variables,
)
from orchestrator.plan.values import check_address, check_command, check_url, check_version
from orchestrator.states import MergeMode, Strategy


class Budget(Strict):
    """What a task may consume."""

    attempts: Attempts = Field(
        3, description="Sessions that may end without success before the task has failed."
    )
    wall: Duration = Field(2700.0, description="Longest time of one session, e.g. 45m.")
    idle: Duration = Field(300.0, description="Longest silence of one session, e.g. 5m.")
    tokens: Tokens | None = Field(None, description="Tokens of all sessions of a task, e.g. 400k.")
    cost: Dollars | None = Field(None, description="US dollars of all sessions of a task.")


class BudgetOverride(Strict):
    """The parts of the plan's budget that one task changes."""

    attempts: Attempts | None = Field(None, description="Instead of the plan's attempts.")
    wall: Duration | None = Field(None, description="Instead of the plan's wall time.")
    idle: Duration | None = Field(None, description="Instead of the plan's idle time.")
    tokens: Tokens | None = Field(None, description="Instead of the plan's tokens.")
    cost: Dollars | None = Field(None, description="Instead of the plan's cost.")


class Needs(Strict):
    """What a sandboxed job is lent of the user's own; without it there is none of that inside."""

    paths: tuple[Lent, ...] = Field(
        (), strict=False, description="Files and folders to read, e.g. ~/.npmrc."
    )
    env: tuple[Variable, ...] = Field(
        (), strict=False, description="Environment variables, by name."
    )
    network: tuple[Host, ...] = Field(
        (), strict=False, description="Hosts it may reach, e.g. pypi.org, *.npmjs.org, host:8443."
    )


class Worktree(Strict):
    """How a fresh worktree is made ready for a session or a verification."""

    copy_: tuple[Inside, ...] = Field(
        (), alias="copy", strict=False, description="Files copied from the main checkout."
    )
    share: tuple[Inside, ...] = Field(
        (), strict=False, description="Ignored folders reflinked or copied from the main checkout."
    )
    setup: tuple[Text, ...] = Field(
        (), strict=False, description="Commands run in each fresh worktree."
    )
    env: Variables = Field(
        default_factory=dict, description="Environment of setup, sessions and checks."
    )
    needs: Needs = Field(
        default_factory=Needs,
        description="Lent to setup, sessions and checks; the network not to checks.",
    )


class Ready(Strict):
    """How a service tells that it is ready: by exactly one of http, tcp, command and log."""

    http: Annotated[Text, AfterValidator(check_url)] | None = Field(
        None, description="A URL that answers with neither 404 nor a status of 500 and more."
    )
    tcp: Annotated[Text, AfterValidator(check_address)] | None = Field(
        None, description="A port, or host:port, that accepts a connection."
    )
    command: Text | None = Field(None, description="A shell command line that exits with 0.")
    log: Text | None = Field(None, description="Text that appears in its output.")
    within: Duration = Field(20.0, description="Longest time until it is ready, e.g. 20s.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        ways = [name for name in READY_WAYS if getattr(self, name) is not None]
        if len(ways) != 1:
            told = f"tells {' and '.join(ways)}" if ways else "tells no way"
            raise ValueError(f"{told}; write exactly one of {', '.join(READY_WAYS)}")
        return self


READY_WAYS = ("http", "tcp", "command", "log")


class Service(Strict):
    """A program that runs beside checks."""

    run: Text = Field(
        description="Shell command line that stays in the foreground; {port.NAME} is a port of this"
        " verification alone, {state} a fresh folder of this service's own."
    )
    ready: Ready | None = Field(
        None, description="When it counts as started; without it, when it has not ended at once."
    )
    needs: tuple[Name, ...] = Field(
        (), strict=False, description="Services that must be ready before this one starts."
    )
    env: Variables = Field(
        default_factory=dict, description="Its further environment, with {port.NAME} and {state}."
    )


CheckKind = Literal["build", "lint", "types", "unit", "integration", "e2e"]


class Quarantine(Strict):
    """Tests that are known to be flaky: only these may fail without failing the check."""

    quarantine: tuple[Text, ...] = Field(
        strict=False, min_length=1, description="Test ids, as digests name them."
    )


def _flaky_form(value: object) -> str:
    return "(word)" if isinstance(value, str) else "(tests)"


FlakyPolicy = Annotated[
    Annotated[Quarantine, Tag("(tests)")] | Annotated[Literal["block", "allow"], Tag("(word)")],
    Discriminator(_flaky_form),
]
"""What a check that failed and then passed on the same tree is worth."""


class Check(Strict):
    """One verification command."""

    kind: CheckKind = Field("unit", description="What the check is about; plans should have e2e.")
    run: Annotated[Text, AfterValidator(check_command)] = Field(
        description="Shell command line; {report} is a fresh path for a report, {port.NAME} a port"
        " of one of its services."
    )
    report: Text | None = Field(
        None,
        description="Format of its report, e.g. junit: read from the file at {report}, or from the"
        " output of a command that does not name {report}.",
    )
    allow_no_tests: bool = Field(
        False, description="Whether it may pass though its report tells of no test that ran."
    )
    needs: tuple[Name, ...] = Field(
        (), strict=False, description="Checks that must pass before this one starts."
    )
    timeout: Duration = Field(600.0, description="Longest run, e.g. 5m.")
    inputs: tuple[Glob, ...] = Field(
        (),
        strict=False,
        description="Globs of all the paths it reads, with setup and services; none means all.",
    )
    services: tuple[Name, ...] = Field(
        (), strict=False, description="Services that run beside this check; see services."
    )
    env: Variables = Field(
        default_factory=dict,
        description="Its further environment; {port.NAME} is a port of one of its services.",
    )
    rerun: Annotated[int, Field(ge=0, le=10)] = Field(
        0, description="How often a failure is tried again on the same tree, to find flaky ones."
    )
    flaky: FlakyPolicy = Field(
        "block",
        description="Whether one that failed and then passed may land: block, allow, or "
        "{quarantine: [test ids]}, which alone may be flaky or fail.",
    )
    weight: Annotated[int, Field(ge=1, le=1024)] = Field(
        1, description="Cores it uses; it takes as many verify slots, at most all."
    )
    exclusive: tuple[Name, ...] = Field(
        (), strict=False, description="Named resources that one check at a time may hold."
    )


class TestsFirst(Strict):
    """Tests that are seen red before the work that makes them green, and locked from then on."""

    __test__ = False

    paths: tuple[Glob, ...] = Field(
        strict=False,
        min_length=1,
        description="Globs of the tests: all the tests' session may change, and locked afterwards.",
    )
    check: Name = Field(description="The check in which they are seen red; one of done_when.")
    given: bool = Field(
        False, description="The tests are on the target already; no session writes them."
    )
    approve: bool = Field(
        False, description="A person must approve the tests before the work begins."
    )
    allow_missing: bool = Field(
        False,
        description="Red also counts where a test cannot import what the work is to bring.",
    )

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        if self.given and self.approve:
            raise ValueError("given tests are the architect's own; remove approve")
        return self


def _tests_first_form(value: object) -> str:
    return "(word)" if isinstance(value, str) else "(tests)"


class Task(Strict):
    """One human-defined subtask."""

    id: Name = Field(description="Names its branch, worktree and logs; unique in the plan.")
    title: Line = Field(description="What the task brings, in one line.")
    brief: Text = Field(description="What the agent is told to do.")
    touches: tuple[Glob, ...] = Field(
        (), strict=False, description="Globs of the paths it may change; none means any."
    )
    after: tuple[Name, ...] = Field(
        (),
        strict=False,
        description="Tasks that must be merged before this one starts; before it lands, with stack.",
    )
    done_when: tuple[Name, ...] = Field(
        strict=False, min_length=1, description="Checks that must pass: the success criteria."
    )
    priority: int = Field(0, description="Higher goes first among tasks that are ready.")
    approve: bool = Field(False, description="A person must approve before it lands.")
    agent: Text | None = Field(None, description="Agent profile; the plan's by default.")
    budget: BudgetOverride | None = Field(
        None, description="What this task may consume, where it differs from the plan."
    )
    tests_first: (
        Annotated[
            Annotated[TestsFirst, Tag("(tests)")] | Annotated[Literal["given"], Tag("(word)")],
            Discriminator(_tests_first_form),
        ]
        | None
    ) = Field(
        None,
        description="Tests that a session of their own writes, seen red before the work; given: "
        "they are there, and are the protected paths.",
    )
    stack: bool = Field(
        False,
        description="Start from dependencies that are verified but not merged yet; it lands after"
        " them, and is verified anew when they change.",
    )
    variants: Annotated[int, Field(ge=1, le=16)] = Field(
        1, description="How many sessions compete for it."
    )
    agents: tuple[Text, ...] = Field(
        (), strict=False, description="Agent profiles that compete for it."
    )


class AgentProfile(Strict):
    """How to reach one agent.

    ``type`` is a built-in name (see ``orchestrator.agents``) or ``package.module:Class``. Which
    of the other fields an agent understands is its own affair; it refuses the rest.
    """

    type: Text = Field(description="A built-in agent, or package.module:Class.")
    model: Text | None = Field(None, description="Model name, where the agent takes one.")
    run: Text | None = Field(None, description="Command line of a 'command' agent.")
    prompt: Literal["file", "stdin"] = Field("file", description="How 'command' gets its prompt.")
    script: Text | None = Field(None, description="Script of a 'replay' agent, beside the plan.")
    args: tuple[str, ...] = Field((), strict=False, description="Further arguments.")
    mcp: bool = Field(
        False,
        description="Whether a 'claude' agent gets `clerk mcp` as tools, beside the commands.",
    )
    env: Variables = Field(default_factory=dict, description="Further environment.")
    needs: Needs = Field(default_factory=Needs, description="Lent to its sessions.")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        for kind, field in NEEDED_FIELD.items():
            if self.type == kind and getattr(self, field) is None:
                raise ValueError(f"an agent of type {kind!r} needs {field!r}; add it")
        return self


NEEDED_FIELD = {"command": "run", "replay": "script"}
"""Agent types that mean nothing without one field, so that they need a profile of their own."""


class Plan(Strict):
    """A whole plan."""

    clerk: Annotated[Literal[1], BeforeValidator(check_version)] = Field(
        description="Version of this format."
    )
    name: Name = Field(description="Names branches, worktrees and logs.")
    target: Branch = Field("main", description="The branch that receives merges.")
    merge: Annotated[MergeMode, Field(strict=False)] = Field(
        MergeMode.MANUAL,
        description="Whether proven tasks land by themselves (auto), when a person says so (manual), or"
        " are handed over as pull requests (pr).",
    )
    remote: Remote = Field(
        "origin", description="With merge: pr, the remote that task branches are pushed to."
    )
    strategy: Annotated[Strategy, Field(strict=False)] = Field(
        Strategy.MERGE,
        description="How a task's commits land: merge (a merge commit), squash (one commit) or"
        " rebase (each of them on the target; squash where that cannot be).",
    )
    queue: Queue = Field(default_factory=Queue, description="How what is proven lands.")
    backlog: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="So many proven tasks may wait to land before no further one is begun; by"
        " default only those that land by themselves count, and twice 'parallel' may wait.",
    )
    parallel: Annotated[int, Field(ge=1, le=64)] = Field(4, description="Sessions at once.")
    agent: Text = Field("claude", description="Agent profile of tasks that name none.")
    agents: dict[Name, AgentProfile] = Field(
        default_factory=dict, description="Agent profiles by name; built-in names need no entry."
    )
    budget: Budget = Field(default_factory=Budget, description="What each task may consume.")
    worktree: Worktree = Field(
        default_factory=Worktree, description="How a fresh worktree is made ready."
    )
    services: dict[Name, Service] = Field(
        default_factory=dict, description="Programs that run beside checks, by name."
    )
    checks: dict[Name, Check] = Field(min_length=1, description="Verification commands by name.")
    fail_fast: bool = Field(
        True, description="Whether the first failure of a branch ends its other checks."
    )
    protect: tuple[Glob, ...] = Field(
        (), strict=False, description="Globs of paths that no session may change."
    )
    tasks: tuple[Task, ...] = Field(
        strict=False, min_length=1, description="The work, in the order it is told."
    )

    @cached_property
    def tasks_by_id(self) -> dict[str, Task]:
        return {task.id: task for task in self.tasks}

    def task(self, task_id: str) -> Task:
        """The task of that id; raises KeyError."""
        return self.tasks_by_id[task_id]

    def budget_of(self, task: Task) -> Budget:
        """The plan's budget with the task's own changes laid over it."""
        changes = task.budget.model_dump(exclude_none=True) if task.budget else {}
        return self.budget.model_copy(update=changes)

    def agent_of(self, task: Task) -> tuple[str, AgentProfile]:
        """Name and profile of the agent a task uses; built-in names need no entry."""
        name = task.agent or self.agent
        return name, self.agents.get(name) or AgentProfile(type=name)
