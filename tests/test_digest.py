"""A verification in few tokens: what must be in it, and that it never takes more than it may."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.digest.failure_groups import masked
from orchestrator.digest.page import digest
from orchestrator.results import CheckResult, Failure, Report, Verification
from orchestrator.states import Verdict
from orchestrator.tokens import estimate_tokens

PYTEST = """def test_total():
>       assert total([1, 2]) == 4
E       assert 3 == 4
E        +  where 3 = total([1, 2])

tests/test_cart.py:5: AssertionError"""


def check(name="unit", verdict=Verdict.FAILED, **fields):
    fields = {"kind": "unit", "command": "pytest", "exit_code": 1, "seconds": 6.04} | fields
    return CheckResult(check=name, verdict=verdict, **fields)


def red(*failures, name="unit", **counts):
    counts = {"failed": len(failures)} | counts
    report = Report(parsed=True, failures=failures, **counts)
    return check(name, report=report, log="/state/logs/unit.log")


def failure(test="tests/test_cart.py::test_total", message="assert 3 == 4", **fields):
    return Failure(test, message, **fields)


def told(*results, budget=2000, **others):
    return digest(verification(*results), budget_tokens=budget, **others)


def verification(*results):
    return Verification("c" * 40, "t" * 40, results)


def test_a_failure_tells_what_where_why_and_the_log():
    text = told(
        red(failure(details=PYTEST, path="shop/cart.py", line=7, function="total"), passed=9)
    )
    assert text.splitlines() == [
        "FAIL unit | exit 1 | 1 failed, 9 passed | 6s",
        "[1] tests/test_cart.py::test_total",
        "  at shop/cart.py:7 in total",
        "    assert 3 == 4",
        "         +  where 3 = total([1, 2])",
        "  one again: pytest -q tests/test_cart.py::test_total",
        "  full log: /state/logs/unit.log",
    ]


def test_everything_green_is_one_positive_line():
    results = [
        check("lint", Verdict.PASSED),
        check("unit", Verdict.PASSED, report=Report(passed=12)),
    ]
    assert told(*results) == "PASS lint, unit | 12 tests passed"


def test_no_result_at_all_is_not_told_as_green():
    assert told() == "No check ran."


def test_one_cause_is_told_once_with_three_tests_and_the_number_of_others():
    same = [
        failure(f"tests/test_{n}.py::test", f"IndexError: {n}", path="shop/cart.py", line=3)
        for n in range(6)
    ]
    text = told(red(*same))
    assert text.count("shop/cart.py:3") == 1
    assert "[1] x6" in text
    assert "tests/test_2.py::test +3\n" in text
    assert "distinct" not in text


def test_one_message_in_different_test_files_is_not_one_cause():
    text = told(red(failure("a.test.ts::x"), failure("b.test.ts::y")))
    assert "2 distinct causes" in text


def test_what_nearly_all_failures_say_makes_them_one_cause_with_all_its_places():
    error = "AttributeError: 'Cart' object has no attribute 'total'"
    same = [
        failure(f"tests/test_{n}.py::t", error, path=f"tests/test_{n}.py", line=n + 3)
        for n in range(5)
    ]
    text = told(red(*same, failure("tests/test_other.py::t", "assert False")))
    assert "2 distinct causes" in text
    assert text.count(error) == 1
    assert "at tests/test_0.py:3, tests/test_1.py:4, tests/test_2.py:5" in text


def test_what_nearly_all_say_only_in_their_details_becomes_the_headline():
    error = "AttributeError: 'Cart' object has no attribute 'total'"
    ways = ["the page is empty", "no total was shown", "nothing came back", "it hangs", "too late"]
    same = [
        failure(f"tests/test_{n}.py::t", way, details="x\n" * 40 + error + "\n" + "y\n" * 40)
        for n, way in enumerate(ways)
    ]
    text = told(red(*same))
    assert f"nearly all say: {error}" in text
    assert "[1] x5" in text


def test_a_message_that_could_be_anybodys_does_not_make_one_cause_of_many():
    same = [failure(f"tests/test_{n}.py::t", "assert 1 == 2") for n in range(5)]
    assert "5 distinct causes" in told(red(*same))


def test_output_that_was_not_parsed_is_shown_and_never_told_as_zero_failures():
    text = told(check(report=Report(tail="src/a.c:3: error: boom\nmake: *** [all] Error 2")))
    assert "output not parsed" in text
    assert "src/a.c:3: error: boom" in text
    assert "0 failed" not in text


def test_what_could_not_run_blames_nobody():
    text = told(check("e2e", Verdict.ERRORED, reason="could not run: no browser", exit_code=None))
    assert text.startswith("ERROR e2e")
    assert "no browser" in text
    assert "not the fault of your change" in text


def test_what_was_not_started_says_why():
    skipped = check("e2e", Verdict.ERRORED, skipped=True, reason="not started: it needs 'unit'")
    assert told(skipped) == "NOT RUN e2e: not started: it needs 'unit'"


def test_a_time_out_tells_the_limit_and_the_last_output():
    slow = check(
        verdict=Verdict.TIMED_OUT, reason="stopped after 10m", report=Report(tail="waiting for :80")
    )
    text = told(slow)
    assert text.startswith("TIMEOUT unit")
    assert "stopped after 10m" in text
    assert "waiting for :80" in text


def test_changes_since_the_last_verification_are_told_by_test():
    before = verification(red(failure("a"), failure("b"), failure("c")))
    text = told(red(failure("b"), failure("d")), previous=before)
    assert "1 newly failing (d); 1 still failing; 2 no longer failing (a, c)" in text


def test_nothing_is_called_mended_when_tests_could_not_be_told_apart():
    before = verification(red(failure("a")))
    assert "no longer" not in told(check(report=Report(tail="boom")), previous=before)


def test_failures_of_the_target_itself_are_told_apart_and_come_last():
    base = verification(red(failure("old", "IndexError: old")))
    text = told(
        red(failure("old", "IndexError: old"), failure("new", "KeyError: n")), baseline=base
    )
    assert text.index("KeyError") < text.index("IndexError")
    assert "(fails on the target too) old" in text
    assert "1 new; 1 fails on the target too, and must pass to be done" in text
    assert "not yours" not in text


def test_an_unparsed_failure_that_the_target_shares_says_so():
    base = verification(check(report=Report(tail="x")))
    assert "The target fails this check too." in told(check(), baseline=base)


def test_expected_and_actual_survive_a_cut_in_the_middle():
    noise = [f"line {n}" for n in range(40)]
    details = "\n".join([*noise[:20], "Expected: 7.00", "Received: 0.00", *noise[20:]])
    text = told(red(failure(message="not equal", details=details)))
    assert "Expected: 7.00" in text
    assert "Received: 0.00" in text
    assert "lines left out" in text
    assert len([line for line in text.splitlines() if line.startswith("    ")]) <= 12


def test_every_dialect_keeps_its_cause_and_drops_its_frames():
    python = (
        'Traceback (most recent call last):\n  File "t.py", line 3, in t\n    self.x()\n'
        "    ^^^^^^^^\nAssertionError: 1 != 2 : the total is wrong\n"
    )
    javascript = (
        "Error: toBe\n\nExpected: 4\nReceived: 3\n    at Object.toBe (a.test.js:5:21)\n"
        "    at run (node_modules/jest/x.js:298:28)"
    )
    text = told(
        red(failure(message="one", details=python), failure("b", "two", details=javascript))
    )
    assert "the total is wrong" in text
    assert "self.x()" not in text
    assert "Expected: 4" in text
    assert "node_modules" not in text


def test_a_large_output_is_cut_to_the_budget_and_keeps_both_ends():
    tail = "\n".join(["first error", *["noise " * 20] * 60, "the summary"])
    text = told(check(report=Report(tail=tail)), budget=300)
    assert "first error" in text
    assert "the summary" in text
    assert "cut to fit" in text


def test_every_failing_check_gets_its_share_of_the_budget():
    tail = "\n".join(f"line {n} " + "x" * 80 for n in range(50))
    names = ["build", "lint", "unit"]
    text = told(*(check(name, report=Report(tail=tail)) for name in names), budget=400)
    assert text.count("line 0 ") == 3


def test_failures_that_do_not_fit_are_counted():
    many = [failure(f"tests/test_{n}.py::t", f"Error {'abcdefgh'[n % 8] * 60}") for n in range(80)]
    text = told(red(*many), budget=400)
    assert re.search(r"\[… \d+ more causes \(\d+\) left out", text)
    assert "80 distinct causes" in text


def test_terminal_tricks_in_test_output_stay_out():
    text = told(red(failure("a\x1b]52;c;eA==\x07b", "\u202eevil\x1b[31m\n[/]", details="\x00x")))
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\x00"}


@pytest.mark.parametrize(
    ("message", "other"),
    [
        ("expected 3 to be 4", "expected 5 to be 19"),
        ("<Cart at 0x7f01>", "<Cart at 0x8a>"),
        ("no file /tmp/a/b.txt", "no file /var/c.txt/d"),
        ("commit 3f2a9bc1d", "commit 9999999"),
    ],
)
def test_what_varies_is_masked(message, other):
    assert masked(message) == masked(other)


TEXT = st.text(max_size=120) | st.sampled_from(["x" * 5000, "é" * 900, "a\n" * 300, "\x1b[31m"])
FAILURES = st.builds(
    Failure,
    test=TEXT,
    message=TEXT,
    details=TEXT,
    path=st.sampled_from(["", "src/a.py", "tests/t.py"]),
    line=st.none() | st.integers(1, 9999),
    phase=st.sampled_from(["", "setup"]),
)
REPORTS = st.builds(
    Report,
    parsed=st.booleans(),
    passed=st.integers(0, 5),
    failed=st.integers(0, 900),
    failures=st.lists(FAILURES, max_size=8).map(tuple),
    tail=TEXT,
)
CHECKS = st.builds(
    CheckResult,
    check=st.sampled_from(["build", "unit", "e2e"]),
    kind=st.just("unit"),
    command=st.just("x"),
    verdict=st.sampled_from(Verdict),
    report=REPORTS,
    exit_code=st.none() | st.integers(0, 255),
    seconds=st.floats(0, 9999),
    skipped=st.booleans(),
    cached=st.booleans(),
    reason=TEXT,
    log=st.sampled_from(["", "/state/logs/unit.log"]),
)
VERIFICATIONS = st.lists(CHECKS, max_size=5).map(lambda results: verification(*results))


@settings(max_examples=80, deadline=None)
@given(VERIFICATIONS, st.none() | VERIFICATIONS, st.none() | VERIFICATIONS, st.integers(0, 2500))
def test_a_digest_never_exceeds_its_budget_nor_the_length_of_a_line(now, previous, base, budget):
    text = digest(now, budget_tokens=budget, previous=previous, baseline=base)
    assert estimate_tokens(text) <= budget
    assert max(map(len, text.split("\n"))) <= 200
    assert text == digest(now, budget_tokens=budget, previous=previous, baseline=base)


@settings(max_examples=40, deadline=None)
@given(VERIFICATIONS)
def test_every_check_is_named_when_there_is_room(now):
    text = digest(now, budget_tokens=20_000)
    assert all(result.check in text for result in now.results)
