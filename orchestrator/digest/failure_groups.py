"""The same failure told once: failures grouped by cause.

A first pass goes by phase, message without what varies, and innermost place in product code. Where no
product code is on the way, tests of different files are kept apart, and where the message could be
anybody's ("expected 1 to be 2") different tests; a finding of a linter is the same wherever it is. A second pass puts together what
nearly all failures say in so many words, and what one rule says of many names. What fails on the
target already is never in one group with what does not. Pure functions.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.reports.frames import is_test_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.results import Failure

HEADLINE_SHARE = 0.8
HEADLINE_LEAST = 3
SAYING_CHARACTERS = 160
LOOKED_AT = 4_000
"""Characters of a failure's details in which its errors are looked for."""
NAMES_OF_A_RULE = 3
"""Findings that differ only in quoted names stay apart while there are no more of them."""

_HEX = re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[a-f]*\d)[0-9a-f]{7,64}\b")
_PATH = re.compile(r"(?<![\w/])/?(?:[\w.@-]+/)+[\w.@-]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_QUOTED = re.compile(r"'[^'\n]{0,300}'|\"[^\"\n]{0,300}\"|`[^`\n]{0,300}`")
_ERROR = re.compile(r"\b[A-Za-z_]\w{0,60}(?:Error|Exception|Failure|Warning)\b[:(] ?[^\n]{0,160}")
_PARAMETERS = re.compile(r"\[.*\]$", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{3,}")
_ANYBODYS = re.compile(
    r"assert|assertion(?:error)?|errors?|exception|expect(?:ed)?|received|actual|got|want(?:ed)?"
    r"|equals?|deeply|strictly|match|left|right|true|false|none|null|undefined|nan|not|but|was|were"
    r"|the|and|fail(?:ed|ure)?|panicked|hex|path",
    re.IGNORECASE,
)
"""Words of assertions in general: a message of nothing else is no cause."""


@dataclass(frozen=True, slots=True)
class Group:
    """Failures with one cause, in the order of the report; ``known`` fail on the target already."""

    failures: tuple[Failure, ...]
    known: bool = False

    @property
    def example(self) -> Failure:
        """The one that tells most."""
        return max(self.failures, key=lambda failure: bool(failure.details))


def masked(message: str) -> str:
    """``message`` without what varies between failures of one cause."""
    for pattern, mark in ((_HEX, "<hex>"), (_PATH, "<path>"), (_NUMBER, "<n>")):
        message = pattern.sub(mark, message)
    return message.strip()


def is_finding(failure: Failure) -> bool:
    """Whether its identity is no more than its place and its message, as a linter's is."""
    told = f"{failure.path}::{failure.message}" if failure.path else failure.message
    name = failure.test.rpartition(" #")[0] or failure.test
    return bool(told) and name[:80] == told[:80]


def groups_of(failures: Sequence[Failure], known: frozenset[str] = frozenset()) -> list[Group]:
    """The groups, new ones first and the largest of them first."""
    new = [failure for failure in failures if failure.test not in known]
    old = [failure for failure in failures if failure.test in known]
    groups = [
        *(Group(tuple(same)) for same in _by_cause(new)),
        *(Group(tuple(same), known=True) for same in _by_cause(old)),
    ]
    return sorted(groups, key=lambda group: (group.known, -len(group.failures)))


def headline(failures: Sequence[Failure]) -> str:
    """What nearly all failures say, if they are many and it is said of something."""
    counts = Counter(saying for failure in failures for saying in _sayings(failure))
    return _shared(counts, len(failures))


def _by_cause(failures: Sequence[Failure]) -> list[list[Failure]]:
    first = _gathered(failures)
    if len(first) == 1:
        return first
    sayings = {id(failure): _sayings(failure) for failure in failures}
    counts = Counter(saying for told in sayings.values() for saying in told)
    said = _shared(counts, len(failures))
    if not said:
        return first
    alike: list[Failure] = []
    apart: list[list[Failure]] = []
    for group in first:
        if all(said in sayings[id(failure)] for failure in group):
            alike += group
        else:
            apart.append(group)
    return [alike, *apart] if alike else apart


def _gathered(failures: Iterable[Failure]) -> list[list[Failure]]:
    """The first pass, and of findings what one rule says of many names."""
    found: dict[tuple[str, ...], list[Failure]] = defaultdict(list)
    rules: dict[tuple[str, ...], set[str]] = defaultdict(set)
    keyed = [(failure, *_keys(failure)) for failure in failures]
    for _, rule, message in keyed:
        rules[rule].add(message)
    for failure, rule, message in keyed:
        many = not message or len(rules[rule]) > NAMES_OF_A_RULE
        found[rule if many else (*rule, message)].append(failure)
    return list(found.values())


def _keys(failure: Failure) -> tuple[tuple[str, ...], str]:
    """What failures of one cause share, and what tells those of a rule apart while they are few."""
    message = masked(failure.message)
    if is_finding(failure):
        return ("finding", masked(_QUOTED.sub("<name>", failure.message))), message
    if failure.path and not is_test_path(failure.path):
        place = f"{failure.path}:{failure.line}"
        return (failure.phase, masked(_QUOTED.sub("<value>", failure.message)), place), ""
    file, _, name = failure.test.partition("::")
    if _says_something(message):
        return (failure.phase, message, file), ""
    return (failure.phase, message, file, masked(_PARAMETERS.sub("", name))), ""


def _shared(counts: Counter[str], failures: int) -> str:
    if failures < HEADLINE_LEAST:
        return ""
    common = (said for said, count in counts.items() if count >= HEADLINE_SHARE * failures)
    return max(filter(_says_something, common), key=lambda said: (len(said), said), default="")


def _sayings(failure: Failure) -> frozenset[str]:
    """What a failure says, as others of the same cause would say it."""
    text = f"{failure.message}\n{failure.details[-LOOKED_AT:]}"
    errors = (match[0] for match in _ERROR.finditer(text))
    told = (failure.message, *errors)
    return frozenset(masked(one[:SAYING_CHARACTERS]) for one in told if one.strip())


def _says_something(message: str) -> bool:
    return any(not _ANYBODYS.fullmatch(word) for word in _WORD.findall(message))
