"""A drawing's PNG made small: 256 colours are plenty for a terminal, and pack far better.

Reads what ``rsvg-convert`` writes (eight bits a channel, with alpha, not interlaced), nothing else.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = 4
_COLOURS = 256
_SHADE = 24
_TRUECOLOUR_WITH_ALPHA, _INDEXED = 6, 3

Colour = tuple[int, ...]


def small(png: bytes) -> bytes:
    """The same picture in 256 colours; every other becomes the nearest of them."""
    chunks = list(_chunks(png))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if (depth, kind, interlaced) != (8, _TRUECOLOUR_WITH_ALPHA, 0):
        raise ValueError("not a picture that rsvg-convert has made")
    raw = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    pixels = [_colours(row) for row in _rows(raw, width * _CHANNELS, height)]
    counts = Counter(colour for row in pixels for colour in row)
    palette = _palette(counts)
    places = {colour: _nearest(colour, palette) for colour in counts}
    packed = b"".join(b"\0" + bytes(places[colour] for colour in row) for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)
    return _SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", b"".join(bytes(colour[:3]) for colour in palette)),
            _chunk(b"tRNS", bytes(colour[3] for colour in palette)),
            _chunk(b"IDAT", zlib.compress(packed, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _palette(counts: Counter[Colour]) -> list[Colour]:
    """The commonest colour of each shade, of as many shades as there is room for.

    A letter's edge has many colours of nearly one shade; a rare mark of its own must not lose to them.
    """
    shades: dict[Colour, Colour] = {}
    spread: Counter[Colour] = Counter()
    for colour, count in counts.most_common():
        shade = tuple(channel // _SHADE for channel in colour)
        shades.setdefault(shade, colour)
        spread[shade] += count
    chosen = [shades[shade] for shade, _ in spread.most_common(_COLOURS)]
    rest = (colour for colour, _ in counts.most_common() if colour not in chosen)
    return [*chosen, *rest][:_COLOURS]


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _rows(raw: bytes, length: int, height: int) -> Iterator[bytes]:
    """The rows without their filters, by the rules of PNG."""
    above = bytes(length)
    for number in range(height):
        at = number * (length + 1)
        row = bytearray(raw[at + 1 : at + 1 + length])
        _unfilter(raw[at], row, above)
        above = bytes(row)
        yield above


def _unfilter(kind: int, row: bytearray, above: bytes) -> None:
    for n in range(len(row)) if kind else ():
        left = row[n - _CHANNELS] if n >= _CHANNELS else 0
        corner = above[n - _CHANNELS] if n >= _CHANNELS else 0
        told = (0, left, above[n], (left + above[n]) // 2, _paeth(left, above[n], corner))[kind]
        row[n] = (row[n] + told) & 0xFF


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))


def _colours(row: bytes) -> list[Colour]:
    cuts = range(0, len(row) + 1, _CHANNELS)
    return [tuple(row[begin:end]) for begin, end in pairwise(cuts)]


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    if colour in palette:
        return palette.index(colour)
    apart = [sum((a - b) ** 2 for a, b in zip(colour, one, strict=True)) for one in palette]
    return apart.index(min(apart))
