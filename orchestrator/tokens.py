"""How many tokens a text costs, offline.

The client's reported usage is the truth; before a session only an estimate can be had, since
real vocabularies are downloaded at run time. ``ceil(bytes / 3.5)`` errs on the safe side: code
and English measure 3.5 to 4.4 bytes a token.
"""

from __future__ import annotations

import math

BYTES_PER_TOKEN = 3.5


def estimate_tokens(text: str) -> int:
    """Tokens of ``text``, rarely too few."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)


def clip_to_tokens(text: str, budget: int, *, mark: str = "\n[… cut …]\n") -> str:
    """``text`` within ``budget`` tokens: its head and tail, with ``mark`` where it was cut.

    The head keeps two thirds. Returns the text itself when it fits; never exceeds the budget
    unless ``mark`` alone does.
    """
    if estimate_tokens(text) <= budget:
        return text
    room = max(0, int(budget * BYTES_PER_TOKEN) - len(mark.encode()))
    raw = text.encode("utf-8", "replace")
    head = raw[: room * 2 // 3].decode("utf-8", "ignore")
    tail_bytes = room - len(head.encode())
    tail = raw[len(raw) - tail_bytes :].decode("utf-8", "ignore") if tail_bytes else ""
    return f"{head}{mark}{tail}"
