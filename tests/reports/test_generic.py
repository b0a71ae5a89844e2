"""What is found in an output whose tool nobody knows, and what is made of a guess."""

import pytest
from reports.fixture_runs import CHECKOUT, FIXTURES, runs

from orchestrator.reports.generic import told_by
from orchestrator.reports.plain_text import plain_text
from orchestrator.reports.recognition import guessed, recognise
from orchestrator.states import Verdict
from orchestrator.supervision.job import Exit
from orchestrator.verification.judgement import judge


def told(text):
    return told_by(text.encode(), CHECKOUT)


def fixture(name):
    return told_by((FIXTURES / "generic" / name).read_bytes(), CHECKOUT)


def test_compiler_and_linker_errors_are_told_with_their_places():
    report = fixture("gcc.txt")
    assert [(f.path, f.line, f.message) for f in report.failures] == [
        ("order.c", 10, "\u2018struct order\u2019 has no member named \u2018total\u2019"),
        ("order.c", 10, "expected \u2018;\u2019 before \u2018return\u2019"),
        ("main.c", None, "link: undefined reference to `total'"),
        ("main.c", None, "link: undefined reference to `place_all'"),
    ]
    assert {f.test.partition("::")[2].partition(":")[0] for f in report.warned} == {
        "format=",
        "incompatible-pointer-types",
        "unused-variable",
        "return-type",
    }


def test_what_make_says_is_told_only_where_nothing_else_says_why():
    assert not [f for f in fixture("gcc.txt").failures if f.test.startswith("make")]
    assert fixture("make-no-rule.txt").failed == 1
    (failure,) = told("cp a b\nmake: *** [Makefile:12: all] Error 1\n").failures
    assert (failure.path, failure.line) == ("Makefile", 12)


def test_a_chain_of_tracebacks_is_one_failure_with_its_last_cause():
    (failure,) = fixture("traceback.txt").failures
    assert failure.message == "RuntimeError: the price list cannot be read"
    assert (failure.path, failure.line) == ("fails.py", 9)


def test_two_tracebacks_that_nothing_links_are_two_failures():
    one = 'Traceback (most recent call last):\n  File "/checkout/a.py", line {0}\n{1}Error: no\n'
    report = told(one.format(3, "Key") + "so it goes\n" + one.format(4, "Value"))
    assert [(f.line, f.message) for f in report.failures] == [
        (3, "KeyError: no"),
        (4, "ValueError: no"),
    ]


def test_what_belongs_to_a_crash_is_told_once():
    stack = "ValueError: no\n    at total (src/cart.js:3:9)\n"
    inner = f"src/cart.js:3:1: error: it fell\n{stack}"
    report = told(f"panic: no\n\tsrc/a.go:3: error: it fell\nsrc/a.go:3: error: it fell\n\n{inner}")
    assert [f.message for f in report.failures] == ["panic: no", "ValueError: no", "it fell"]


@pytest.mark.parametrize(
    ("name", "message", "place"),
    [
        ("exception-group.txt", "ExceptionGroup: two tasks failed (2 sub-exceptions)", "group.py"),
        (
            "node.txt",
            "TypeError: Cannot read properties of undefined (reading 'first')",
            "uncaught.mjs",
        ),
    ],
)
def test_programs_that_fell_are_told_by_their_error(name, message, place):
    (failure,) = fixture(name).failures
    assert (failure.message, failure.path) == (message, place)


def test_a_panic_is_told_by_its_words():
    (failure,) = fixture("rust-panic.txt").failures
    assert failure.message == "panicked: index out of bounds: the len is 1 but the index is 3"


@pytest.mark.parametrize(
    "harmless",
    [
        "12:30:01: started\n",
        "http://localhost:8080: listening\n",
        "127.0.0.1:80: refused\n",
        "src/a.c:3: note: declared here\n",
        "error: something of no place\n",
        "total: 3\n",
        "",
    ],
)
def test_what_names_no_fault_is_none(harmless):
    report = told(harmless)
    assert (report.failed, report.warnings) == (0, 0)
    assert report.parsed


def test_a_line_that_only_names_a_place_is_a_warning():
    report = told("src/shop/cart.py:3:7: something is odd\n")
    assert (report.failed, report.warnings) == (0, 1)
    assert (report.warned[0].path, report.warned[0].line) == ("src/shop/cart.py", 3)


def test_an_error_is_red_though_the_exit_code_was_lost_in_a_pipe():
    verdict, reason = judge(Exit(code=0), fixture("rustc.txt"), wanted=True)
    assert verdict is Verdict.FAILED
    assert reason == "4 errors, though the command exited with 0"


@pytest.mark.parametrize(
    "run",
    [run for run in runs("tsc", "eslint", "mypy", "ruff", "sarif") if run.exit and run.cause],
    ids=lambda run: run.name,
)
def test_a_known_tool_is_recognised_by_what_it_writes(run):
    known = recognise(plain_text(run.path.read_bytes()))
    mute = run.path.name in {"broken-config.txt", "bad-option.txt"}
    assert known == (None if mute else run.format)


@pytest.mark.parametrize("run", runs("generic"), ids=lambda run: run.name)
def test_other_output_is_no_known_tools(run):
    assert recognise(plain_text(run.path.read_bytes())) is None


def test_a_guess_at_a_log_tells_its_failures_and_never_doubts():
    log = FIXTURES / "tsc/renamed-field.txt"
    assert len(guessed(log, CHECKOUT)) == 77
    assert guessed(FIXTURES / "generic/node.txt", CHECKOUT)[0].path == "uncaught.mjs"


def test_a_guess_at_what_is_cut_off_tells_only_what_was_found(tmp_path):
    log = tmp_path / "log"
    log.write_text("a.py:1:2: F401 No\nFound 3 errors.\n")
    assert [f.path for f in guessed(log, tmp_path)] == ["a.py"]
    log.write_text("all is well\n")
    assert guessed(log, tmp_path) == ()
    assert guessed(tmp_path / "missing", tmp_path) == ()


@pytest.mark.parametrize(
    "hostile",
    [
        b"= 1 failed" + b" in 1s" * 60_000,
        b"a:1:1:" * 60_000,
        b"1. problems " * 30_000,
        b'"$schema":"' * 30_000,
        b" " * 300_000,
        b"ld: " * 90_000 + b"undefined reference to ",
    ],
    ids=range(6),
)
def test_a_guess_at_hostile_output_ends(tmp_path, hostile):
    log = tmp_path / "log"
    log.write_bytes(hostile)
    assert guessed(log, tmp_path) == () or len(guessed(log, tmp_path)) == 1
