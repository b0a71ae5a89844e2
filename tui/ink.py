"""The names under which text is coloured; what colour that is stands in ``ink.tcss`` alone.

Pure modules write spans of text and ink, screens list ``INKS`` as their component classes, and
``paint`` brings both together. Marks differ in shape as well as in ink, so nothing is told by colour only.
"""

from __future__ import annotations

from enum import StrEnum


class Ink(StrEnum):
    """What a piece of text is, as a CSS class."""

    PLAIN = "ink-plain"
    STRONG = "ink-strong"
    DIM = "ink-dim"
    FAINT = "ink-faint"
    BRAND = "ink-brand"
    HEADING = "ink-heading"
    WAITING = "ink-waiting"
    RUNNING = "ink-running"
    VERIFYING = "ink-verifying"
    VERIFIED = "ink-verified"
    MERGE_READY = "ink-merge-ready"
    LANDING = "ink-landing"
    MERGED = "ink-merged"
    RETRYING = "ink-retrying"
    NEEDS_PERSON = "ink-needs-person"
    FAILED = "ink-failed"
    CANCELLED = "ink-cancelled"
    PASSED = "ink-passed"
    CACHED = "ink-cached"
    BROKEN = "ink-broken"
    UNSURE = "ink-unsure"
    ADDED = "ink-added"
    REMOVED = "ink-removed"
    HUNK = "ink-hunk"
    FOUND = "ink-found"
    CHOSEN = "ink-chosen"
    KEYWORD = "ink-keyword"
    STRING = "ink-string"
    NUMBER = "ink-number"
    COMMENT = "ink-comment"
    DEFINED = "ink-defined"


class Ground(StrEnum):
    """What lies below a whole line, as a CSS class."""

    CHOSEN = "ground-chosen"
    ADDED = "ground-added"
    REMOVED = "ground-removed"


INKS = frozenset(name.value for names in (Ink, Ground) for name in names)
"""Component classes of every screen on which spans are painted."""

Span = tuple[str, Ink]
"""A piece of one line of text, and what it is."""
