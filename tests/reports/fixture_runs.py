"""Outputs that real tools wrote, each with the exit code it had and the cause it tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
CHECKOUT = Path("/checkout")
"""Where they were made, as far as they tell."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a tool; ``cause`` is what a digest of it must still tell."""

    format: str
    path: Path
    exit: int
    cause: str

    @property
    def name(self) -> str:
        return f"{self.format}/{self.path.name}"


def runs(*formats: str) -> list[Run]:
    return [
        Run(name, FIXTURES / name / file, told["exit"], told["cause"])
        for name in formats
        for file, told in json.loads((FIXTURES / name / "causes.json").read_text()).items()
    ]
