"""The clone in which a replay happens, with every change made ready to be picked.

A change is kept as one commit whose parent is the base it really had and whose tree is what it
came to, under a ref of its own. Links to other repositories are left out of it and told: their
commits are not here. A change of which nothing is left is no task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from history_replay.changes import last_changes, with_bases
from history_replay.git import LINK_TO_REPOSITORY, git, listed
from history_replay.merges import is_as_git_merges

if TYPE_CHECKING:
    from pathlib import Path

    from history_replay.changes import Change

TARGET = "main"
_NOT_THERE = "000000"


@dataclass(frozen=True, slots=True)
class Pick:
    """A change ready to be made: ``commit`` carries it, ``paths`` are those it is about.

    One that landed ``by_hand`` is a merge in which somebody settled a conflict, or added to it.
    """

    change: Change
    commit: str
    paths: tuple[str, ...]
    by_hand: bool


@dataclass(frozen=True, slots=True)
class Yard:
    """The clone: its target stands at ``start``; ``tip`` is where history got from there.

    ``skipped`` are sentences about what of it is not replayed.
    """

    clone: Path
    start: str
    tip: str
    picks: tuple[Pick, ...]
    skipped: tuple[str, ...]

    def changes(self) -> list[Change]:
        return [pick.change for pick in self.picks]


class NothingToReplay(Exception):
    """There is no change to replay; the message says why."""


def make_yard(repository: str, branch: str, folder: Path, *, last: int, together: int) -> Yard:
    """A clone of ``repository`` in ``folder``, its target before its last ``last`` changes."""
    clone = folder / "replayed.git"
    chosen = ("--branch", branch) if branch else ()
    words = ("clone", "--quiet", "--bare", "--no-tags", "--single-branch", *chosen)
    git(folder, *words, "--", repository, str(clone))
    tip = git(clone, "rev-parse", "HEAD^{commit}")
    changes = with_bases(clone, last_changes(clone, tip, last), together)
    if not changes:
        raise NothingToReplay("its history has no commit that follows another")
    _set_out(clone, tip, changes[0].parent)
    return _picked(Yard(clone, changes[0].parent, tip, (), ()), changes, folder / "index")


def _set_out(clone: Path, tip: str, start: str) -> None:
    """Only the target is left of the branches; each of its values is written to its log."""
    git(clone, "update-ref", "refs/replay/history", tip)
    git(clone, "config", "core.logAllRefUpdates", "always")
    git(clone, "config", "remote.origin.url", "")
    git(clone, "symbolic-ref", "HEAD", "refs/replay/none")
    for ref in git(clone, "for-each-ref", "--format=%(refname)", "refs/heads").split():
        git(clone, "update-ref", "-d", ref)
    git(clone, "symbolic-ref", "HEAD", f"refs/heads/{TARGET}")
    git(clone, "update-ref", "-m", "where the replay starts", f"refs/heads/{TARGET}", start)


def _picked(yard: Yard, changes: list[Change], index: Path) -> Yard:
    picks: list[Pick] = []
    told: list[str] = []
    for change in changes:
        brought = _entries(yard.clone, change.base, change.head)
        links = {path: old for path, (old, is_link) in brought.items() if is_link}
        if links:
            told.append(f"{change.id}: submodules are left out: {', '.join(sorted(links))}")
        if brought.keys() == links.keys():
            told.append(f"{change.id} is no task: it changes nothing else ({change.title})")
            continue
        paths = {*brought, *_entries(yard.clone, change.parent, change.commit)} - links.keys()
        commit = _pick(yard.clone, change, links, index)
        picks.append(Pick(change, commit, tuple(sorted(paths)), _was_by_hand(yard.clone, change)))
    here = frozenset(pick.change.id for pick in picks)
    kept = (
        replace(p, change=replace(p.change, builds_on=p.change.builds_on & here)) for p in picks
    )
    return replace(yard, picks=tuple(kept), skipped=tuple(told))


def _was_by_hand(clone: Path, change: Change) -> bool:
    parents = change.parent, change.head
    return change.is_merge and not is_as_git_merges(clone, change.commit, *parents)


def _entries(clone: Path, old: str, new: str) -> dict[str, tuple[str, bool]]:
    """What differs: by path, the old entry as ``update-index`` wants it, and whether it is a link."""
    words = iter(listed(clone, "diff-tree", "-r", "-z", "--no-renames", "--full-index", old, new))
    found = {}
    for fields in words:
        old_mode, new_mode, old_oid, *_ = fields.removeprefix(":").split()
        path = next(words)
        is_link = LINK_TO_REPOSITORY in {old_mode, new_mode}
        before = _NOT_THERE if old_mode == _NOT_THERE else old_mode
        found[path] = (f"{before} {old_oid}\t{path}\0", is_link)
    return found


def _pick(clone: Path, change: Change, links: dict[str, str], index: Path) -> str:
    """The commit that carries a change, held by a ref."""
    env = {"GIT_INDEX_FILE": str(index)}
    git(clone, "read-tree", change.head, env=env)
    if links:
        git(clone, "update-index", "-z", "--index-info", given="".join(links.values()), env=env)
    tree = git(clone, "write-tree", env=env)
    name, email, date = git(clone, "show", "-s", "--format=%an%n%ae%n%aI", change.head).split("\n")
    author = {
        "GIT_AUTHOR_NAME": name or "nobody",
        "GIT_AUTHOR_EMAIL": email,
        "GIT_AUTHOR_DATE": date,
    }
    message = f"{change.title or change.id}\n\nReplays: {change.commit}\n"
    commit = git(clone, "commit-tree", tree, "-p", change.base, given=message, env=author)
    git(clone, "update-ref", f"refs/replay/picks/{change.id}", commit)
    return commit
