"""How fast a plan's verification is, as it travels."""

from __future__ import annotations

from orchestrator.api.models import View


class CheckTimingView(View):
    """The newest runs of a check by the command it has now.

    ``runs`` really ran and came to a verdict, ``not_green`` of them red, timed out or flaky; the percentiles are
    theirs. ``cached`` results were known from before. ``flaky_tests`` are told with how often they were, the
    flakiest first.
    """

    name: str
    kind: str
    runs: int = 0
    cached: int = 0
    not_green: int = 0
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    flaky_tests: tuple[str, ...] = ()


class TimingView(View):
    """The loop of one plan: from a session's commit to the verdict on it, and check by check.

    ``dominant`` is the check that takes most of a verification, if one does, ``advice`` a sentence
    about it.
    """

    plan: str
    verdicts: int = 0
    to_verdict_p50_seconds: float | None = None
    to_verdict_p95_seconds: float | None = None
    checks: tuple[CheckTimingView, ...] = ()
    dominant: str = ""
    advice: str = ""
