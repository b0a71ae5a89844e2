"""What sessions and checks report: the values that travel up the house.

Plain frozen data. Nothing here decides anything beyond what follows from the values
themselves (``Verification.verdict``), and nothing here is mutable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.states import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Usage:
    """What a session consumed so far; tokens are counts, cost is US dollars.

    ``context_share`` is the share (0..1) of the agent's context window in use, if it tells.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    context_share: float | None = None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
            other.context_share if other.context_share is not None else self.context_share,
        )


@dataclass(frozen=True, slots=True)
class SessionResult:
    """How one session ended.

    ``session_id`` is the agent's own id, for resuming; ``reason`` one sentence; ``message`` the
    agent's closing words or question; ``retry_at`` POSIX seconds before which a new session is
    pointless (rate limits).
    """

    outcome: Outcome
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    session_id: str | None = None
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed test or diagnostic.

    ``test`` is its stable identity, ``message`` the short cause, ``details`` the long text
    (traceback, expected and actual), ``path``/``line``/``function`` the innermost place in the
    project's own code, if told; ``phase`` where it broke when it was not the test itself
    (``collection``, ``setup``, ``teardown``). ``error`` is whether it could not run rather than say
    no; ``key`` names the test where it passes, too, if ``test`` was told by the failure.
    """

    test: str
    message: str = ""
    details: str = ""
    path: str = ""
    line: int | None = None
    function: str = ""
    phase: str = ""
    error: bool = False
    key: str = ""

    @property
    def passes_as(self) -> str:
        """The name among ``Report.passed_tests`` that the same test has once it passes."""
        return self.key or self.test


@dataclass(frozen=True, slots=True)
class Report:
    """What a check's output says, parsed.

    ``parsed`` is False when only the exit code and ``tail`` are known; counts are then all zero.
    ``failures`` may hold fewer than were counted, never more. ``flaky`` counts those of the passed
    that passed only when the runner tried again; ``flaky_tests`` names them, as far as it tells.
    ``tail`` is the head and end of the output. ``passed_tests`` are ``Failure.passes_as`` of those
    that passed, as far as somebody wants to know of them; None where the format names none.

    ``findings``: the tool looks for faults and counts no tests, so that none is a success. What it
    only warned of is counted in ``warnings``; ``warned`` are those, as long as it is not yet known
    whether the exit code makes failures of them. ``guessed`` are failures that the output of a red
    check seems to tell of, where no report did: for the digest, and for no decision.
    """

    parsed: bool = False
    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0
    flaky: int = 0
    failures: tuple[Failure, ...] = ()
    flaky_tests: tuple[str, ...] = ()
    tail: str = ""
    passed_tests: tuple[str, ...] | None = None
    findings: bool = False
    warnings: int = 0
    warned: tuple[Failure, ...] = ()
    guessed: tuple[Failure, ...] = ()

    @property
    def total(self) -> int:
        return self.ran + self.skipped

    @property
    def ran(self) -> int:
        """Tests that really ran, whatever came of them."""
        return self.passed + self.failed + self.errored


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check on one tree.

    ``reason`` says in a sentence why the verdict is not *passed*; ``seconds`` is the time the
    command took when it really ran, all ``runs`` of it together; ``cached`` that it did not run now;
    ``skipped`` that it was not started, or not let finish, since another one failed (its verdict is
    then ERRORED and it blames nobody); ``log`` the path of the full output. ``flaky_tests`` failed
    and then passed on this tree, or failed in quarantine; ``tolerated`` is whether the plan lets a
    FLAKY check pass; ``overloaded`` whether the machine was while it ran; ``written`` are files of
    the tree that changed while it ran, and some of them only where there are many.
    """

    check: str
    kind: str
    command: str
    verdict: Verdict
    report: Report = field(default_factory=Report)
    exit_code: int | None = None
    seconds: float = 0.0
    cached: bool = False
    skipped: bool = False
    reason: str = ""
    log: str = ""
    runs: int = 1
    flaky_tests: tuple[str, ...] = ()
    tolerated: bool = False
    overloaded: bool = False
    written: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it stands in nobody's way: it passed, or is flaky where the plan allows that."""
        return self.verdict is Verdict.PASSED or (self.verdict is Verdict.FLAKY and self.tolerated)

    @property
    def is_red(self) -> bool:
        """Whether it ran, and said no."""
        return not self.skipped and self.verdict in {Verdict.FAILED, Verdict.TIMED_OUT}


def combined_verdict(results: Iterable[CheckResult]) -> Verdict:
    """The verdict of several checks together; no result at all is ERRORED, never passed.

    A real failure outweighs a time-out, which outweighs an error: what the agent can mend is
    told first.
    """
    verdicts = {result.verdict for result in results if not result.skipped}
    for verdict in (Verdict.FAILED, Verdict.TIMED_OUT, Verdict.ERRORED, Verdict.FLAKY):
        if verdict in verdicts:
            return verdict
    return Verdict.PASSED if verdicts else Verdict.ERRORED


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one tree."""

    commit: str
    tree: str
    results: tuple[CheckResult, ...]
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        return combined_verdict(self.results)

    @property
    def passed(self) -> bool:
        """True only when at least one check ran and every one of them is ``ok``."""
        return bool(self.results) and all(result.ok for result in self.results)

    def failed_checks(self) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if not result.ok)
