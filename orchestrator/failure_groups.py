"""The same failure told once: failures grouped by cause, and compared with earlier ones.

A cause is the phase, the message without what varies (numbers, addresses, quoted paths), and the
innermost place in product code. Where no product code is on the way, tests of different files are
kept apart, since "expected 1 to be 2" is not one cause. Pure functions.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.reports.frames import is_test_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.results import CheckResult, Failure, Verification

HEADLINE_SHARE = 0.8
HEADLINE_LEAST = 3
HEADLINE_CHARACTERS = 160

_HEX = re.compile(r"\b0x[0-9a-fA-F]+\b|\b[0-9a-f]{7,64}\b")
_PATH = re.compile(r"(?<![\w/])/?(?:[\w.@-]+/)+[\w.@-]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ERROR = re.compile(r"\b[A-Za-z_]\w{0,60}(?:Error|Exception|Failure|Warning)\b:? ?[^\n]{0,160}")


@dataclass(frozen=True, slots=True)
class Group:
    """Failures with one cause, in the order of the report; ``known`` on the baseline already."""

    failures: tuple[Failure, ...]
    known: bool = False

    @property
    def example(self) -> Failure:
        """The one that tells most."""
        return max(self.failures, key=lambda failure: bool(failure.details))


@dataclass(frozen=True, slots=True)
class Change:
    """How the failing tests of a check differ from an earlier run's, by identity."""

    new: frozenset[str]
    still: frozenset[str]
    mended: frozenset[str]


def masked(message: str) -> str:
    """``message`` without what varies between failures of one cause."""
    for pattern, mark in ((_HEX, "<hex>"), (_PATH, "<path>"), (_NUMBER, "<n>")):
        message = pattern.sub(mark, message)
    return message.strip()


def groups_of(failures: Iterable[Failure], known: frozenset[str] = frozenset()) -> list[Group]:
    """The groups, largest first; those whose tests all fail on the baseline too come last."""
    found: dict[tuple[str, ...], list[Failure]] = {}
    for failure in failures:
        found.setdefault(_cause(failure), []).append(failure)
    groups = [Group(tuple(same), all(f.test in known for f in same)) for same in found.values()]
    return sorted(groups, key=lambda group: (group.known, -len(group.failures)))


def _cause(failure: Failure) -> tuple[str, ...]:
    if failure.path and not is_test_path(failure.path):
        place = f"{failure.path}:{failure.line}"
    else:
        place = failure.test.partition("::")[0]
    return failure.phase, masked(failure.message), place


def headline(failures: tuple[Failure, ...]) -> str:
    """What nearly all failures say, when they are many and told apart only by where they say it."""
    if len(failures) < HEADLINE_LEAST:
        return ""
    told: Counter[str] = Counter()
    for failure in failures:
        text = f"{failure.message}\n{failure.details}"
        told.update({match[0].strip()[:HEADLINE_CHARACTERS] for match in _ERROR.finditer(text)})
    common = [said for said, count in told.items() if count >= HEADLINE_SHARE * len(failures)]
    return max(common, key=len, default="")


def failing(result: CheckResult) -> frozenset[str]:
    """Identities of the tests that failed in a check."""
    return frozenset(failure.test for failure in result.report.failures)


def result_of(verification: Verification | None, check: str) -> CheckResult | None:
    """The result of that check, when it really ran to an end there."""
    if verification is None:
        return None
    found = (r for r in verification.results if r.check == check and not r.skipped)
    return next(found, None)


def change_since(result: CheckResult, before: CheckResult | None) -> Change | None:
    """What changed since ``before``; None when either of them told no tests by name."""
    if before is None or not (result.report.parsed and before.report.parsed):
        return None
    now, then = failing(result), failing(before)
    return Change(now - then, now & then, then - now)
