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
_SHADES = {"█": 1.0, "▓": 0.75, "▒": 0.45, "░": 0.3}
"""How much of a cell each fills; fonts draw them as dots, which makes pictures large."""

_ASCENT, _BAR = 16.5, 20.0
_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)
_TEXT = re.compile(r'<text (class="[^"]+-r\d+") x="([\d.]+)" y="([\d.]+)" [^>]*>([^<]*)</text>')
_WORD = re.compile(r"[^\xa0 ]+")


def placed(svg: str) -> str:
    """The drawing with every word in its place."""
    svg = _FACE.sub("", svg).replace("Fira Code", FONT)
    return _TEXT.sub(_words, svg.replace("font-size: 20px", f"font-size: {_SIZE}"))


def _words(match: re.Match[str]) -> str:
    look, x, y, text = match[1], float(match[2]), float(match[3]), html.unescape(match[4])
    if set(text) <= _SHADES.keys():
        return _bar(look, x, y, text)
    return "".join(
        f'<text {look} x="{x + cell_len(text[: word.start()]) * _CELL:.1f}" y="{y}">'
        f"{html.escape(word[0])}</text>"
        for word in _WORD.finditer(text)
    )


def _bar(look: str, x: float, y: float, text: str) -> str:
    """Shaded cells as boxes, one for each run of a kind."""
    return "".join(
        f'<rect {look} x="{x + run.start() * _CELL:.1f}" y="{y - _ASCENT:.1f}" '
        f'width="{len(run[0]) * _CELL:.1f}" height="{_BAR}" opacity="{_SHADES[run[1]]}"/>'
        for run in re.finditer(r"(.)\1*", text)
    )
