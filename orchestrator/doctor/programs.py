"""Programs the engine runs: git, Python, what sandboxes are made with, and the agents."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import agents
from orchestrator.agents.protocol import Prompt
from orchestrator.doctor.finding import Finding, missing, ok, warn
from orchestrator.errors import CannotRun, UsageError
from orchestrator.git.repository import OLDEST_GIT
from orchestrator.plan.model import AgentProfile
from orchestrator.supervision import process

if TYPE_CHECKING:
    from orchestrator.agents.protocol import Agent
    from orchestrator.doctor.ground import Ground

_PATIENCE_SECONDS = 1.5
_TOOLS = {
    "sh": "every check is a shell command",
    "find": "coreutils and findutils clear and hand over worktrees",
    "rm": "coreutils and findutils clear and hand over worktrees",
    "cp": "coreutils and findutils clear and hand over worktrees",
    "prlimit": "bubblewrap's jobs are limited by it; it is in util-linux",
    "setpriv": "root's jobs become users of their own by it; it is in util-linux",
}


async def git(ground: Ground) -> Iterator[Finding]:
    """Git, and who the engine commits as."""
    found = shutil.which("git")
    oldest = ".".join(map(str, OLDEST_GIT))
    if not found:
        return iter([missing("git", "it is not on PATH", f"install git {oldest} or newer")])
    said = await _version("git", ground.environ)
    numbers = tuple(int(part) for part in said.split()[-1].split(".")[:2] if part.isdigit())
    findings = [ok("git", said.removeprefix("git version "))]
    if len(numbers) == len(OLDEST_GIT) and numbers < OLDEST_GIT:
        findings = [missing("git", f"{said} is too old", f"install git {oldest} or newer")]
    if ground.repository is not None:
        who = ground.repository.identity
        findings.append(
            ok("identity", f"the engine and its agents commit as {who.name} <{who.email}>")
        )
    return iter(findings)


async def python(ground: Ground) -> Iterator[Finding]:  # noqa: ARG001 - a probe's
    version = ".".join(map(str, sys.version_info[:3]))
    return iter([ok("python", f"{version} at {sys.executable}")])


async def tools(ground: Ground) -> Iterator[Finding]:  # noqa: ARG001 - a probe's
    """What is taken for granted on most machines."""
    absent = [name for name in _TOOLS if shutil.which(name) is None]
    if not absent:
        return iter([ok("tools", ", ".join(_TOOLS))])
    return iter([warn("tools", f"{name} is not on PATH", _TOOLS[name]) for name in absent])


async def plan_agents(ground: Ground) -> Iterator[Finding]:
    """The agents of the plan, or those that need no entry in one."""
    if ground.plan is None:
        wanted = {"claude": AgentProfile(type="claude")}
    else:
        wanted = dict(map(ground.plan.agent_of, ground.plan.tasks))
    return iter([await _agent(name, profile, ground) for name, profile in wanted.items()])


async def _agent(name: str, profile: AgentProfile, ground: Ground) -> Finding:
    subject = f"agent {name}"
    say = missing if ground.plan is not None else warn
    try:
        login = _login(agents.load(profile), ground)
    except UsageError as error:
        return missing(subject, str(error))
    if profile.type == "replay":
        return _script(subject, ground.plan_folder / str(profile.script))
    word = _first_word(profile)
    if "=" in word or shutil.which(word, path=ground.environ.get("PATH")) is None:
        told = f"{word} is not on PATH"
        if profile.type == "command":
            return warn(subject, told, "install it, unless the line's shell finds it by itself")
        return say(subject, told, "install it; only plans that name this agent need it")
    if profile.type == "command":
        return ok(subject, word)
    version = await _version(word, ground.environ)
    told = f"{version}; {'login found: ' + login if login else 'no login found'}"
    return ok(subject, told) if login else warn(subject, told, f"log in once: run {word}")


def _script(subject: str, script: Path) -> Finding:
    if script.is_file():
        return ok(subject, str(script))
    return missing(subject, f"{script} is not there", "write it, or correct the profile's script")


def _first_word(profile: AgentProfile) -> str:
    try:
        return (shlex.split(profile.run or profile.type) or [""])[0]
    except ValueError:
        return profile.run or ""


def _login(agent: Agent, ground: Ground) -> str:
    """Where a login seems to be; never what it is."""
    nowhere = Path("/")
    prompt = Prompt("", nowhere, "", "", 1, nowhere, ground.plan_folder, environ=ground.environ)
    gateway = agent.command(prompt).gateway
    keys = [*(gateway.stand_ins if gateway else ()), *agent.needs.env]
    found = [f"${name}" for name in keys if "MODEL" not in name and ground.environ.get(name)]
    places = [
        path for path in agent.needs.paths if (ground.home / path.removeprefix("~/")).exists()
    ]
    return ", ".join([*found, *places])


async def _version(program: str, environ: Mapping[str, str]) -> str:
    """The first line of what it says of its version; that it says nothing is an answer, too."""
    try:
        done = await process.run(
            (program, "--version"), cwd="/", env=environ, timeout_seconds=_PATIENCE_SECONDS
        )
    except TimeoutError:
        return f"{program} gives no version within {_PATIENCE_SECONDS:g} s"
    except CannotRun as error:
        return str(error)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return lines[0].strip() if lines else program


async def hosting(ground: Ground) -> Iterator[Finding]:
    """For plans that hand over."""
    found = shutil.which("gh", path=ground.environ.get("PATH"))
    return iter([ok("gh", found or "not there; only plans with merge: pr need it")])
