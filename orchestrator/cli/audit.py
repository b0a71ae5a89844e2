"""``clerk audit``: which commits of the target are proven, by git alone."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import anyio
import click

from orchestrator.cli.connection import print_json
from orchestrator.cli.orders import json_option, repo_option
from orchestrator.errors import ExitCode
from orchestrator.git.landings import landing_at
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.audit import Finding
    from orchestrator.cli.proofs import Audited

_MARKS = {"proven": "✓", "covered": "~", "person": "·", "missing": "✗", "refuted": "✗"}
_WORDS = {
    "proven": "proven",
    "covered": "verified only with a later one",
    "person": "of people",
    "missing": "without evidence",
    "refuted": "refuted",
}


@click.command()
@click.argument("revisions", metavar="[RANGE]", required=False)
@click.option("--strict", is_flag=True, help="Every commit of ours must be verified by itself.")
@repo_option
@json_option
def audit(revisions: str | None, strict: bool, repo: str | None, as_json: bool) -> int:
    """Tell of each commit of RANGE, by first parents, what proves it.

    RANGE is a branch or a range as git knows it; without it, the target since the first landing.
    Read from git alone. Exit codes: 0 every commit is proven, landed together with one that is, or
    put there by people; 1 some commit is not.
    """
    from orchestrator.audit import SOUND, STRICTLY_SOUND
    from orchestrator.cli.proofs import audited

    seen = anyio.run(audited, repo, revisions)
    sound = STRICTLY_SOUND if strict else SOUND
    is_sound = all(finding.standing in sound for finding in seen.findings)
    if as_json:
        print_json(json.dumps(_data(seen, is_sound=is_sound)))
    else:
        for line in _lines(seen):
            click.echo(line)
    return ExitCode.DONE if is_sound else ExitCode.TASK_FAILED


def _lines(seen: Audited) -> Iterator[str]:
    for finding in seen.findings:
        mark = f"{_MARKS[finding.standing]} {finding.station.oid[:9]}"
        line = f"{mark}  {_name(finding)}: {finding.reason}{_remark(finding)}"
        yield safe_text(line, one_line=True, limit=400)
    counts = Counter(str(finding.standing) for finding in seen.findings)
    told = [f"{counts[key]} {word}" for key, word in _WORDS.items() if counts[key]]
    number = len(seen.findings)
    commits = "1 commit" if number == 1 else f"{number} commits"
    closing = ": " + ", ".join(told) if told else "; nothing of ours is there"
    yield safe_text(f"{commits} of {seen.of}{closing}", one_line=True)


def _name(finding: Finding) -> str:
    """The task where there is one to name, else the commit's own words."""
    past = landing_at(finding.station)
    if past is None or not past.task:
        return finding.station.subject
    return f"{past.plan}/{past.task}{' taken back' if past.undoes else ''}"


def _remark(finding: Finding) -> str:
    told = finding.evidence
    return ", without a sandbox" if told is not None and told.sandbox == "none" else ""


def _data(seen: Audited, *, is_sound: bool) -> dict[str, Any]:
    counts = Counter(str(finding.standing) for finding in seen.findings)
    return {
        "range": seen.of,
        "sound": is_sound,
        "counts": {standing: counts[standing] for standing in _WORDS},
        "commits": [_entry(finding) for finding in seen.findings],
    }


def _entry(finding: Finding) -> dict[str, Any]:
    station, told, past = finding.station, finding.evidence, landing_at(finding.station)
    return {
        "commit": station.oid,
        "tree": station.tree,
        "parents": station.parents,
        "author": station.author,
        "subject": station.subject,
        "standing": finding.standing,
        "reason": finding.reason,
        "plan": past.plan if past else "",
        "task": past.task if past else "",
        "undoes": past.head if past and past.undoes else "",
        "strategy": told.strategy if told else "",
        "sandbox": told.sandbox if told else "",
        "verified_commit": told.verified_commit if told else "",
    }
