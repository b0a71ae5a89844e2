"""A watch on the repository while something runs in it without a sandbox.

What a job moved is told; what it tampered with stops its task, and every landing, until a person
has put it back or sent the task on (``clerk retry``), which takes it as it is. A sandboxed job
cannot reach the repository, and is not watched.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import anyio

from orchestrator import sandboxes
from orchestrator.events import EventKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from orchestrator.git.tripwire import Changes
    from orchestrator.site import Site


_NUMBERS = count(1)


@dataclass(slots=True)
class Watch:
    """What came of it: why the task needs a person, once the job is over; "" when it does not."""

    tampered: str = ""


@asynccontextmanager
async def watched(site: Site, plan: str, task: str, what: str) -> AsyncIterator[Watch]:
    """Watch the repository while ``what`` of a task (none: of the plan) runs."""
    watch = Watch()
    if sandboxes.load(site.records.book.record(plan).sandbox).confines:
        yield watch
        return
    tripwire, job = site.git.tripwire, f"{what} of {task or plan}"
    key = f"{plan}/{job} {next(_NUMBERS)}"  # a candidate's successor begins before it has ended
    await tripwire.begin(key)
    try:
        yield watch
    finally:
        with anyio.CancelScope(shield=True):  # who is cancelled may have done harm before
            changes = await tripwire.end(key, of=case_of(plan, task))
        for sentence in (*changes.tampered, *changes.moved):
            message = f"while {job} ran, {sentence}"
            site.ledger.tell(EventKind.WARNING, message, plan=plan, task=task)
        watch.tampered = _reason(job, task, changes)


async def tampering(site: Site) -> str:
    """Why nothing may land now; empty when the repository is as jobs found it."""
    told = await site.git.tripwire.standing()
    return f"the repository was tampered with: {'; '.join(told)}" if told else ""


def case_of(plan: str, task: str) -> str:
    """The name under which tampering is held against a task."""
    return f"{plan}/{task}"


def _reason(job: str, task: str, changes: Changes) -> str:
    if not changes.tampered:
        return ""
    accepting = f"; or accept it: clerk retry {task}" if task else ""
    return f"while {job} ran, {'; '.join(changes.tampered)}{accepting}"
