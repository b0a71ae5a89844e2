"""What travels of the forecast: which branches in flight will conflict, and where."""

from __future__ import annotations

from orchestrator.api.models import View
from orchestrator.states import TaskState


class InFlightView(View):
    """One branch of the forecast; ``against_target`` are its conflicts with the target as it is.

    None while nobody has looked.
    """

    plan: str
    task: str
    title: str
    state: TaskState
    head: str
    files: int
    against_target: tuple[str, ...] | None = None


class PairView(View):
    """Two branches that change a file in common, by their places in ``ForecastView.branches``.

    ``paths`` are where the second to land will conflict; None while nobody has looked, or where one
    of them conflicts with the target already.
    """

    one: int
    other: int
    paths: tuple[str, ...] | None = None


class ForecastView(View):
    """The branches in flight to one target; a pair that is not in ``pairs`` shares no file."""

    target: str
    commit: str
    branches: tuple[InFlightView, ...] = ()
    pairs: tuple[PairView, ...] = ()


class ConflictsView(View):
    """What will conflict, for each target that branches are in flight to."""

    forecasts: tuple[ForecastView, ...] = ()
