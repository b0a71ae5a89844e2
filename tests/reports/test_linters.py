"""Linters and compilers: what they really wrote, and what is left of it when it is damaged."""

import contextlib
import random

import pytest
from reports.fixture_runs import CHECKOUT, FIXTURES, runs

from orchestrator.reports import load
from orchestrator.reports.source import REPORT_BYTES, ReportUnreadable
from orchestrator.results import Report
from orchestrator.states import Verdict
from orchestrator.supervision.job import Exit
from orchestrator.verification.judgement import judge, settled

FORMATS = ("tsc", "eslint", "mypy", "ruff", "sarif", "generic")
RUNS = runs(*FORMATS)


def read(name):
    folder, _, file = name.partition("/")
    return load(folder).parse(FIXTURES / folder / file, CHECKOUT)


def parsed(tmp_path, name, text):
    path = tmp_path / "report"
    path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
    return load(name).parse(path, tmp_path)


def judged(path, run):
    """The verdict of the run whose report is at ``path``, and what is then told of it."""
    try:
        report, unreadable = load(run.format).parse(path, CHECKOUT), ""
    except ReportUnreadable as error:
        report, unreadable = Report(), str(error)
    verdict, _ = judge(Exit(code=run.exit), report, unreadable=unreadable, wanted=True)
    return verdict, settled(report, verdict)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_real_run_is_judged_as_its_tool_meant_it_and_tells_its_cause(run):
    verdict, report = judged(run.path, run)
    assert verdict is (Verdict.FAILED if run.exit else Verdict.PASSED)
    if report.failures:
        assert any(run.cause in f"{f.path} {f.message} {f.details}" for f in report.failures)
    else:
        assert not run.exit or "broken-config" in run.name or "bad-option" in run.name


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("tsc/renamed-field.txt", (77, 0, 0)),
        ("tsc/renamed-field.pretty.txt", (77, 0, 0)),
        ("tsc/few.pretty.txt", (4, 0, 0)),
        ("eslint/mixed.txt", (7, 0, 5)),
        ("eslint/mixed.color.txt", (7, 0, 5)),
        ("eslint/mixed.json", (7, 0, 5)),
        ("eslint/warnings.txt", (0, 0, 4)),
        ("mypy/errors.txt", (12, 0, 0)),
        ("mypy/errors.pretty.txt", (12, 0, 0)),
        ("mypy/errors.json", (12, 0, 0)),
        ("mypy/no-file.txt", (1, 0, 0)),
        ("ruff/errors.concise.txt", (11, 0, 0)),
        ("ruff/errors.full.txt", (11, 0, 0)),
        ("ruff/errors.json", (11, 0, 0)),
        ("ruff/format.txt", (1, 0, 0)),
        ("sarif/ruff.sarif", (11, 0, 0)),
        ("sarif/eslint.sarif", (6, 1, 4)),
        ("generic/gcc.txt", (4, 0, 4)),
        ("generic/rustc.txt", (4, 0, 0)),
    ],
)
def test_counts_are_those_that_the_tool_tells_itself(name, counts):
    report = read(name)
    assert (report.failed, report.errored, report.warnings) == counts
    assert report.findings
    assert report.ran == report.failed + report.errored


@pytest.mark.parametrize(
    "names",
    [
        ("tsc/renamed-field.txt", "tsc/renamed-field.pretty.txt"),
        ("tsc/few.txt", "tsc/few.pretty.txt"),
        ("eslint/mixed.txt", "eslint/mixed.color.txt"),
        ("mypy/errors.txt", "mypy/errors.pretty.txt", "mypy/errors.json"),
        ("ruff/errors.concise.txt", "ruff/errors.full.txt", "ruff/errors.json", "sarif/ruff.sarif"),
    ],
)
def test_the_same_findings_have_the_same_identities_and_places_in_every_form(names):
    told = [{(f.test, f.path, f.line) for f in read(name).failures} for name in names]
    assert all(one == told[0] for one in told)
    assert not any(path.startswith("/") for _, path, _ in told[0])


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_identities_are_unique(run):
    with contextlib.suppress(ReportUnreadable):
        report = load(run.format).parse(run.path, CHECKOUT)
        names = [failure.test for failure in report.failures + report.warned]
        assert len(set(names)) == len(names)


def test_an_identity_survives_an_edit_above_it(tmp_path):
    below = "src/a.ts(12,5): error TS2300: Duplicate 'x', see line 3.\n"
    moved = "src/a.ts(40,9): error TS2300: Duplicate 'x', see line 31.\n"
    (before,), (after,) = (parsed(tmp_path, "tsc", text).failures for text in (below, moved))
    assert before.test == after.test
    assert (before.line, after.line) == (12, 40)


def test_what_explains_a_finding_is_kept_with_it():
    first = read("mypy/errors.txt").failures[0]
    assert first.details.startswith('Following member(s) of "Plain" have conflicts')
    chain = read("tsc/few.pretty.txt").failures[0].details
    assert chain.rstrip().endswith("Type 'number' is not assignable to type 'string'.")
    assert "prices[0]" in next(f for f in read("generic/rustc.txt").failures if f.line == 2).details


def test_a_wrapped_message_is_read_to_its_end():
    wrapped = {f.message for f in read("mypy/errors.pretty.txt").failures}
    assert wrapped == {f.message for f in read("mypy/errors.txt").failures}


def test_only_warnings_are_failures_when_the_exit_code_says_so():
    (fine,) = (run for run in RUNS if run.name == "eslint/warnings.txt")
    (strict,) = (run for run in RUNS if run.name == "eslint/too-many-warnings.txt")
    assert judged(fine.path, fine)[0] is Verdict.PASSED
    verdict, report = judged(strict.path, strict)
    assert verdict is Verdict.FAILED
    assert (report.failed, report.warnings, len(report.failures)) == (4, 0, 4)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("ruff", "", "empty"),
        ("ruff", "[\n", "no whole JSON"),
        ("ruff", '[{"filename": 3}]', "another shape at"),
        ("ruff", '[{"filename": "a.py"', "no whole JSON"),
        ("ruff", "[" * 200_000 + "]", "no total"),
        ("ruff", '[{"a":' * 200_000, "too deep"),
        ("ruff", '[{"message": ' + "[" * 2_100_000, "too many"),
        ("ruff", '[{"filename": ' + "9" * 9_000 + "}]", "no whole JSON"),
        ("eslint", '[{"filePath":"a.js","messages":[', "no whole JSON"),
        ("mypy", "npm warn something else\n", "no total"),
        ("sarif", "", "empty"),
        ("sarif", "no json at all", "no run"),
        ("sarif", '{"version": "2.1.0", "runs": []}', "no run"),
        ("sarif", '{"version": "1.0.0", "runs": [{"tool": {"driver": {}}}]}', "not 2.1.0"),
        ("sarif", '{"version": "2.1.0"}', "shape at runs"),
    ],
)
def test_what_proves_nothing_is_refused_and_says_why(tmp_path, name, text, why):
    with pytest.raises(ReportUnreadable, match=why):
        parsed(tmp_path, name, text)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_file_to_read_is_refused(tmp_path, name):
    parser = load(name)
    (tmp_path / "link").symlink_to(FIXTURES / "tsc/few.txt")
    with (tmp_path / "big").open("wb") as file:
        file.truncate(REPORT_BYTES + 1)
    for bad in ("missing", "link", "big", "."):
        with pytest.raises(ReportUnreadable):
            parser.parse(tmp_path / bad, tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("eslint", "\n/c/a.js\n  1:2  error  No  no-undef\n"),
        (
            "eslint",
            "\n/c/a.js\n  1:2  error  No  no-undef\n\n✖ 3 problems (3 errors, 0 warnings)\n",
        ),
        ("mypy", "a.py:1: error: No  [misc]\n"),
        ("mypy", "a.py:1: error: No  [misc]\nFound 3 errors in 1 file (checked 1 source file)\n"),
        ("ruff", "a.py:1:2: F401 No\n"),
        ("ruff", "a.py:1:2: F401 No\nFound 3 errors.\n"),
        ("tsc", "a.ts(1,2): error TS1: No\nFound 3 errors in 2 files.\n"),
    ],
)
def test_findings_without_the_total_that_belongs_to_them_are_in_doubt(tmp_path, name, text):
    report = parsed(tmp_path, name, text)
    assert (report.failed, report.errored) == (1, 1)
    assert report.failures[-1].test == "report"


@pytest.mark.parametrize(
    ("name", "clean", "red"),
    [
        ("eslint", "", "eslint/mixed.txt"),
        ("tsc", "", "tsc/few.txt"),
        ("mypy", "Success: no issues found in 1 source file\n", "mypy/errors.txt"),
        ("ruff", "All checks passed!\n", "ruff/errors.full.txt"),
        ("ruff", "[]", "ruff/errors.json"),
        ("eslint", "[]\n", "eslint/mixed.json"),
    ],
)
def test_a_script_runners_chatter_and_a_second_run_change_nothing(tmp_path, name, clean, red):
    chatter = "\n> shop@1.0.0 lint\n> tool --flag .\n\n[1/2] begun\n"
    assert parsed(tmp_path, name, clean).failed == 0
    told = (FIXTURES / red).read_text()
    alone = read(red)
    twice = parsed(tmp_path, name, f"{chatter}{clean}\n{told}\nDone in 3s.\n")
    assert (twice.failed, twice.errored, twice.warnings) == (alone.failed, 0, alone.warnings)


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
    "name", ["eslint/mixed.json", "ruff/errors.json", "sarif/ruff.sarif", "sarif/eslint.sarif"]
)
def test_json_that_is_cut_off_is_never_a_clean_run(tmp_path, name):
    raw = (FIXTURES / name).read_bytes().rstrip()
    for size in range(2, len(raw), len(raw) // 40):
        with pytest.raises(ReportUnreadable):
            parsed(tmp_path, name.partition("/")[0], raw[:size])


@pytest.mark.parametrize(
    "hostile",
    [
        b"a/" * 200_000,
        (b"a.c:1:" * 600 + b"\n") * 60,
        (b" " * 3_999 + b"\n") * 100,
        b"x  " * 100_000,
        b"a.c:1: error: " * 30_000,
        b"Traceback (most recent call last):\n" * 8_000,
        b"XError: no\n" * 20_000,
        b"\xff\xfe\x00" * 60_000,
        b"  1:1  error  " + b"  a" * 100_000,
        b"a.py:1: error: no  " + b"[a-" * 100_000,
    ],
    ids=range(10),
)
@pytest.mark.parametrize("name", FORMATS)
def test_hostile_output_is_read_in_time_that_grows_with_its_length(tmp_path, name, hostile):
    with contextlib.suppress(ReportUnreadable):
        report = parsed(tmp_path, name, hostile)
        assert len(report.failures) <= 500
