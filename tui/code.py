"""Source code in inks: Textual's highlighter, told which inks instead of which colours.

Bounded: a lexer is a program made of patterns, and what it reads may be made to keep it busy.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from textual.highlight import HighlightTheme, guess_language, highlight

from orchestrator.safe_text import safe_text
from tui.ink import Ink, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

CHARACTERS_COLOURED = 40_000
_LINE_COLOURED = 500

_INK_OF = {
    "Token.Comment": Ink.COMMENT,
    "Token.Keyword": Ink.KEYWORD,
    "Token.Keyword.Constant": Ink.NUMBER,
    "Token.Keyword.Type": Ink.DEFINED,
    "Token.Literal.Number": Ink.NUMBER,
    "Token.Literal.String": Ink.STRING,
    "Token.Literal.String.Doc": Ink.COMMENT,
    "Token.Name.Attribute": Ink.DEFINED,
    "Token.Name.Builtin": Ink.DEFINED,
    "Token.Name.Class": Ink.DEFINED,
    "Token.Name.Decorator": Ink.KEYWORD,
    "Token.Name.Function": Ink.DEFINED,
    "Token.Name.Tag": Ink.KEYWORD,
    "Token.Operator.Word": Ink.KEYWORD,
}
_ALIKE = {"yml": "yaml", "h": "c", "hpp": "cpp", "cc": "cpp", "mjs": "js", "cjs": "js", "pyi": "py"}


class _Inks(HighlightTheme):
    STYLES = {  # noqa: RUF012 - Textual's
        token: _INK_OF[str(token)] for token in HighlightTheme.STYLES if str(token) in _INK_OF
    }


def language_of(path: str) -> str:
    """The language of a file by its name, "" where nobody knows."""
    suffix = PurePath(path).suffix.removeprefix(".").lower()
    known = guess_language("", f"x.{_ALIKE.get(suffix, suffix)}") if suffix else "default"
    return "" if known == "default" else known


def coloured(lines: Sequence[str], language: str) -> list[tuple[Span, ...]]:
    """The lines in inks, each for itself; plain where they are too many, or too long."""
    safe = [safe_text(line).replace("\n", " ") for line in lines]
    plain: list[tuple[Span, ...]] = [((line, Ink.PLAIN),) for line in safe]
    if not (language and safe) or sum(map(len, safe)) > CHARACTERS_COLOURED:
        return plain
    if any(len(line) > _LINE_COLOURED for line in safe):
        return plain
    code = "\n".join(safe)
    inks = [Ink.PLAIN] * len(code)
    for span in highlight(code, language=language, theme=_Inks).spans:
        if isinstance(span.style, Ink):
            end = min(span.end, len(code))
            inks[span.start : end] = [span.style] * (end - span.start)
    return _split(code, inks)


def _split(code: str, inks: Sequence[Ink]) -> list[tuple[Span, ...]]:
    """One tuple of spans a line, a span for each run of one ink."""
    lines: list[tuple[Span, ...]] = []
    at = 0
    for line in code.split("\n"):
        spans: list[Span] = []
        start = 0
        for n in range(1, len(line) + 1):
            if n == len(line) or inks[at + n] != inks[at + start]:
                spans.append((line[start:n], inks[at + start]))
                start = n
        lines.append(tuple(spans))
        at += len(line) + 1
    return lines
