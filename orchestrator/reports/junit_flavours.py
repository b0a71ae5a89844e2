"""What the writers of JUnit XML mean by the same elements, where they mean different things.

pytest and gotestsum list a test again for each time it was tried, Vitest lists a file that did
not load as a test that failed, gotestsum a package that was not built; Playwright calls a test
that threw an error, and tells projects apart by nothing but their suites' host. Each rule holds
for its own writer alone.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from junitparser import Error, Failure

from orchestrator.reports.go_names import names_around

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NEVER_ENDED = "a test began and did not end"

_UNBUILT = re.compile(r"\s*FAIL\s+\S+ \[(build|setup) failed\]\s*")
_HEADLINE = re.compile(r"\s*(\[[^\]\n]{1,200}\] \u203a )?\S{1,500}:\d{1,7}:\d{1,7} \u203a .*")
_JEST_ERROR = '{"message":'


@dataclass(frozen=True, slots=True)
class Trial:
    """A case that tells how a test ended; ``passed_again`` is whether others of it had not passed."""

    case: Any
    passed_again: bool = False


@dataclass(frozen=True, slots=True)
class Flavour:
    """What the writer of one suite means by its cases; made once, since a suite may hold many."""

    suite: str
    cases: Sequence[Any]
    is_go: bool

    @classmethod
    def of(cls, suite: Any) -> Flavour:
        is_go = any(each.name == "go.version" for each in suite.properties())
        return cls(suite.name or "", list(suite), is_go)

    @property
    def is_pytest(self) -> bool:
        return self.suite == "pytest"

    def trials(self) -> Iterator[Trial]:
        """The tests of the suite, each once, but for those that went wrong in several ways."""
        if self.is_pytest:
            for tried in _grouped(self.cases):
                yield from _by_pytest(tried)
        elif self.is_go:
            yield from _innermost([_by_go(tried) for tried in _grouped(self.cases)])
        else:
            yield from map(Trial, self.cases)

    def never_ended(self, case: Any) -> bool:
        """Whether pytest was stopped in this test: its element has no name then."""
        return self.is_pytest and not (case.name or case.classname or case.result)

    def stands_for_all(self, case: Any, details: str) -> tuple[str, bool]:
        """The file or package that a failure is really told of, and whether nothing of it ran."""
        if self.is_go and case.name == "TestMain" and _UNBUILT.fullmatch(details):
            return self.suite, True
        if case.name and case.name == case.classname == self.suite:
            return self.suite, len(self.cases) == 1
        return "", False


def bad_results(case: Any) -> list[Any]:
    """What a case tells of failures and errors."""
    return [entry for entry in case.result if isinstance(entry, Failure | Error)]


def only_threw(entry: Any) -> bool:
    """Whether an error is that of a test that ran."""
    return isinstance(entry, Error) and bool(_HEADLINE.match(entry.text or ""))


def words_of(entry: Any) -> str:
    """The long text of a result, without Playwright's headline; jest-junit may leave it as JSON."""
    text: str = entry.text or getattr(entry, "stack_trace", None) or ""
    if text.startswith(_JEST_ERROR):
        with suppress(ValueError, RecursionError):
            return str(json.loads(text).get("stack") or text)
    return _HEADLINE.sub("", text, count=1) if _HEADLINE.match(text) else text


def projects_of(document: Iterable[Any]) -> Mapping[tuple[str, str], str]:
    """What tells suites of the same name apart: their host, which Playwright makes the project."""
    hosts: defaultdict[str, set[str]] = defaultdict(set)
    for suite in document:
        hosts[suite.name or ""].add(suite.hostname or "")
    return {
        (name, host): f" [{host}]"
        for name, told in hosts.items()
        for host in told
        if host and len(told) > 1
    }


def _grouped(cases: Iterable[Any]) -> list[list[Any]]:
    groups: defaultdict[tuple[str, ...], list[Any]] = defaultdict(list)
    for number, case in enumerate(cases):
        name = case.name or f"\n{number}"  # two without a name are two
        groups[case.classname or "", name, case.file or ""].append(case)
    return list(groups.values())


def _by_pytest(tried: list[Any]) -> list[Trial]:
    """A try that was repeated leaves a case without a result; a test and its teardown may both fail."""
    bad = [Trial(case) for case in tried if bad_results(case)]
    return bad or [Trial(tried[-1], passed_again=len(tried) > 1)]


def _innermost(trials: list[Trial]) -> Iterator[Trial]:
    """All but those that fail since a test within them does."""
    bad = {trial.case.name or "" for trial in trials if bad_results(trial.case)}
    around = {outer for name in bad for outer in names_around(name)}
    return (trial for trial in trials if (trial.case.name or "") not in bad & around)


def _by_go(tried: list[Any]) -> Trial:
    good = [case for case in tried if not bad_results(case)]
    return Trial((good or tried)[-1], passed_again=0 < len(good) < len(tried))
