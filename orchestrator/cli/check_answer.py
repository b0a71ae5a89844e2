"""What a check came to, in words: for agents above all, so in few of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import ClerkError, ExitCode
from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from orchestrator.api.check_views import CheckAnswer, CheckLine, StandingView


async def heard(
    lines: AsyncIterator[CheckLine], say: Callable[[CheckLine], Awaitable[None]]
) -> CheckAnswer:
    """The answer that ``lines`` end with, each said as it comes; raises the error in its place."""
    async for line in lines:
        await say(line)
        if line.problem is not None:
            error = ClerkError(line.problem.error)
            error.exit_code = ExitCode(line.problem.exit_code)
            raise error
        if line.answer is not None:
            return line.answer
    raise ClerkError("the engine ended its answer before it was whole")


def line_of(line: CheckLine) -> Iterator[str]:
    """What there is to say before the answer."""
    if line.check is not None:
        check = line.check
        took = "known from before" if check.cached else _took(check.seconds)
        verdict = "not run" if check.skipped else f"{check.verdict}".replace("_", " ")
        yield safe_text(f"{check.name}: {verdict} ({took})", one_line=True)
    elif line.kind == "waiting":
        yield safe_text(f"{_took(line.seconds)}: {_names(line.waiting_for)}", one_line=True)


def answer_lines(answer: CheckAnswer) -> Iterator[str]:
    """The answer: what does not pass and why, what else is in the way, what is left of the budget."""
    if answer.digest:
        yield safe_text(answer.digest)
    for warning in answer.warnings:
        yield safe_text(f"WARNING {warning}", one_line=True)
    if not answer.done:
        yield safe_text(
            f"NOT DONE after {_took(answer.seconds)}: {_names(answer.waiting_for)}. "
            "The checks go on: call this again to wait further, nothing is lost.",
            one_line=True,
        )
    elif answer.passed:
        yield f"All passed on the work as it stands ({_took(answer.seconds)})."
    if answer.standing is not None:
        yield _used(answer.standing)


def _used(standing: StandingView) -> str:
    told = [_took(standing.seconds_used), f"{standing.tokens_used:,} tokens"]
    left = [_took(standing.seconds_left)]
    if standing.tokens_left is not None:
        left.append(f"{standing.tokens_left:,} tokens")
    if standing.cost_usd or standing.cost_usd_left is not None:
        told.append(f"${standing.cost_usd:.2f}")
    if standing.cost_usd_left is not None:
        left.append(f"${standing.cost_usd_left:.2f}")
    return f"Used: {', '.join(told)}. Left: {', '.join(left)}."


def _took(seconds: float) -> str:
    return show_duration(round(seconds, 1))


def _names(names: tuple[str, ...]) -> str:
    return f"waiting for {', '.join(names)}" if names else "waiting for the answer"
