"""Units as people write them in a plan: ``45m`` for durations, ``400k`` for tokens."""

from __future__ import annotations

import re

_DURATION = re.compile(r"^(?P<number>\d+(\.\d+)?)(?P<unit>ms|s|m|h)$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TOKENS = re.compile(r"^(?P<number>\d+(\.\d+)?)(?P<unit>[kM])$")
_COUNT = {"k": 1_000, "M": 1_000_000}


def parse_duration(value: object) -> object:
    """Seconds of ``'500ms'``, ``'20s'``, ``'45m'`` or ``'2h'``; plain numbers are seconds.

    Raises ValueError on any other text; other types are passed on for the model to judge.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return value
    match = _DURATION.match(value.strip())
    if not match:
        raise ValueError(f"{value!r} is not a duration; write 500ms, 20s, 45m or 2h")
    return float(match["number"]) * _SECONDS[match["unit"]]


def parse_tokens(value: object) -> object:
    """Tokens of ``400000``, ``'400k'`` or ``'1.5M'``; raises ValueError on any other text."""
    if not isinstance(value, str):
        return value
    match = _TOKENS.match(value.strip())
    if not match:
        raise ValueError(f"{value!r} is not a number of tokens; write 400000, 400k or 1.5M")
    return round(float(match["number"]) * _COUNT[match["unit"]])


def show_duration(seconds: float) -> str:
    """A duration for people, two units at most: ``'45m'``, ``'1h 5m'``, ``'3.2s'``."""
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds % 1 else f"{int(seconds)}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest}s" if rest else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if minutes else f"{hours}h"
