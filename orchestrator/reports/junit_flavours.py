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
    from collections.abc import Iterable, Iterator, Mapping

NEVER_ENDED = "a test began and did not end"

_UNBUILT = re.compile(r"\s*FAIL\s+\S+ \[(build|setup) failed\]\s*")
_HEADLINE = re.compile(r"\s*(\[[^\]\n]{1,200}\] \u203a )?\S{1,500}:\d{1,7}:\d{1,7} \u203a .*")
_JEST_ERROR = '{"message":'


@dataclass(frozen=True, slots=True)
class Trial:
    """A case that tells how a test ended; ``passed_again`` is whether others of it had not passed."""

    case: Any
    passed_again: bool = False


def trials_of(suite: Any) -> Iterator[Trial]:
    """The tests of a suite, each once, but for those that went wrong in several ways."""
    cases = list(suite)
    if suite.name == "pytest":
        for tried in _grouped(cases):
            yield from _by_pytest(tried)
    elif _is_go(suite):
        yield from _innermost([_by_go(tried) for tried in _grouped(cases)])
    else:
        yield from map(Trial, cases)


def bad_results(case: Any) -> list[Any]:
    """What a case tells of failures and errors."""
    return [entry for entry in case.result if isinstance(entry, Failure | Error)]


def never_ended(case: Any, suite: Any) -> bool:
    """Whether pytest was stopped in this test: its element has no name then."""
    return suite.name == "pytest" and not (case.name or case.classname or case.result)


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


def stands_for_all(case: Any, suite: Any, details: str) -> tuple[str, bool]:
    """The file or package that a failure is really told of, and whether nothing of it ran."""
    if _is_go(suite) and case.name == "TestMain" and _UNBUILT.fullmatch(details):
        return suite.name or "", True
    if case.name and case.name == case.classname == suite.name:
        return case.name, len(list(suite)) == 1
    return "", False


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


def _grouped(cases: list[Any]) -> list[list[Any]]:
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


def _is_go(suite: Any) -> bool:
    return any(each.name == "go.version" for each in suite.properties())
