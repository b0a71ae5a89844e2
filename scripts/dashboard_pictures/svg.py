"""What Textual exports, so that any renderer paints it cell for cell.

Renderers that do not know ``textLength`` let text drift, and trim the spaces it begins with. So
every word gets a place of its own, and a font that is there.
"""

from __future__ import annotations

import html
import re

from rich.cells import cell_len

FONT = "DejaVu Sans Mono"
_CELL = 12.2
"""Width of a cell in Textual's drawing, and in ``FONT`` at the size below."""

_SIZE = "20.26px"
_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)
_TEXT = re.compile(r'<text (class="[^"]+-r\d+") x="([\d.]+)" (y="[\d.]+") [^>]*>([^<]*)</text>')
_WORD = re.compile(r"[^\xa0 ]+")


def placed(svg: str) -> str:
    """The drawing with every word in its place."""
    svg = (
        _FACE.sub("", svg)
        .replace("Fira Code", FONT)
        .replace("font-size: 20px", f"font-size: {_SIZE}")
    )
    return _TEXT.sub(_words, svg)


def _words(match: re.Match[str]) -> str:
    look, x, y, text = match.groups()
    text = html.unescape(text)
    return "".join(
        f'<text {look} x="{float(x) + cell_len(text[: word.start()]) * _CELL:.1f}" {y}>'
        f"{html.escape(word[0])}</text>"
        for word in _WORD.finditer(text)
    )
