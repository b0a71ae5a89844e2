"""The words an agent gets: the whole task the first time, only what is new afterwards.

Pure text, bounded in tokens. What is cut is marked; the criteria, the scope and the limits are
never cut, since an agent that does not see them cannot keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.plan.graph import check_closure
from orchestrator.plan.values import show_duration
from orchestrator.tokens import clip_to_tokens, estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.plan.model import Budget, Check, Plan, Task
    from orchestrator.tests_first.rules import Asked

CUT = "\n[… the brief is cut here; it was longer than a prompt may be …]\n"
GLOBS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a task stands when a session starts.

    ``attempt`` counts from 1; ``tokens_left`` and ``cost_left`` are None where there is no
    limit; ``changes`` lists what the branch already changes, one line each. ``tests`` is what the
    plan asks to be tested first, ``tests_head`` the commit with those tests once they are locked.
    ``has_door`` is whether the session can reach the engine, ``stands_on`` are tasks whose work is in
    the branch though it has not landed yet.
    """

    attempt: int
    attempts_left: int
    tokens_left: int | None = None
    cost_left: float | None = None
    changes: Sequence[str] = ()
    tests: Asked | None = None
    tests_head: str = ""
    has_door: bool = True
    stands_on: Sequence[str] = ()

    @property
    def writes_tests(self) -> bool:
        """Whether the session writes the tests, and nothing else."""
        return self.tests is not None and not self.tests.given and not self.tests_head


def first_prompt(plan: Plan, task: Task, standing: Standing, *, budget_tokens: int) -> str:
    """The whole task: brief, criteria, scope, how to check, limits, what happens next."""
    frame = "\n\n".join(_frame(plan, task, standing))
    room = max(0, budget_tokens - estimate_tokens(frame) - estimate_tokens(task.title) - 16)
    brief = clip_to_tokens(task.brief.strip(), room, mark=CUT)
    return _within(f"# {task.title}\n\n{brief}\n\n{frame}\n", budget_tokens)


def next_prompt(
    plan: Plan, task: Task, standing: Standing, feedback: str, *, budget_tokens: int
) -> str:
    """For a session that goes on: what is wrong, and what is left to mend it with."""
    tail = f"{_left(plan.budget_of(task), standing)} The task and its criteria are unchanged."
    room = max(0, budget_tokens - estimate_tokens(tail) - 8)
    return _within(f"{clip_to_tokens(feedback.strip(), room)}\n\n{tail}\n", budget_tokens)


def handover_prompt(
    plan: Plan, task: Task, standing: Standing, feedback: str, *, budget_tokens: int
) -> str:
    """For a fresh session at work begun by another: the task, the state of it, what is wrong."""
    state = "\n".join(_state(standing))
    wrong = clip_to_tokens(feedback.strip(), budget_tokens // 2)
    room = budget_tokens - estimate_tokens(state) - estimate_tokens(wrong) - 24
    whole = first_prompt(plan, task, standing, budget_tokens=max(0, room))
    parts = [whole.rstrip(), f"## Where it stands\n{state}"]
    if wrong:
        parts.append(f"## What is wrong\n{wrong}")
    return _within("\n\n".join(parts) + "\n", budget_tokens)


def _frame(plan: Plan, task: Task, standing: Standing) -> Iterator[str]:
    """Everything beside the brief."""
    checks = "\n".join(_criterion(name, plan, task) for name in task.done_when)
    if standing.tests is not None and standing.writes_tests:
        yield _only_tests(plan, task, standing.tests)
        yield f"## Not now\nLater, when another session has done the work, these must pass:\n{checks}"
        yield _HOW_TO_TEST
        yield f"## Limits\n{_limits(plan.budget_of(task), standing)}"
        return
    yield f"## Done when\nAll of these pass, on a clean checkout of your branch:\n{checks}"
    if standing.tests is not None:
        yield _locked(standing.tests, standing.tests_head)
    yield f"## Scope\n{_scope(plan, task)}"
    yield (
        "## How to work\n"
        "- You are in a git worktree of your own, on your own branch. Work only here.\n"
        f"{_ground(standing)}{_CHECK_HERE if standing.has_door else _CHECK_YOURSELF}\n"
        "- Commit your work, or leave it uncommitted: it is committed for you.\n"
        "- Do not touch other branches, refs, hooks or the git configuration.\n"
        "- Nobody watches while you work: decide by yourself, and finish when it is done.\n"
        "- Your word is not taken for it: every check is run again after you finish."
    )
    yield f"## Limits\n{_limits(plan.budget_of(task), standing)}"


def _ground(standing: Standing) -> str:
    if not standing.stands_on:
        return ""
    names = ", ".join(standing.stands_on)
    return f"- The work of {names} is in your branch, checked but not landed yet. Build on it.\n"


def _only_tests(plan: Plan, task: Task, tests: Asked) -> str:
    """What a session is told that writes the tests."""
    name = tests.checks[0]
    never = f"\n- Never change: {_listed(plan.protect)}" if plan.protect else ""
    missing = (
        "- A test may import what is not there yet; it must be something this task is to bring."
        if tests.allow_missing
        else "- A test that cannot be imported or set up is no failing test: reach what is not there\n"
        "  yet in a way that runs, and assert on what it does."
    )
    return (
        "## Now: the tests only\n"
        "Write the tests of this task, and nothing else. Another session does the work after you,\n"
        "and what you write is all that holds it to the task: it cannot change your tests.\n"
        f"- Change only: {_listed(tests.paths)}{never}\n"
        f"- They are run by {_criterion(name, plan, task).removeprefix('- ')}\n"
        "- They must fail now because the work is not done, by an assertion that says so, and\n"
        "  pass once it is. Tests that pass already prove nothing, and are sent back.\n"
        f"{missing}\n"
        "- Do not do the work, not even in part."
    )


def _locked(tests: Asked, commit: str) -> str:
    """What a session is told that has to make them pass."""
    where = f" as they are in commit {commit[:12]}" if commit else ""
    return (
        "## Locked tests\n"
        f"The tests in {_listed(tests.paths)} were seen to fail, and are locked{where}.\n"
        "- Make them pass by doing the work. To change, remove, skip or add to them is refused,\n"
        "  and each of them must be seen to pass by name.\n"
        "- Leave alone what decides which tests run (conftest.py, the runner's configuration):\n"
        "  a person has to look at any change of it.\n"
        "- If one of them is wrong, ask, rather than work around it."
    )


_CHECK_HERE = (
    "- `clerk check` verifies your work as it stands, uncommitted files too, just as it will be when "
    "you finish, and tells in few lines what fails; `clerk check NAME` runs one check and what it "
    "needs. See it pass before you finish: what has passed is not run again.\n"
    "- `clerk note TEXT` tells the person something; `clerk ask TEXT` asks, and ends this session."
)
_CHECK_YOURSELF = "- Run the checks above yourself before you finish; what they need is installed."

_HOW_TO_TEST = (
    "## How to work\n"
    "- You are in a git worktree of your own, on your own branch. Work only here.\n"
    "- Run the check above yourself before you finish, and see it fail for the right reason.\n"
    "- Commit your work, or leave it uncommitted: it is committed for you.\n"
    "- Do not touch other branches, refs, hooks or the git configuration.\n"
    "- Nobody watches while you work: decide by yourself, and finish when it is done."
)


def _criterion(name: str, plan: Plan, task: Task) -> str:
    check = plan.checks[name]
    limit = show_duration(check.timeout)
    lines = [f"- {name} ({check.kind}, at most {limit}): {_command(name, check, task)}"]
    lines += [
        f"  - it needs {other} first: {_command(other, plan.checks[other], task)}"
        for other in check_closure(plan.checks, [name])[:-1]
        if other not in task.done_when
    ]
    return "\n".join(lines)


def _command(name: str, check: Check, task: Task) -> str:
    """A command as the agent can run it: its report goes where no other session writes."""
    report = f"/tmp/clerk-{task.id}-{name}.xml"  # noqa: S108 - shown, never opened
    command = check.run.replace("{report}", report).strip()
    if "\n" not in command:
        return f"`{command}`"
    return "\n" + "\n".join(f"      {line}" for line in command.split("\n"))


def _scope(plan: Plan, task: Task) -> str:
    lines = []
    if task.touches:
        lines.append(f"- Change only: {_listed(task.touches)}")
    if plan.protect:
        lines.append(f"- Never change: {_listed(plan.protect)}")
    return "\n".join(lines) or "- No limits; change what the task needs and nothing else."


def _listed(globs: Sequence[str]) -> str:
    shown = ", ".join(f"`{glob}`" for glob in globs[:GLOBS_SHOWN])
    more = len(globs) - GLOBS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _limits(budget: Budget, standing: Standing) -> str:
    return (
        f"- {show_duration(budget.wall)} for this session; {show_duration(budget.idle)} of "
        f"silence end it.\n- {_left(budget, standing)}"
    )


def _left(budget: Budget, standing: Standing) -> str:
    """What may still be used, in a sentence or two."""
    told = [f"This is attempt {standing.attempt}; {_count(standing.attempts_left - 1)} after it."]
    told.append(f"You have {show_duration(budget.wall)}.")
    if standing.tokens_left is not None:
        told.append(f"{standing.tokens_left:,} tokens are left.")
    if standing.cost_left is not None:
        told.append(f"${standing.cost_left:.2f} is left.")
    return " ".join(told)


def _count(left: int) -> str:
    if left <= 0:
        return "there is none"
    return "there is one more" if left == 1 else f"there are {left} more"


def _state(standing: Standing) -> Iterator[str]:
    yield "Another session has worked on this before you, in this worktree."
    if standing.changes:
        yield "The branch already changes:"
        yield from (f"  {line}" for line in standing.changes[:40])
        if len(standing.changes) > 40:
            yield f"  and {len(standing.changes) - 40} files more"
    else:
        yield "The branch changes nothing yet."


def _within(text: str, budget_tokens: int) -> str:
    """The last resort, where the budget does not hold even what must be said."""
    return clip_to_tokens(text, budget_tokens, mark=CUT)
