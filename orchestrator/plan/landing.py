"""How what is proven lands: the plan's ``queue``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from orchestrator.plan.scalars import Strict
from orchestrator.states import CheckedOut, QueueMode


class Queue(Strict):
    """How what is proven lands, once it is in line."""

    mode: Annotated[QueueMode, Field(strict=False)] = Field(
        QueueMode.AUTO,
        description="auto, strict (each commit that lands is verified), tip (each value the target"
        " takes is) or serial (one candidate at a time).",
    )
    slots: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None, description="Candidates verified at once; as the cores and checks allow by default."
    )
    checked_out: Annotated[CheckedOut, Field(strict=False)] = Field(
        CheckedOut.WAIT,
        description="Where the target is checked out and that checkout may not follow: wait, or"
        " land all the same and tell how to bring it up.",
    )
