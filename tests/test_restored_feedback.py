"""What is told of work that was verified with the architect's files put back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.feedback import VERIFY_TRIES, Again, Stop, VerifyAgain
from orchestrator.jobs.restored_feedback import Breach, after_restored, after_restored_tests
from orchestrator.plan.model import Budget
from orchestrator.records import TaskRecord
from orchestrator.results import CheckResult, Verification
from orchestrator.states import Verdict
from orchestrator.tests_first.red_judgement import NotRed, Red, Unclear
from orchestrator.tokens import estimate_tokens

BUDGET = Budget(attempts=3)
RECORD = TaskRecord(plan="shop", id="cart", sessions=1, attempts_used=1)
LAW = Breach((), ("rules/law.md",), restored="f" * 40)


def told(*verdicts, breach=LAW, record=RECORD, unproven=()):
    results = tuple(
        CheckResult(name, "unit", "true", verdict, reason="because")
        for name, verdict in zip(("unit", "e2e"), verdicts, strict=False)
    )
    return after_restored(
        record,
        BUDGET,
        breach,
        Verification("c", "t", results),
        digest="FAIL unit",
        unproven=unproven,
        can_resume=True,
        now=1.0,
    )


def test_green_is_told_with_the_mend_in_few_tokens():
    decision = told(Verdict.PASSED)
    assert decision == Again(
        "changed paths that no session may change: rules/law.md; passes with that put back",
        "Your work changed paths that no session may change: rules/law.md. Take that back: "
        "`git restore -SW -s ffffffffffff -- PATHS`. With that put back your work passes its "
        "checks: change nothing else, and commit.",
    )
    assert estimate_tokens(decision.feedback) < 80


def test_red_is_told_with_its_digest_and_names_its_checks():
    decision = told(Verdict.PASSED, Verdict.FAILED)
    assert decision.why.endswith("rules/law.md; e2e did not pass with that put back")
    assert "did not pass:\n\n```text\nFAIL unit\n```" in decision.feedback


def test_each_path_is_named_once_and_what_was_not_put_back_is_told_apart():
    breach = Breach(
        ("tests/a.py",), ("tests/a.py", "law.md"), ("law.md", "x.py", "tests/a.py"), "f" * 40
    )
    decision = told(Verdict.PASSED, breach=breach)
    for path in ("law.md.", "x.py.", "tests/a.py."):
        assert decision.feedback.count(path) == 1, decision.feedback
    assert decision.feedback.count("git restore") == 1
    assert "With tests/a.py, law.md put back your work passes" in decision.feedback


def test_locked_tests_that_did_not_pass_make_nothing_green():
    decision = told(Verdict.PASSED, unproven=("tests/a.py::x",))
    assert "not by the locked tests. These did not run, or were skipped: tests/a.py::x" in (
        decision.feedback
    )
    assert "passes its checks" not in decision.feedback


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.FAILED, Verdict.ERRORED])
def test_nothing_it_comes_to_lets_the_work_go_on(verdict):
    assert isinstance(told(verdict), Again | VerifyAgain)
    spent = replace(RECORD, attempts_used=3, verify_errors=VERIFY_TRIES)
    assert isinstance(told(verdict, record=spent), Stop)


def test_what_could_not_be_verified_is_tried_again_and_then_told_without():
    tried = [
        told(Verdict.ERRORED, record=replace(RECORD, verify_errors=n)) for n in range(VERIFY_TRIES)
    ]
    assert [type(one) for one in tried] == [VerifyAgain, VerifyAgain, Again]
    assert tried[-1].feedback == LAW.told


def test_tests_are_told_what_they_are_worth():
    red = Red(CheckResult("unit", "unit", "true", Verdict.FAILED))

    def tests(redness):
        return after_restored_tests(RECORD, BUDGET, LAW, redness, can_resume=True)

    assert "your tests fail as they must: change nothing else" in tests(red).feedback
    assert tests(NotRed("green", "They prove nothing.")).feedback.endswith(
        "With that put back: They prove nothing."
    )
    assert tests(Unclear("who knows")).feedback == LAW.told
    assert "git restore" in LAW.told
    assert "Undo that part." in replace(LAW, restored="").told
