"""The programs a repository's configuration would have git run, by name.

Filters, merge drivers and diff drivers are named freely, so no fixed list of settings silences
them: the names are read from the configuration and each is overridden. The configuration may
change while sessions run unsandboxed, so the names are read again whenever its files change.
Honest drivers (LFS is the usual one) are silenced too: files stay as git stores them, which
preflight tells.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_COMMANDS = {
    "filter": frozenset({"clean", "smudge", "process", "required"}),
    "merge": frozenset({"driver"}),
    "diff": frozenset({"command", "textconv"}),
}


@dataclass(frozen=True, slots=True)
class Drivers:
    """Names by kind; ``includes`` says that the configuration draws in other files."""

    filters: frozenset[str] = frozenset()
    merges: frozenset[str] = frozenset()
    diffs: frozenset[str] = frozenset()
    includes: bool = False

    def __bool__(self) -> bool:
        return bool(self.filters or self.merges or self.diffs)

    def silencing(self) -> tuple[tuple[str, str], ...]:
        """Settings under which none of them runs.

        An empty filter passes contents through; a merge driver that fails makes a conflict,
        which is what an unknown way of merging should be.
        """
        settings: list[tuple[str, str]] = []
        for name in sorted(self.filters):
            prefix = f"filter.{name}"
            settings += [(f"{prefix}.{key}", "") for key in ("clean", "smudge", "process")]
            settings.append((f"{prefix}.required", "false"))
        settings += [(f"merge.{name}.driver", "false") for name in sorted(self.merges)]
        for name in sorted(self.diffs):
            settings += [(f"diff.{name}.{key}", "") for key in ("command", "textconv")]
        return tuple(settings)


def read_drivers(keys: bytes) -> Drivers:
    """The drivers among ``keys``, the output of ``git config -z --name-only --list``."""
    found: dict[str, set[str]] = {"filter": set(), "merge": set(), "diff": set()}
    includes = False
    for key in os.fsdecode(keys).split("\0"):
        section, _, rest = key.partition(".")
        name, _, variable = rest.rpartition(".")
        includes = includes or section in {"include", "includeif"}
        if name and variable in _COMMANDS.get(section, frozenset()):
            found[section].add(name)
    return Drivers(
        frozenset(found["filter"]), frozenset(found["merge"]), frozenset(found["diff"]), includes
    )


def config_signature(common_dir: Path, git_dir: Path) -> tuple[object, ...]:
    """A value that changes when a configuration file of the repository does."""
    return tuple(map(file_signature, (common_dir / "config", git_dir / "config.worktree")))


def file_signature(path: Path) -> tuple[int, int, int, int] | None:
    """A value that changes when a file does."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
