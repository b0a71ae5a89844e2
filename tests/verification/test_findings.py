"""Checks that look for faults, and checks of which nobody says how to read them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from orchestrator.digest.page import digest
from orchestrator.states import Verdict

pytestmark = pytest.mark.anyio

FIXTURES = Path(__file__).parents[1] / "reports" / "fixtures"


async def verified(site, run, report=None):
    check = {"run": run, **({"report": report} if report else {})}
    verification = await site.verifier().verify(site.request({"lint": check}))
    return verification.results[0], digest(verification, budget_tokens=1500)


def written(name, code):
    return f"cat {shlex.quote(str(FIXTURES / name))} > {{report}}; exit {code}"


async def test_a_linter_that_finds_nothing_passes_though_it_ran_no_test(site):
    result, _ = await verified(site, written("ruff/clean.json", 0), "ruff")
    assert result.verdict is Verdict.PASSED
    assert (result.report.parsed, result.report.ran) == (True, 0)


async def test_what_a_linter_finds_is_told_by_file_and_line(site):
    result, told = await verified(site, written("mypy/errors.json", 1), "mypy")
    assert (result.verdict, result.reason) == (Verdict.FAILED, "12 errors")
    assert "FAIL lint | exit 1 | 12 errors found |" in told
    assert "at shop/cart.py:28" in told


async def test_warnings_alone_are_red_only_by_the_exit_code(site):
    green, _ = await verified(site, written("eslint/warnings.txt", 0), "eslint")
    red, told = await verified(site, written("eslint/warnings.txt", 1), "eslint")
    assert (green.verdict, green.report.warnings) == (Verdict.PASSED, 4)
    assert (red.verdict, red.reason) == (Verdict.FAILED, "exit code 1, with 4 warnings")
    assert "'RATE' is not defined" in told


async def test_a_linter_is_read_from_what_it_prints_amid_other_words(site):
    shown = (
        f"echo '> lint'; cat {shlex.quote(str(FIXTURES / 'tsc/renamed-field.txt'))}; echo bye >&2"
    )
    red, told = await verified(site, f"{shown}; exit 2", "tsc")
    assert (red.verdict, red.reason, red.report.failed) == (Verdict.FAILED, "77 errors", 77)
    assert "Property 'quantity' does not exist" in told
    assert (await verified(site, "echo '> lint'", "tsc"))[0].verdict is Verdict.PASSED
    lost, _ = await verified(site, f"{shown}; exit 0", "tsc")
    assert (lost.verdict, lost.reason) == (
        Verdict.FAILED,
        "77 errors, though the command exited with 0",
    )


async def test_a_linter_that_breaks_down_without_a_finding_tells_how_it_ended(site):
    run = "echo All checks passed! > {report}; echo the cache is broken >&2; exit 2"
    result, told = await verified(site, run, "ruff")
    assert result.verdict is Verdict.FAILED
    assert "the cache is broken" in told


async def test_without_a_report_the_output_is_guessed_at_and_the_exit_code_decides(site):
    shown = f"cat {shlex.quote(str(FIXTURES / 'generic/gcc.txt'))} >&2; exit"
    red, told = await verified(site, f"{shown} 2")
    assert red.verdict is Verdict.FAILED
    assert not red.report.parsed
    assert (red.report.failures, len(red.report.guessed)) == ((), 4)
    assert "guessed from its output" in told
    assert "at order.c:10" in told
    assert (await verified(site, f"{shown} 0"))[0].verdict is Verdict.PASSED


async def test_both_outputs_of_an_unknown_tool_are_told(site):
    run = "echo to one; seq 5000; echo 'Error: lost' >&2; seq 5000; echo to the other >&2; exit 1"
    _, told = await verified(site, run)
    assert all(
        line in told for line in ("to one", "Error: lost", "to the other", "lines like these")
    )
