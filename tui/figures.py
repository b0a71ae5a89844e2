"""Numbers as people read them: tokens, money and times in a few characters."""

from __future__ import annotations

from datetime import datetime

from orchestrator.plan.values import show_duration


def show_tokens(tokens: int) -> str:
    """``'950'``, ``'41k'``, ``'1.2M'``; nothing for none."""
    if tokens < 1_000:
        return str(tokens) if tokens else ""
    if tokens < 999_500:
        return f"{tokens / 1_000:.0f}k"
    return f"{tokens / 1_000_000:.1f}M"


def show_cost(dollars: float) -> str:
    """``'$0.32'``; nothing for none, and whole dollars from a thousand on."""
    if dollars <= 0:
        return ""
    return f"${dollars:.2f}" if dollars < 1_000 else f"${dollars:,.0f}"


def show_seconds(seconds: float) -> str:
    """A time that ticks: whole seconds, never below none."""
    return show_duration(max(0, int(seconds)))


def show_clock(at: float) -> str:
    """The local time of day of a POSIX time; nothing for 0."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S") if at else ""


def plural(count: int, noun: str) -> str:
    """``'1 task'``, ``'3 tasks'``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
