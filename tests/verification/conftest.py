"""A real repository, real checkouts and real processes: nothing here is pretended."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.borders.enclosures import Enclosures
from orchestrator.executors.local import LocalExecutor
from orchestrator.git.opening import OpenRepository
from orchestrator.git.repository import Repository
from orchestrator.plan.model import Plan
from orchestrator.sandboxes.none import NoSandbox
from orchestrator.verification.cache import VerdictCache
from orchestrator.verification.check_inputs import CheckInputs
from orchestrator.verification.check_keys import CheckKeys
from orchestrator.verification.input_audit import InputAudit
from orchestrator.verification.run import VerificationRequest
from orchestrator.verification.slots import Slots
from orchestrator.verification.strain import Machine, Moment
from orchestrator.verification.verifier import Limits, Verifier

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": "/of/the/engine"}
CALM = Machine(look=lambda: Moment(at=0.0), pause_seconds=0.0)
"""A machine on which no time passes is never overloaded, whatever else runs on this one."""


class Site:
    """A repository with one commit, and a verifier for it."""

    def __init__(self, folder: Path, slots: int) -> None:
        self.folder = folder
        self.checkout = folder / "shop"
        self.checkout.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.commit({"README": "a shop\n", ".gitignore": "out/\n*.xml\n"})
        self.repository = OpenRepository(Repository.discover(self.checkout), verify_slots=4)
        self.told = []
        self.slots = slots

    def git(self, *args: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        done = subprocess.run(
            ["git", *identity, *args], cwd=self.checkout, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def commit(self, files: dict[str, str]) -> str:
        for name, text in files.items():
            path = self.checkout / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "change", "--allow-empty")
        return self.git("rev-parse", "HEAD")

    def verifier(self, **changes) -> Verifier:
        cache = VerdictCache(self.folder / "cache")
        inputs = CheckInputs(self.repository.listings)
        wiring = {
            "pool": self.repository.pool,
            "cache": cache,
            "keys": CheckKeys(inputs, self.repository.rendering),
            "audit": InputAudit(inputs, self.repository.reductions, cache),
            "executor": LocalExecutor(),
            "enclosures": Enclosures(
                self.repository.views, self.folder / "enclosures", Path.home()
            ),
            "slots": Slots(self.slots),
            "environ": ENVIRON,
            "limits": Limits(grace_seconds=0.5),
            "machine": CALM,
        }
        return Verifier(**wiring | changes)

    def request(self, checks: dict, *wanted: str, **changes) -> VerificationRequest:
        worktree, services = changes.pop("worktree", {}), changes.pop("services", {})
        plan = Plan.model_validate(
            {
                "clerk": 1,
                "name": "shop",
                "worktree": worktree,
                "services": services,
                "checks": checks,
                "tasks": [{"id": "t", "title": "t", "brief": "b", "done_when": list(checks)[:1]}],
            }
        )
        fields = {
            "plan": plan,
            "checks": wanted or tuple(checks),
            "commit": self.git("rev-parse", "HEAD"),
            "tree": self.git("rev-parse", "HEAD^{tree}"),
            "sandbox": NoSandbox(),
            "logs": self.folder / "logs" / str(len(self.told)),
            "main_checkout": self.checkout,
            "on_result": self.told.append,
        }
        return VerificationRequest(**fields | changes)

    def ran(self, name: str = "ran") -> list[str]:
        """What commands wrote into the file of that name beside the repository."""
        path = self.folder / name
        return path.read_text().split() if path.exists() else []


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "site", slots=4)
    with made.repository:
        yield made
