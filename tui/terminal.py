"""What is said to the terminal itself: its title, and notifications where it shows them.

Sequences are made here and nowhere else. Their text is ours or has passed ``safe_text``, on one
line and short, without the semicolons that divide their fields.
"""

from __future__ import annotations

from enum import StrEnum

from orchestrator.safe_text import safe_text

_LONGEST = 200

SAVE_TITLE = "\x1b[22;0t"
RESTORE_TITLE = "\x1b[23;0t"


class Notices(StrEnum):
    """How a terminal is asked to notify its user."""

    NONE = "none"
    OSC9 = "osc9"
    OSC777 = "osc777"


def title(text: str) -> str:
    return f"\x1b]0;{_inert(text)}\x07"


def notice(kind: Notices, text: str) -> str:
    """A notification, or nothing where none is wanted."""
    if kind is Notices.OSC9:
        return f"\x1b]9;{_inert(text)}\x07"
    if kind is Notices.OSC777:
        return f"\x1b]777;notify;Clerk of Works;{_inert(text)}\x07"
    return ""


def _inert(text: str) -> str:
    return safe_text(text, limit=_LONGEST, one_line=True).replace(";", ",")
