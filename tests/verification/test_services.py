"""Services beside checks: really started, asked, watched and stopped, in real sandboxes."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
from pathlib import Path

import anyio
import pytest
from sandboxes.conftest import SYSTEM_PATH
from somebody import as_somebody
from verification import meeting
from waiting import until

from orchestrator.results import CheckResult
from orchestrator.sandboxes.bubblewrap import Bubblewrap
from orchestrator.sandboxes.none import NoSandbox
from orchestrator.states import Verdict

pytestmark = pytest.mark.anyio
SLOW = pytest.mark.slow

SERVE = "exec python3 -m http.server --bind 127.0.0.1"
WEB = f"echo starting; {SERVE} {{port.web}}"
HTTP = {"http": "http://127.0.0.1:{port.web}/"}
GET = (
    "python3 -c 'import sys, urllib.request as u;"
    ' sys.stdout.write(u.urlopen("http://127.0.0.1:" + sys.argv[1]).read().decode())\' '
)
UNTIL = "until test -e {}; do sleep 0.01; done; "
UNWILLING = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
DEAF = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while listener.accept()[0].recv(1) != b"q":
    pass
listener.close()
time.sleep(60)
"""


@pytest.fixture(params=[Bubblewrap, pytest.param(NoSandbox, marks=SLOW)])
def sandbox(request):
    return request.param()


async def results(site, checks, **changes) -> dict[str, CheckResult]:
    verification = await site.verifier().verify(site.request(checks, **changes))
    return {result.check: result for result in verification.results}


async def one(site, run, **changes) -> CheckResult:
    """What comes of a check with all the services of the plan; a web server if there are no others."""
    changes.setdefault("services", {"web": {"run": WEB, "ready": HTTP}})
    checks = {"e2e": {"run": run, "services": list(changes["services"])}}
    return (await results(site, checks, **changes))["e2e"]


def passed(result: CheckResult) -> bool:
    assert (result.verdict, result.reason) == (Verdict.PASSED, ""), result.report.tail
    return True


def running(token: str) -> list[str]:
    """The processes whose command line holds ``token``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if token in words:
            found.append(words)
    return found


async def test_a_check_meets_its_service_at_the_port_both_are_told(site, sandbox):
    run = f"{GET} {{port.web}} | grep README && {GET} $CLERK_PORT_WEB | grep README"
    result = await one(site, run, sandbox=sandbox)
    assert passed(result)
    assert result.command == run


@pytest.mark.parametrize(
    ("ready", "serve"),
    [
        pytest.param({"tcp": "{port.web}"}, f"{SERVE} {{port.web}}", id="tcp", marks=SLOW),
        pytest.param({"command": "test -e made"}, "exec sleep 60", id="command"),
        pytest.param({"log": "now on"}, "echo now on it; exec sleep 60", id="log"),
        pytest.param(HTTP, f"{SERVE} {{port.web}}", id="http", marks=SLOW),
    ],
)
async def test_a_check_starts_when_its_service_is_ready(site, ready, serve):
    services = {"web": {"run": f"sleep 0.3; touch made; {serve}", "ready": ready}}
    assert passed(await one(site, "test -e made", services=services, sandbox=Bubblewrap()))


@SLOW
async def test_a_service_that_tells_nothing_must_outlive_its_first_moment(site):
    assert passed(await one(site, "true", services={"web": {"run": "exec sleep 60"}}))
    result = await one(site, "true # ", services={"web": {"run": "exit 3"}})
    assert result.reason == "service 'web' died before it was ready (exit code 3)"


@SLOW
async def test_what_a_service_needs_is_ready_before_it_starts(site, sandbox):
    services = {
        "web": {"run": "test -e db-is-up && " + WEB, "ready": HTTP, "needs": ["db"]},
        "db": {"run": "sleep 0.3; touch db-is-up; echo up; exec sleep 60", "ready": {"log": "up"}},
    }
    checks = {"e2e": {"run": f"{GET} {{port.web}}", "services": ["web"]}}
    assert passed((await results(site, checks, services=services, sandbox=sandbox))["e2e"])


async def test_a_service_starts_once_and_after_what_its_checks_need(site):
    ran = site.folder / "ran"
    services = {"web": {"run": f"test -e built && echo once >> {ran} && {WEB}", "ready": HTTP}}
    checks = {
        "build": {"run": "touch built"},
        "one": {"run": f"{GET} {{port.web}}", "services": ["web"], "needs": ["build"]},
        "two": {"run": f"{GET} {{port.web}}", "services": ["web"], "needs": ["build"]},
    }
    told = await results(site, checks, services=services)
    assert all(map(passed, told.values()))
    assert site.ran() == ["once"]


@SLOW
async def test_no_service_starts_for_checks_that_want_none(site):
    services = {"web": {"run": f"echo once >> {site.folder / 'ran'}"}}
    assert passed((await results(site, {"unit": {"run": "true"}}, services=services))["unit"])
    assert site.ran() == []


@SLOW
async def test_environments_may_name_ports_and_each_service_has_a_folder_of_its_own(site, sandbox):
    services = {
        "web": {
            "run": 'touch {state}/mine && test "$WHERE" = {state} && ' + SERVE + ' "$AT"',
            "env": {"AT": "{port.web}", "WHERE": "{state}"},
            "ready": HTTP,
        },
        "db": {"run": "test ! -e {state}/mine && exec sleep 60"},
    }
    check = {
        "run": f'{GET} $AT && test "$AT" = "$CLERK_PORT_WEB" && test $CLERK_PORT_DB != $AT',
        "services": ["web", "db"],
        "env": {"AT": "{port.web}"},
    }
    assert passed((await results(site, {"e2e": check}, services=services, sandbox=sandbox))["e2e"])


async def test_a_service_that_dies_at_start_is_told_with_its_last_words(site, sandbox):
    services = {"db": {"run": "echo no disk >&2; exit 9", "ready": {"tcp": "{port.db}"}}}
    result = await one(site, "true", services=services, sandbox=sandbox)
    assert result.verdict is Verdict.ERRORED
    assert result.reason == "service 'db' died before it was ready (exit code 9)"
    assert result.report.tail == "no disk"
    assert Path(result.log).name == "service-db.log"


async def test_a_service_that_dies_in_the_middle_ends_its_checks_as_errored(site, sandbox):
    services = {"db": {"run": UNTIL.format("gone") + "echo bye; exit 7"}}
    result = await one(site, "touch gone; exec sleep 60", services=services, sandbox=sandbox)
    assert result.verdict is Verdict.ERRORED
    assert (result.reason, result.report.tail) == ("service 'db' died (exit code 7)", "bye")


@SLOW
async def test_what_needs_a_service_that_fails_is_not_started_and_its_checks_say_why(site):
    services = {
        "db": {"run": "echo no disk; exit 9"},
        "web": {"run": f"touch {site.folder / 'ran'}; {WEB}", "needs": ["db"]},
    }
    result = await one(site, "true", services=services)
    assert result.reason.endswith("service 'db' died before it was ready (exit code 9)")
    assert result.report.tail == "no disk"
    assert not (site.folder / "ran").exists()


@SLOW
async def test_a_check_that_fails_where_its_service_went_silent_is_errored(site, sandbox):
    (site.checkout / "deaf.py").write_text(DEAF)
    site.commit({})
    services = {
        "web": {"run": "exec python3 deaf.py {port.web}", "ready": {"tcp": "{port.web}"}},
    }
    ask = 'import socket, sys; s = socket.create_connection(("127.0.0.1", int(sys.argv[1])));'
    run = f"python3 -c '{ask} s.send(b\"q\"); s.recv(1)' {{port.web}}; exit 1"
    result = await one(site, run, services=services, sandbox=sandbox)
    assert result.verdict is Verdict.ERRORED
    assert result.reason.startswith("service 'web' does not answer any more at port ")


async def test_a_check_that_fails_beside_a_service_that_answers_has_failed(site, sandbox):
    assert (await one(site, "exit 1", sandbox=sandbox)).verdict is Verdict.FAILED


async def test_a_service_that_is_never_ready_is_told_with_what_it_answered(site, sandbox):
    (site.checkout / "unwilling.py").write_text(UNWILLING)
    site.commit({})
    services = {
        "web": {
            "run": "echo slow; exec python3 unwilling.py {port.web}",
            "ready": {**HTTP, "within": "1s"},
        }
    }
    result = await one(site, "true", services=services, sandbox=sandbox)
    assert result.verdict is Verdict.ERRORED
    assert result.reason.startswith(
        "service 'web' was not ready within 1s: asked http://127.0.0.1:"
    )
    assert result.reason.endswith("it answered 503")
    assert result.report.tail.startswith("slow")


async def test_no_check_begins_beside_a_service_that_takes_its_time_to_be_stopped(site):
    services = {
        "web": {
            "run": "trap '' TERM; while :; do sleep 0.05; done",
            "ready": {"command": "false", "within": "200ms"},
        }
    }
    result = await one(site, f"touch {site.folder / 'ran'}", services=services, sandbox=NoSandbox())
    assert (result.verdict, (site.folder / "ran").exists()) == (Verdict.ERRORED, False)
    assert result.reason.startswith("service 'web' was not ready within 0.2s: ")


@SLOW
@pytest.mark.parametrize(
    ("ready", "told"),
    [
        (
            {"command": "echo not yet; false"},
            "'echo not yet; false': its command ended with 1: not yet",
        ),
        ({"command": "sleep 60"}, "its command was still running"),
        ({"log": "up"}, "asked its output for 'up': it did not appear"),
        ({"tcp": "127.0.0.1:{port.web}"}, "Connection refused"),
    ],
    ids=["command", "hanging command", "log", "tcp"],
)
async def test_the_last_answer_is_told(site, ready, told):
    services = {"web": {"run": "exec sleep 60", "ready": {**ready, "within": "200ms"}}}
    result = await one(site, "true", services=services, sandbox=Bubblewrap())
    assert result.verdict is Verdict.ERRORED
    assert result.reason.startswith("service 'web' was not ready within 0.2s: asked ")
    assert result.reason.endswith(told)


async def test_a_port_at_which_somebody_listens_already_is_named(site):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        services = {"web": {"run": "exec sleep 60", "ready": {"tcp": f"127.0.0.1:{port}"}}}
        result = await one(site, "true", services=services)
    assert result.verdict is Verdict.ERRORED
    assert result.reason == f"the port {port} of service 'web' is taken: somebody listens there"


@pytest.mark.parametrize(
    ("sandbox", "port"),
    [
        pytest.param(NoSandbox(), "{port.web}", id="none", marks=SLOW),
        pytest.param(Bubblewrap(), "20080", id="bwrap"),
    ],
)
async def test_two_verifications_at_once_never_meet(site, sandbox, port):
    """In bubblewrap not even where both want the same port."""
    go = site.folder / "go"
    go.mkdir()
    services = {"web": {"run": f"{SERVE} {port}", "ready": {"tcp": port}}}
    requests = []
    for name in ("ours", "theirs"):
        site.commit({name: name})
        run = f"echo here; {UNTIL.format(go / 'now')} {GET} {port} > seen; grep {name} seen"
        check = {"run": run if name == "theirs" else f"{run} && ! grep theirs seen"}
        requests.append(
            site.request(
                {"e2e": {**check, "services": ["web"]}},
                services=services,
                sandbox=sandbox,
                worktree={"needs": {"paths": [str(go)]}},
                logs=site.folder / "logs" / name,
            )
        )
    verifier, verdicts = site.verifier(), []

    async def verify(request):
        verdicts.append((await verifier.verify(request)).results[0])

    async with anyio.create_task_group() as both:
        for request in requests:
            both.start_soon(verify, request)
        logs = [request.logs / "e2e.log" for request in requests]
        await until(lambda: all(log.exists() and "here" in log.read_text() for log in logs))
        (go / "now").touch()
    assert all(map(passed, verdicts))
    assert len(verdicts) == 2


async def test_a_check_without_services_cannot_reach_those_of_others(site):
    services = {"web": {"run": f"{SERVE} 20080", "ready": {"tcp": "20080"}}}
    checks = {
        "e2e": {"run": f"touch up; {UNTIL.format('tried')} {GET} 20080", "services": ["web"]},
        "lone": {"run": f"{UNTIL.format('up')} {GET} 20080; code=$?; touch tried; exit $code"},
    }
    told = await results(site, checks, services=services, sandbox=Bubblewrap())
    assert passed(told["e2e"])
    assert told["lone"].verdict is Verdict.FAILED
    assert "Connection refused" in told["lone"].report.tail


@SLOW
async def test_services_and_their_checks_cannot_reach_the_machine(site):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = await one(site, f"! {GET} {port}", sandbox=Bubblewrap())
    assert passed(result)


@pytest.mark.parametrize("run", ["true", pytest.param("exit 1", marks=SLOW)])
async def test_no_service_outlives_its_verification(site, sandbox, run):
    token = f"600.{secrets.randbelow(10**9)}"
    detach = "setsid" if sandbox.confines else ""  # without one, it takes an engine to find that
    services = {"db": {"run": f"{detach} sleep {token} & exec sleep {token}"}}
    await one(site, f"{run} # {token}", services=services, sandbox=sandbox)
    assert running(token) == []


async def test_no_service_outlives_a_verification_that_is_cancelled(site, sandbox):
    token = f"600.{secrets.randbelow(10**9)}"
    services = {"db": {"run": f"sleep {token} & exec sleep {token}", "ready": {"command": "true"}}}
    log = site.folder / "logs" / "0" / "e2e.log"
    async with anyio.create_task_group() as tasks:
        run = "echo here; exec sleep 600"
        tasks.start_soon(lambda: one(site, run, services=services, sandbox=sandbox))
        await until(lambda: log.exists() and "here" in log.read_text())
        assert running(token)
        tasks.cancel_scope.cancel()
    assert running(token) == []


async def test_the_services_of_root_meet_their_checks_and_nobody_else(tmp_path):
    tmp_path.chmod(0o755)
    met(await meeting.meeting(tmp_path, "bubblewrap"))


@SLOW
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("name", ["bubblewrap", "landlock"])
def test_those_of_somebody_who_is_not_root_do_too(name):
    python = shutil.which("python3", path=SYSTEM_PATH)
    met(json.loads(as_somebody(python, Path(meeting.__file__), name)))


def met(told: dict[str, str]) -> None:
    assert {name for name, verdict in told.items() if verdict == "passed"} == set(meeting.GOOD), (
        told
    )
    assert all(told[name].startswith("failed") for name in told.keys() - set(meeting.GOOD)), told


NEVER_ROOT = [Bubblewrap] if os.geteuid() == 0 else [Bubblewrap, NoSandbox]
"""PostgreSQL refuses to be root's."""


@SLOW
@pytest.mark.skipif(not Path("/usr/lib/postgresql").is_dir(), reason="PostgreSQL is not installed")
@pytest.mark.parametrize("sandbox", NEVER_ROOT, indirect=True)
async def test_postgresql_runs_beside_a_check(site, sandbox):
    (bin_,) = Path("/usr/lib/postgresql").glob("*/bin")
    run = (
        f"{bin_}/initdb -D {{state}}/db -U clerk --no-sync >/dev/null && "
        f"exec {bin_}/postgres -D {{state}}/db -k {{state}} -h 127.0.0.1 -p {{port.db}}"
    )
    ask = "psql -h 127.0.0.1 -p {port.db} -U clerk -d postgres -tAc"
    services = {"db": {"run": run, "ready": {"command": f"{ask} 'select 1'", "within": "60s"}}}
    assert passed(
        await one(site, f"{ask} 'select 6*7' | grep 42", services=services, sandbox=sandbox)
    )
