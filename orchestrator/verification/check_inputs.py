"""What a check with ``inputs`` depends on: the entries of a tree that its globs cover, and no less.

Beyond the globs count all that steers how those files come out or where they are found: every
``.gitattributes``, every link, and whatever lies where a link leads that a glob may pass through.
Too much costs a run, too little would let an old verdict speak for what it never saw.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.git.listing import LINK
from orchestrator.git.tree_links import led_to
from orchestrator.plan.globs import PathGlobs, may_lie_beneath

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.git.listing import Listing, Listings, TreeEntry

_KEPT = 256
_ATTRIBUTES = ".gitattributes"


class CheckInputs:
    """Answers for one repository; as trees never change, answers are kept."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self._digests: OrderedDict[tuple[str, tuple[str, ...]], str] = OrderedDict()

    async def digest(self, tree: str, patterns: tuple[str, ...]) -> str:
        """A value that is the same for trees in which the inputs are the same."""
        asked = (tree, patterns)
        if asked not in self._digests:
            self._digests[asked] = _digest(await self.entries(tree, patterns))
            while len(self._digests) > _KEPT:
                self._digests.popitem(last=False)
        return self._digests[asked]

    async def entries(self, tree: str, patterns: Sequence[str]) -> tuple[TreeEntry, ...]:
        """The entries that count."""
        look = partial(covered, await self._listings.of(tree), patterns)
        return await anyio.to_thread.run_sync(look)

    async def others(self, tree: str, patterns: Sequence[str]) -> tuple[TreeEntry, ...]:
        """The entries that do not count."""
        counted = {entry.path for entry in await self.entries(tree, patterns)}
        listing = await self._listings.of(tree)
        return tuple(entry for entry in listing.entries if entry.path not in counted)


def covered(listing: Listing, patterns: Sequence[str]) -> tuple[TreeEntry, ...]:
    """The entries of a tree that count for a check whose inputs are ``patterns``."""
    globs = PathGlobs(patterns)
    counted = {entry.path for entry in listing.entries if globs.matches(entry.path)}
    counted |= set(_behind_links(listing, patterns, counted))
    return tuple(
        entry for entry in listing.entries if entry.path in counted or _is_always_read(entry)
    )


def _is_always_read(entry: TreeEntry) -> bool:
    return entry.mode == LINK or entry.path.rpartition("/")[2] == _ATTRIBUTES


def _behind_links(listing: Listing, patterns: Sequence[str], matched: set[str]) -> Iterator[str]:
    """All that lies where the links lead that a glob covers, or may pass through."""
    waiting = [
        link
        for link in listing.links
        if link in matched or any(may_lie_beneath(pattern, link) for pattern in patterns)
    ]
    followed = set(waiting)
    while waiting:
        place = led_to(waiting.pop(), listing.links)
        if place is None:
            continue
        for entry in listing.entries:
            if not place or entry.path == place or entry.path.startswith(f"{place}/"):
                yield entry.path
                if entry.mode == LINK and entry.path not in followed:
                    followed.add(entry.path)
                    waiting.append(entry.path)


def _digest(entries: Iterable[TreeEntry]) -> str:
    facts = [(entry.mode, entry.oid, entry.path) for entry in entries]
    return hashlib.sha256(os.fsencode(json.dumps(facts))).hexdigest()
