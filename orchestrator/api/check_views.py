"""What travels when somebody asks for a verification of work as it stands.

The answer comes as lines of JSON, since it may take minutes: one for each check as it ends, a sign
of life when nothing does, and the whole answer last.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.api.models import CheckView, Problem, View
from orchestrator.states import Verdict

_Name = Annotated[str, Field(max_length=200)]


class CheckRequest(View):
    """Which checks; none means every criterion of the task.

    ``everything`` goes on after a failure. ``patience_seconds`` is how long to wait for the
    answer: after that it says what is known, and the checks go on until asked for again.
    """

    checks: tuple[_Name, ...] = Field((), max_length=200)
    everything: bool = False
    use_cache: bool = True
    patience_seconds: float | None = Field(None, gt=0, le=86_400)


class OwnerCheckRequest(CheckRequest):
    """The same of the work in ``folder``, a checkout of the repository."""

    folder: str = Field(min_length=1, max_length=4096)


class StandingView(View):
    """What a session has used, and may still use; None where there is no limit."""

    seconds_used: float
    seconds_left: float
    tokens_used: int
    tokens_left: int | None
    cost_usd: float
    cost_usd_left: float | None


class CheckAnswer(View):
    """What came of it.

    ``done`` is False where patience ended first: ``waiting_for`` are the checks that have not
    ended. ``passed`` only where all that was asked for has passed. ``warnings`` are what would
    keep the work from landing whatever the checks say.
    """

    plan: str
    task: str
    commit: str
    tree: str
    done: bool
    passed: bool
    verdict: Verdict | None
    digest: str
    checks: tuple[CheckView, ...]
    waiting_for: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    standing: StandingView | None = None


class CheckLine(View):
    """One line: a check that ended, a sign of life, the answer, or why there is none."""

    kind: Literal["check", "waiting", "answer", "problem"]
    check: CheckView | None = None
    waiting_for: tuple[str, ...] = ()
    seconds: float = 0.0
    answer: CheckAnswer | None = None
    problem: Problem | None = None
