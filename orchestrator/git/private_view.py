"""A repository of a job's own, to be shown in place of the real one.

A worktree isolates nothing: whoever stands in it may rewrite the hooks, configuration, refs and
objects of the whole repository. So a confined job finds, where the common directory is, one made
for it: the refs as they were, a configuration generated from nothing, no hooks, its worktree's
admin folder, and an object store that borrows from the real one, which it may only read. In it
commit, rebase, stash and gc all work; what came of it is imported afterwards, never believed.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.crash_points import crash_point
from orchestrator.git.drivers import config_signature
from orchestrator.git.linked import delete_trees
from orchestrator.git.ref_files import RefFiles
from orchestrator.git.refs import branch_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.git.command import Git, WorkTree
    from orchestrator.git.refs import Refs

_KINDS = ("refs/heads/", "refs/tags/", "refs/remotes/")
_CARRIED = (
    *("core.filemode", "core.ignorecase", "core.symlinks", "core.precomposeunicode"),
    *("core.autocrlf", "core.eol", "core.safecrlf", "core.longpaths"),
    *("extensions.objectformat", "extensions.partialclone", "user.name", "user.email"),
)
"""What a checkout looks like depends on these; none of them names a program."""

_MOST_FOLDERS = 64

_LEFT_BEHIND = frozenset({"locked", "logs", "clerk-ready", "config.worktree"})


@dataclass(frozen=True, slots=True)
class PrivateView:
    """``folder`` stands in for the common directory ``over``.

    ``sandbox`` is what its jobs run in, and nothing else may read it; ``known`` are the oids it was
    given, by ref; ``objects`` the real object folders it borrows from; ``admin`` its worktree's
    admin folder in it.
    """

    folder: Path
    over: Path
    admin: Path
    sandbox: str
    known: Mapping[str, str]
    objects: tuple[Path, ...]


class PrivateViews:
    """Makes private views of one repository."""

    def __init__(self, git: Git, refs: Refs) -> None:
        self._git = git
        self._refs = refs
        self._ref_files = RefFiles(git.common_dir)
        self._generated: tuple[object, str] = (None, "")

    async def make(
        self, folder: Path, tree: WorkTree, *, sandbox: str, branch: str = "", borrowed_at: Path
    ) -> PrivateView:
        """A view for a job in ``tree``, at ``folder``; what was there is removed.

        It is on record beside the folder once it is whole, for ``find`` after a crash. Of the engine's branches it holds ``branch`` alone. ``borrowed_at`` is where the job will
        find the real object folder.
        """
        self.forget(folder)
        if folder.exists():
            await delete_trees(folder)
        known = await self._known(branch)
        config = await self.config()
        common = self._git.common_dir
        objects = await self.objects()
        admin = folder / "worktrees" / tree.git_dir.name
        view = PrivateView(folder, common, admin, sandbox, known, objects)
        places = (borrowed_at, *objects[1:])
        await anyio.to_thread.run_sync(_build, view, tree, config, places)
        crash_point("view.made")
        _record(folder).write_text(json.dumps({"sandbox": sandbox, "known": known}))
        crash_point("view.recorded")
        return view

    def find(self, folder: Path, tree: WorkTree) -> PrivateView | None:
        """The whole view at ``folder`` that was not forgotten yet."""
        try:
            told = json.loads(_record(folder).read_text())
        except (FileNotFoundError, ValueError):
            return None
        common = self._git.common_dir
        real = common / "objects"
        admin = folder / "worktrees" / tree.git_dir.name
        return PrivateView(
            folder, common, admin, told["sandbox"], told["known"], (real, *_borrowed(real))
        )

    async def is_untouched(self, view: PrivateView, ref: str) -> bool:
        """Whether nobody moved a ref or a HEAD in ``view``, which stood on ``ref``.

        Sessions that commit nothing leave it so, and then there is nothing to be asked of it. Told by
        the bytes of what was put there: anything else is for git to read, where it is confined.
        """
        config = (await self.config()).encode("utf-8", "surrogateescape")
        return (
            ref in view.known
            and _holds(view.admin / "HEAD", f"ref: {ref}\n".encode())
            and _holds(view.folder / "packed-refs", os.fsencode(_packed(view.known)))
            and _holds(view.folder / "config", config)
            and not any(map(os.path.lexists, (view.folder / "reftable", view.admin / "refs")))
            and _has_no_files(view.folder / "refs")
        )

    def forget(self, folder: Path) -> None:
        """What was done in the view is at home, or will never be wanted."""
        _record(folder).unlink(missing_ok=True)

    async def _known(self, branch: str) -> dict[str, str]:
        known, own = self._ref_files.commits(_KINDS), branch_ref(branch)
        head = await self._refs.resolve(own) if branch else None
        return known | ({own: head} if head else {})

    async def objects(self) -> tuple[Path, ...]:
        """The repository's object folder, and those it borrows from in turn."""
        real = self._git.common_dir / "objects"
        return (real, *await anyio.to_thread.run_sync(_borrowed, real))

    async def config(self) -> str:
        """A configuration of what checkouts depend on; once for each state of the real one."""
        state = config_signature(self._git.common_dir, self._git.common_dir)
        if self._generated[0] != state:
            self._generated = (state, await self._generate())
        return self._generated[1]

    async def _generate(self) -> str:
        listing = await self._git.run("config", "-z", "--local", "--list")
        wanted = {}
        for entry in listing.fields:
            key, _, value = entry.partition("\n")
            if key in _CARRIED:
                wanted[key] = value
        return _config_text(wanted)


def _record(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _config_text(settings: Mapping[str, str]) -> str:
    """A configuration file of ``section.key`` settings."""
    version = "1" if any(key.startswith("extensions.") for key in settings) else "0"
    lines = [
        "[core]",
        f"\trepositoryformatversion = {version}",
        "\tbare = false",
        "\tlogAllRefUpdates = true",
        # Files that were made over to the job's user are no others for that.
        "\tcheckStat = minimal",
        "\ttrustctime = false",
    ]
    for key, value in settings.items():
        section, _, name = key.partition(".")
        lines += [f"[{section}]", f"\t{name} = {_quoted(value)}"]
    lines += ["[gc]", "\tauto = 0", ""]
    return "\n".join(lines)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _borrowed(objects: Path) -> tuple[Path, ...]:
    """The object folders that the real one borrows from in turn, as git follows them."""
    found: dict[Path, None] = {}
    waiting = [objects]
    while waiting:
        folder = waiting.pop()
        for line in _lines(folder / "info" / "alternates"):
            lender = Path(os.path.normpath(folder / line))
            if lender.is_dir() and lender not in found:
                found[lender] = None
                waiting.append(lender)
    return tuple(found)


def _lines(path: Path) -> Sequence[str]:
    try:
        text = os.fsdecode(path.read_bytes())
    except OSError:
        return ()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _build(view: PrivateView, tree: WorkTree, config: str, lenders: Iterable[Path]) -> None:
    for name in (
        "hooks",
        "info",
        "logs",
        "refs/heads",
        "refs/tags",
        "objects/info",
        "objects/pack",
    ):
        (view.folder / name).mkdir(parents=True)
    view.folder.chmod(0o700)
    for name, text in {
        "config": config,
        "HEAD": _head(view.over),
        "packed-refs": _packed(view.known),
        "objects/info/alternates": "".join(f"{lender}\n" for lender in lenders),
    }.items():
        (view.folder / name).write_text(text, "utf-8", "surrogateescape")
    for name in ("shallow", "info/exclude", "info/attributes", "info/sparse-checkout"):
        _copy(view.over / name, view.folder / name)
    _copy_admin(tree, view)


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file is there with just this in it; never waits, whatever stands in its place."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        is_as_long = stat.S_ISREG(found.st_mode) and found.st_size == len(content)
        return is_as_long and file.read(len(content) + 1) == content


def _has_no_files(top: Path) -> bool:
    """Whether there are nothing but folders, and not many of them."""
    waiting = [top]
    try:
        for _ in range(_MOST_FOLDERS):
            if not waiting:
                return True
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        return False
                    waiting.append(Path(entry))
    except OSError:
        return False
    return False


def _head(common: Path) -> str:
    text = os.fsdecode((common / "HEAD").read_bytes())
    return text if text.startswith("ref: refs/heads/") else "ref: refs/heads/main\n"


def _packed(refs: Mapping[str, str]) -> str:
    return "# pack-refs with: sorted \n" + "".join(
        f"{refs[name]} {name}\n" for name in sorted(refs, key=os.fsencode)
    )


def _copy_admin(tree: WorkTree, view: PrivateView) -> None:
    view.admin.mkdir(parents=True)
    for entry in tree.git_dir.iterdir():
        if entry.name not in _LEFT_BEHIND and not entry.name.endswith(".lock"):
            _copy(entry, view.admin / entry.name)
    (view.admin / "commondir").write_text("../..\n")
    (view.admin / "gitdir").write_text(f"{tree.path / '.git'}\n", "utf-8", "surrogateescape")


def _copy(source: Path, destination: Path) -> None:
    """A regular file as it is; a folder in an admin folder is a rebase or a bisection, left behind."""
    if source.is_file() and not source.is_symlink():
        shutil.copyfile(source, destination)
