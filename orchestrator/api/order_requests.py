"""What comes with an order to the engine, where there is more to say than its name."""

from __future__ import annotations

from pydantic import Field

from orchestrator.api.models import View


class RetryRequest(View):
    note: str = ""


class AnswerRequest(View):
    text: str = Field(min_length=1)


class RankRequest(View):
    """How many places sooner a task comes, or, below 0, later."""

    by: int = Field(ge=-1_000, le=1_000)


class WithdrawRequest(View):
    """Whether a task is out of the line to land."""

    withdrawn: bool


class RevertRequest(View):
    """Take a landing back; ``update_checkout`` is leave for a clean checkout of the target to follow."""

    update_checkout: bool = False


class LandingRequest(View):
    """Whether nothing of a plan lands for now."""

    paused: bool
