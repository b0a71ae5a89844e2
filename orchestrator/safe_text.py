"""The one door through which foreign text reaches a terminal.

Agents, plans and git may hold anything: escape sequences that write the clipboard, overrides
that turn text around, marks that pile up over three lines. Logs keep the bytes as they came;
whatever is *shown*, by the dashboard or the command line, passes ``safe_text`` first. Nobody
else strips escapes, and nobody prints foreign text without it.

Every pattern is built of disjoint character classes and always matches where it starts, so the
time is linear in the length of the text, whatever the text.
"""

from __future__ import annotations

import re
from unicodedata import category

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands where something was that must not be shown."""

MARKS_ALLOWED = 3
"""Combining marks that may follow one another; real scripts need no more."""

# ECMA-48. Control sequences and control strings, in 7 and 8 bits, ended or not. A string that is
# not ended is taken to the end of its line, so that it cannot hide what follows.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])[^\x07\x18\x1a\x1b\x9c\n]*(?:\x1b\\|[\x07\x9c])?"
    r"|\x1b[ -/]*[0-~]?"  # everything shorter, and an escape that leads nowhere
)
_NEWLINES = re.compile(r"\r\n?")
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f]")
_FORBIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0"  # invisible letters and fillers
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction
    "\u200b-\u200d\u2060-\u2065\ufeff"  # zero width
    "\u2028\u2029\ufff9-\ufffb"  # line separators, interlinear annotation
    "\ud800-\udfff"  # surrogates: bytes that were no text
    "\U000e0000-\U000e0fff"  # tags and further variation selectors
    "]"
)
_BEYOND_ASCII = re.compile(rf"[^\x00-\x7f]{{{MARKS_ALLOWED + 1},}}")


def safe_text(value: str | bytes, *, limit: int | None = None, one_line: bool = False) -> str:
    """``value`` with nothing in it that a terminal obeys or an eye is fooled by.

    Escape sequences vanish; other control, direction, zero-width and tag characters become
    U+FFFD; tabs become spaces; runs of combining marks are cut. At most ``limit`` characters
    come back, the last one an ellipsis when something was left out. With ``one_line`` all
    white space, newlines included, becomes single spaces. Never raises; applying it twice
    changes nothing more, unless there was something to cut.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not _is_plain(text):
        text = _without_forbidden(text)
    text = text.expandtabs()
    if one_line:
        text = " ".join(text.split())
    return text if limit is None or len(text) <= limit else text[: max(0, limit - 1)] + "…"


def _is_plain(text: str) -> bool:
    """Whether there is nothing to look for: most text is, and patterns take their time."""
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


def _without_forbidden(text: str) -> str:
    text = _NEWLINES.sub("\n", _ESCAPES.sub("", text))
    text = _FORBIDDEN.sub(REPLACEMENT, _VARIATION_SELECTORS.sub("", text))
    return text if text.isascii() else _BEYOND_ASCII.sub(_without_piled_marks, text)


def _without_piled_marks(run: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in run[0]:
        marks = marks + 1 if category(character) in {"Mn", "Me"} else 0
        if marks <= MARKS_ALLOWED:
            kept.append(character)
    return "".join(kept)
