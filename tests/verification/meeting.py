"""A check and its service, in a sandbox of the one who runs this.

``python meeting.py SANDBOX`` tells as JSON what came of each check, so that any user can.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import anyio

from orchestrator import sandboxes
from orchestrator.allowance import Allowance
from orchestrator.executors.local import LocalExecutor
from orchestrator.plan.model import Plan
from orchestrator.sandboxes import Confinement
from orchestrator.sandboxes.enclosure import Enclosure
from orchestrator.verification.check_run import Workbench
from orchestrator.verification.ports import Ports
from orchestrator.verification.services import make_state_folders, services_beside

SERVE = """
import http.server, sys
print("serving", flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""
ASK = """
import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:" + sys.argv[1]).status)
"""
PLAN = {
    "clerk": 1,
    "name": "shop",
    "services": {
        "web": {
            "run": "touch {state}/mine && exec python3 serve.py {port.web}",
            "ready": {"http": "http://127.0.0.1:{port.web}/"},
            "needs": ["log"],
        },
        "log": {"run": "echo up; exec sleep 60", "ready": {"log": "up"}},
    },
    "checks": {
        "meets": {"run": "python3 ask.py {port.web}", "services": ["web"]},
        "alone": {"run": "python3 ask.py $(cat port)", "needs": ["meets"]},
        "tells": {"run": "echo {port.web} > port", "services": ["web"]},
        "peeks": {"run": "nsenter --net=/proc/1/ns/net true", "services": ["web"]},
        "climbs": {"run": "unshare --user --net true", "services": ["web"]},
    },
    "tasks": [{"id": "t", "title": "t", "brief": "b", "done_when": ["meets"]}],
}
GOOD = ("meets", "tells")


async def meeting(folder: Path, sandbox: str) -> dict[str, str]:
    """The verdict of each check, whose services run all the while."""
    work, scratch = folder / "work", folder / "scratch"
    for made in (work, scratch, scratch / "home"):
        made.mkdir()
    (work / "serve.py").write_text(SERVE)
    (work / "ask.py").write_text(ASK)
    plan = Plan.model_validate(PLAN)
    make_state_folders(plan, plan.checks, scratch)
    enclosure = Enclosure("shop/t", home=scratch / "home", writable=(work, scratch))
    confinement = Confinement(sandboxes.load(sandbox), enclosure)
    await confinement.make_over()
    bench = Workbench(
        folder=work,
        commit="",
        logs=folder,
        scratch=scratch,
        env={"PATH": os.environ["PATH"]},
        cookie="meeting",
        executor=LocalExecutor(),
        confinement=confinement,
        log_bytes=1 << 20,
        grace_seconds=0.5,
        allowance=Allowance(),
    )
    told = {}
    async with services_beside(plan, plan.checks, bench, Ports()) as services:
        for name in ("tells", "meets", "peeks", "climbs", "alone"):
            result = await services.run_check(name)
            told[name] = f"{result.verdict} {result.reason}".strip()
    return told


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        print(json.dumps(anyio.run(meeting, folder, sys.argv[1])))


if __name__ == "__main__":
    main()
