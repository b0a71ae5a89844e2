"""What must hold before a plan may start in a repository, and what the architect should know.

Runs before the engine does, synchronously, and changes nothing. Each refusal is one sentence
with its mend; what only limits us (drivers we do not run, submodules) is a warning.
"""

from __future__ import annotations

import difflib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import CannotRun
from orchestrator.git.drivers import read_drivers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from orchestrator.git.repository import Repository

_HEADS = "refs/heads/"


def preflight(repository: Repository, *, target: str, plan: str) -> tuple[str, ...]:
    """Warnings, one sentence each, about working on branch ``target`` for the plan so named.

    Raises CannotRun for what makes the work impossible.
    """
    _require_files(repository)
    branches = _branches(repository)
    _require_target(repository, target, branches)
    _require_room(plan, branches)
    _require_writable(repository.common_dir)
    _require_writable(repository.worktrees_dir)
    return tuple(_warnings(repository, target))


def _require_files(repository: Repository) -> None:
    """Refs are read, and whole repositories made, where each is a file or a line of packed-refs."""
    if (repository.common_dir / "reftable").is_dir():
        raise CannotRun(
            "the repository keeps its refs in a reftable, which clerk does not know; "
            "run: git refs migrate --ref-format=files"
        )


def _branches(repository: Repository) -> frozenset[str]:
    listing = repository.git.run_now("for-each-ref", "--format=%(refname)", _HEADS)
    return frozenset(name.removeprefix(_HEADS) for name in listing.text.splitlines())


def _require_target(repository: Repository, target: str, branches: Collection[str]) -> None:
    if target in branches:
        commit = f"{_HEADS}{target}^{{commit}}"
        if repository.git.run_now("cat-file", "-e", commit, ok=(0, 1, 128)).code:
            raise CannotRun(f"the target branch '{target}' has no commit to stand on; run git fsck")
        return
    if not branches:
        raise CannotRun("the repository has no commits yet; make a first one")
    head = repository.git.run_now("symbolic-ref", "--quiet", "HEAD", ok=(0, 1)).text
    if head == _HEADS + target:
        raise CannotRun(f"the target branch '{target}' has no commits yet; make a first one")
    near = difflib.get_close_matches(target, sorted(branches), n=1)
    mend = f"did you mean '{near[0]}'?" if near else f"there are: {_some(branches)}"
    raise CannotRun(f"there is no target branch '{target}'; {mend}")


def _some(branches: Collection[str], most: int = 5) -> str:
    shown = sorted(branches)[:most]
    return ", ".join(shown) + (", …" if len(branches) > most else "")


def _require_room(plan: str, branches: Collection[str]) -> None:
    """A branch is a file and ``clerk/<plan>/`` a folder of the same name."""
    for taken in ("clerk", f"clerk/{plan}"):
        if taken in branches:
            raise CannotRun(
                f"the branch '{taken}' is in the way of the branches '{taken}/…'; "
                f"rename it: git branch -m {taken} {taken.replace('/', '-')}-old"
            )


def _require_writable(folder: Path) -> None:
    existing = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    try:
        # By trying, since permission bits tell nothing of a file system mounted read-only.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        why = error.strerror or "unknown error"
        raise CannotRun(
            f"{existing} cannot be written ({why}); clerk keeps its work there"
        ) from error


def _warnings(repository: Repository, target: str) -> Iterator[str]:
    git = repository.git
    keys = git.run_now("config", "-z", "--name-only", "--list")
    drivers = read_drivers(keys.stdout)
    if drivers.filters:
        yield (
            f"the repository uses filters ({', '.join(sorted(drivers.filters))}); clerk does not run "
            "them, so worktrees hold such files as git stores them"
        )
    if drivers.merges or drivers.diffs:
        names = ", ".join(sorted(drivers.merges | drivers.diffs))
        yield f"the repository names merge or diff drivers ({names}); clerk does not run them"
    if any(
        key.startswith(("remote.", "extensions.")) and "partialclone" in key for key in keys.fields
    ):
        yield "the repository is a partial clone; clerk does not fetch what is missing in it"
    attributes = git.run_now(
        "cat-file", "blob", f"{_HEADS}{target}:.gitattributes", ok=(0, 128)
    ).stdout
    if b"filter=lfs" in attributes and "lfs" not in drivers.filters:
        yield "files are kept in LFS; worktrees hold their pointers, not their contents"
    if git.run_now("cat-file", "-e", f"{_HEADS}{target}:.gitmodules", ok=(0, 1, 128)).code == 0:
        yield "the repository has submodules; worktrees leave them empty"
