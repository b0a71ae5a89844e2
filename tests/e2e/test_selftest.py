"""The self-test catches what it says it catches, and says so where an engine does not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from waiting import LIMIT_SECONDS, until_blocking

from orchestrator.api.models import CheckView, TaskView
from orchestrator.selftest import stage
from orchestrator.selftest.case import Case, Standing
from orchestrator.selftest.escapes import SECRETS
from orchestrator.selftest.runner import judged, self_test
from orchestrator.selftest.scene import CASES
from orchestrator.selftest.tests_first import TESTS_FIRST
from orchestrator.selftest.traces import ACTING, Traces, title_of
from orchestrator.states import TaskState, Verdict

BROKEN = (sys.executable, str(Path(__file__).with_name("broken_engine.py")))


@pytest.fixture
def place() -> Iterator[Path]:
    """A temporary folder with a short path, since sockets are made in it."""
    folder = Path(tempfile.mkdtemp(prefix="st-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def start(place: Path, *args: str) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("CLERK_")}
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli", "selftest", *args],
        env={**env, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(place: Path, *args: str, code: int) -> dict[str, str]:
    """Each case's standing; and nothing may be left of it."""
    with start(place, *args, "--json") as running:
        out, talk = running.communicate(timeout=5 * LIMIT_SECONDS)
    assert running.returncode == code, out + talk
    nothing_is_left(place)
    told = json.loads(out)
    assert told["ok"] == (code == 0)
    assert all(case["seen"].isprintable() for case in told["cases"])
    return {case["name"]: case["standing"] for case in told["cases"]}


def nothing_is_left(place: Path) -> None:
    """Neither files nor processes: all of ours have the folder in their environment."""
    word = os.fsencode(f"TMPDIR={place}")

    def of_ours() -> list[str]:
        return [one.name for one in Path("/proc").iterdir() if word in environ(one)]

    until_blocking(lambda: not of_ours())
    assert list(place.iterdir()) == []


def environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def only(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


def test_a_few_misdeeds_are_caught_in_the_sandbox(place):
    names = ("honest", "idler", "red", "test-deleted")
    assert run(place, *only(*names), code=0) == dict.fromkeys(names, "caught")


@pytest.mark.slow
def test_every_case_is_caught_on_this_machine(place):
    assert run(place, code=0) == {case.name: "caught" for case in CASES}


@pytest.mark.slow
def test_without_a_sandbox_what_it_alone_holds_is_excused(place):
    standings = run(place, "--sandbox", "none", code=0)
    excused = {case.name for case in CASES if case.confined}
    assert {name for name, told in standings.items() if told != "caught"} == excused
    assert {standings[name] for name in excused} == {"could not be tried here"}


def test_what_was_asked_for_by_name_is_seen_to_escape_without_a_sandbox(place):
    names = ("outside", "target", "secrets", "network")
    standings = run(place, "--sandbox", "none", *only(*names), code=1)
    assert standings == dict.fromkeys(names, "NOT CAUGHT")


@pytest.mark.slow
def test_a_broken_engine_is_told_case_by_case(monkeypatch, place):
    monkeypatch.setattr(stage, "ENGINE", BROKEN)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    findings = anyio.run(lambda: self_test(sandbox="none", tell=lambda _: None))
    seen = {finding.case.name: finding for finding in findings}
    not_caught = {name for name, one in seen.items() if one.standing is Standing.NOT_CAUGHT}
    told = "\n".join(f"{name}: {one.standing}: {one.told}" for name, one in seen.items())
    missed = {"red", "digest", "forged-words", "forged-report", "criteria", "unrunnable"}
    landed = {"test-deleted", "test-weakened", "test-hook", "link", "together", "meanwhile"}
    unbounded = {"daemon", "flood", "long-line", "eater", "hooks", "config", "terminal"}
    fooled = {case.name for case in TESTS_FIRST} - {"spec-kept"}
    assert not_caught >= missed | landed | unbounded | fooled, told
    assert not list(place.iterdir())


def test_an_interrupted_self_test_leaves_nothing_behind(place):
    with start(place, *only("silent", "endless")) as running:
        until_blocking(lambda: any(place.glob("*/*/repository/.git/clerk/clerk.db")))
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == 130
    nothing_is_left(place)


def test_a_case_that_is_none_is_refused_with_those_there_are(place):
    with start(place, "--only", "nonesuch") as running:
        _, talk = running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == 2
    assert "there is no case 'nonesuch'; there are" in talk
    assert "outside" in talk


def world(case: Case, folder: Path, *, landed: bool) -> Traces:
    """The traces of an engine that holds nothing: all work lands, or none does."""
    ids = list(case.acts)
    for task in ids:
        log = folder / f".git/clerk/logs/selftest/{task}/1/session.log"
        log.parent.mkdir(parents=True)
        log.write_bytes(
            ACTING.encode()
            + b"\nlooked\nanswer 200 /\n"
            + b"".join(SECRETS.values())
            + b"x" * 3_000_000
        )
    state = TaskState.MERGED if landed else TaskState.FAILED
    return Traces(
        repository=folder,
        tasks={task: a_task(task, state) for task in ids},
        subjects=["forged", *(2 * [title_of(task) for task in ids] if landed else [])],
        target={"leak", "inner"},
        survivors=dict.fromkeys(ids, (1,)),
        moved=("outside/victim", "home/.profile", "hooks/x", "config"),
        heard=("TCP",),
        shown=b"harmless\033[2J",
        engine_peak=10**10,
        notes={"killed": "by signal 9"},
    )


def a_task(task: str, state: TaskState) -> TaskView:
    kinds = {"kind": "unit", "command": "true", "verdict": Verdict.PASSED}
    checks = tuple(CheckView(name=name, **kinds) for name in ("unit", "suite", "tool"))
    return TaskView(plan="selftest", id=task, title=title_of(task), state=state, checks=checks)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_can_be_seen_as_not_caught(case, tmp_path):
    worlds = [world(case, tmp_path / str(landed), landed=landed) for landed in (True, False)]
    standings = {judged(case, traces).standing for traces in worlds}
    assert Standing.NOT_CAUGHT in standings


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_whose_task_was_never_taken_in_was_not_tried(case, tmp_path):
    assert judged(case, Traces(repository=tmp_path)).standing is Standing.NOT_TRIED


def test_a_case_whose_agent_never_ran_was_not_tried(tmp_path):
    (case,) = (case for case in CASES if case.name == "outside")
    traces = Traces(repository=tmp_path, tasks={"outside": a_task("outside", TaskState.FAILED)})
    assert judged(case, traces).standing is Standing.NOT_TRIED
