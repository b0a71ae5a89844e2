"""Services in a whole run: a web server beside the check that proves the work, and none left over."""

from __future__ import annotations

import secrets
import signal
from pathlib import Path

import pytest
from e2e.test_sandboxed import yard  # noqa: F401 - confined
from waiting import until_blocking

GET = (
    "python3 -c 'import sys, urllib.request as u;"
    ' print(u.urlopen("http://127.0.0.1:" + sys.argv[1] + "/a.txt").read().decode())\' '
)


def services(token: str = "") -> dict:
    line = f"python3 -m http.server --bind 127.0.0.1 {{port.web}} # {token}"
    return {"web": {"run": line, "ready": {"tcp": "{port.web}"}}}


def running(token: str) -> bool:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if token.encode() in entry.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_a_task_lands_when_its_server_serves_what_was_made(yard):  # noqa: F811
    check = {"kind": "e2e", "run": f"{GET} {{port.web}} | grep good", "services": ["web"]}
    plan = yard.plan({"a": "echo good > a.txt"}, checks={"unit": check}, services=services())
    yard.land(str(plan))
    assert yard.git("show", "main:a.txt") == "good"
    assert list((yard.state / "logs/p/a").rglob("service-web.log"))


@pytest.mark.slow
@pytest.mark.parametrize("sandbox", ["auto", "none"])
def test_no_service_outlives_an_engine_that_is_killed(yard, sandbox):  # noqa: F811
    token = secrets.token_hex(8)
    check = {"run": f"echo here; {GET} {{port.web}}; exec sleep 600", "services": ["web"]}
    plan = yard.plan({"a": "echo good > a.txt"}, {"unit": check}, services=services(token))
    run = yard.start("run", str(plan), CLERK_SANDBOX=sandbox)
    until_blocking(lambda: any("here" in log.read_text() for log in yard.state.rglob("unit.log")))
    assert running(token)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    until_blocking(lambda: not running(token))


@pytest.mark.slow
def test_a_service_that_dies_costs_the_agent_no_attempt_and_a_person_is_asked(yard):  # noqa: F811
    broken = {"web": {"run": "echo no licence; exit 9", "ready": {"tcp": "{port.web}"}}}
    check = {"run": "true", "services": ["web"]}
    plan = yard.plan({"a": "echo good > a.txt"}, {"unit": check}, services=broken)
    yard.land(str(plan), code=3)
    page = yard.clerk("status", "a").stdout
    assert "service 'web' died before it was ready (exit code 9)" in page
