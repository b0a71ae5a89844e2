"""The tables, as SQLModel classes: one line a column, nothing else.

A column is named after its field in ``orchestrator.records``; ``usage`` is laid flat with a
prefix. ``converters`` derives everything else, so a new field of a record needs one line here
and a migration (``schema``). Enums are text: SQLModel would store the names of their members
and validates nothing. No value leaves this package as a row.

``revision`` counts the writes of a row; a write that finds another one has lost a race.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Integer
from sqlmodel import Field, SQLModel

COUNTER = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit integer everywhere; SQLite numbers rows only in a column called plain INTEGER."""


class UsageColumns(SQLModel):
    usage_input_tokens: int = Field(sa_type=BigInteger)
    usage_output_tokens: int = Field(sa_type=BigInteger)
    usage_cost_usd: float
    usage_context_share: float | None


class MetaRow(SQLModel, table=True):
    """Numbers about the database itself; the keys are in ``schema``."""

    __tablename__ = "meta"

    key: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


class PlanRow(SQLModel, table=True):
    __tablename__ = "plan"

    name: str = Field(primary_key=True)
    source: str
    source_hash: str
    path: str
    folder: str
    target: str
    merge: str
    sandbox: str
    update_checkout: bool
    paused: bool
    started_at: float
    settled_at: float
    position: int
    rebuilt_at: float
    landing_paused: bool
    revision: int


class TaskRow(UsageColumns, table=True):
    __tablename__ = "task"

    plan: str = Field(primary_key=True, foreign_key="plan.name")
    id: str = Field(primary_key=True)
    state: str
    reason: str
    position: int
    branch: str
    base: str
    head: str
    verified_head: str
    verified_at: float
    sessions: int
    attempts_used: int
    attempts_extra: int
    sent_back: int
    verify_errors: int
    granted_tokens: int = Field(sa_type=BigInteger)
    granted_cost: float
    session_id: str
    retry_at: float
    feedback: str
    note: str
    sync_target: bool
    paused: bool
    approved_head: str
    tests_head: str
    tests_red_at: float
    tests_approved: str
    settled_by: str
    merge_requested: bool
    held: str
    intent: str
    intent_base: str
    merged_commit: str
    queued_at: float
    ordered_at: float
    rank: int
    withdrawn: bool
    revert_requested: bool
    revert_intent: str
    reverted_commit: str
    stacked_on: str
    pull_request: str
    changed_at: float
    revision: int


class AttemptRow(UsageColumns, table=True):
    __tablename__ = "attempt"
    __table_args__: Any = (ForeignKeyConstraint(["plan", "task"], ["task.plan", "task.id"]),)

    plan: str = Field(primary_key=True)
    task: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    agent: str
    sandbox: str
    counted: bool
    outcome: str | None
    reason: str
    message: str
    exit_code: int | None
    session_id: str
    head: str
    log: str
    prompt: str
    started_at: float
    ended_at: float
    setup_seconds: float
    revision: int


class VerificationRow(SQLModel, table=True):
    """``task`` may be empty (a baseline), so only ``plan`` is held by a foreign key."""

    __tablename__ = "verification"
    __table_args__: Any = (Index("verification_newest", "plan", "task", "purpose", "id"),)

    id: int = Field(primary_key=True, sa_type=COUNTER)
    plan: str = Field(foreign_key="plan.name")
    task: str
    attempt: int
    purpose: str
    commit: str
    tree: str
    verdict: str
    digest: str
    results: str
    started_at: float
    ended_at: float


class CheckRunRow(SQLModel, table=True):
    """Outlives its plan: what a check costs and how it flakes is known of the repository."""

    __tablename__ = "check_run"
    __table_args__: Any = (Index("check_run_newest", "check_name", "command", "id"),)

    id: int = Field(primary_key=True, sa_type=COUNTER)
    plan: str
    task: str
    purpose: str
    check_name: str
    command: str
    tree: str
    verdict: str
    seconds: float
    cached: bool
    runs: int
    flaky: str
    overloaded: bool
    at: float


class EventRow(SQLModel, table=True):
    """``seq`` is never given twice: clients ask for what came after the last one they saw."""

    __tablename__ = "event"
    __table_args__: Any = (
        Index("event_subject", "plan", "task", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: int = Field(primary_key=True, sa_type=COUNTER)
    kind: str
    plan: str
    task: str
    attempt: int
    message: str
    data: str
    at: float
