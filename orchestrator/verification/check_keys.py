"""What the verdict of each check may depend on, as the key it is kept under.

Whatever can change a verdict stands in its key: a key that leaves something out would let an old
verdict speak for what it never saw. So a field of a check counts unless it is known not to
decide, also one that is added later. Nothing here reads or writes the cache.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from orchestrator.verification.cache import cache_key
from orchestrator.verification.surroundings import Surroundings, surroundings
from orchestrator.verification.tools import machine_mark, tool_marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.git.rendering import Rendering
    from orchestrator.plan.model import Check, Plan
    from orchestrator.verification.check_inputs import CheckInputs
    from orchestrator.verification.run import VerificationRequest

_UNDECISIVE = frozenset({"timeout", "weight", "exclusive"})
"""When and beside what a check runs: a time-out is never kept."""

_TOLD_OTHERWISE = frozenset({"inputs", "needs", "services"})
"""Which count by what they stand for, not by their names."""

_OF_THIS_RUN = frozenset({"TMPDIR"})


@dataclass(frozen=True, slots=True)
class Ingredients:
    """All that counts for one check.

    ``content`` stands for the files: the oid of the tree, or a digest of the inputs; ``rendering``
    for how they come out; ``needs`` are the keys of the checks this one needs.
    """

    content: str
    rendering: str
    check: Mapping[str, Any]
    services: Mapping[str, Any]
    env: Mapping[str, str]
    setup: Sequence[str]
    network: Sequence[str]
    copied: Mapping[str, str]
    shared: Sequence[str]
    lent: Sequence[str]
    tools: Mapping[str, str]
    machine: Sequence[str]
    needs: Sequence[str]

    @property
    def key(self) -> str:
        return cache_key(asdict(self))


class CheckKeys:
    """Makes the keys for the checks of one repository."""

    def __init__(self, inputs: CheckInputs, rendering: Rendering) -> None:
        self._inputs = inputs
        self._rendering = rendering

    async def of(
        self, request: VerificationRequest, order: tuple[str, ...], env: Mapping[str, str]
    ) -> dict[str, str]:
        """The key of each check in ``order`` (needs first); ``env`` is what checks are given."""
        plan, keys = request.plan, dict[str, str]()
        rendering = await self._rendering.mark()
        look = partial(_look_around, request, order, env)
        around, tools = await anyio.to_thread.run_sync(look)
        for name in order:
            check = plan.checks[name]
            keys[name] = Ingredients(
                content=await self._content(request.tree, check),
                rendering=rendering,
                check=decisive(name, check),
                services=services_of(plan, check),
                env=_told(request, env),
                setup=plan.worktree.setup,
                network=sorted(plan.worktree.needs.network),
                copied=around.copied,
                shared=sorted(around.shared),
                lent=sorted(around.lent),
                tools=tools[name],
                machine=machine_mark(),
                needs=sorted(keys[need] for need in check.needs),
            ).key
        return keys

    async def _content(self, tree: str, check: Check) -> str:
        if not check.inputs:
            return tree
        return f"inputs {await self._inputs.digest(tree, check.inputs)}"


def decisive(name: str, check: Check) -> dict[str, Any]:
    """What of the plan's words about a check may change its verdict; its command knows its name."""
    fields = check.model_dump(mode="json", exclude=set(_UNDECISIVE | _TOLD_OTHERWISE))
    return {"name": name, **fields}


def services_of(plan: Plan, check: Check) -> dict[str, Any]:
    """The plan's words about the services that run beside a check, and those they need."""
    wanted, found = list(check.services), dict[str, Any]()
    while wanted:
        name = wanted.pop()
        if name not in found and name in plan.services:
            found[name] = plan.services[name].model_dump(mode="json")
            wanted += plan.services[name].needs
    return found


def _look_around(
    request: VerificationRequest, order: tuple[str, ...], env: Mapping[str, str]
) -> tuple[Surroundings, dict[str, dict[str, str]]]:
    """What lies outside the tree now, and the tools of each check."""
    plan = request.plan
    home = Path(env.get("HOME") or "/nonexistent")
    around = surroundings(plan.worktree, request.main_checkout, home)
    path = env.get("PATH", "")
    return around, {name: tool_marks(_lines(plan, plan.checks[name]), path) for name in order}


def _lines(plan: Plan, check: Check) -> list[str]:
    """The command lines by which a check comes to its verdict."""
    services = services_of(plan, check)
    return [*plan.worktree.setup, *(plan.services[name].run for name in services), check.run]


def _told(request: VerificationRequest, env: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in env.items() if name not in _OF_THIS_RUN}
    return {**kept, "CLERK_SANDBOX": request.sandbox.name}
