"""The history of checks: the newest runs by check and command, and no more of them than is of use."""

from __future__ import annotations

import pytest

from orchestrator.records import CheckRunRecord, VerificationRecord
from orchestrator.results import CheckResult, Verification
from orchestrator.states import Verdict
from orchestrator.store import Store, transaction
from orchestrator.verification.check_history import command_hash
from orchestrator.verification_records import results_text, runs_of


def run(name: str, at: float, command: str = "c") -> CheckRunRecord:
    return CheckRunRecord(
        "shop", "cart", "branch", name, command, "t" * 40, "flaky", 1.5, False, 2, "a\nb", True, at
    )  # fmt: skip


def put(store: Store, *runs: CheckRunRecord) -> None:
    with store.write() as tx:
        for one in runs:
            tx.add_check_run(one)


def test_the_newest_runs_of_one_command_come_first(store: Store) -> None:
    put(store, *(run("unit", float(at)) for at in range(5)), run("e2e", 9.0), run("unit", 8.0, "d"))
    found = store.check_runs("unit", "c", 3)
    assert [one.at for one in found] == [4.0, 3.0, 2.0]
    assert (found[0].flaky, found[0].runs, found[0].overloaded) == ("a\nb", 2, True)
    assert store.check_runs("unit", "nobody's", 3) == ()


def test_old_runs_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "KEPT_RUNS", 100)
    put(store, *(run("unit", float(at)) for at in range(1, 1001)))
    kept = store.check_runs("unit", "c", 10_000)
    assert [one.at for one in kept] == [float(at) for at in range(1000, 900, -1)]


def test_what_a_verification_adds_leaves_out_what_did_not_run() -> None:
    results = (
        CheckResult("unit", "unit", "pytest", Verdict.FLAKY, seconds=3.0, flaky_tests=("a", "b")),
        CheckResult("lint", "lint", "ruff", Verdict.PASSED, seconds=9.0, cached=True),
        CheckResult("e2e", "e2e", "true", Verdict.ERRORED, skipped=True),
    )
    text = results_text(Verification("c", "t", results))
    record = VerificationRecord("p", "t", 1, "branch", "c", "t", "flaky", "", text, 1.0, 2.0)
    unit, lint = runs_of(record)
    assert (unit.command, unit.flaky, unit.seconds) == (command_hash("pytest"), "a\nb", 3.0)
    assert (lint.cached, lint.seconds) == (True, 0.0)
