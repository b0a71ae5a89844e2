"""What was seen red must be seen green by name; what is not told of was not seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.plan.model import Check, Plan, Task, TestsFirst
from orchestrator.records import TaskRecord
from orchestrator.results import CheckResult, Failure, Report
from orchestrator.states import Verdict
from orchestrator.tests_first.rules import (
    NO_PROOF,
    asked_of,
    is_writing,
    keep_wanted,
    tells_of,
    unproven,
    wanted_of,
    within,
)
from orchestrator.tests_first.runner_config import is_reconfigured, is_runner_config

RED = CheckResult(
    "unit",
    "unit",
    "pytest",
    Verdict.FAILED,
    Report(
        parsed=True,
        failed=2,
        failures=(
            Failure("tests/test_a.py::test_one", key="tests.test_a::test_one"),
            Failure("tests/test_a.py::test_two", key="tests.test_a::test_two"),
        ),
    ),
)
COLLECTION = Failure("tests/test_b.py", phase="collection", key="tests.test_b")
NAMES = ("tests.test_a::test_one", "tests.test_a::test_two")


def green(*passed, count=None, names=True, check="unit"):
    report = Report(
        parsed=True,
        passed=len(passed) if count is None else count,
        passed_tests=passed if names else None,
    )
    return CheckResult(check, "unit", "pytest", Verdict.PASSED, report)


def missing(*results, red=(RED,)):
    return unproven(red, results, checks=("unit",))


def test_each_test_that_was_red_must_have_passed_by_name():
    assert missing(green(*NAMES, "tests.test_c::more")) == ()
    assert missing(green(NAMES[0], "tests.test_c::more")) == ("tests/test_a.py::test_two",)
    assert missing(green("tests.test_a::test_one[x]")) == (
        "tests/test_a.py::test_one",
        "tests/test_a.py::test_two",
    )


def test_of_a_file_that_could_not_be_collected_some_test_must_pass():
    red = replace(RED, report=replace(RED.report, failures=(COLLECTION,)))
    assert missing(green("tests.test_b::test_any"), red=(red,)) == ()
    assert missing(green("tests.test_b.TestOne::test_any"), red=(red,)) == ()
    assert missing(green("tests.test_bb::test_any"), red=(red,)) == ("tests/test_b.py",)


def test_where_names_are_not_told_as_many_must_pass():
    assert missing(green(count=2, names=False)) == ()
    assert missing(green(count=1, names=False)) == (
        "tests/test_a.py::test_one",
        "tests/test_a.py::test_two",
    )


def test_without_a_proof_or_without_the_check_nothing_is_proven():
    assert missing(green(*NAMES), red=()) == (NO_PROOF,)
    assert missing(green(*NAMES), red=(replace(RED, verdict=Verdict.PASSED),)) == (NO_PROOF,)
    assert missing(green(*NAMES, check="other")) == ("all of unit",)
    assert missing(replace(green(*NAMES), verdict=Verdict.FLAKY)) == ("all of unit",)


def test_a_red_exit_code_asks_for_a_green_one_alone():
    red = replace(RED, report=Report(tail="no"))
    assert missing(replace(green(), report=Report()), red=(red,)) == ()


def test_only_names_that_somebody_wants_are_kept_and_a_result_without_them_is_not_enough():
    wanted = wanted_of([RED])["unit"]
    full = green(*NAMES, "tests.test_c::more")
    kept = replace(full, report=keep_wanted(full, wanted))
    assert kept.report.passed_tests == NAMES
    forgotten = replace(full, report=keep_wanted(full, None))
    assert forgotten.report.passed_tests == ()
    assert tells_of(kept, wanted)
    assert not tells_of(forgotten, wanted)
    assert tells_of(forgotten, None)
    assert tells_of(replace(RED, verdict=Verdict.FAILED), wanted), "a failure tells enough"


def plan_of(first, **more):
    task = Task(
        id="a", title="A", brief="Do a.", done_when=("lint", "e2e"), tests_first=first, **more
    )
    checks = {"lint": Check(kind="lint", run="x"), "e2e": Check(kind="e2e", run="x")}
    return Plan(clerk=1, name="p", checks=checks, protect=("tests/**",), tasks=(task,))


def test_tests_that_are_just_given_are_the_protected_ones_and_any_criterion_may_tell():
    plan = plan_of("given")
    asked = asked_of(plan, plan.task("a"))
    assert (asked.paths, asked.checks, asked.given) == (("tests/**",), ("e2e",), True)
    assert not is_writing(asked, TaskRecord("p", "a"))


def test_the_scope_is_the_tests_and_then_the_work_beside_them():
    plan = plan_of(TestsFirst(paths=("spec/**",), check="e2e"), touches=("src/**",))
    task, record = plan.task("a"), TaskRecord("p", "a")
    asked = asked_of(plan, task)
    assert within(task, asked, record).touches == ("spec/**",)
    assert within(task, asked, replace(record, tests_head="h")).touches == ("src/**", "spec/**")
    free = task.model_copy(update={"touches": ()})
    assert within(free, asked, replace(record, tests_head="h")).touches == ()


@pytest.mark.parametrize(
    ("path", "before", "after", "counts"),
    [
        ("conftest.py", None, b"x", True),
        ("app/tests/conftest.py", b"x", None, True),
        ("web/vitest.config.ts", b"a", b"b", True),
        ("setup.cfg", b"[metadata]\nname=a", b"[metadata]\nname=b", True),
        ("pyproject.toml", b"[project]\nname='a'", b"[project]\nname='b'", False),
        ("pyproject.toml", b"", b"[tool.pytest.ini_options]\naddopts='-k no'", True),
        ("pyproject.toml", b"", b"[project.entry-points.pytest11]\na='b'", True),
        ("pyproject.toml", b"[tool.pytest.ini_options]\nx=1", None, True),
        ("pyproject.toml", b"[tool", b"[tools", True),
        ("pyproject.toml", b"\xff", b"", True),
        ("package.json", b'{"dependencies": {}}', b'{"dependencies": {"a": "1"}}', False),
        ("package.json", b"{}", b'{"scripts": {"test": "true"}}', True),
        ("package.json", b"{}", b'{"jest": {"testPathIgnorePatterns": ["x"]}}', True),
        ("package.json", b"{}", b"[" * 9000, True),
        ("package.json", None, b'{"name": "x"}', False),
    ],
)
def test_of_what_decides_which_tests_run_only_that_part_counts(path, before, after, counts):
    assert is_runner_config(path)
    assert is_reconfigured(path, before, after) is counts


def test_ordinary_files_decide_nothing():
    assert not any(map(is_runner_config, ("src/conf.py", "tests/test_a.py", "package-lock.json")))
