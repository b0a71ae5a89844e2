"""Which cases share a repository and a plan, and the course their run takes.

Cases that would disturb each other have scenes of their own; all others share one, since starting
an engine is most of what a case costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.crash_points import ORDER
from orchestrator.selftest.escapes import ESCAPES
from orchestrator.selftest.excess import EXCESS, LOG_BYTES, MEMORY_BYTES
from orchestrator.selftest.landings import KILLED, MEANWHILE, PERSONS_COMMIT, TOGETHER
from orchestrator.selftest.lies import LIES
from orchestrator.selftest.tests_first import TESTS_FIRST

if TYPE_CHECKING:
    from orchestrator.selftest.case import Case
    from orchestrator.selftest.stage import Stage

Course = Callable[["Stage"], Awaitable[None]]


@dataclass(frozen=True)
class Scene:
    """``settings`` are the engine's, as environment variables."""

    name: str
    cases: tuple[Case, ...]
    course: Course
    settings: Mapping[str, str] = field(default_factory=dict)

    def only(self, names: frozenset[str]) -> Scene:
        """The same with the cases so named."""
        return replace(self, cases=tuple(case for case in self.cases if case.name in names))


async def _straight(stage: Stage) -> None:
    await stage.run()


async def _shown(stage: Stage) -> None:
    """As people look at it afterwards."""
    await stage.run()
    if "terminal" in stage.marks:
        await stage.show("log", "terminal")
        await stage.show("status", "terminal")


async def _meanwhile(stage: Stage) -> None:
    """The target moves before the task may land, and once more while that is being verified."""
    await stage.run(merge="manual")
    await stage.commit("work/before.txt", "before")

    async def strike(event: Mapping[str, Any]) -> None:
        is_landing = event["kind"] == "task_changed" and event["data"].get("to") == "merging"
        if is_landing and PERSONS_COMMIT not in stage.notes:
            stage.notes[PERSONS_COMMIT] = PERSONS_COMMIT
            await stage.commit("work/clash.txt", PERSONS_COMMIT)

    await stage.run(react=strike)


async def _killed(stage: Stage) -> None:
    ended = await stage.run(env={ORDER: "kill landing.after-cas:2"})
    if ended.signal is not None:
        stage.notes["killed"] = f"by signal {ended.signal}"
    await stage.run()


SCENES: tuple[Scene, ...] = (
    Scene(
        "excess",
        EXCESS,
        _straight,
        {
            "CLERK_LOG_BYTES": str(LOG_BYTES),
            "CLERK_MEMORY_BYTES": str(MEMORY_BYTES),
            "CLERK_GRACE_SECONDS": "0.5",
        },
    ),
    Scene("lies", LIES, _shown),
    Scene("tests-first", TESTS_FIRST, _straight),
    Scene("meanwhile", MEANWHILE, _meanwhile),
    Scene("killed", KILLED, _killed),
    Scene("escapes", ESCAPES, _straight),
    Scene("together", TOGETHER, _straight),
)
"""The longest first."""

CASES: tuple[Case, ...] = tuple(case for scene in SCENES for case in scene.cases)
