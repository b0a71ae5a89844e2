"""Where the symbolic links of a tree lead, found without a checkout.

A link is followed as the kernel would follow it, name by name and through every other link of
the tree, because one that looks harmless in its text can be turned outwards by another:
``d/a -> b/../..`` stays inside while ``b`` is a folder, and leaves once ``b`` is a link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLLOWED = 40
"""The kernel gives up after so many links, so what is longer leads nowhere."""


def leads_out(path: str, links: Mapping[str, str]) -> bool:
    """Whether following the link ``path`` leaves the tree whose ``links`` are given by path."""
    if path not in links:
        return False
    here, ahead = path.split("/")[:-1], links[path]
    if _is_outside(here, ahead):
        return True
    names, followed = _reversed(ahead), 1
    while names:
        name = names.pop()
        if name == "..":
            if not here:
                return True
            here.pop()
            continue
        here.append(name)
        target = links.get("/".join(here))
        if target is None:
            continue
        followed += 1
        if followed > FOLLOWED:
            return False
        here.pop()
        if target.startswith("/"):
            return True
        names += _reversed(target)
    return False


def led_to(path: str, links: Mapping[str, str]) -> str | None:
    """The path of the tree at which the link ``path`` ends, empty for its top.

    None when it leaves the tree or never ends; nothing need be there.
    """
    here, names, followed = path.split("/")[:-1], _reversed(links[path]), 1
    if links[path].startswith("/"):
        return None
    while names:
        name = names.pop()
        if name == "..":
            if not here:
                return None
            here.pop()
            continue
        here.append(name)
        target = links.get("/".join(here))
        if target is None:
            continue
        followed += 1
        if followed > FOLLOWED or target.startswith("/"):
            return None
        here.pop()
        names += _reversed(target)
    return "/".join(here)


def _is_outside(folder: list[str], target: str) -> bool:
    """Whether the bare text leaves the tree, were none of its names a link.

    Refused even where a link in between would bring it back: no reader could tell.
    """
    if target.startswith("/"):
        return True
    depth = len(folder)
    for name in _reversed(target)[::-1]:
        depth += -1 if name == ".." else 1
        if depth < 0:
            return True
    return False


def _reversed(target: str) -> list[str]:
    return [name for name in reversed(target.split("/")) if name not in {"", "."}]
