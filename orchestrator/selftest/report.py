"""What people and programs are told of a self-test; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.safe_text import safe_text
from orchestrator.selftest.case import Finding, Standing

_MARKS = {Standing.CAUGHT: "✓", Standing.NOT_CAUGHT: "✗", Standing.NOT_TRIED: "?"}


def line(finding: Finding) -> str:
    """A case in one line, as it is judged."""
    return f"{_MARKS[finding.standing]} {finding.case.name}: {finding.standing}"


def page(findings: Sequence[Finding], *, sandbox: str) -> Iterator[str]:
    """Every case: what was tried, what should be caught, what happened."""
    width = max((len(finding.case.name) for finding in findings), default=0)
    for finding in findings:
        case, indent = finding.case, " " * (width + 4)
        yield f"{_MARKS[finding.standing]} {case.name:<{width}}  {finding.standing}: {case.tries}"
        yield f"{indent}wanted: {case.wanted}"
        yield f"{indent}seen: {safe_text(finding.told, one_line=True, limit=240)}"
    yield ""
    yield f"{tally(findings)} (sandbox: {sandbox})"


def tally(findings: Sequence[Finding]) -> str:
    """How many came to what."""
    counts = Counter(finding.standing for finding in findings)
    told = [f"{counts[one]} {one}" for one in Standing if counts[one]]
    return f"{len(findings)} cases: {', '.join(told)}"


def as_data(findings: Sequence[Finding], *, sandbox: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "sandbox": sandbox,
        "ok": all(finding.ok for finding in findings),
        "cases": [
            {
                "name": finding.case.name,
                "tries": finding.case.tries,
                "wanted": finding.case.wanted,
                "standing": str(finding.standing),
                "seen": finding.told,
                "ok": finding.ok,
            }
            for finding in findings
        ],
    }
