"""A hostile site in a real terminal: keys go in, and what comes out is looked at byte for byte."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

import tui

PATIENCE_SECONDS = 5.0
"""After which the next key is pressed though its text was not painted since the last."""


Step = tuple[str, str]
"""Keys, and the text that is painted before they make sense."""


def in_a_terminal(program: Sequence[str], steps: Sequence[Step]) -> str:
    """What a terminal is sent, from the first paint to the last, and that it is harmless."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 180, 0, 0))
    with subprocess.Popen(
        [sys.executable, *program],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(Path(tui.__file__).parents[1])},
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as app:  # fmt: skip
        os.close(theirs)
        text = walk(ours, list(steps)).decode("utf-8")
    os.close(ours)
    assert app.returncode == 0
    assert "\x1b]52" not in text
    assert "\x1b]8;" not in text
    assert not re.search("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u200b]", text)
    return text


def walk(terminal: int, steps: list[Step]) -> bytes:
    """Press keys, each when its text was painted since the one before; all bytes."""
    sent, seen = bytearray(), 0
    while True:
        readable, _, _ = select.select([terminal], [], [], PATIENCE_SECONDS)
        if readable:
            try:
                sent += os.read(terminal, 1 << 16)
            except OSError:  # Linux's way to say that the other side has closed
                return bytes(sent)
        if steps and (steps[0][0].encode() in sent[seen:] or (sent and not readable)):
            seen = len(sent)
            os.write(terminal, steps.pop(0)[1].encode())
