"""What a replay came to, for people and for programs; pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from history_replay.proof import Proof
    from history_replay.rounds import Fate, Tally
    from history_replay.yard import Yard

_MOST_PATHS = 10
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Report:
    """``proofs`` is None where nobody asked; the rest is what git says."""

    yard: Yard
    tally: Tally
    values: Sequence[str]
    proofs: Sequence[Proof] | None
    lost: Sequence[str]
    altered: Sequence[str]
    differing: Sequence[str]

    @property
    def red(self) -> list[str]:
        return [proof.commit for proof in self.proofs or () if not proof.green]

    @property
    def promise_held(self) -> bool:
        """Whether nothing that git shows speaks against the engine."""
        return not (self.red or self.lost or self.altered)

    @property
    def per_minute(self) -> float:
        return 60 * len(self.tally.landed()) / self.tally.seconds if self.tally.seconds else 0.0


def as_data(report: Report) -> dict[str, Any]:
    """The report as one document."""
    changes = {change.id: change for change in report.yard.changes()}
    by_hand = {pick.change.id for pick in report.yard.picks if pick.by_hand}
    return {
        "start": report.yard.start,
        "tip": report.yard.tip,
        "changes": [
            {
                **asdict(fate),
                "title": changes[fate.id].title,
                "commit": changes[fate.id].commit,
                "is_merge": changes[fate.id].is_merge,
                "by_hand": fate.id in by_hand,
                "builds_on": sorted(changes[fate.id].builds_on),
            }
            for fate in report.tally.fates.values()
        ],
        "skipped": list(report.yard.skipped),
        "landed": len(report.tally.landed()),
        "rounds": report.tally.rounds,
        "seconds": round(report.tally.seconds, 2),
        "landed_per_minute": round(report.per_minute, 2),
        "verifications": report.tally.verifications,
        "values": list(report.values),
        "proofs": None if report.proofs is None else [asdict(proof) for proof in report.proofs],
        "lost": list(report.lost),
        "altered": list(report.altered),
        "differing": list(report.differing),
        "promise_held": report.promise_held,
    }


def lines(report: Report) -> Iterator[str]:
    """The report for people."""
    titles = {change.id: change.title for change in report.yard.changes()}
    for fate in report.tally.fates.values():
        yield from _told(fate, titles[fate.id])
    yield from (f"skipped   {_line(sentence)}" for sentence in report.yard.skipped)
    yield ""
    yield from _summary(report)
    yield from _verdict(report)


def _told(fate: Fate, title: str) -> Iterator[str]:
    word = "landed" if fate.landed else "there" if fate.there else fate.state
    again = f"  ({fate.sessions} sessions)" if fate.sessions > 1 else ""
    yield f"{word:<9} {fate.id} {_line(title)}{again}"
    yield from (f"          sent back: {_line(reason)}" for reason in fate.sent_back)
    yield from (f"          refused: {_line(reason)}" for reason in fate.refused)


def _summary(report: Report) -> Iterator[str]:
    tally = report.tally
    changes = report.yard.changes()
    merges = sum(change.is_merge for change in changes)
    yield (
        f"{len(tally.landed())} of {len(changes)} changes landed ({merges} merges,"
        f" {len(changes) - merges} single commits in history), from {report.yard.start[:9]} to"
        f" {report.yard.tip[:9]}."
    )
    yield (
        f"{tally.seconds:.1f} s, {report.per_minute:.1f} landed a minute,"
        f" {tally.verifications} verifications, {tally.rounds} rounds,"
        f" {sum(len(fate.sent_back) for fate in tally.fates.values())} times sent back."
    )


def _verdict(report: Report) -> Iterator[str]:
    if report.proofs is None:
        yield f"The {len(report.values)} values the target took were not proven by hand (--prove)."
    for proof in report.proofs or ():
        if not proof.green:
            yield f"RED: the target was {proof.commit}, where the tests fail:\n{proof.told.rstrip()}"
    if report.proofs and not report.red:
        between = ", and commits between," if len(report.proofs) > len(report.values) else ""
        yield f"Each of the {len(report.proofs)} values the target took{between} passes by hand."
    yield from (
        f"LOST: {commit} landed, and the target does not hold it." for commit in report.lost
    )
    yield from (f"ALTERED: {commit} is not what git merges." for commit in report.altered)
    yield from _against_history(report)


def _against_history(report: Report) -> Iterator[str]:
    if not report.differing:
        yield "The target's tree is history's."
        return
    shown = ", ".join(_line(path) for path in report.differing[:_MOST_PATHS])
    more = ", …" if len(report.differing) > _MOST_PATHS else ""
    yield f"The target differs from history in {len(report.differing)} files: {shown}{more}."
    if by_hand := [pick.change.id for pick in report.yard.picks if pick.by_hand]:
        yield f"In history these merges were settled or added to by hand: {', '.join(by_hand)}."


def _line(text: str) -> str:
    return safe_text(text, one_line=True, limit=_LONGEST_REASON)
