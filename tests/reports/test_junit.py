"""Reports of real runners, and files that only pretend to be reports."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reports.fixture_runs import CHECKOUT, FIXTURES

from orchestrator.errors import UsageError
from orchestrator.reports import load
from orchestrator.reports.junit import LONGEST_TEXT, JUnitParser
from orchestrator.reports.source import ReportUnreadable
from orchestrator.reports.tally import DETAIL_CHARACTERS, DETAILS_CHARACTERS, FAILURES_KEPT
from orchestrator.states import Verdict
from orchestrator.supervision.job import Exit
from orchestrator.verification.judgement import judge

SHOP = "def total(prices):\n    return sum(prices) + prices[0] * 0 / len(prices)\n"

TESTS = """
import pytest
from shop.cart import total


@pytest.fixture
def broken():
    raise RuntimeError("no database")


class TestTotal:
    def test_adds(self):
        assert total([1, 2]) == 4

    @pytest.mark.parametrize("prices", [[], [1]])
    def test_any(self, prices):
        assert total(prices) >= 0


def test_with_fixture(broken):
    pass


def test_green():
    pass


@pytest.mark.skip
def test_later():
    pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small project with a report that a real pytest wrote of it."""
    root = tmp_path_factory.mktemp("project")
    for name, text in {
        "shop/__init__.py": "",
        "shop/cart.py": SHOP,
        "tests/test_cart.py": TESTS,
        "tests/test_broken.py": "import does_not_exist\n",
        "pytest.ini": "[pytest]\npythonpath = .\naddopts = -p no:cacheprovider\n",
    }.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for tests, report in (("test_cart", "cart"), ("test_broken", "broken")):
        argv = [sys.executable, "-m", "pytest", f"tests/{tests}.py", f"--junitxml={report}.xml"]
        subprocess.run(argv, cwd=root, capture_output=True, check=False)
    return root


def parsed(tmp_path, text):
    path = tmp_path / "report.xml"
    path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
    return JUnitParser().parse(path, tmp_path)


def test_counts_of_a_real_pytest_run_are_exact(project):
    report = JUnitParser().parse(project / "cart.xml", project)
    assert report.parsed
    assert (report.passed, report.failed, report.errored, report.skipped) == (2, 2, 1, 1)
    assert report.ran == 5
    assert report.total == 6


def test_failures_of_a_real_pytest_run_carry_ids_that_pytest_takes(project):
    failures = {f.test: f for f in JUnitParser().parse(project / "cart.xml", project).failures}
    assert set(failures) == {
        "tests/test_cart.py::TestTotal::test_adds",
        "tests/test_cart.py::TestTotal::test_any[prices0]",
        "tests/test_cart.py::test_with_fixture",
    }
    argv = [sys.executable, "-m", "pytest", "--co", "-q", *failures]
    assert subprocess.run(argv, cwd=project, capture_output=True, check=False).returncode == 0


def test_a_failure_tells_its_cause_and_the_innermost_place_in_product_code(project):
    failures = {f.test: f for f in JUnitParser().parse(project / "cart.xml", project).failures}
    crash = failures["tests/test_cart.py::TestTotal::test_any[prices0]"]
    assert crash.message == "IndexError: list index out of range"
    assert (crash.path, crash.line) == ("shop/cart.py", 2)
    red = failures["tests/test_cart.py::TestTotal::test_adds"]
    assert red.message == "assert 3.0 == 4"
    assert red.path == "tests/test_cart.py"


def test_an_error_in_setup_is_told_as_such(project):
    failures = {f.test: f for f in JUnitParser().parse(project / "cart.xml", project).failures}
    broken = failures["tests/test_cart.py::test_with_fixture"]
    assert (broken.phase, broken.message) == ("setup", "RuntimeError: no database")


def test_a_file_that_does_not_collect_is_an_error_with_its_real_cause(project):
    report = JUnitParser().parse(project / "broken.xml", project)
    assert (report.passed, report.failed, report.errored) == (0, 0, 1)
    (failure,) = report.failures
    assert failure.test == "tests/test_broken.py"
    assert failure.phase == "collection"
    assert "No module named 'does_not_exist'" in failure.message


def test_paths_beneath_the_checkout_are_told_relative_to_it(tmp_path):
    report = parsed(
        tmp_path,
        f"""<testsuite name="shop"><testcase classname="tests.test_a.CartTest" name="test_x">
        <failure message="ValueError: {tmp_path}/data is gone">Traceback (most recent call last):
  File "{tmp_path}/tests/test_a.py", line 4, in test_x
    go()
  File "{tmp_path}/shop/a.py", line 9, in go
    raise ValueError
  File "/usr/lib/python3.11/json.py", line 1, in loads
ValueError: {tmp_path}/data is gone</failure></testcase></testsuite>""",
    )
    (failure,) = report.failures
    assert failure.test == "tests/test_a.py::CartTest::test_x"
    assert (failure.path, failure.line, failure.function) == ("shop/a.py", 9, "go")
    assert failure.message == "ValueError: data is gone"
    assert str(tmp_path) not in failure.details


JEST = """<testsuites name="jest tests" tests="2" failures="1" errors="0">
<testsuite name="math" errors="0" failures="1" skipped="0" tests="2">
<testcase classname="math adds" name="math adds" time="0.002">
<failure>Error: expect(received).toBe(expected) // Object.is equality

Expected: 4
Received: 3
    at Object.toBe (src/__tests__/math.test.js:5:21)
    at Promise.then.completed (node_modules/jest-circus/build/utils.js:298:28)</failure>
</testcase><testcase classname="math subtracts" name="math subtracts" time="0"/>
</testsuite></testsuites>"""

VITEST = """<testsuites name="vitest tests" tests="2" failures="1" errors="0" time="0.1">
<testsuite name="src/cart.test.ts" tests="2" failures="1" errors="0" skipped="1" time="0.01">
<testcase classname="src/cart.test.ts" name="cart &gt; shows the total" time="0.008">
<failure message="expected 3 to be 4 // Object.is equality" type="AssertionError">
AssertionError: expected 3 to be 4 // Object.is equality

- Expected
+ Received

- 4
+ 3

 \u276f total src/cart.ts:12:7
 \u276f src/cart.test.ts:9:19
</failure></testcase>
<testcase classname="src/cart.test.ts" name="later"><skipped/></testcase>
</testsuite></testsuites>"""

PLAYWRIGHT = """<testsuites id="" name="" tests="1" failures="1" skipped="0" errors="0" time="2">
<testsuite name="cart.spec.ts" hostname="chromium" tests="1" failures="1" skipped="0" errors="0">
<testcase name="Cart \u203a shows total" classname="cart.spec.ts" time="1.2">
<failure message="cart.spec.ts:3:5 shows total" type="FAILURE"><![CDATA[  [chromium] \u203a cart.spec.ts:3:5 \u203a Cart \u203a shows total ───

    Error: expect(locator).toHaveText(expected) failed

    Expected: "7.00"
    Received: "0.00"

        at e2e/cart.spec.ts:6:38
]]></failure><system-out><![CDATA[[[ATTACHMENT|a/trace.zip]]]]></system-out></testcase>
</testsuite></testsuites>"""

GO = """<testsuites tests="3" failures="1" errors="0"><testsuite name="example.com/shop/cart"
tests="3" failures="1" errors="0"><properties><property name="go.version" value="go1.22"/></properties>
<testcase classname="example.com/shop/cart" name="TestAdd" time="0.00">
<failure message="Failed" type="">=== RUN   TestAdd
    cart_test.go:9: Add(1, 2) = 4; want 3
--- FAIL: TestAdd (0.00s)
</failure></testcase>
<testcase classname="example.com/shop/cart" name="TestGreen"/>
<testcase classname="example.com/shop/cart" name="TestSkip"><skipped message="short"/></testcase>
</testsuite></testsuites>"""

SUREFIRE = """<testsuite xmlns="https://maven.example/xsd" name="com.shop.CartTest" tests="2" failures="1">
<testcase name="unstable" classname="com.shop.CartTest"><flakyFailure message="late" type="X">
<stackTrace>late</stackTrace></flakyFailure></testcase>
<testcase name="red" classname="com.shop.CartTest"><failure message="expected:&lt;1&gt; but was:&lt;2&gt;"
type="AssertionFailedError">trace</failure><rerunFailure message="again" type="X"/></testcase>
</testsuite>"""


@pytest.mark.parametrize(
    ("text", "counts", "failure"),
    [
        pytest.param(
            JEST,
            (1, 1, 0),
            (
                "math adds",
                "Error: expect(received).toBe(expected) // Object.is equality",
                ("src/__tests__/math.test.js", 5),
            ),
            id="jest",
        ),
        pytest.param(
            VITEST,
            (0, 1, 1),
            (
                "src/cart.test.ts::cart > shows the total",
                "expected 3 to be 4 // Object.is equality",
                ("src/cart.ts", 12),
            ),
            id="vitest",
        ),
        pytest.param(
            PLAYWRIGHT,
            (0, 1, 0),
            (
                "cart.spec.ts::Cart \u203a shows total",
                "Error: expect(locator).toHaveText(expected) failed",
                ("e2e/cart.spec.ts", 6),
            ),
            id="playwright",
        ),
        pytest.param(
            GO,
            (1, 1, 1),
            ("example.com/shop/cart::TestAdd", "Add(1, 2) = 4; want 3", ("cart_test.go", 9)),
            id="go",
        ),
        pytest.param(
            SUREFIRE,
            (1, 1, 0),
            ("com.shop.CartTest::red", "expected:<1> but was:<2>", ("", None)),
            id="surefire",
        ),
    ],
)
def test_dialects(tmp_path, text, counts, failure):
    report = parsed(tmp_path, text)
    assert (report.passed, report.failed, report.skipped) == counts
    (told,) = report.failures
    assert (told.test, told.message, (told.path, told.line)) == failure


def written(name):
    """The report of a real run, as it was written."""
    return JUnitParser().parse(FIXTURES / "junit" / name, CHECKOUT)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("pytest.xml", (5, 7, 3, 2, 0)),
        ("pytest-twice.xml", (2, 6, 2, 1, 1)),
        ("pytest-rerun.xml", (2, 0, 0, 0, 1)),
        ("pytest-stopped.xml", (1, 0, 1, 0, 0)),
        ("vitest.xml", (8, 4, 2, 3, 0)),
        ("jest.xml", (6, 5, 0, 2, 0)),
        ("playwright.xml", (6, 10, 0, 4, 0)),
        ("nextest.xml", (3, 4, 0, 0, 1)),
        ("gotestsum.xml", (4, 3, 1, 1, 0)),
        ("gotestsum-rerun.xml", (2, 0, 0, 0, 1)),
    ],
)
def test_counts_of_a_real_report_are_what_its_writer_means(name, counts):
    told = written(name)
    assert (told.passed, told.failed, told.errored, told.skipped, told.flaky) == counts
    assert len(told.failures) == told.failed + told.errored


@pytest.mark.parametrize(
    ("name", "flaky"),
    [
        ("pytest-rerun.xml", "flaky/test_flaky.py::test_sometimes"),
        ("pytest-twice.xml", "test_twice.py::test_sometimes"),
        ("gotestsum-rerun.xml", "example.com/shop/cart::TestSometimes"),
    ],
)
def test_a_test_that_is_listed_again_for_each_try_is_flaky_once_it_passes(name, flaky):
    assert written(name).flaky_tests == (flaky,)


def test_a_test_that_fails_however_often_it_is_tried_is_one_failure():
    names = [failure.test for failure in written("pytest-twice.xml").failures]
    assert names.count("test_twice.py::test_never") == 1


def test_a_test_and_its_teardown_are_two_failures():
    both = [f for f in written("pytest-twice.xml").failures if f.test.endswith("::test_both")]
    assert [(f.phase, f.error, f.message) for f in both] == [
        ("", False, "assert 1 == 2"),
        ("teardown", True, "RuntimeError: left dirty"),
    ]


def test_a_test_in_which_pytest_was_stopped_is_never_green():
    stopped = written("pytest-stopped.xml")
    assert [failure.message for failure in stopped.failures] == ["a test began and did not end"]
    assert judge(Exit(code=0), stopped, wanted=True)[0] is Verdict.FAILED


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("vitest.xml", "vitest/broken.test.mjs", "Cannot find module './missing.mjs'"),
        ("vitest.xml", "vitest/empty.test.mjs", "No test suite found in file"),
        ("gotestsum.xml", "example.com/shop/broken", "[build failed]"),
    ],
)
def test_what_did_not_load_or_build_is_an_error_of_the_whole(name, test, message):
    (failure,) = (failure for failure in written(name).failures if failure.test == test)
    assert (failure.error, failure.phase) == (True, "collection")
    assert message in failure.message


def test_a_hook_that_fails_beside_tests_that_ran_is_no_file_that_did_not_load():
    (after,) = (f for f in written("vitest.xml").failures if f.test == "vitest/after.test.mjs")
    assert (after.error, after.message) == (False, "left dirty")


def test_projects_of_playwright_are_told_apart():
    told = written("playwright.xml")
    assert "cart.spec.js::total \u203a green [desk]" in told.passed_tests
    assert "cart.spec.js::total \u203a green [phone]" in told.passed_tests
    assert len({failure.test for failure in told.failures}) == 10


def test_a_test_of_playwright_that_threw_has_failed():
    """It ran, and a click that waits in vain is how most tests of what is not there yet are red."""
    slow = next(f for f in written("playwright.xml").failures if "slow" in f.test)
    assert (slow.error, slow.message) == (False, "Test timeout of 300ms exceeded.")


def test_causes_are_told_where_writers_wrap_them():
    messages = [
        f.message for name in ("jest.xml", "playwright.xml") for f in written(name).failures
    ]
    assert "Error: left dirty" in messages
    assert messages.count("Expected to fail, but passed.") == 2


def test_a_panic_is_told_by_what_it_says_and_a_time_out_by_its_kind():
    told = {f.test: (f.message, f.path, f.line) for f in written("nextest.xml").failures}
    assert told == {
        "shop::tests::aborts": ("process aborted with signal 6 (SIGABRT)", "", None),
        "shop::tests::first_of_none": (
            "index out of bounds: the len is 0 but the index is 0",
            "src/lib.rs",
            6,
        ),
        "shop::tests::adds": ("assertion `left == right` failed: the sum", "src/lib.rs", 15),
        "shop::it::slow": ("test timeout", "", None),
    }
    assert written("nextest.xml").flaky_tests == ("shop::it::sometimes",)


def test_a_go_test_that_fails_by_those_within_it_is_not_told_besides():
    names = [failure.test for failure in written("gotestsum.xml").failures]
    assert "example.com/shop/cart::TestTotal/none" in names
    assert "example.com/shop/cart::TestTotal" not in names


def test_a_go_test_that_fails_by_itself_is_told_though_those_within_it_passed_again(tmp_path):
    bad = '<testcase name="TestA{}"><failure>no</failure></testcase>'
    text = f"""<testsuite name="p" failures="3"><properties><property name="go.version" value="1"/>
    </properties>{bad.format("/in")}{bad.format("")}<testcase name="TestA/in"/>{bad.format("")}
    </testsuite>"""
    told = parsed(tmp_path, text)
    assert [failure.test for failure in told.failures] == ["p::TestA"]
    assert told.flaky == 1


def test_names_of_go_tests_without_end_are_read_in_time_that_grows_with_their_length(tmp_path):
    endless = f'<testcase name="{"a/" * 100_000}"><failure>no</failure></testcase>'
    properties = '<properties><property name="go.version" value="1"/></properties>'
    told = parsed(tmp_path, f'<testsuite name="p">{properties}{endless}</testsuite>')
    assert told.failed == 1


@pytest.mark.parametrize("suite", ["a", "pytest"])
def test_a_suite_of_many_cases_is_read_in_time_that_grows_with_their_number(tmp_path, suite):
    case = f'<testcase classname="{suite}" name="{suite}"><failure>no</failure></testcase>'
    properties = "".join(f'<property name="p{n}" value="1"/>' for n in range(20_000))
    text = f"<testsuite name='{suite}'><properties>{properties}</properties>{case * 20_000}</testsuite>"
    assert parsed(tmp_path, text).failed == 20_000


def test_what_passed_only_when_tried_again_is_counted(tmp_path):
    assert parsed(tmp_path, SUREFIRE).flaky == 1


def test_a_case_that_failed_every_rerun_has_failed(tmp_path):
    text = '<testsuite><testcase name="a"><rerunFailure message="no"/></testcase></testsuite>'
    assert parsed(tmp_path, text).failed == 1


def test_cases_of_nested_suites_count(tmp_path):
    text = (
        '<testsuites><testsuite name="a"><testsuite name="b"><testcase name="t">'
        "<error/></testcase></testsuite><testcase name='u'/></testsuite></testsuites>"
    )
    report = parsed(tmp_path, text)
    assert (report.passed, report.errored) == (1, 1)
    assert report.failures[0].test == "a::t"


def test_failures_that_are_counted_but_not_listed_are_not_lost(tmp_path):
    report = parsed(tmp_path, '<testsuite failures="2"><testcase name="a"/></testsuite>')
    assert report.errored == 1
    assert "2 more failures" in report.failures[0].message


def test_totals_that_are_no_numbers_are_not_believed(tmp_path):
    text = '<testsuite failures="many" errors="-1"><testcase name="a"/></testsuite>'
    assert parsed(tmp_path, text).failures == ()


def test_characters_that_xml_forbids_do_not_spoil_a_report(tmp_path):
    text = b'<testsuite><testcase name="a"><failure>\x1b[31mred\x1b[0m\x00\x0b</failure></testcase></testsuite>'
    assert parsed(tmp_path, text).failures[0].details == "red"


BOMB = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><testsuite name="&y;"/>'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("<testsuite><testcase", "is no JUnit XML"),
        ("<html></html>", "is no JUnit XML"),
        ('{"tests": 3}', "is no JUnit XML"),
        (b"\xff\xfe<", "is no JUnit XML"),
        ('<?xml version="1.0" encoding="klingon"?><testsuite/>', "is no JUnit XML"),
        (BOMB, "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuite/>', "document type"),
        ("<testsuite>" * 5000 + "</testsuite>" * 5000, "too deep"),
    ],
)
def test_what_is_no_report_is_refused_with_its_reason(tmp_path, text, told):
    with pytest.raises(ReportUnreadable, match=told):
        parsed(tmp_path, text)


def test_a_report_that_is_no_file_of_its_own_is_refused_without_hanging(tmp_path):
    (tmp_path / "secret").write_text("<testsuite/>")
    (tmp_path / "link.xml").symlink_to(tmp_path / "secret")
    (tmp_path / "folder.xml").mkdir()
    os.mkfifo(tmp_path / "fifo.xml")
    for name, told in {
        "missing.xml": "was not written",
        "link.xml": "symbolic link",
        "folder.xml": "no regular file",
        "fifo.xml": "no regular file",
    }.items():
        with pytest.raises(ReportUnreadable, match=told):
            JUnitParser().parse(tmp_path / name, tmp_path)


def test_a_report_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.truncate(80 * 2**20)  # sparse
    with pytest.raises(ReportUnreadable, match="larger than 16 MiB"):
        JUnitParser().parse(path, tmp_path)


def test_what_is_kept_of_a_huge_report_is_bounded_and_its_counts_are_not(tmp_path):
    case = f'<testcase name="t"><failure message="no">{"x" * 9000}</failure></testcase>'
    long = f'<testcase name="t"><failure>{"y" * 3 * LONGEST_TEXT}</failure></testcase>'
    report = parsed(tmp_path, f"<testsuite>{long}{case * 700}</testsuite>")
    assert report.failed == 701
    assert len(report.failures) == FAILURES_KEPT
    assert max(len(f.details) for f in report.failures) <= DETAIL_CHARACTERS
    assert sum(len(f.details) for f in report.failures) <= DETAILS_CHARACTERS


def test_an_unknown_format_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="junit"):
        load("junit5")
    assert isinstance(load("junit"), JUnitParser)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_parser_do_anything_but_parse_or_refuse(tmp_path_factory, raw):
    path: Path = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}.xml"
    path.write_bytes(b"<testsuite>" + raw)
    with contextlib.suppress(ReportUnreadable):
        assert JUnitParser().parse(path, path.parent).parsed
