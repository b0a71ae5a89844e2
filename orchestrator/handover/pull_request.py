"""Handing proven work over instead of landing it: what a pull request says, and what its state means.

Pure. What somebody wrote over there decides nothing by itself: a review counts where its author
belongs to the repository and looked at the very commit that stands on the branch now. Text goes
into a body cleaned, and names that agents chose as code, in which nothing is a mention or markup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.evidence import CheckSeen, Evidence, TestsSeen

TITLE_CHARACTERS = 200
BRIEF_CHARACTERS = 2_000
NAME_CHARACTERS = 120
REVIEW_CHARACTERS = 2_000
TESTS_SHOWN = 10

_URL = re.compile(
    r"(?:https://(?:[^/@\s]+@)?|ssh://(?:[\w.-]+@)?|(?:[\w.-]+@)?(?=[\w.-]+:(?!/)))"
    r"(?P<host>[A-Za-z0-9][\w.-]*)(?::\d+)?[:/]"
    r"(?P<owner>[A-Za-z0-9][\w.-]*)/(?P<name>(?!\.{1,2}/?$)[\w.-]+?)(?:\.git)?/?",
    re.ASCII,
)
_MEMBERS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


@dataclass(frozen=True, slots=True)
class Hosted:
    """A repository as its host knows it."""

    host: str
    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Review:
    """One person's word on ``commit``; ``standing`` is how its author stands to the repository."""

    author: str
    state: str
    commit: str
    body: str
    standing: str


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as it is now; ``head`` is the commit that its branch is at over there."""

    number: int
    url: str
    is_open: bool
    head: str
    is_merged: bool = False
    merge_commit: str = ""
    reviews: Sequence[Review] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do yet."""


@dataclass(frozen=True, slots=True)
class Update:
    """The branch over there is not at the proven head: push it again."""


@dataclass(frozen=True, slots=True)
class Merged:
    """``head`` is what was merged, which may not be what is proven here."""

    commit: str
    head: str


@dataclass(frozen=True, slots=True)
class Closed:
    """It was closed and nothing was merged."""


@dataclass(frozen=True, slots=True)
class ChangesRequested:
    author: str
    words: str


Step = Wait | Update | Merged | Closed | ChangesRequested


def hosted_at(url: str) -> Hosted | None:
    """The repository that a remote's URL names; None for what no host of pull requests serves."""
    found = _URL.fullmatch(url)
    return Hosted(found["host"], found["owner"], found["name"]) if found else None


def pull_at(url: str) -> tuple[Hosted, int] | None:
    """The repository and the number of a pull request's own address; None where it is none."""
    address, _, number = url.rpartition("/pull/")
    at = hosted_at(address)
    return (at, int(number)) if at and number.isascii() and number.isdigit() else None


def next_step(head: str, found: PullRequest) -> Step:
    """What a pull request calls for whose task stands proven at ``head``."""
    if found.merge_commit:
        return Merged(found.merge_commit, found.head)
    if found.is_merged:  # and by which commit is not told yet
        return Wait()
    if not found.is_open:
        return Closed()
    if found.head != head:
        return Update()
    return _asked(head, found.reviews) or Wait()


def _asked(head: str, reviews: Iterable[Review]) -> ChangesRequested | None:
    """What the last word of some member on ``head`` asks for, if it does."""
    last = {
        review.author: review
        for review in reviews  # the oldest first; a comment takes no verdict back
        if review.standing in _MEMBERS and review.state != "COMMENTED"
    }
    for review in last.values():
        if review.state == "CHANGES_REQUESTED" and review.commit == head:
            words = safe_text(review.body, limit=REVIEW_CHARACTERS).strip()
            return ChangesRequested(safe_text(review.author, one_line=True), words)
    return None


def title_of(title: str) -> str:
    return safe_text(title, limit=TITLE_CHARACTERS, one_line=True)


def body_of(evidence: Evidence, brief: str) -> str:
    """What a reviewer is told: the task, what passed on which tree, what was seen red, who worked."""
    parts = [
        safe_text(brief, limit=BRIEF_CHARACTERS).strip(),
        "## Verified\n\n" + "\n".join(_verified(evidence)),
    ]
    if evidence.red:
        parts.append("## Seen red first\n\n" + "\n".join(_seen_red(evidence)))
    parts.append("## How it came about\n\n" + "\n".join(_history(evidence)))
    # In a sentence: whoever squashes may take the body for the message, and trailers claim a landing.
    parts.append(f"Task {_code(evidence.task)} of the plan {_code(evidence.plan)}.")
    return "\n\n".join(parts) + "\n"


def _verified(evidence: Evidence) -> Iterator[str]:
    yield (
        f"Commit {_code(evidence.head)}, tree {_code(evidence.tree)}, by the plan's own commands on a "
        "clean checkout. This is the branch as it stands; what it merges to was not verified here."
    )
    yield ""
    yield "| check | verdict | tests | time |"
    yield "| --- | --- | --- | --- |"
    yield from map(_row, evidence.checks)
    flaky = [name for check in evidence.checks for name in check.flaky_tests]
    if flaky:
        yield f"\nFailed once and then passed on this tree: {_codes(flaky)}."


def _row(check: CheckSeen) -> str:
    counts = ((check.passed, "passed"), (check.failed, "failed"), (check.skipped, "skipped"))
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    time = show_duration(round(check.seconds, 1))
    known = ", known before" if check.cached else ""
    return f"| {_code(check.check)} | {check.verdict.replace('_', ' ')} | {told} | {time}{known} |"


def _seen_red(evidence: Evidence) -> Iterator[str]:
    green = {seen.check: seen for seen in evidence.green}
    for seen in evidence.red:
        yield f"- {_code(seen.check)}: {_tests(seen)} failed on tree {_code(seen.tree)}"
        if seen.check in green:
            after = green[seen.check]
            yield f"  and {after.count} of them passed on tree {_code(after.tree)}"
        if seen.tests:
            yield f"  ({_codes(seen.tests)})"


def _tests(seen: TestsSeen) -> str:
    return f"{seen.count} test" if seen.count == 1 else f"{seen.count} tests"


def _history(evidence: Evidence) -> Iterator[str]:
    for attempt in evidence.attempts:
        kind = "" if attempt.sandbox != "none" else ", **without a sandbox**"
        outcome = attempt.outcome.replace("_", " ")
        yield f"- session {attempt.number} by {_code(attempt.agent)}: {outcome}{kind}"
    if evidence.approved_head:
        yield f"- a person approved {_code(evidence.approved_head)}"
    if evidence.approved_tests:
        yield f"- a person approved the tests at {_code(evidence.approved_tests)}"
    yield f"- the plan's hash is {_code(evidence.plan_hash)}"


def _codes(names: Sequence[str]) -> str:
    shown = ", ".join(map(_code, names[:TESTS_SHOWN]))
    rest = len(names) - TESTS_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown


def _code(text: str) -> str:
    """A name as code in a line or a cell, which it cannot leave."""
    inert = safe_text(text, limit=NAME_CHARACTERS, one_line=True)
    return f"`{inert.replace('`', chr(0x2BC)).replace('|', chr(0xA6)) or '?'}`"
