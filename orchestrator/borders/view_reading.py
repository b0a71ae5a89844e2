"""Reading a session's private view: git asks it inside the sandbox, and nothing is believed.

What comes out are claims (where HEAD stands, which refs name which commits) and packs of objects,
left in a folder that a job could reach too: each file is made by us alone, looked at before it is
opened, and read as bounded text or handed on as a pack that is yet to be checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.git.imports import said_by_the_disk
from orchestrator.log_tail import last_words
from orchestrator.supervision.job import Ending, Job

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestrator.executors import Executor
    from orchestrator.git.private_view import PrivateView
    from orchestrator.sandboxes import Confinement
    from orchestrator.supervision.job import Exit

PATIENCE_SECONDS = 600.0
_CLAIM_BYTES = 4 << 20
_FATAL = 128
"""With more than this a shell says that a signal ended its command."""

PACK = """git pack-objects --revs --stdout --thin --delta-base-offset -q"""
_TELL = f"""
set -e
git symbolic-ref -q HEAD >"$OUT/branch" || :
git rev-parse -q --verify 'HEAD^{{commit}}' >"$OUT/head" || :
git for-each-ref --format='%(if:equals=commit)%(objecttype)%(then)%(objectname) %(refname)%(end)' |
    grep . >"$OUT/refs" || :
{{ git for-each-ref --format='%(objectname)' "$REF"; cat "$OUT/head" "$OUT/known"; }} | {PACK} >"$OUT/pack"
"""
"""One process tree for all there is to ask; ``known`` excludes what the real repository has."""

_PACK_BESIDE = f'{PACK} <"$OUT/beside" >"$OUT/pack"'

_PLAIN = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
}

_CLAIM = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64}) (refs/[^\x00-\x20\x7f]{1,255})")
OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Unreadable(Exception):
    """Why a view tells nothing: its session's doing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a view says of itself: where its HEAD stands, and its refs that name commits."""

    head: str
    branch: str
    refs: Mapping[str, str]

    def work(self, ref: str) -> tuple[str, ...]:
        """Where the session's work is: HEAD, and the task's branch ``ref``."""
        return tuple(dict.fromkeys(oid for oid in (self.head, self.refs.get(ref, "")) if oid))


@dataclass(frozen=True, slots=True)
class ViewReading:
    """One reading of ``view``, whose answers go to ``out``; ``ref`` is the task's branch in it.

    ``log`` lies where the reading job cannot reach: it is written to, and quoted, by the engine.
    ``confinement`` shows the view to be read, ``env`` is what git needs there.
    """

    view: PrivateView
    out: Path
    log: Path
    ref: str
    confinement: Confinement
    executor: Executor
    env: Mapping[str, str]

    async def tell(self) -> Claim:
        """What the view says of itself; its work is in ``pack`` then.

        Raises Unreadable, and GitError when the machine failed.
        """
        self._write("known", excluded(self.view.known.values()))
        await self._ask(_TELL)
        return read_claim(self.out)

    async def pack_beside(self, wanted: Iterable[str], known: Iterable[str]) -> None:
        """Pack commits beside the work into ``pack``; raises as ``tell`` does."""
        self._write("beside", "".join(f"{oid}\n" for oid in wanted) + excluded(known))
        await self._ask(_PACK_BESIDE)

    @property
    def pack(self) -> Path:
        """The pack that the last question left; raises Unreadable."""
        return told_file(self.out / "pack")

    def _write(self, name: str, text: str) -> None:
        """A file that was not there: nothing is written through what somebody put in its place."""
        try:
            with (self.out / name).open("x") as file:
                file.write(text)
        except FileExistsError as error:
            raise Unreadable(f"something stood in the place of {name!r}") from error

    async def _ask(self, script: str) -> None:
        await self.confinement.make_over()
        view, covers = self.view, self.confinement.sandbox.covers
        folder = view.over if covers else view.folder
        job = Job(
            argv=("sh", "-c", script),
            cwd=self.out,
            env={
                **self.env,
                "OUT": str(self.out),
                "REF": self.ref,
                **_PLAIN,
                "GIT_DIR": str(folder / "worktrees" / view.admin.name),
                "GIT_COMMON_DIR": str(folder),
            },
            cookie=f"{self.ref}.import",
            log=self.log,
            wall_seconds=PATIENCE_SECONDS,
        )
        ended = await self.executor.run(self.confinement.wrap(job))
        said = last_words(self.log)
        if why := machine_failed(ended, said):
            raise GitError(f"what the session committed waits in {view.folder}: {why}")
        if not ended.ok:
            raise Unreadable(said or "git said nothing")


def read_claim(out: Path) -> Claim:
    """What the import's answers say; raises Unreadable where git could not have said it."""
    head, branch = told_text(out / "head").strip(), told_text(out / "branch").strip()
    if head and not OID.fullmatch(head):
        raise Unreadable("its HEAD has no name that git could have given")
    refs = {}
    for line in told_text(out / "refs").splitlines():
        found = _CLAIM.fullmatch(line)
        if found:
            refs[found[2]] = found[1]
    return Claim(head, branch if branch in refs else "", refs)


def machine_failed(ended: Exit, said: str) -> str:
    """Why reading a view says nothing about the session; "" when it ran to git's own verdict."""
    if ended.error:
        return ended.error
    killed = ended.signal is not None or (ended.code or 0) > _FATAL
    if ended.ending is Ending.EXITED and killed:
        return "git was killed"
    return said_by_the_disk(said)


def excluded(oids: Iterable[str]) -> str:
    return "".join(f"^{oid}\n" for oid in dict.fromkeys(oids))


def told_text(path: Path) -> str:
    """A small file's text."""
    if told_file(path).stat().st_size > _CLAIM_BYTES:
        raise Unreadable("it told more than can be read")
    return path.read_text("utf-8", "surrogateescape")


def told_file(path: Path) -> Path:
    if path.is_symlink() or not path.is_file():
        raise Unreadable("it told nothing that can be read")
    return path
