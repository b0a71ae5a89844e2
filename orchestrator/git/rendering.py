"""How files come out when a tree is checked out: line ends, links, the case of names.

The rest follows from the tree, or is fixed by ``environment.SETTINGS``; these settings are the
user's own, and two checkouts of one tree differ where they do.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from orchestrator.git.drivers import config_signature, file_signature

if TYPE_CHECKING:
    from orchestrator.git.command import Git

_SETTINGS = (
    r"^(core\.(autocrlf|eol|symlinks|filemode|ignorecase|precomposeunicode"
    r"|checkroundtripencoding|longpaths)|include(if)?\..*)$"
)


class Rendering:
    """The settings of one repository, read again when its configuration changes."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._known: tuple[object, str] | None = None

    async def mark(self) -> str:
        """A value that changes when the same tree would come out differently."""
        common = self._git.common_dir
        attributes = common / "info" / "attributes"
        signature = (config_signature(common, common), file_signature(attributes))
        if self._known is not None and self._known[0] == signature:
            return self._known[1]
        told = await self._git.run("config", "-z", "--get-regexp", _SETTINGS, ok=(0, 1))
        lines = sorted(set(told.fields))
        own = attributes.read_bytes() if attributes.is_file() else b""
        mark = hashlib.sha256(os.fsencode("\0".join(lines)) + b"\0\0" + own).hexdigest()
        draws_in = any(line.startswith("include") for line in lines)
        self._known = None if draws_in else (signature, mark)  # an included file may change unseen
        return mark
