"""Pictures are made small by their colours alone: with few of them nothing changes."""

from __future__ import annotations

import struct
import zlib

import pytest
from dashboard_pictures.png import small

ROWS = [bytes((n * 7 + m * 13) % 64 for m in range(16)) for n in range(5)]
"""Four pixels a row, with alpha; a filter of PNG for each row."""


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def filtered(kind: int, row: bytes, above: bytes) -> bytes:
    """A row as PNG writes it; the filters as its specification has them."""
    written = bytearray([kind])
    for n, value in enumerate(row):
        a, b, c = (row[n - 4], above[n], above[n - 4]) if n >= 4 else (0, above[n], 0)
        near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        written.append((value - (0, a, b, (a + b) // 2, near)[kind]) % 256)
    return bytes(written)


def a_png(rows: list[bytes], *, interlaced: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", len(rows[0]) // 4, len(rows), 8, 6, 0, 0, interlaced)
    above = [bytes(len(rows[0])), *rows]
    raw = b"".join(filtered(n % 5, row, above[n]) for n, row in enumerate(rows))
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def shown(png: bytes) -> list[bytes]:
    """The pixels of an indexed picture."""
    found, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        found[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        assert (
            chunk(png[at + 4 : at + 8], png[at + 8 : at + 8 + length]) == png[at : at + length + 12]
        )
        at += length + 12
    width, height = struct.unpack_from(">II", found[b"IHDR"])
    colours, alpha = found[b"PLTE"], found[b"tRNS"]
    raw = zlib.decompress(found[b"IDAT"])
    return [
        b"".join(
            colours[3 * p : 3 * p + 3] + alpha[p : p + 1] for p in raw[at + 1 : at + 1 + width]
        )
        for at in range(0, height * (width + 1), width + 1)
    ]


def test_a_picture_of_few_colours_is_the_same_whatever_filters_it_was_written_with():
    assert shown(small(a_png(ROWS))) == ROWS


def test_of_many_colours_the_commonest_stay_and_the_others_become_the_nearest():
    common = [bytes((n, 0, 0, 255)) * 8 for n in range(256)]
    odd = bytes((200, 3, 0, 255)) * 8
    assert shown(small(a_png([*common, *common, odd])))[-1] == bytes((200, 0, 0, 255)) * 8


def test_another_kind_of_picture_is_refused():
    with pytest.raises(ValueError, match="rsvg-convert"):
        small(a_png(ROWS, interlaced=1))
