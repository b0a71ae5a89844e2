"""Plays scenes side by side, judges every case, and leaves nothing behind."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import ClerkError, UsageError
from orchestrator.sandboxes.choice import choose
from orchestrator.scratch import scratch_folder
from orchestrator.selftest import process_table
from orchestrator.selftest.case import Case, Finding, Standing
from orchestrator.selftest.scene import CASES, SCENES, Scene
from orchestrator.selftest.stage import Stage
from orchestrator.supervision import orphans

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from orchestrator.selftest.traces import Traces

Tell = Callable[[Finding], None]

AT_ONCE = 3
"""Scenes played at the same time; most of each is waiting."""

NO_SANDBOX = "--sandbox none confines nothing"


async def self_test(
    *, sandbox: str, only: Collection[str] = (), tell: Tell, scenes: tuple[Scene, ...] = SCENES
) -> list[Finding]:
    """Try every case, or those so named; each is told as soon as it is judged.

    What only a sandbox can hold is not tried without one, unless it was asked for by name.
    Raises UsageError for a name that is none, CannotRun when no sandbox holds here.
    """
    wanted = _wanted(only)
    using = await choose(sandbox)
    findings: list[Finding] = []

    def found(finding: Finding) -> None:
        findings.append(finding)
        tell(finding)

    excused = [case for case in CASES if case.name in wanted and not _is_tried(case, using, only)]
    for case in excused:
        found(Finding(case, Standing.NOT_TRIED, NO_SANDBOX, excused=True))
    left = wanted - {case.name for case in excused}
    with _household():
        async with scratch_folder() as folder, anyio.create_task_group() as group:
            folder.chmod(0o711)  # confined jobs of root's have users of their own
            slots = anyio.CapacityLimiter(AT_ONCE)
            for scene in (scene.only(left) for scene in scenes):
                if scene.cases:
                    group.start_soon(_play, scene, folder / scene.name, using, slots, found)
    order = [case.name for case in CASES]
    return sorted(findings, key=lambda finding: order.index(finding.case.name))


def _wanted(only: Collection[str]) -> frozenset[str]:
    known = {case.name for case in CASES}
    for name in only:
        if name not in known:
            raise UsageError(f"there is no case {name!r}; there are {', '.join(sorted(known))}")
    return frozenset(only or known)


def _is_tried(case: Case, sandbox: str, only: Collection[str]) -> bool:
    return not case.confined or sandbox != "none" or case.name in only


async def _play(
    scene: Scene,
    folder: Path,
    sandbox: str,
    slots: anyio.CapacityLimiter,
    found: Callable[[Finding], None],
) -> None:
    async with slots:
        folder.mkdir()
        try:
            traces = await Stage(scene, folder, sandbox).play()
        except (ClerkError, OSError, TimeoutError, ValueError) as error:
            for case in scene.cases:
                found(Finding(case, Standing.NOT_TRIED, str(error)))
            return
    for case in scene.cases:
        found(judged(case, traces))


def judged(case: Case, traces: Traces) -> Finding:
    """What a case came to, by the traces of its scene."""
    if missing := [task for task in case.acts if task not in traces.tasks]:
        return Finding(case, Standing.NOT_TRIED, f"its task {missing[0]} was never taken in")
    if idle := [task for task in case.acts if not traces.acted(task)]:
        why = traces.why(idle[0])
        return Finding(case, Standing.NOT_TRIED, f"the agent of {idle[0]} never ran: {why}")
    if not process_table.is_readable():
        return Finding(case, Standing.NOT_TRIED, "this system shows no processes in /proc")
    judgement = case.judge(traces)
    standing = Standing.CAUGHT if judgement.caught else Standing.NOT_CAUGHT
    return Finding(case, standing, judgement.told)


@contextmanager
def _household() -> Iterator[None]:
    """Whatever ends this process, its engines end with it."""
    cookie = f"selftest{secrets.token_hex(4)}.{os.getpid()}"
    orphans.adopt_orphans(cookie)
    watchman = orphans.Watchman(cookie)
    try:
        yield
    finally:
        orphans.disown_orphans()
        watchman.dismiss()
