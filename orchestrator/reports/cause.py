"""The one line of a failure that tells why, however its runner wrote it down.

Messages like "Failed", "collection failure" or a place in a file say nothing; the line that does
is then in the details. Patterns are anchored at the start of a line, so that hostile output costs linear
time.
"""

from __future__ import annotations

import re

_GENERIC = re.compile(
    r"(test )?fail(ed|ure)?|collection failure|error|undefined|\S+:\d+:\d+ .*|thread '.*' .*panicked at .*|",
    re.IGNORECASE,
)
_PHASE = re.compile(r'failed on (?P<phase>setup|teardown) with "(?P<cause>.*?)"?', re.DOTALL)
_PYTEST = re.compile(r"^E {3,}(?P<cause>\S.*)$", re.MULTILINE)
_NAMED_ERROR = re.compile(
    r"^[ \t]*(?P<cause>[\w.]*(?:Error|Exception|panic)\b[^\n]*)$", re.MULTILINE
)
_PANICKED = re.compile(
    r"^thread '[^\n]*' [^\n]*panicked at [^\n]*:\n(?P<cause>\S[^\n]*)$", re.MULTILINE
)
_GO_NOISE = re.compile(r"\s*(=== |--- |$)")
_GO_PLACE = re.compile(r"^\s*[\w./-]{1,300}\.go:\d+: ")


def split_phase(message: str) -> tuple[str, str]:
    """The phase in which it broke when that was not the test itself, and the message without it."""
    if message.startswith("collection failure"):
        return "collection", ""
    match = _PHASE.fullmatch(message.strip())
    return (match["phase"], match["cause"]) if match else ("", message)


def cause(message: str, details: str) -> str:
    """The first line of ``message``, or of ``details`` where the message could be anybody's."""
    first = next((line.strip() for line in message.split("\n") if line.strip()), "")
    if not _GENERIC.fullmatch(first):
        return first
    told = _PYTEST.search(details) or _PANICKED.search(details) or _NAMED_ERROR.search(details)
    if told:
        return told["cause"].strip()
    lines = [line for line in details.split("\n") if not _GO_NOISE.match(line)]
    return _GO_PLACE.sub("", lines[0]).strip() if lines else first
