"""Money is whole cents everywhere; only people are shown euros."""

from __future__ import annotations


def show(cents: int) -> str:
    """``1250`` as ``'€ 12.50'``."""
    return f"€ {cents // 100}.{cents % 100:02}"
