"""Whether checks with ``inputs`` read anything else: seen by running them without the rest.

A check that passed runs once more on a tree of nothing but its inputs and those of what it needs.
It must come to the same, also in numbers; whatever else comes of it, the check is errored and
nothing is kept of it, as its key would vouch for what it does not cover. A file that a check can
do without is not missed by it, and so not found.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.errors import ClerkError
from orchestrator.plan.graph import check_closure
from orchestrator.states import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.git.listing import TreeEntry
    from orchestrator.git.reduction import Reductions
    from orchestrator.plan.model import Plan
    from orchestrator.results import CheckResult, Report, Verification
    from orchestrator.verification.cache import VerdictCache
    from orchestrator.verification.check_inputs import CheckInputs
    from orchestrator.verification.run import VerificationRequest

Verify = Callable[["VerificationRequest"], Awaitable["Verification"]]

_NAMED = 5
_WORD = re.compile(r"[\w./@+-]+")


class InputAudit:
    """Audits for one repository; what was audited once is not audited again."""

    def __init__(self, inputs: CheckInputs, reductions: Reductions, cache: VerdictCache) -> None:
        self._inputs = inputs
        self._reductions = reductions
        self._cache = cache

    async def of(
        self,
        request: VerificationRequest,
        results: Sequence[CheckResult],
        keys: Mapping[str, str],
        verify: Verify,
    ) -> tuple[CheckResult, ...]:
        """``results`` with each check errored that passed and reads outside its inputs."""
        return tuple([await self._audited(request, r, keys[r.check], verify) for r in results])

    async def _audited(
        self, request: VerificationRequest, result: CheckResult, key: str, verify: Verify
    ) -> CheckResult:
        patterns = declared(request.plan, result.check)
        known = request.use_cache and self._cache.is_audited(key)
        if result.verdict is not Verdict.PASSED or not patterns or known:
            return result
        try:
            others = await self._inputs.others(request.tree, patterns)
            alone = await self._alone(request, result, patterns, verify) if others else result
        except (ClerkError, OSError) as error:
            return _errored(request, result, f"its inputs could not be audited: {error}")
        if difference := differs(result.report, alone):
            self._cache.forget(key)
            found = replace(
                result, report=alone.report, exit_code=alone.exit_code, log=alone.log, cached=False
            )
            return _errored(request, found, sentence(difference, alone, others))
        self._cache.mark_audited(key)
        return result

    async def _alone(
        self,
        request: VerificationRequest,
        result: CheckResult,
        patterns: tuple[str, ...],
        verify: Verify,
    ) -> CheckResult:
        """What the check comes to with nothing but its inputs there."""
        entries = await self._inputs.entries(request.tree, patterns)
        reduced = await self._reductions.of(request.commit, entries)
        verification = await verify(
            replace(
                request,
                checks=(result.check,),
                commit=reduced.commit,
                tree=reduced.tree,
                logs=request.logs / "audit" / result.check,
                use_cache=False,
                keeps=False,
                audit_inputs=False,
                on_begin=None,
                on_result=None,
            )
        )
        return _culprit(verification.results, result.check)


def _errored(request: VerificationRequest, result: CheckResult, reason: str) -> CheckResult:
    found = replace(result, verdict=Verdict.ERRORED, reason=reason)
    if request.on_result is not None:
        request.on_result(found)
    return found


def declared(plan: Plan, check: str) -> tuple[str, ...]:
    """All that a check may read: its inputs and those of what it needs; empty when one has none.

    Then its key holds the whole tree, and there is nothing to audit.
    """
    chain = [plan.checks[name].inputs for name in check_closure(plan.checks, [check])]
    return tuple(dict.fromkeys(glob for inputs in chain for glob in inputs)) if all(chain) else ()


def differs(before: Report, alone: CheckResult) -> str:
    """In a few words how a check came to something else; empty when it came to the same."""
    if alone.verdict is not Verdict.PASSED:
        return alone.reason or str(alone.verdict)
    was, now = (before.passed, before.skipped), (alone.report.passed, alone.report.skipped)
    if was == now:
        return ""
    return f"{now[0]} tests pass and {now[1]} are skipped, not {was[0]} and {was[1]}"


def sentence(difference: str, alone: CheckResult, others: Iterable[TreeEntry]) -> str:
    """Why the audit does not let it pass, with the paths that it may have missed."""
    told = f"reads outside its inputs: without the rest of the tree, {difference}"
    missed = named(_output(alone), (entry.path for entry in others))
    return f"{told}; it names {', '.join(missed)}" if missed else told


def named(output: str, paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that ``output`` speaks of, whole ones before mere names; a few at most."""
    words = {word.strip(".") for word in _WORD.findall(output)}
    words |= {word.replace(".", "/") for word in words}  # modules
    words |= {word.rpartition("/")[2] for word in words}
    told = {path: _is_told(PurePosixPath(path), words) for path in paths}
    return sorted((path for path, how in told.items() if how), key=lambda path: told[path])[:_NAMED]


def _is_told(path: PurePosixPath, words: set[str]) -> int:
    """1 when its path or its module is named, 2 when only its name is, else 0."""
    if str(path) in words or str(path.with_suffix("")) in words:
        return 1
    return 2 if path.name in words else 0


def _output(result: CheckResult) -> str:
    failures = (f"{f.test} {f.message} {f.details}" for f in result.report.failures)
    return "\n".join([result.reason, result.report.tail, *failures])


def _culprit(results: Sequence[CheckResult], check: str) -> CheckResult:
    """The check's own result; where it was not started, that of the need which kept it from it."""
    found = next(result for result in results if result.check == check)
    if not found.skipped:
        return found
    return next((r for r in results if r.verdict is not Verdict.PASSED and not r.skipped), found)
