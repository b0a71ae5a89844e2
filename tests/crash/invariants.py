"""What must hold of a repository after any crash, once its plan was run again to its end.

Read from git, from the stored state and from /proc; never from what the engine says of itself.
Every function raises AssertionError with what it found.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator.audit import Standing
from orchestrator.cli.proofs import Audited, audited
from orchestrator.events import EventKind
from orchestrator.git.notes import DRAFT
from orchestrator.records import AttemptRecord, PlanRecord, TaskRecord, VerificationRecord
from orchestrator.site import CANDIDATE, Records
from orchestrator.states import RESTORATIONS, TRANSITIONS, TaskState, Verdict

if TYPE_CHECKING:
    from e2e.conftest import Yard

    from orchestrator.events import Event


@dataclass(frozen=True)
class Stored:
    """Everything the database holds, but the number of the engine that holds it."""

    plans: tuple[PlanRecord, ...]
    tasks: tuple[TaskRecord, ...]
    attempts: tuple[AttemptRecord, ...]
    verifications: tuple[VerificationRecord, ...]
    events: tuple[Event, ...]

    @classmethod
    def of(cls, yard: Yard) -> Stored:
        with Records.open_readonly(yard.state.parent) as records:
            return cls.read(records)

    @classmethod
    def read(cls, records: Records) -> Stored:
        store = records.store
        plans = store.plans()
        tasks = tuple(task for plan in plans for task in store.tasks(plan.name))
        keys = [(task.plan, task.id) for task in tasks]
        keys += [(plan.name, "") for plan in plans]
        return cls(
            plans,
            tasks,
            tuple(one for key in keys for one in store.attempts(*key)),
            tuple(one for key in keys for one in store.verifications(*key)),
            _all_events(records),
        )


def _all_events(records: Records) -> tuple[Event, ...]:
    found: list[Event] = []
    while more := records.store.events(found[-1].seq if found else 0):
        found += more
    return tuple(found)


def assert_whole(yard: Yard, *, users: set[str], heads: set[str] = frozenset()) -> Stored:
    """All that must hold. ``users`` are the user's own commits on the target's first-parent line,
    ``heads`` commits of agents that were seen on branches at some time."""
    stored = Stored.of(yard)
    assert_target_grew_by_proven_merges(yard, stored, users)
    assert_what_landed_is_told_by_git_alone(yard, users)
    assert_heads_are_kept(yard, stored, heads)
    assert_moves_are_legal(stored)
    assert_nothing_is_left(yard, stored)
    assert_no_process(yard)
    assert_stores_are_sound(yard)
    return stored


def assert_target_grew_by_proven_merges(yard: Yard, stored: Stored, users: set[str]) -> None:
    """Merged is on the target, each once; each commit of ours was green as exactly that tree."""
    line = yard.first_parents()
    ours = [commit for commit in line if commit not in users]
    merged = {t.merged_commit: t for t in stored.tasks if t.state is TaskState.MERGED}
    for task in stored.tasks:
        if task.state is TaskState.MERGED:
            assert is_ancestor(yard, task.merged_commit, "main"), f"{task.id} is not on the target"
            assert is_ancestor(yard, task.verified_head, "main"), f"{task.id} lost its head"
    told = [yard.git("log", "-1", "--format=%(trailers:key=Clerk-Task,valueonly)", c) for c in ours]
    assert max(Counter(told).values(), default=0) <= 1, f"landed twice: {told}"
    assert set(ours) <= set(merged), "a commit of ours that no task is on record for"
    for commit in ours:
        tree = yard.git("rev-parse", f"{commit}^{{tree}}")
        green = [
            v
            for v in stored.verifications
            if (v.purpose, v.commit, v.tree, v.verdict) == (CANDIDATE, commit, tree, Verdict.PASSED)
        ]
        assert green, f"{commit} of {merged[commit].id} was never verified"
        assert passes(yard, commit), f"{commit} fails its check"


def assert_what_landed_is_told_by_git_alone(yard: Yard, users: set[str]) -> None:
    """Each commit of ours has the evidence that proves it, and no draft of notes is left."""
    found: list[Audited] = []

    async def look() -> None:
        found.append(await audited(str(yard.path), "main"))

    anyio.run(look)
    ours = [one for one in found[0].findings if one.station.oid not in users]
    assert all(one.standing is Standing.PROVEN for one in ours), ours
    assert not yard.git("for-each-ref", DRAFT), "a draft of notes"


def assert_heads_are_kept(yard: Yard, stored: Stored, heads: set[str]) -> None:
    """Whatever a session left is reachable from a keep ref or the target, branch or no branch."""
    known = {one.head for one in (*stored.attempts, *stored.tasks) if one.head} | heads
    keepers = yard.git(
        "for-each-ref", "--format=%(objectname)", "refs/clerk/keep", "refs/heads/main"
    )
    reachable = set(yard.git("rev-list", *keepers.split()).split())
    assert known <= reachable, f"not kept: {known - reachable}"


def assert_moves_are_legal(stored: Stored) -> None:
    """Each move follows its table, starts where the last one ended, and ends at what is stored."""
    at: dict[tuple[str, str], str] = {}
    for event in stored.events:
        if event.kind is EventKind.TASK_CHANGED:
            key, data = (event.plan, event.task), event.data
            assert data["from"] == at.get(key, TaskState.PENDING), f"a gap before {event}"
            table = RESTORATIONS if data.get("restored") else TRANSITIONS
            assert data["to"] in table[TaskState(data["from"])], f"illegal: {event}"
            at[key] = data["to"]
    for task in stored.tasks:
        assert at.get((task.plan, task.id), TaskState.PENDING) == task.state
    told = Counter(event.task for event in stored.events if event.kind is EventKind.TASK_MERGED)
    assert max(told.values(), default=0) <= 1, f"told to have landed twice: {told}"


def assert_nothing_is_left(yard: Yard, stored: Stored) -> None:
    """No worktree, candidate, lock, half-written file or temporary folder without a live task."""
    git = yard.state.parent
    live = {task.id for task in stored.tasks if task.state is not TaskState.MERGED}
    home = yard.path.with_name(f"{yard.path.name}.worktrees")
    found = {p.relative_to(home).as_posix() for p in home.glob("*/*") if p.name != ".trash"}
    extra = {name for name in found if not name.startswith(".verify/")}
    assert extra <= {f"p/{task}" for task in live}, f"worktrees: {extra}"
    assert not list((home / ".trash").glob("*")), "half-deleted worktrees"
    candidates = yard.git("for-each-ref", "--format=%(refname)", "refs/clerk/candidate").split()
    assert {ref.rpartition("/")[2] for ref in candidates} <= live, candidates
    assert not list(git.rglob("*.lock")), "locks"
    assert not list(yard.state.rglob("*.new")), "half-written files"
    mark = identity(yard)
    temporary = [p for p in Path(tempfile.gettempdir()).glob("clerk-*") if mark in p.name]
    assert not temporary, f"temporary folders: {temporary}"


def assert_no_process(yard: Yard) -> None:
    """Nothing with the cookie of an engine of this repository lives."""
    assert not marked(yard)


def assert_stores_are_sound(yard: Yard) -> None:
    yard.git("fsck", "--strict", "--no-dangling")
    with sqlite3.connect(yard.state / "clerk.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def marked(yard: Yard) -> list[int]:
    """The processes that carry the cookie of an engine of this repository."""
    mark = f"CLERK_COOKIE={identity(yard)}.".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark in environ:
                found.append(int(entry.name))
    return found


def identity(yard: Yard) -> str:
    return hashlib.sha256(os.fsencode(yard.state.parent)).hexdigest()[:12]


def is_ancestor(yard: Yard, commit: str, of: str) -> bool:
    argv = ["git", "-C", str(yard.path), "merge-base", "--is-ancestor", commit, of]
    return subprocess.run(argv, check=False, capture_output=True).returncode == 0


def passes(yard: Yard, commit: str) -> bool:
    """Whether the check passes on a commit's files, by hand and outside any worktree."""
    argv = ["git", "-C", str(yard.path), "archive", commit]
    files = subprocess.run(argv, check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory(prefix="by-hand-") as folder:
        subprocess.run(["tar", "-x"], cwd=folder, input=files, check=True)
        done = subprocess.run(["sh", "check.sh"], cwd=folder, check=False, capture_output=True)
    return done.returncode == 0
