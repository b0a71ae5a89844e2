"""Which sandbox a plan gets: one that holds here, or none that nobody asked for."""

from __future__ import annotations

import shutil

import anyio
import pytest

from orchestrator.errors import CannotRun, ExitCode
from orchestrator.sandboxes import SANDBOXES, choice
from orchestrator.sandboxes.attack import attack
from orchestrator.sandboxes.none import NoSandbox


class Leaky(NoSandbox):
    """Says that it confines, and does not."""

    confines = True

    async def probe(self) -> str:
        return await attack(self)


def test_a_plan_is_refused_where_its_sandbox_is_missing_and_nothing_is_started(yard, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git"))
    (tools / "sh").symlink_to(shutil.which("sh"))
    plan = yard.plan({"a": "echo ran >ran.txt"})
    done = yard.clerk(
        *("run", str(plan), "--sandbox", "bubblewrap"), code=ExitCode.CANNOT_RUN, PATH=str(tools)
    )
    assert "install bubblewrap" in done.stderr
    assert yard.git("branch", "--list", "clerk/*") == ""
    assert yard.status() == {}


def test_no_sandbox_that_leaks_is_ever_taken(monkeypatch):
    monkeypatch.setitem(SANDBOXES, "leaky", f"{__name__}:Leaky")
    monkeypatch.setattr(choice, "LADDERS", dict.fromkeys(choice.LADDERS, ("leaky",)))
    with pytest.raises(CannotRun, match=r"wrote outside its folder.*--sandbox none"):
        anyio.run(choice.choose, choice.AUTO)
