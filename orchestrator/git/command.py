"""The one safe git command.

Every git process of the engine is started here (but for the object reader, which takes the same
environment): explicit directories, a complete environment, named drivers silenced, standard
input closed, a time limit. A work tree's admin folder is always told, never looked up in the
``.git`` file an agent can write; the current folder is the root, since a merge reads the
attributes of whatever folder it runs in. Callers pass full ref names and oids; a failure is
always a GitError that names the command.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import CannotRun, GitError
from orchestrator.git.drivers import Drivers, config_signature, read_drivers
from orchestrator.git.environment import (
    ENGINE,
    discovery_environment,
    git_environment,
)
from orchestrator.supervision import process
from orchestrator.supervision.companion import Companion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from orchestrator.identity import Identity

TIMEOUT_SECONDS = 300.0
SIGNATURES_KEPT = 64


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A checkout and the folder in which git keeps its HEAD and index."""

    path: Path
    git_dir: Path


@dataclass(frozen=True, slots=True)
class Output:
    """What a git command said; ``fields`` for NUL-separated output."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output without the newline git ends it with."""
        return os.fsdecode(self.stdout).removesuffix("\n")

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(field for field in os.fsdecode(self.stdout).split("\0") if field)

    @property
    def complaint(self) -> str:
        """The last line of standard error, which is where git says what was wrong."""
        lines = self.stderr.decode("utf-8", "replace").split("\n")
        silent = f"it said nothing and ended with code {self.code}"
        return next((line.strip() for line in reversed(lines) if line.strip()), silent)


class Git:
    """Runs git on one repository, as ``identity``."""

    def __init__(self, common_dir: Path, *, identity: Identity = ENGINE) -> None:
        self.common_dir = common_dir
        self.identity = identity
        self.environment = git_environment(common_dir, identity)
        self._silenced: dict[object, Mapping[str, str]] = {}

    async def run(
        self,
        *args: str,
        at: WorkTree | None = None,
        input: bytes | Path | None = None,  # noqa: A002 - the name subprocess has taught everyone
        ok: Collection[int] = (0,),
        env: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Output:
        """Run ``git ARGS``, on the work tree ``at`` or on none.

        ``ok`` are the exit codes that are answers; any other raises GitError, as does a command
        still silent after ``timeout_seconds``. ``env`` is laid over the safe environment;
        ``input`` is content, or a file of it that need not fit in memory.
        """
        environment = {**await self._environment(at), **(env or {})}
        return await self._run(
            args, at=at, env=environment, input_=input, ok=ok, timeout_seconds=timeout_seconds
        )

    async def companion(self, *args: str, env: Mapping[str, str]) -> Companion:
        """A ``git ARGS`` that stays, on no work tree; raises CannotRun."""
        environment = {**await self._environment(None), **env}
        return Companion(self._argv(args, None), cwd="/", env=environment)

    async def drivers(self, at: WorkTree | None = None) -> Drivers:
        """The drivers that the configuration names now."""
        listing = await self._run(
            ("config", "-z", "--name-only", "--list"), at=at, env=self.environment, ok=(0,)
        )
        return read_drivers(listing.stdout)

    def run_now(self, *args: str, ok: Collection[int] = (0,)) -> Output:
        """The same without an event loop and without a work tree, for the command line."""
        done = subprocess.run(
            self._argv(args, None),
            cwd="/",
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return _judged(args, Output(done.returncode, done.stdout, done.stderr), ok)

    def _argv(self, args: Sequence[str], at: WorkTree | None) -> list[str]:
        where = (
            [f"--git-dir={at.git_dir}", f"--work-tree={at.path}"]
            if at
            else [f"--git-dir={self.common_dir}", "--bare"]
        )
        return ["git", *where, "--no-pager", *args]

    async def _environment(self, at: WorkTree | None) -> Mapping[str, str]:
        """Known by the configuration's files alone, which most work trees have in common."""
        signature = config_signature(self.common_dir, at.git_dir if at else self.common_dir)
        known = self._silenced.get(signature)
        if known is not None:
            return known
        drivers = await self.drivers(at)
        env = git_environment(self.common_dir, self.identity, drivers.silencing())
        if not drivers.includes:  # else a change of the included file would go unseen
            if len(self._silenced) >= SIGNATURES_KEPT:
                self._silenced.clear()
            self._silenced[signature] = env
        return env

    async def _run(
        self,
        args: Sequence[str],
        *,
        at: WorkTree | None,
        env: Mapping[str, str],
        ok: Collection[int],
        input_: bytes | Path | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Output:
        try:
            done = await process.run(
                self._argv(args, at),
                cwd="/",
                env=env,
                input=input_,
                timeout_seconds=timeout_seconds,
            )
        except TimeoutError as error:
            raise GitError(
                f"git {args[0]} gave no answer within {timeout_seconds:.0f} s", args_shown=args
            ) from error
        return _judged(args, Output(done.code, done.stdout, done.stderr), ok)


def _judged(args: Sequence[str], output: Output, ok: Collection[int]) -> Output:
    if output.code in ok:
        return output
    message = f"git {args[0]} failed with code {output.code}: {output.complaint}"
    raise GitError(message, args_shown=args, code=output.code)


async def run_as_owner(git_dir: Path, *args: str, env: Mapping[str, str]) -> Output:
    """Run git in a repository of the engine's own making, with the logins that ``env`` holds."""
    argv = ["git", f"--git-dir={git_dir}", "--no-pager", *args]
    try:
        done = await process.run(argv, cwd="/", env=env, timeout_seconds=TIMEOUT_SECONDS)
    except TimeoutError as error:
        raise GitError(
            f"git {args[0]} gave no answer within {TIMEOUT_SECONDS:.0f} s", args_shown=args
        ) from error
    return _judged(args, Output(done.code, done.stdout, done.stderr), (0,))


def run_as_user(*args: str, start: Path) -> Output:
    """Run git as the user would in the folder ``start``, to find out where we are.

    Raises CannotRun when there is no git or no such folder.
    """
    try:
        done = subprocess.run(
            ["git", *args],
            cwd=start,
            env=discovery_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        if not start.is_dir():
            raise CannotRun(f"{start} is not a folder") from error
        raise CannotRun(
            "git is not installed, or not on PATH; install git 2.38 or newer"
        ) from error
    return Output(done.returncode, done.stdout, done.stderr)
