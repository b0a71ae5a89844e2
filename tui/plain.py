"""Foreign text as content for Textual's own widgets: made safe, and never read as markup."""

from __future__ import annotations

from textual.content import Content

from orchestrator.safe_text import safe_text

_LIMIT = 2_000


def plain(text: str, *, one_line: bool = False) -> Content:
    """Content that shows ``text`` as it is, whatever brackets it holds."""
    return Content(safe_text(text, limit=_LIMIT, one_line=one_line))
