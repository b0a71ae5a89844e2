"""How few tokens a digest needs for what real tools wrote, and whether it still tells the cause.

Every run is told twice: as the tool's own output, and as the digest of its report. Where there is no
parser of the format, the digest is of what can be guessed, as for a check without a report.
"""

from __future__ import annotations

import gzip
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from orchestrator.digest.page import digest
from orchestrator.reports import PARSERS, load
from orchestrator.reports.output import extract
from orchestrator.reports.plain_text import without_root
from orchestrator.reports.recognition import guessed
from orchestrator.reports.source import ReportUnreadable
from orchestrator.results import CheckResult, Report, Verification
from orchestrator.states import Verdict
from orchestrator.tokens import estimate_tokens
from orchestrator.verification.judgement import settled

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTPUTS = Path(__file__).with_name("outputs")
FIXTURES = Path(__file__).parents[2] / "tests" / "reports" / "fixtures"
CHECKOUT = Path("/checkout")


@dataclass(frozen=True, slots=True)
class Run:
    """A red run: what the tool printed, its report, and a string that tells why."""

    name: str
    raw: Path
    report: Path
    format: str
    exit: int
    cause: str

    def told(self, budget: int) -> str:
        """Its digest."""
        red = CheckResult(
            check="unit",
            kind="unit",
            command=self.format,
            verdict=Verdict.FAILED,
            report=self._read(),
            exit_code=self.exit,
            log=f"/checkout/{self.raw.name}",
        )
        return digest(Verification("0" * 40, "1" * 40, (red,)), budget_tokens=budget)

    def _read(self) -> Report:
        report = Report()
        if self.format in PARSERS:
            with suppress(ReportUnreadable):
                report = load(self.format).parse(self.report, CHECKOUT)
            report = settled(report, Verdict.FAILED)
        if report.failures:
            return report
        tail = without_root(extract(self.raw), CHECKOUT)
        return Report(guessed=guessed(self.raw, CHECKOUT), tail=tail)


def reductions(budget: int) -> Iterator[Figure]:
    """Three figures of each large run, one of all fixtures."""
    with TemporaryDirectory() as folder:
        for run in _large(Path(folder)):
            raw, text = estimate_tokens(run.raw.read_text()), run.told(budget)
            tokens = estimate_tokens(text)
            goal = f"at most {budget}"
            yield Figure(f"{run.name}, digest beside output", tokens, "tokens", raw, goal)
            yield Figure(f"{run.name}, reduction", 100 * (1 - tokens / raw), "%")
            yield Figure(f"{run.name}, its cause is told", float(run.cause in text), "", goal="1")
    small = list(_small())
    lost = [run.name for run in small if run.cause not in run.told(budget)]
    if lost:
        print(f"bench: the cause is not told of {', '.join(lost)}", file=sys.stderr)
    what = f"real outputs of tools whose cause is told, of {len(small)}"
    yield Figure(what, len(small) - len(lost), "", goal=str(len(small)))


def _large(folder: Path) -> Iterator[Run]:
    for told in json.loads((OUTPUTS / "runs.json").read_text()):
        for name in {told["raw"], told["report"]}:
            with gzip.open(OUTPUTS / f"{name}.gz") as file:
                (folder / name).write_bytes(file.read())
        places = {key: folder / told[key] for key in ("raw", "report")}
        yield Run(**told | places)


def _small() -> Iterator[Run]:
    for listed in sorted(FIXTURES.glob("*/causes.json")):
        for name, told in json.loads(listed.read_text()).items():
            if told["exit"]:
                path = listed.with_name(name)
                known = (listed.parent.name, told["exit"], told["cause"])
                yield Run(f"{listed.parent.name}/{name}", path, path, *known)
