"""One process that digests ``unit.xml`` and ``unit.log`` of a folder, and says what it took.

``digest_once.py FOLDER BUDGET`` prints ``[[seconds, tokens], [seconds, tokens]]``.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.digest.page import digest
from orchestrator.reports import load
from orchestrator.reports.output import extract
from orchestrator.reports.recognition import guessed
from orchestrator.results import CheckResult, Report, Verification
from orchestrator.states import Verdict
from orchestrator.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Callable


def main(home: Path, budget: int) -> None:
    makers: tuple[Callable[[], Report], ...] = (
        partial(load("junit").parse, home / "unit.xml", home),
        partial(_unknown, home / "unit.log"),
    )
    print(json.dumps([_measured(make, home, budget) for make in makers]))


def _unknown(log: Path) -> Report:
    """What is told of a log, as of a check without a report."""
    return Report(tail=extract(log), guessed=guessed(log, log.parent))


def _measured(make: Callable[[], Report], home: Path, budget: int) -> tuple[float, int]:
    began = time.perf_counter()
    red = CheckResult(
        check="unit",
        kind="unit",
        command="pytest",
        verdict=Verdict.FAILED,
        report=make(),
        exit_code=1,
        log=str(home / "unit.log"),
    )
    text = digest(Verification("0" * 40, "1" * 40, (red,)), budget_tokens=budget)
    return time.perf_counter() - began, estimate_tokens(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
