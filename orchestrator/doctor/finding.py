"""What the doctor says of one thing: how it stands, what was seen, and the mend."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """``missing`` keeps the engine from running here; ``warn`` only limits it."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    name: str
    standing: Standing
    told: str
    mend: str = ""


def ok(name: str, told: str) -> Finding:
    return Finding(name, Standing.OK, told)


def warn(name: str, told: str, mend: str = "") -> Finding:
    return Finding(name, Standing.WARN, told, mend)


def missing(name: str, told: str, mend: str = "") -> Finding:
    return Finding(name, Standing.MISSING, told, mend)
