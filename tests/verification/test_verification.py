"""All checks of one tree: really run, on a clean checkout, and never green by mistake."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from waiting import until

from orchestrator.errors import GitError
from orchestrator.states import Verdict
from orchestrator.verification.slots import Slots

pytestmark = pytest.mark.anyio

REPORT = '<testsuite><testcase name="a">{}</testcase></testsuite>'


def junit(inner: str = "", code: int = 0) -> dict:
    """A check that writes a report and exits with ``code``."""
    return {"run": f"echo '{REPORT.format(inner)}' > {{report}}; exit {code}", "report": "junit"}


async def verdicts(site, checks, *wanted, **changes):
    verification = await site.verifier().verify(site.request(checks, *wanted, **changes))
    return {result.check: result.verdict for result in verification.results}


async def one(site, check, **changes):
    verification = await site.verifier().verify(site.request({"unit": check}, **changes))
    (result,) = verification.results
    return result


async def test_a_check_passes_when_its_command_exits_well(site):
    verification = await site.verifier().verify(site.request({"unit": {"run": "test -f README"}}))
    assert verification.passed
    assert site.told == list(verification.results)


async def test_what_lies_only_in_the_users_checkout_is_not_there(site):
    (site.checkout / "out").mkdir()
    (site.checkout / "out/module.py").write_text("")
    (site.checkout / "untracked.txt").write_text("")
    assert (await one(site, {"run": "test -e out || test -e untracked.txt"})).verdict is (
        Verdict.FAILED
    )


async def test_checks_get_a_short_environment_and_a_temporary_folder_of_their_own(site):
    told = site.folder / "env"
    run = f"env > {told}; touch $TMPDIR/left; mkdir -p $TMPDIR/a/b; chmod 0 $TMPDIR/a"
    assert (await one(site, {"run": run})).verdict is Verdict.PASSED
    env = dict(line.split("=", 1) for line in told.read_text().splitlines() if "=" in line)
    assert "PYTHONPATH" not in env
    assert env["CLERK_CHECK"] == "unit"
    assert env["CLERK_COMMIT"] == site.git("rev-parse", "HEAD")
    assert not Path(env["TMPDIR"]).parent.exists()


async def test_no_mode_opens_what_checks_make_to_other_users(site):
    told = site.folder / "mode"
    own = '"$(dirname "$CLERK_REPORT")"'
    run = f"chmod 777 {own}; stat -c %a {own}/.. > {told}"
    assert (await one(site, {"run": run})).verdict is Verdict.PASSED
    assert told.read_text().strip() == "700"


async def test_a_report_with_a_failure_is_red_though_the_command_says_well(site):
    result = await one(site, junit('<failure message="no"/>'))
    assert result.verdict is Verdict.FAILED
    assert result.report.failures[0].message == "no"


async def test_a_report_that_was_wanted_and_not_written_is_never_green(site):
    result = await one(site, {"run": "true # {report}", "report": "junit"})
    assert result.verdict is Verdict.ERRORED
    assert "was not written" in result.reason


async def test_a_report_that_was_committed_or_left_by_an_earlier_run_is_not_read(site):
    checks = {"run": "cat green.xml; : {report}", "report": "junit"}
    site.commit({"report.xml": REPORT, "unit.xml": REPORT, "green.xml": REPORT})
    assert (await one(site, junit())).verdict is Verdict.PASSED
    assert (await one(site, checks, use_cache=False)).verdict is Verdict.ERRORED


async def test_a_suite_without_tests_has_failed(site):
    result = await one(site, {"run": "echo '<testsuite/>' > {report}", "report": "junit"})
    assert (result.verdict, result.reason) == (Verdict.FAILED, "collected no tests")


async def test_a_suite_without_tests_may_pass_where_the_plan_says_so(site):
    none = {"report": "junit", "allow_no_tests": True}
    green = await one(site, {"run": "echo '<testsuite/>' > {report}", **none})
    assert green.verdict is Verdict.PASSED
    red = await one(site, {"run": "echo '<testsuite/>' > {report}; exit 5", **none})
    assert (red.verdict, red.reason) == (Verdict.FAILED, "collected no tests")
    missing = await one(site, {"run": "true # {report}", **none})
    assert missing.verdict is Verdict.ERRORED


async def test_a_report_that_is_a_pipe_does_not_hang(site):
    result = await one(site, {"run": "mkfifo {report}", "report": "junit"})
    assert result.verdict is Verdict.ERRORED


@pytest.mark.parametrize(
    ("run", "name"),
    [
        ("no-such-command-at-all --x", "'no-such-command-at-all'"),
        ("echo begun && ./away/tool.sh", "'./away/tool.sh'"),
        ("env no-such-command", "'no-such-command'"),
        ("bash -c 'echo a: b; no_such_command'", "'no_such_command'"),
        ("exit 127", "a command"),
    ],
)
async def test_a_missing_command_blames_nobody_and_is_named(site, run, name):
    result = await one(site, {"run": run})
    assert result.verdict is Verdict.ERRORED
    assert result.reason.startswith(f"could not run: {name} was not found (exit code 127)")


async def test_a_check_that_takes_too_long_is_stopped_and_timed_out(site):
    result = await one(site, {"run": "echo begun; sleep 600", "timeout": "300ms"})
    assert result.verdict is Verdict.TIMED_OUT
    assert result.report.tail == "begun"


async def test_an_unparsed_failure_carries_the_output(site):
    result = await one(site, {"run": 'echo "$PWD/src/a.c:3: boom" >&2; exit 3'})
    assert result.verdict is Verdict.FAILED
    assert result.exit_code == 3
    assert result.report.tail == "src/a.c:3: boom"
    assert Path(result.log).read_text().endswith("boom\n")


async def test_real_pytest_failures_carry_ids_wherever_the_checkout_lies(site):
    site.commit(
        {
            "shop.py": "def total():\n    return 1 / 0\n",
            "test_shop.py": "import shop\n\n\ndef test_total():\n    assert shop.total() == 0\n",
        }
    )
    run = f"{sys.executable} -m pytest -q -p no:cacheprovider --junitxml={{report}}"
    result = await one(site, {"run": run, "report": "junit"})
    (failure,) = result.report.failures
    assert failure.test == "test_shop.py::test_total"
    assert (failure.path, failure.line) == ("shop.py", 2)
    assert str(site.folder) not in failure.details


async def test_needs_run_first_and_leave_their_output(site):
    checks = {
        "unit": {"run": "grep -q built out/lib", "needs": ["build"]},
        "build": {"run": "mkdir out && echo built > out/lib"},
    }
    assert await verdicts(site, checks, "unit") == {
        "build": Verdict.PASSED,
        "unit": Verdict.PASSED,
    }


async def test_a_failure_leaves_out_what_needs_it_and_nothing_else(site):
    checks = {
        "build": {"run": "false"},
        "unit": {"run": "true", "needs": ["build"]},
        "e2e": {"run": "true", "needs": ["unit"]},
        "lint": {"run": "true"},
    }
    verification = await site.verifier().verify(site.request(checks))
    results = {result.check: result for result in verification.results}
    assert results["lint"].verdict is Verdict.PASSED
    assert [results[name].skipped for name in ("build", "unit", "e2e")] == [False, True, True]
    assert "'build', which failed" in results["unit"].reason
    assert "'unit', which was not started" in results["e2e"].reason
    assert verification.verdict is Verdict.FAILED


async def test_independent_checks_run_at_the_same_time(site):
    meet = "mkfifo $TMPDIR/p 2>/dev/null; "
    checks = {
        "a": {"run": meet + "echo x > $TMPDIR/p", "timeout": "20s"},
        "b": {"run": meet + "read x < $TMPDIR/p", "timeout": "20s"},
    }
    assert set((await verdicts(site, checks)).values()) == {Verdict.PASSED}


async def test_no_more_commands_run_at_once_than_there_are_slots(site):
    busy = {"run": "mkdir $TMPDIR/alone && true && rmdir $TMPDIR/alone"}
    request = site.request(dict.fromkeys("abcdef", busy))
    verification = await site.verifier(slots=Slots(1)).verify(request)
    assert verification.passed


async def test_with_fail_fast_nothing_more_is_started_after_a_failure(site):
    checks = {name: {"run": "false"} for name in "abc"}
    request = site.request(checks, fail_fast=True)
    verification = await site.verifier(slots=Slots(1)).verify(request)
    assert sorted(result.skipped for result in verification.results) == [False, True, True]


async def test_a_verified_tree_is_not_verified_again_and_says_so(site):
    checks = {"unit": {"run": f"echo x >> {site.folder}/ran"}}
    first = await site.verifier().verify(site.request(checks))
    site.git("commit", "-qm", "another commit with the same tree", "--allow-empty")
    again = await site.verifier().verify(site.request(checks))
    assert len(site.ran()) == 1
    assert [r.cached for r in (*first.results, *again.results)] == [False, True]
    assert again.passed


async def test_what_is_known_costs_no_checkout(site):
    class NoPool:
        def acquire(self, commit):
            raise AssertionError("nothing is to be checked out")

    request = site.request({"unit": {"run": "true"}})
    await site.verifier().verify(request)
    assert (await site.verifier(pool=NoPool()).verify(request)).passed


async def test_without_the_cache_everything_runs_again(site):
    checks = {"unit": {"run": f"echo x >> {site.folder}/ran"}}
    for use_cache in (True, False):
        await site.verifier().verify(site.request(checks, use_cache=use_cache))
    assert len(site.ran()) == 2


async def test_another_command_tree_or_environment_is_another_verdict(site):
    count = f"echo x >> {site.folder}/ran"
    await one(site, {"run": count})
    await one(site, {"run": f"{count};"})
    await one(site, {"run": count}, worktree={"env": {"MODE": "test"}})
    site.commit({"new": ""})
    await one(site, {"run": count})
    assert len(site.ran()) == 4


async def test_a_copied_file_that_changed_is_another_verdict(site):
    (site.checkout / ".gitignore").write_text(".env\n")
    site.commit({})
    check = {"run": "grep -q good .env"}
    worktree = {"copy": [".env"]}
    (site.checkout / ".env").write_text("good\n")
    assert (await one(site, check, worktree=worktree)).verdict is Verdict.PASSED
    (site.checkout / ".env").write_text("bad\n")
    assert (await one(site, check, worktree=worktree)).verdict is Verdict.FAILED


async def test_errors_and_time_outs_are_not_remembered(site):
    checks = {
        "gone": {"run": f"echo x >> {site.folder}/ran; no-such-command"},
        "slow": {"run": f"echo x >> {site.folder}/ran; sleep 60", "timeout": "200ms"},
    }
    for _ in range(2):
        await site.verifier().verify(site.request(checks))
    assert len(site.ran()) == 4


async def test_what_a_running_check_needs_runs_in_the_same_checkout_though_it_is_known(site):
    build = {"run": f"mkdir out && echo built > out/lib; echo x >> {site.folder}/ran"}
    await site.verifier().verify(site.request({"build": build}))
    checks = {"build": build, "unit": {"run": "grep -q built out/lib", "needs": ["build"]}}
    verification = await site.verifier().verify(site.request(checks, "unit"))
    assert verification.passed
    assert len(site.ran()) == 2


async def test_a_failure_is_looked_at_again_since_it_may_be_the_machines(site):
    build = {"run": f"echo x >> {site.folder}/ran; [ -e {site.folder}/mended ]"}
    red = await site.verifier().verify(site.request({"build": build}))
    assert not red.passed
    (site.folder / "mended").touch()
    assert (await site.verifier().verify(site.request({"build": build}))).passed
    assert len(site.ran()) == 2


async def test_a_trusted_failure_is_told_again_and_bars_what_needs_it(site):
    count = f"echo x >> {site.folder}/ran"
    checks = {"build": {"run": f"{count}; exit 3"}, "unit": {"run": count, "needs": ["build"]}}
    await site.verifier().verify(site.request(checks))
    known = (await site.verifier().verify(site.request(checks, trust_failures=True))).results
    assert [(r.verdict, r.cached, r.skipped) for r in known] == [
        (Verdict.FAILED, True, False),
        (Verdict.ERRORED, False, True),
    ]
    assert len(site.ran()) == 1


async def test_two_checks_with_one_command_have_verdicts_of_their_own(site):
    checks = {"a": {"run": "true"}, "b": {"run": "true"}}
    for _ in range(2):
        verification = await site.verifier().verify(site.request(checks))
        assert [result.check for result in verification.results] == ["a", "b"]


async def test_a_repository_whose_tree_cannot_be_read_errs_every_check(site):
    request = site.request({"unit": {"run": "true", "inputs": ["src"]}}, tree="0" * 40)
    (result,) = (await site.verifier().verify(request)).results
    assert result.verdict is Verdict.ERRORED
    assert "could not run" in result.reason
    assert site.told == [result]


async def test_one_tree_wanted_twice_at_once_is_verified_once(site):
    verifier = site.verifier()
    request = site.request({"unit": {"run": f"echo x >> {site.folder}/ran"}})
    async with anyio.create_task_group() as together:
        for _ in range(3):
            together.start_soon(verifier.verify, request)
    assert len(site.ran()) == 1
    assert [result.cached for result in site.told] == [False, True, True]


async def test_setup_that_fails_errs_every_check_and_starts_none(site):
    checks = {name: {"run": f"echo x >> {site.folder}/ran"} for name in "ab"}
    worktree = {"setup": ["echo no network; exit 7"]}
    verification = await site.verifier().verify(site.request(checks, worktree=worktree))
    assert {result.verdict for result in verification.results} == {Verdict.ERRORED}
    assert "no network" in verification.results[0].reason
    assert site.ran() == []


async def test_a_commit_that_cannot_be_checked_out_errs_every_check(site):
    class Broken:
        def acquire(self, commit):
            raise GitError("the disk is full")

    verification = await site.verifier(pool=Broken()).verify(site.request({"a": {"run": "true"}}))
    assert verification.verdict is Verdict.ERRORED
    assert "the disk is full" in verification.results[0].reason


async def test_a_commit_that_does_not_hold_the_tree_is_never_verified_as_it(site):
    old = site.git("rev-parse", "HEAD^{tree}")
    site.commit({"new": "x"})
    result = await one(site, {"run": "true"}, tree=old)
    assert result.verdict is Verdict.ERRORED


async def test_cancelling_stops_the_command_and_gives_the_checkout_back(site):
    verifier = site.verifier()
    request = site.request({"unit": {"run": f"echo $$ > {site.folder}/pid; exec sleep 600"}})
    async with anyio.create_task_group() as together:
        together.start_soon(verifier.verify, request)
        await until(lambda: site.ran("pid"))
        together.cancel_scope.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(int(site.ran("pid")[0]), 0)
    assert (await verifier.verify(site.request({"unit": {"run": "true"}}))).passed


async def test_a_check_the_plan_does_not_have_is_a_mistake_of_the_caller(site):
    request = replace(site.request({"unit": {"run": "true"}}), checks=("e2e",))
    with pytest.raises(KeyError):
        await site.verifier().verify(request)


async def test_no_check_at_all_never_passes(site):
    verification = await site.verifier().verify(
        replace(site.request({"unit": {"run": "true"}}), checks=())
    )
    assert not verification.passed
    assert verification.verdict is Verdict.ERRORED
