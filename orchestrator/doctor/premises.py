"""The repository: whether work can start in it, and what a crash or somebody else has left there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.doctor.finding import Finding, missing, ok, warn
from orchestrator.errors import CannotRun, StoreDamaged, StoreError
from orchestrator.git.linked import entries_in, home_of
from orchestrator.git.preflight import preflight
from orchestrator.locks import EngineLock

if TYPE_CHECKING:
    from orchestrator.doctor.ground import Ground
    from orchestrator.git.repository import Repository

_LOCKS = ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock")
_ANY_PLAN = "doctor"


async def repository(ground: Ground) -> Iterator[Finding]:
    """Whether there is one, and what a plan would be refused or warned for."""
    found = ground.repository
    if found is None:
        say = (
            missing
            if ground.asked_for or "not in a git repository" not in ground.no_repository
            else warn
        )
        return iter([say("repository", ground.no_repository)])
    try:
        warnings = preflight(found, target=_target(ground, found), plan=_plan_name(ground))
    except CannotRun as error:
        return iter([missing("repository", str(error))])
    findings = [warn("repository", sentence) for sentence in warnings]
    return iter(findings or [ok("repository", str(found.common_dir))])


async def lent(ground: Ground) -> Iterator[Finding]:
    """Whether what the plan lends to its jobs is here."""
    if ground.plan is None:
        return iter(())
    profiles = dict(map(ground.plan.agent_of, ground.plan.tasks)).values()
    wanted = (ground.plan.worktree.needs, *(profile.needs for profile in profiles))
    paths = dict.fromkeys(path for needs in wanted for path in needs.paths)
    names = dict.fromkeys(name for needs in wanted for name in needs.env)
    absent = [path for path in paths if not _original(ground, path).exists()]
    unset = [name for name in names if name not in ground.environ]
    findings = [
        *(missing("needs.paths", f"{path} is not there", "make it or drop it") for path in absent),
        *(warn("needs.env", f"{name} is not set", "set it; else it is left out") for name in unset),
    ]
    told = f"all that is lent is here: {', '.join([*paths, *names])}"
    return iter(findings or ([ok("needs", told)] if paths or names else []))


async def settings(ground: Ground) -> Iterator[Finding]:
    if ground.bad_settings:
        return iter([missing("settings", line) for line in ground.bad_settings.splitlines()])
    return iter([ok("settings", f"sandbox {ground.settings.sandbox}, {_slots(ground)}")])


async def hooks(ground: Ground) -> Iterator[Finding]:
    """The user's own; the engine runs none."""
    if ground.repository is None:
        return iter(())
    folder = ground.repository.common_dir / "hooks"
    names = sorted(path.name for path in folder.glob("*") if _is_hook(path))
    told = f"{', '.join(names)}: not run by the engine" if names else "none"
    return iter([ok("hooks", told)])


async def locks(ground: Ground) -> Iterator[Finding]:
    """Who holds what."""
    if ground.repository is None:
        return iter(())
    common = ground.repository.common_dir
    mend = "if no git runs here, remove it"
    stale = [
        warn("locks", f"{common / name} exists", mend)
        for name in _LOCKS
        if (common / name).exists()
    ]
    holder = EngineLock(ground.repository.state_dir / "lock").holder()
    told = f"{holder} runs here" if holder else "no engine runs here"
    return iter([*stale, ok("engine", told)])


async def worktrees(ground: Ground) -> Iterator[Finding]:
    """Git's admin folders that lead nowhere."""
    if ground.repository is None:
        return iter(())
    ours = ground.repository.worktrees_dir
    entries = entries_in(ground.repository.common_dir)
    broken = [finding for entry in entries if (finding := _broken(entry, ours))]
    return iter(broken or [ok("worktrees", f"{len(entries)} beside the checkout, none is broken")])


async def database(ground: Ground) -> Iterator[Finding]:
    """Whole, and of this program's shape."""
    if ground.repository is None:
        return iter(())
    # Half a second of imports that only this probe needs.
    from orchestrator.store import schema  # noqa: PLC0415
    from orchestrator.store.database import Database, sqlite_file  # noqa: PLC0415

    url = ground.settings.database
    file = sqlite_file(url)
    if file is not None and not file.exists():
        return iter([ok("database", "none yet; the first plan makes it")])
    try:
        opened = Database.open_readonly(url)
        try:
            opened.check()
            schema.require_current(opened)
        finally:
            opened.close()
    except StoreDamaged as error:
        mend = "run the plan again: it is moved aside and rebuilt from git"
        return iter([warn("database", str(error), mend)])
    except StoreError as error:
        say = warn if "older version" in str(error) else missing
        return iter([say("database", str(error))])
    return iter([ok("database", f"whole, schema {schema.schema_version()}, at {opened.where}")])


def _target(ground: Ground, found: Repository) -> str:
    """The plan's; without one the branch that a plan would most likely name."""
    if ground.plan is not None:
        return ground.plan.target
    listed = found.git.run_now("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
    names = listed.text.splitlines()
    head = found.git.run_now("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1)).text
    return "main" if "main" in names else head or (names or ["main"])[0]


def _plan_name(ground: Ground) -> str:
    return ground.plan.name if ground.plan is not None else _ANY_PLAN


def _original(ground: Ground, path: str) -> Path:
    return ground.home / path[2:] if path.startswith("~/") else Path(path)


def _slots(ground: Ground) -> str:
    return f"{ground.settings.verify_slots} checks at once"


def _is_hook(path: Path) -> bool:
    return path.suffix != ".sample" and path.is_file() and os.access(path, os.X_OK)


def _broken(entry: str, ours: Path) -> Finding | None:
    """What is wrong with an admin folder: it names no worktree, or one that is gone."""
    home = home_of(Path(entry))
    if home is not None and home.exists() and Path(entry, "commondir").is_file():
        return None
    told = f"{entry} {'belongs to ' + str(home) + ', which is gone' if home else 'is half-made'}"
    if home is not None and home.is_relative_to(ours):
        return warn("worktrees", told, "the next engine clears it up")
    return warn("worktrees", told, "if no git runs here: git worktree prune, or remove it")
