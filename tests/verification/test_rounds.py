"""Checks that run again, end early or wait for one another: with real checkouts and processes."""

from __future__ import annotations

import anyio
import pytest

from orchestrator.records import CheckRunRecord
from orchestrator.states import Verdict
from orchestrator.verification.check_history import History, Past, command_hash
from orchestrator.verification.slots import Slots
from orchestrator.verification.strain import Machine, Moment

pytestmark = pytest.mark.anyio

REPORT = '<testsuite><testcase name="a">{}</testcase><testcase name="b"/></testsuite>'
RED = REPORT.format('<failure message="no"/>')


def flickering(site, **more) -> dict:
    """A check whose test ``a`` fails the first time."""
    seen = site.folder / "seen"
    run = (
        f"echo x >> {site.folder}/ran; "
        f"if mkdir {seen} 2>/dev/null; then echo '{RED}' > {{report}}; exit 1; fi; "
        f"echo '{REPORT.format('')}' > {{report}}"
    )
    return {"run": run, "report": "junit", **more}


async def verify(site, checks, *wanted, **changes):
    wiring = {name: changes.pop(name) for name in ("slots", "machine") if name in changes}
    verification = await site.verifier(**wiring).verify(site.request(checks, *wanted, **changes))
    return verification, {result.check: result for result in verification.results}


async def test_a_test_that_fails_once_is_flaky_and_does_not_pass(site):
    verification, told = await verify(site, {"unit": flickering(site, rerun=2)})
    unit = told["unit"]
    assert (unit.verdict, unit.runs, unit.flaky_tests) == (Verdict.FLAKY, 2, ("a",))
    assert not verification.passed
    assert verification.verdict is Verdict.FLAKY
    assert len(site.told) == 1, "only what it came to is told"


async def test_where_the_plan_allows_it_a_flaky_one_passes_marked_and_is_never_kept(site):
    checks = {
        "unit": flickering(site, rerun=1, flaky="allow"),
        "e2e": {"run": "true", "needs": ["unit"]},
    }
    verification, told = await verify(site, checks, fail_fast=True)
    assert verification.passed
    assert told["unit"].verdict is Verdict.FLAKY
    assert told["e2e"].verdict is Verdict.PASSED
    _, again = await verify(site, checks)
    assert not again["unit"].cached


async def test_without_rerun_a_failure_counts_at_once(site):
    _, told = await verify(site, {"unit": flickering(site)})
    assert (told["unit"].verdict, told["unit"].runs) == (Verdict.FAILED, 1)


async def test_what_a_failed_run_left_behind_cannot_help_the_next(site):
    """The first run leaves itself a file to pass by, in the tree, beside it and where reports go."""
    places = 'left out/left $TMPDIR/left "$(dirname "$CLERK_REPORT")/left"'
    checks = {
        "build": {"run": "test ! -e out && mkdir out && echo built > out/lib"},
        "unit": {
            "run": f"grep -q built out/lib || exit 1; for at in {places}; do test -e $at && exit 0; "
            f"touch $at; done; echo x >> {site.folder}/ran; exit 1",
            "needs": ["build"],
            "rerun": 2,
        },
    }
    _, told = await verify(site, checks, "unit")
    assert (told["unit"].verdict, told["unit"].runs) == (Verdict.FAILED, 3)
    assert told["build"].verdict is Verdict.PASSED
    assert len(site.ran()) == 3


async def test_the_log_told_of_a_flaky_check_is_that_of_its_failure(site):
    run = f"mkdir {site.folder}/seen 2>/dev/null && echo boom && exit 1; true"
    _, told = await verify(site, {"unit": {"run": run, "rerun": 1}})
    assert told["unit"].verdict is Verdict.FLAKY
    with open(told["unit"].log) as log:  # noqa: ASYNC230, PTH123
        assert "boom" in log.read()


async def test_the_first_failure_stops_what_runs_and_what_waits(site):
    checks = {
        "long": {"run": f"touch {site.folder}/long; exec sleep 600"},
        "red": {"run": f"until [ -e {site.folder}/long ]; do sleep 0.02; done; exit 1"},
        "late": {"run": f"touch {site.folder}/late", "needs": ["long"]},
    }
    _, told = await verify(site, checks, fail_fast=True)
    assert told["red"].verdict is Verdict.FAILED
    assert [told[name].skipped for name in ("long", "red", "late")] == [True, False, True]
    assert told["long"].reason == "stopped: 'red' did not pass"
    assert not (site.folder / "late").exists()
    _, again = await verify(site, {"long": {"run": "true"}, "red": checks["red"]})
    assert not again["long"].cached


async def test_what_could_not_run_ends_nobody_else(site):
    checks = {"gone": {"run": "no-such-command"}, "unit": {"run": "true", "needs": []}}
    _, told = await verify(site, checks, fail_fast=True, slots=Slots(1))
    assert {name: told[name].verdict for name in told} == {
        "gone": Verdict.ERRORED,
        "unit": Verdict.PASSED,
    }


async def test_a_suspect_is_not_tried_again_once_another_one_has_failed(site):
    """The other one ends after it, but perhaps before anybody has heard of that."""
    ran = site.folder / "ran"
    gone = f"[ -s {ran} ] && ! kill -0 $(head -n 1 {ran}) 2>/dev/null"
    checks = {
        "unit": {"run": f"echo $$ >> {ran}; exit 1", "rerun": 3},
        "lint": {"run": f"until {gone}; do sleep 0.02; done; exit 1"},
    }
    _, told = await verify(site, checks, fail_fast=True)
    assert told["lint"].verdict is Verdict.FAILED
    assert (told["unit"].ok, told["unit"].runs) == (False, 1)
    assert len(ran.read_text().splitlines()) == 1


async def test_a_resource_is_held_by_one_check_at_a_time_across_verifications(site):
    alone = f"mkdir {site.folder}/lock && sleep 0.05 && rmdir {site.folder}/lock"
    slots = Slots(4)
    verifier = site.verifier(slots=slots)
    found = []

    async def one(tree: str) -> None:
        checks = {f"{tree}{n}": {"run": alone, "exclusive": ["arm", "gpu"]} for n in range(2)}
        found.append(await verifier.verify(site.request(checks, use_cache=False)))

    async with anyio.create_task_group() as together:
        together.start_soon(one, "x")
        together.start_soon(one, "y")
    assert [verification.passed for verification in found] == [True, True]


async def test_a_time_out_under_overload_is_run_again_alone_and_that_counts(site):
    """The counters stand for a machine that is pressed as long as the check has not run twice."""

    def look() -> Moment:
        at = float(next(ticks))
        return Moment(at, {"cpu": at if len(site.ran()) < 2 else 0.0})

    ticks = iter(range(10**6))
    machine = Machine(look, pause_seconds=0.0, patience_seconds=0.05)
    seen = f"mkdir {site.folder}/seen 2>/dev/null && exec sleep 600; true"
    slow = {"run": f"echo x >> {site.folder}/ran; {seen}", "timeout": "300ms"}
    verification, told = await verify(site, {"slow": slow}, machine=machine)
    assert verification.passed
    assert (told["slow"].runs, told["slow"].overloaded) == (2, True)
    assert len(site.ran()) == 2


async def test_one_that_times_out_alone_too_has_timed_out(site):
    pressed = iter(range(10**6))

    def look() -> Moment:
        at = float(next(pressed))
        return Moment(at, {"cpu": at})

    machine = Machine(look, pause_seconds=0.0, patience_seconds=0.05)
    slow = {"run": f"echo x >> {site.folder}/ran; exec sleep 600", "timeout": "200ms"}
    _, told = await verify(site, {"slow": slow}, machine=machine)
    assert (told["slow"].verdict, told["slow"].overloaded) == (Verdict.TIMED_OUT, True)
    assert len(site.ran()) == 2


async def test_what_failed_often_goes_first(site):
    """Which an agent waits for less: one slot, and the past alone differs."""
    checks = {name: {"run": f"echo {name} >> {site.folder}/ran"} for name in ("calm", "touchy")}

    def ran(name: str, verdict: Verdict) -> CheckRunRecord:
        return CheckRunRecord(
            plan="p", task="t", purpose="branch", check_name=name, tree="", verdict=verdict,
            command=command_hash(checks[name]["run"]), seconds=1.0, cached=False, runs=1, flaky="",
            overloaded=False, at=0.0,
        )  # fmt: skip

    past = {"calm": ran("calm", Verdict.PASSED), "touchy": ran("touchy", Verdict.FAILED)}
    told = History({name: Past([run] * 9) for name, run in past.items()})
    await verify(site, checks, slots=Slots(1), history=lambda: told)
    assert site.ran() == ["touchy", "calm"]


async def test_a_need_that_does_not_pass_again_leaves_the_first_failure_standing(site):
    """On the second checkout the build fails, so the suspect cannot be cleared: it stays red."""
    checks = {
        "build": {"run": f"mkdir {site.folder}/seen"},
        "unit": {"run": "exit 1", "needs": ["build"], "rerun": 1},
    }
    verification, told = await verify(site, checks, "unit")
    assert told["build"].verdict is Verdict.PASSED
    assert (told["unit"].verdict, told["unit"].runs) == (Verdict.FAILED, 1)
    assert not verification.passed
