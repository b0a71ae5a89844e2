"""What a person can order, as data: the key, when it is possible, what is asked first, the call.

The screens bind the keys, hide what is impossible now, put the question and carry it out; the
palette and the help read the same table. Nothing here knows a widget.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.api.models import ActionView, TaskSelection
from orchestrator.states import SETTLED, TaskState
from tui.board_model import find_plan, find_task, merge_ready
from tui.figures import plural

if TYPE_CHECKING:
    from orchestrator.api.models import PlanView, TaskView
    from tui.board_model import Key
    from tui.engine_port import Engine
    from tui.site import Site


@dataclass(frozen=True, slots=True)
class Scene:
    """What an order could be about: the selected task, its plan, all that could land."""

    live: bool
    task: TaskView | None
    plan: PlanView | None
    ready: tuple[TaskView, ...]


def scene(site: Site, key: Key | None) -> Scene:
    """The scene with this task selected."""
    return Scene(
        live=site.live,
        task=find_task(site.status, key),
        plan=find_plan(site.status, key[0]) if key else None,
        ready=merge_ready(site.status),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before an order goes out.

    With ``hint`` a text is asked for, which may be empty unless ``needs_text``. A question about
    something that cannot be undone is ``grave``: saying no is the easier answer then.
    """

    title: str
    lines: tuple[str, ...]
    yes: str
    hint: str = ""
    needs_text: bool = False
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One thing a person can order."""

    name: str
    key: str
    label: str
    tooltip: str
    done: str
    possible: Callable[[Scene], bool]
    carry_out: Callable[[Engine, Scene, str], Awaitable[list[ActionView]]]
    question: Callable[[Scene], Question] | None = None
    in_footer: bool = True


_RETRIED = frozenset(
    {TaskState.FAILED, TaskState.CANCELLED, TaskState.NEEDS_INPUT, TaskState.VERIFIED}
)


def _can_merge(scene: Scene) -> bool:
    return bool(scene.task and scene.task.merge_ready and not scene.task.merge_requested)


def _can_retry(scene: Scene) -> bool:
    return bool(scene.task and scene.task.state in _RETRIED)


def _goes_on(scene: Scene) -> bool:
    return bool(scene.task and scene.task.state not in SETTLED)


def _can_approve(scene: Scene) -> bool:
    task = scene.task
    return bool(task and task.approve and not task.approved and task.state not in SETTLED)


def _needs_answer(scene: Scene) -> bool:
    return bool(scene.task and scene.task.asks)


def _plan_goes_on(scene: Scene) -> bool:
    return bool(scene.plan and (scene.plan.paused or not scene.plan.settled))


def _task(scene: Scene) -> TaskView:
    if scene.task is None:
        raise ValueError("this order is about a task")
    return scene.task


async def _merge(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = _task(scene)
    return [await engine.merge(task.plan, TaskSelection(tasks=(task.id,)))]


async def _merge_all(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    """Land exactly the tasks that were named in the question, plan by plan."""
    plans = dict.fromkeys(task.plan for task in scene.ready)
    return [
        await engine.merge(
            plan, TaskSelection(tasks=tuple(task.id for task in scene.ready if task.plan == plan))
        )
        for plan in plans
    ]


async def _retry(engine: Engine, scene: Scene, text: str) -> list[ActionView]:
    task = _task(scene)
    return [await engine.retry(task.plan, task.id, text)]


async def _cancel(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = _task(scene)
    return [await engine.cancel(task.plan, task.id)]


async def _approve(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = _task(scene)
    return [await engine.approve(task.plan, task.id)]


async def _answer(engine: Engine, scene: Scene, text: str) -> list[ActionView]:
    task = _task(scene)
    return [await engine.answer(task.plan, task.id, text)]


async def _pause(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = _task(scene)
    act = engine.resume if task.paused else engine.pause
    return [await act(task.plan, task.id)]


async def _pause_plan(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    if scene.plan is None:
        raise ValueError("this order is about a plan")
    act = engine.resume if scene.plan.paused else engine.pause
    return [await act(scene.plan.name)]


def _ask_merge_all(scene: Scene) -> Question:
    several = len({task.plan for task in scene.ready}) > 1
    names = tuple(
        f"{task.plan}/{task.id}  {task.title}" if several else f"{task.id}  {task.title}"
        for task in scene.ready
    )
    return Question(f"Merge {plural(len(names), 'task')}?", names, "Merge")


def _ask_retry(scene: Scene) -> Question:
    task = _task(scene)
    lines = (task.title, task.reason or "The agent starts another attempt.")
    return Question(f"Retry {task.id}?", lines, "Retry", hint="A note for the agent (optional)")


def _ask_cancel(scene: Scene) -> Question:
    task = _task(scene)
    lines = (task.title, "Its session is stopped; what it committed stays on its branch.")
    return Question(f"Cancel {task.id}?", lines, "Cancel the task", grave=True)


def _ask_answer(scene: Scene) -> Question:
    task = _task(scene)
    lines = (task.reason or task.activity or task.title,)
    return Question(f"{task.id} asks", lines, "Answer", hint="Your answer", needs_text=True)


ORDERS: dict[str, Order] = {
    order.name: order
    for order in (
        Order(
            "merge", "m", "Merge", "Land the selected task on its target",
            "will land", _can_merge, _merge,
        ),
        Order(
            "merge_all", "M", "Merge all", "Land every task that is merge-ready",
            "will land", lambda scene: bool(scene.ready), _merge_all, _ask_merge_all,
        ),
        Order(
            "retry", "r", "Retry", "Start another attempt, with a note for the agent",
            "will be tried again", _can_retry, _retry, _ask_retry,
        ),
        Order(
            "answer", "A", "Answer", "Answer what the agent asks",
            "has your answer", _needs_answer, _answer, _ask_answer,
        ),
        Order(
            "approve", "a", "Approve", "Approve the selected task for landing",
            "is approved", _can_approve, _approve,
        ),
        Order(
            "cancel", "c", "Cancel", "Give the selected task up",
            "is cancelled", _goes_on, _cancel, _ask_cancel,
        ),
        Order(
            "pause", "p", "Pause", "Start no further session of the task, or go on with it",
            "is paused or goes on", _goes_on, _pause,
        ),
        Order(
            "pause_plan", "P", "Pause plan", "Start no further session of the plan, or go on with it",
            "is paused or goes on", _plan_goes_on, _pause_plan, in_footer=False,
        ),
    )
}  # fmt: skip
"""Every order by its name, in the order of the footer."""


def is_possible(name: str, scene: Scene) -> bool:
    """Whether the order makes sense now; never while the engine is away."""
    return scene.live and ORDERS[name].possible(scene)


def possible_orders(scene: Scene) -> frozenset[str]:
    """The names of all orders that make sense now."""
    return frozenset(name for name in ORDERS if is_possible(name, scene))


def tell_done(order: Order, results: Iterable[ActionView]) -> str:
    """One sentence about the tasks an order applied to; "" when there are none."""
    done = [name for result in results for name in result.done]
    return f"{', '.join(done)} {order.done}" if done else ""


def tell_refused(results: Iterable[ActionView]) -> list[str]:
    """A sentence for each task an order was refused for."""
    return [f"{refusal.task}: {refusal.reason}" for result in results for refusal in result.refused]
