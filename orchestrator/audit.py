"""Whether each commit of a branch may stand where it does, by git alone.

A landing must be told three times in the same words: by its own trailers, by the note on it, and by
what it is (its tree and its parents). What one of them alone says counts for nothing, since agents
write messages and whoever may write to the repository may write notes. Nothing is asked of an
engine or a database, and nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.evidence import parse_evidence
from orchestrator.git.landings import landing_at
from orchestrator.states import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.evidence import Evidence
    from orchestrator.git.lineage import Station


class Standing(StrEnum):
    """What can be said of a commit.

    *Proven*: its own tree passed. *Covered*: it was not verified itself, but landed together with a
    commit that was. *Person*: somebody put it there, and it claims nothing. *Missing*: it says that it
    landed, and nothing proves it. *Refuted*: what is said of it is not so.
    """

    PROVEN = "proven"
    COVERED = "covered"
    PERSON = "person"
    MISSING = "missing"
    REFUTED = "refuted"


SOUND = frozenset({Standing.PROVEN, Standing.COVERED, Standing.PERSON})
STRICTLY_SOUND = SOUND - {Standing.COVERED}


@dataclass(frozen=True, slots=True)
class Finding:
    """One commit, how it stands and why; ``evidence`` is what its note says, if that fits."""

    station: Station
    standing: Standing
    reason: str
    evidence: Evidence | None = None


def audit(way: Sequence[Station], notes: Mapping[str, str]) -> tuple[Finding, ...]:
    """A finding for each commit of a branch's ``way``, the newest first."""
    found = {station.oid: judged(station, notes.get(station.oid)) for station in way}
    newer: set[str] = set()
    for oid, finding in list(found.items()):
        if finding.evidence is not None and not finding.evidence.is_its_own:
            tip = found.get(finding.evidence.verified_commit)
            found[oid] = _covered(finding, tip if tip and tip.station.oid in newer else None)
        newer.add(oid)
    for station in way:
        past = landing_at(station)
        if past is not None and past.strategy is Strategy.REBASE:
            _judge_replayed(station, past.base, found)
    return tuple(found.values())


def judged(station: Station, note: str | None) -> Finding:
    """One commit by itself."""
    if note is None:
        return _without_note(station)
    try:
        evidence = parse_evidence(note)
    except ValueError as error:
        return Finding(station, Standing.REFUTED, f"its note is no evidence: {error}")
    if faults := list(_faults(station, evidence)):
        return Finding(station, Standing.REFUTED, "; ".join(faults))
    names = ", ".join(dict.fromkeys(check.check for check in evidence.checks))
    if evidence.is_its_own:
        return Finding(station, Standing.PROVEN, f"{names} passed on its tree", evidence)
    reason = f"{names} passed with {evidence.verified_commit[:9]}, which landed with it"
    return Finding(station, Standing.COVERED, reason, evidence)


def _without_note(station: Station) -> Finding:
    if not station.is_claim:
        return Finding(station, Standing.PERSON, f"put there by {station.author}")
    trees = {tree for _, tree in (*_told(station, "Verified"), *_told(station, "Guarded"))}
    if landing_at(station) is None or not trees or trees != {station.tree}:
        reason = "its trailers are not those of a landing: they were copied, or made up"
        return Finding(station, Standing.REFUTED, reason)
    return Finding(station, Standing.MISSING, "it says that it landed, but no evidence is noted")


def _faults(station: Station, told: Evidence) -> Iterator[str]:
    """What its evidence says that the commit does not."""
    past = landing_at(station)
    if told.commit != station.oid:
        yield f"its note is about {told.commit[:9]}"
    if past is None or (past.plan, past.task) != (told.plan, told.task):
        yield f"its trailers do not say that it landed {told.plan}/{told.task}"
    if past is not None and past.undoes != told.undoes:
        yield "its note and its trailers differ in whether it takes something back"
    if past is not None and (past.strategy, past.base) != (told.strategy, told.base):
        yield f"it does not stand on {told.base[:9]} by {told.strategy}, as its note says"
    if past is not None and past.head != told.head:
        yield f"it does not hold {told.head[:9]}, the head that its note names"
    if told.tree != station.tree:
        yield f"its tree is not {told.tree[:9]}, which its note names"
    if told.is_its_own and told.verified_tree != station.tree:
        yield f"{told.verified_tree[:9]} was verified, which is not its tree"
    yield from _faults_of_checks(station, told)


def _faults_of_checks(station: Station, told: Evidence) -> Iterator[str]:
    if not told.checks:
        yield "its note tells of no check"
    for check in told.checks:
        if not check.ok:
            yield f"{check.check} {check.verdict}"
        elif check.tree != told.verified_tree:
            yield f"{check.check} ran on another tree"
    verified, guarded = _told(station, "Verified"), _told(station, "Guarded")
    if verified and not told.is_its_own:
        yield "its trailers say that it was verified, its note that another one was"
    claimed = {name for name, _ in (*verified, *guarded)}
    if unseen := sorted(claimed - {check.check for check in told.checks}):
        yield f"nothing tells that {', '.join(unseen)} passed, as its trailers say"
    if any(tree != station.tree for _, tree in (*verified, *guarded)):
        yield "its trailers name another tree than its own"


def _told(station: Station, word: str) -> tuple[tuple[str, str], ...]:
    """The checks and trees that the trailers tell of; *guarded* is what the next one may prove."""
    pairs = (value.rpartition("@") for value in station.all(f"Clerk-{word}"))
    return tuple((check, tree) for check, _, tree in pairs)


def _covered(finding: Finding, tip: Finding | None) -> Finding:
    """Whether the commit that stands in for another one stands on it and is proven."""
    fault = "which is not to be found above it"
    if tip is not None:
        fault = "" if tip.standing is Standing.PROVEN else "which is not proven"
    if not fault:
        return finding
    return replace(finding, standing=Standing.MISSING, reason=f"{finding.reason}, {fault}")


def _judge_replayed(last: Station, base: str, found: dict[str, Finding]) -> None:
    """What lies between a replayed branch's last commit and its base stands and falls with it."""
    tip, steps = found[last.oid], list[Finding]()
    at = found.get(last.parents[0])
    while at is not None and at.station.oid != base:
        if at.station.is_claim or at.evidence is not None or len(at.station.parents) != 1:
            reason = f"it does not stand on {base[:9]}, as its trailers say"
            found[last.oid] = replace(tip, standing=Standing.REFUTED, reason=reason)
            return
        steps.append(at)
        at = found.get(at.station.parents[0])
    landed = tip.standing in {Standing.PROVEN, Standing.COVERED}
    standing = Standing.COVERED if landed else Standing.MISSING
    became = "which is proven" if landed else "which is not proven"
    for step in steps:
        reason = f"replayed below {last.oid[:9]}, {became}"
        found[step.station.oid] = replace(step, standing=standing, reason=reason)
