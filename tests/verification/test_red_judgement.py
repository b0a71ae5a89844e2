"""Red is a test that ran and said no, where nothing said so before; all else proves nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.results import CheckResult, Failure, Report
from orchestrator.states import Verdict
from orchestrator.tests_first.import_errors import Project
from orchestrator.tests_first.red_judgement import NotRed, Red, Rules, Unclear, judge_red

FILES = frozenset({"shop/__init__.py", "shop/cart.py", "tests/test_new.py", "tests/test_old.py"})
MINE = "tests/test_new.py"
RULES = Rules(frozenset({MINE}), Project(FILES, ("shop/**",)), reports=True)
LENIENT = replace(RULES, allow_missing=True)
BARE = replace(RULES, reports=False)
NEW = Failure(f"{MINE}::test_total", "assert 0 == 3")


def result(*failures, verdict=Verdict.FAILED, passed=1, **more):
    errored = sum(one.error for one in failures)
    report = Report(
        parsed=True,
        passed=passed,
        failed=len(failures) - errored,
        errored=errored,
        failures=failures,
    )
    return CheckResult("unit", "unit", "pytest", verdict, report, **more)


def bare(verdict, tail="", reason="exit code 1"):
    return CheckResult("unit", "unit", "sh t", verdict, Report(tail=tail), 1, reason=reason)


GREEN = result(verdict=Verdict.PASSED)


def broken(message, details="", phase="collection"):
    return Failure(MINE, message, details, phase=phase, error=True)


def test_a_new_test_that_says_no_is_red_and_alone_is_the_proof():
    old = Failure("tests/test_old.py::test_other", "assert 1 == 2")
    red = judge_red(result(old, NEW), result(old), RULES)
    assert isinstance(red, Red)
    assert red.result.report.failures == (NEW,)


@pytest.mark.parametrize(
    ("after", "before", "told"),
    [
        (GREEN, GREEN, "pass without the work"),
        (replace(result(NEW), verdict=Verdict.FLAKY, tolerated=True), GREEN, "pass without the"),
        (result(NEW), result(NEW), "failed before them"),
        (result(Failure("tests/test_old.py::t", "no")), GREEN, "failed before them"),
        (result(NEW, broken("fixture 'x' not found", phase="setup")), GREEN, "could not run"),
        (result(broken("SyntaxError: invalid syntax")), GREEN, "could not run"),
        (result(verdict=Verdict.FAILED, reason="collected no tests"), GREEN, "collected no tests"),
        (bare(Verdict.FAILED, reason="exit code 4"), GREEN, "exit code 4"),
        (bare(Verdict.TIMED_OUT, reason="stopped after 9s"), GREEN, "stopped after 9s"),
        (replace(bare(Verdict.ERRORED), skipped=True), GREEN, "did not even start"),
    ],
)
def test_what_is_no_failing_test_of_theirs_is_sent_back(after, before, told):
    judged = judge_red(after, before, RULES)
    assert isinstance(judged, NotRed)
    assert told in judged.told


MISSING = [
    ("ModuleNotFoundError: No module named 'shop.total'", True),
    ("ImportError: cannot import name 'total' from 'shop.cart' (/x/shop/cart.py)", True),
    ("Cannot find module './total' from 'shop/cart.test.js'", True),
    ("ModuleNotFoundError: No module named 'shop.cart'", False),
    ("ModuleNotFoundError: No module named 'requests'", False),
    ("ImportError: cannot import name 'nope' from 'json'", False),
    ("Cannot find module 'lodash' from 'shop/cart.test.js'", False),
    ("SyntaxError: invalid syntax", False),
    ("ImportError: libfoo.so: cannot open shared object file", False),
    ("fixture 'cart' not found", False),
]


@pytest.mark.parametrize(("message", "counts"), MISSING)
def test_an_import_that_fails_counts_only_where_the_plan_allows_it_and_the_work_may_bring_it(
    message, counts
):
    for failure in (
        broken(message),
        broken("collection failure", f"tests/test_new.py:1: in <module>\nE   {message}"),
    ):
        assert isinstance(judge_red(result(failure), GREEN, RULES), NotRed)
        assert isinstance(judge_red(result(failure), GREEN, LENIENT), Red) is counts


def test_an_import_within_a_test_that_runs_is_no_failing_test_either():
    inside = Failure(f"{MINE}::test_total", "ModuleNotFoundError: No module named 'shop.total'")
    assert isinstance(judge_red(result(inside), GREEN, RULES), NotRed)
    assert isinstance(judge_red(result(inside), GREEN, LENIENT), Red)


def test_a_product_that_raises_what_a_broken_file_would_is_a_failing_test():
    raised = Failure(f"{MINE}::test_parse", "SyntaxError: unexpected end of the recipe")
    assert isinstance(judge_red(result(raised), GREEN, RULES), Red)


def test_without_names_only_a_check_that_was_green_before_can_be_seen_red():
    red = bare(Verdict.FAILED)
    assert isinstance(judge_red(red, bare(Verdict.PASSED), BARE), Red)
    for verdict in (Verdict.FAILED, Verdict.ERRORED, Verdict.TIMED_OUT):
        assert isinstance(judge_red(red, bare(verdict), BARE), Unclear)
    assert isinstance(judge_red(red, bare(Verdict.PASSED), RULES), NotRed), "its report is missing"


def test_without_names_what_the_output_tells_of_broken_tests_counts():
    for line, counts in MISSING[:1] + MISSING[7:8]:
        red = bare(Verdict.FAILED, f"running\n{line}\n")
        assert isinstance(judge_red(red, bare(Verdict.PASSED), BARE), NotRed)
        lenient = replace(BARE, allow_missing=True)
        assert isinstance(judge_red(red, bare(Verdict.PASSED), lenient), Red) is counts


def test_a_base_that_tells_too_little_makes_nothing_red():
    crowd = replace(result(NEW), report=replace(result(NEW).report, failed=900))
    other = Failure(f"{MINE}::test_other", "assert False")
    assert isinstance(judge_red(result(other), crowd, RULES), Unclear)
    assert isinstance(judge_red(result(NEW), bare(Verdict.ERRORED), RULES), Unclear)
    assert isinstance(judge_red(result(NEW), bare(Verdict.FAILED), RULES), Red), "no tests yet"


def test_a_report_that_lists_less_than_it_counts_is_no_proof():
    hidden = Failure("report", "its totals tell of 3 more failures than it lists", error=True)
    assert isinstance(judge_red(result(NEW, hidden), GREEN, RULES), NotRed)


def test_given_tests_have_no_before():
    assert isinstance(judge_red(result(NEW), None, RULES), Red)
