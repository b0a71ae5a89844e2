"""Test runners: what they really wrote, and what is left of it when it is damaged."""

import contextlib
import random

import pytest
from reports.fixture_runs import CHECKOUT, FIXTURES, runs

from orchestrator.reports import load
from orchestrator.reports.source import REPORT_BYTES, ReportUnreadable
from orchestrator.results import Report
from orchestrator.states import Verdict
from orchestrator.supervision.job import Exit
from orchestrator.verification.judgement import judge

FORMATS = ("pytest", "go", "cargo", "tap", "jest", "vitest", "playwright")
RUNS = runs(*FORMATS)
NOTHING_RAN = {
    "cargo/none.txt",
    "go/none-1.19.json",
    "go/none.json",
    "tap/perl-skip.txt",
}
"""Runs of no test, with which their tools are content."""

STOPPED = {"cargo/exit.txt", "pytest/stopped.txt"}
"""Runs that ended before their tests did, with the exit code of a success."""


def read(name):
    folder, _, file = name.partition("/")
    return load(folder).parse(FIXTURES / folder / file, CHECKOUT)


def parsed(tmp_path, name, text):
    path = tmp_path / "report"
    path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
    return load(name).parse(path, tmp_path)


def judged(path, run):
    """What is made of the report at ``path``, as if its run had written it."""
    try:
        report, unreadable = load(run.format).parse(path, CHECKOUT), ""
    except ReportUnreadable as error:
        report, unreadable = Report(), str(error)
    return judge(Exit(code=run.exit), report, unreadable=unreadable, wanted=True)[0], report


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_real_run_is_green_only_where_tests_ran_and_none_went_wrong(run):
    verdict, report = judged(run.path, run)
    green = not run.exit and run.name not in NOTHING_RAN | STOPPED
    assert (verdict is Verdict.PASSED) == green
    assert report.ran or report.findings or not green


@pytest.mark.parametrize("run", [run for run in RUNS if run.exit], ids=lambda run: run.name)
def test_a_red_run_tells_its_cause(run):
    _, report = judged(run.path, run)
    if report.failures:
        assert any(run.cause in f"{f.test} {f.message} {f.details}" for f in report.failures)
    else:
        assert run.cause in run.path.read_text()  # the head and the end of the output are told then


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("pytest/default.txt", (4, 5, 2, 2, 0)),
        ("pytest/collection-continued.txt", (1, 0, 1, 0, 0)),
        ("pytest/flaky.txt", (2, 0, 0, 0, 1)),
        ("pytest/subtests.txt", (1, 2, 0, 0, 0)),
        ("pytest/xdist-crash.txt", (1, 1, 0, 0, 0)),
        ("go/red.json", (3, 2, 0, 1, 0)),
        ("go/red-1.19.json", (3, 2, 0, 1, 0)),
        ("go/build.json", (0, 0, 2, 0, 0)),
        ("go/build-1.19.json", (0, 0, 2, 0, 0)),
        ("go/main.json", (1, 0, 1, 0, 0)),
        ("go/timeout.json", (1, 0, 1, 0, 0)),
        ("go/rerun.json", (2, 0, 0, 0, 1)),
        ("cargo/red-all.txt", (3, 6, 0, 1, 0)),
        ("cargo/red.json", (3, 6, 0, 1, 0)),
        ("cargo/abort.txt", (0, 0, 1, 0, 0)),
        ("tap/node.txt", (3, 3, 1, 2, 0)),
        ("tap/vitest.txt", (4, 3, 1, 2, 0)),
        ("tap/perl.txt", (3, 2, 0, 2, 0)),
        ("tap/bats.txt", (1, 1, 0, 1, 0)),
        ("jest/red.json", (5, 4, 3, 3, 1)),
        ("jest/coverage.json", (1, 0, 1, 1, 0)),
        ("vitest/red.json", (5, 3, 2, 2, 1)),
        ("playwright/red.json", (6, 10, 0, 4, 2)),
        ("playwright/broken.json", (0, 0, 1, 0, 0)),
    ],
)
def test_counts_are_those_of_the_run(name, counts):
    told = read(name)
    assert (told.passed, told.failed, told.errored, told.skipped, told.flaky) == counts
    assert len(told.failures) == told.failed + told.errored


PYTEST_FORMS = "all-named colour line native no quiet-short verbose-long xdist xdist-verbose"


@pytest.mark.parametrize(
    ("first", "names"),
    [
        ("pytest/default.txt", [f"pytest/{name}.txt" for name in PYTEST_FORMS.split()]),
        ("go/red.json", ["go/red-1.19.json"]),
        ("cargo/red.json", ["cargo/red-all.txt", "cargo/red-colour.txt"]),
        ("cargo/build-broken.json", ["cargo/build-broken.txt"]),
        ("tap/vitest.txt", ["tap/vitest-flat.txt"]),
    ],
)
def test_the_same_failures_have_the_same_identities_in_every_form(first, names):
    told = {failure.test for failure in read(first).failures}
    for name in names:
        assert {failure.test for failure in read(name).failures} == told


@pytest.mark.parametrize(
    ("name", "test", "place"),
    [
        ("pytest/default.txt", "test_any[a - b]", ("shop/cart.py", 5)),
        ("pytest/native.txt", "test_with_fixture", ("tests/test_cart.py", 8)),
        ("go/panic.json", "TestPanics", ("panics/panics.go", 4)),
        ("go/build.json", "broken", ("broken/broken.go", 4)),
        ("cargo/red-all.txt", "first_of_none", ("src/lib.rs", 18)),
        ("tap/node.txt", "of none", ("src/sum.mjs", 2)),
        ("jest/red.json", "of []", ("src/cart.js", 2)),
        ("vitest/red.json", "of []", ("src/sum.mjs", 2)),
        ("playwright/red.json", "of [] [desk]", ("src/cart.js", 2)),
    ],
)
def test_a_failure_tells_the_innermost_place_in_the_projects_own_code(name, test, place):
    (failure,) = (f for f in read(name).failures if f.test.endswith(test))
    assert (failure.path, failure.line) == place


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_no_failure_tells_where_the_checkout_was(run):
    with contextlib.suppress(ReportUnreadable):
        for failure in load(run.format).parse(run.path, CHECKOUT).failures:
            assert str(CHECKOUT) not in f"{failure.test}{failure.message}{failure.path}"


@pytest.mark.parametrize("name", sorted(STOPPED))
def test_a_run_that_did_not_end_is_not_green_whatever_it_exited_with(name):
    (run,) = (run for run in RUNS if run.name == name)
    assert run.exit == 0
    assert judged(run.path, run)[0] in {Verdict.FAILED, Verdict.ERRORED}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_file_to_read_is_refused(tmp_path, name):
    parser = load(name)
    (tmp_path / "link").symlink_to(FIXTURES / "pytest/green.txt")
    with (tmp_path / "big").open("wb") as file:
        file.truncate(REPORT_BYTES + 1)
    for bad in ("missing", "link", "big", "."):
        with pytest.raises(ReportUnreadable):
            parser.parse(tmp_path / bad, tmp_path)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", ["", "\n", "hello\n", "{", '{"tests": 1}', "[[["])
def test_what_is_no_output_of_the_tool_is_refused(tmp_path, name, text):
    with pytest.raises(ReportUnreadable):
        parsed(tmp_path, name, text)


@pytest.mark.parametrize("run", [run for run in RUNS if run.exit], ids=lambda run: run.name)
def test_damage_never_turns_red_to_green_and_raises_nothing_unexpected(tmp_path, run):
    raw = run.path.read_bytes()
    chance = random.Random(run.name)
    path = tmp_path / "report"
    for _ in range(12):
        broken = bytearray(raw[: chance.randrange(len(raw) + 1)] or raw)
        for _ in range(chance.randrange(6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken)
        assert judged(path, run)[0] is not Verdict.PASSED


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("pytest/green.txt", b"", b" passed"),
        ("go/green.json", b"", b'"Elapsed"'),
        ("cargo/green-one.txt", b"running 1 test\n", b"test result"),  # it was built before
        ("tap/node-green.txt", b"", b"\n1..1"),
        ("jest/green.json", b"", b"}"),
        ("vitest/green.json", b"", b"}"),
        ("playwright/green.json", b"", b"}"),
    ],
)
def test_a_green_run_that_is_cut_off_is_not_green(tmp_path, name, begin, end):
    folder, _, file = name.partition("/")
    raw = (FIXTURES / folder / file).read_bytes().rstrip()
    begun, told = raw.index(begin) + len(begin), raw.rindex(end)
    for size in range(begun, told, max(1, told // 60)):
        with contextlib.suppress(ReportUnreadable):
            report = parsed(tmp_path, folder, raw[:size])
            assert judge(Exit(code=0), report, wanted=True)[0] is not Verdict.PASSED


@pytest.mark.parametrize(
    "hostile",
    [
        b"a/" * 200_000,
        b"ok 1 - " * 60_000,
        (b"    " * 500 + b"ok 1\n") * 200,
        b"--- FAIL: " * 40_000,
        b"_ _ _ " * 60_000,
        b"____ a ____\n" * 20_000,
        b"E   XError: no\n" * 20_000,
        b"test a ... FAILED\n" * 20_000,
        b"---- a stdout ----\n" * 20_000,
        b'{"Action":"run","Package":"p","Test":"' + b"a/" * 100_000 + b'"}\n',
        b'{"suites":' * 30_000,
        b"\xff\xfe\x00" * 60_000,
    ],
    ids=range(12),
)
@pytest.mark.parametrize("name", FORMATS)
def test_hostile_output_is_read_in_time_that_grows_with_its_length(tmp_path, name, hostile):
    with contextlib.suppress(ReportUnreadable):
        report = parsed(tmp_path, name, hostile)
        assert len(report.failures) <= 500
