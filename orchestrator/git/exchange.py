"""To a remote and back: the only git of the engine that leaves this machine.

It needs the owner's logins, which all other git is kept from; so it is kept from the repository
instead. It runs in an outbox, an empty repository made anew each time, which shares the object
folder and nothing else: no hook, no setting, no remote and no ref of the real one is there to be
believed. Only task branches are pushed, and only over what is known to stand there (a lease).
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import GitError, HandoverHeld
from orchestrator.git.command import run_as_owner
from orchestrator.git.environment import exchange_environment
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.git.command import Git, Output

OWN = "refs/heads/clerk/"
_FETCHED = "refs/heads/fetched"
_SHA256 = 64


class Exchange:
    """Pushes task branches and fetches targets; raises HandoverHeld with what git says."""

    def __init__(self, git: Git, outbox: Path) -> None:
        self._git = git
        self._outbox = outbox
        self._line = anyio.Lock()

    async def url_of(self, remote: str) -> str:
        """The URL that the repository's configuration gives a remote; empty for none."""
        return (await self._git.run("config", "--get", f"remote.{remote}.url", ok=(0, 1))).text

    async def head_of(self, url: str, ref: str) -> str:
        """The commit that ``ref`` is at over there; empty for none."""
        listing = await self._abroad(url, "ls-remote", "--refs", "--", url, ref)
        pairs = (line.partition("\t") for line in listing.text.splitlines())
        return next((oid for oid, _, name in pairs if name == ref), "")

    async def push(self, url: str, ref: str, head: str, *, over: str) -> None:
        """Have ``ref`` over there be at ``head``, if it still is at ``over``; "" for not there."""
        if not ref.startswith(OWN):
            raise GitError(f"{ref} is no task's branch; nothing else is ever pushed")
        lease = f"--force-with-lease={ref}:{over}"
        options = ("--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no")
        await self._abroad(
            url, "push", "--porcelain", *options, lease, "--", url, f"{head}:{ref}", known=(head,)
        )

    async def fetch(self, url: str, ref: str, *, known: Iterable[str]) -> str:
        """Bring over what ``ref`` holds, and tell its commit; no ref of this repository moves.

        ``known`` are commits that are here, so that little has to come.
        """
        options = ("--no-tags", "--no-write-fetch-head", "--recurse-submodules=no")
        order = f"+{ref}:{_FETCHED}"
        async with self._line:
            await self._run(url, "fetch", *options, "--", url, order, known=known)
            return (self._outbox / _FETCHED).read_text().strip()

    async def _abroad(self, url: str, *args: str, known: Iterable[str] = ()) -> Output:
        async with self._line:
            return await self._run(url, *args, known=known)

    async def _run(self, url: str, *args: str, known: Iterable[str]) -> Output:
        await anyio.to_thread.run_sync(self._make_outbox, tuple(known))
        env = exchange_environment(self._git.common_dir / "objects")
        try:
            return await run_as_owner(self._outbox, *args, env=env)
        except GitError as error:
            shown = _without_login(url)
            told = safe_text(str(error).replace(url, shown), limit=300, one_line=True)
            raise HandoverHeld(f"{safe_text(shown, limit=200, one_line=True)}: {told}") from error

    def _make_outbox(self, known: Iterable[str]) -> None:
        box, common = self._outbox, self._git.common_dir
        shutil.rmtree(box, ignore_errors=True)
        (box / "refs/heads").mkdir(parents=True)
        (box / "objects").mkdir()
        (box / "HEAD").write_text("ref: refs/heads/none\n")
        oids = tuple(filter(None, known))
        is_sha256 = any(len(oid) == _SHA256 for oid in oids)
        (box / "config").write_text(_CONFIG_SHA256 if is_sha256 else _CONFIG)
        for number, oid in enumerate(oids):
            (box / f"refs/heads/known-{number}").write_text(f"{oid}\n")
        if (common / "shallow").exists():
            shutil.copyfile(common / "shallow", box / "shallow")


_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_CONFIG_SHA256 = (
    "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
)


def _without_login(url: str) -> str:
    """A URL as it may be shown: some hold a token."""
    scheme, found, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else url
