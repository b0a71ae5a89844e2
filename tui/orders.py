"""What a person can order, as data: the key, when it is possible, what is asked first, the call.

The screens bind the keys, hide what is impossible now, put the question and carry it out; the
palette and the help read the same table. Nothing here knows a widget.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.api.models import ActionView, TaskSelection
from tui import questions
from tui.questions import task_of
from tui.scene import (
    can_approve,
    can_be_changed,
    can_merge,
    can_merge_all,
    can_retry,
    goes_on,
    has_landed,
    is_in_line,
    needs_answer,
    needs_leave,
    plan_goes_on,
)

if TYPE_CHECKING:
    from orchestrator.api.models import DiffView
    from tui.engine_port import Engine
    from tui.questions import Question
    from tui.scene import Scene

_Ask = Callable[["Scene", "DiffView | None"], "Question"]


@dataclass(frozen=True, slots=True)
class Order:
    """One thing a person can order.

    ``shows_work`` is whether the question tells what git says about the task's work.
    """

    name: str
    key: str
    label: str
    tooltip: str
    done: str
    possible: Callable[[Scene], bool]
    carry_out: Callable[[Engine, Scene, str], Awaitable[list[ActionView]]]
    question: _Ask | None = None
    shows_work: bool = False
    in_footer: bool = True
    shown_key: str = ""

    @property
    def key_told(self) -> str:
        """The key as a person reads it."""
        return self.shown_key or self.key


async def _merge(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = task_of(scene)
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
    task = task_of(scene)
    return [await engine.retry(task.plan, task.id, text)]


async def _cancel(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = task_of(scene)
    return [await engine.cancel(task.plan, task.id)]


async def _approve(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = task_of(scene)
    return [await engine.approve(task.plan, task.id)]


async def _answer(engine: Engine, scene: Scene, text: str) -> list[ActionView]:
    task = task_of(scene)
    return [await engine.answer(task.plan, task.id, text)]


async def _pause(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = task_of(scene)
    act = engine.resume if task.paused else engine.pause
    return [await act(task.plan, task.id)]


async def _pause_plan(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    if scene.plan is None:
        raise ValueError("this order is about a plan")
    act = engine.resume if scene.plan.paused else engine.pause
    return [await act(scene.plan.name)]


async def _sooner(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = task_of(scene)
    return [await engine.rank(task.plan, task.id, 1)]


async def _later(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = task_of(scene)
    return [await engine.rank(task.plan, task.id, -1)]


async def _set_aside(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = task_of(scene)
    return [await engine.withdraw(task.plan, task.id, withdrawn=not task.withdrawn)]


async def _revert(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    task = task_of(scene)
    return [await engine.revert(task.plan, task.id)]


async def _give_leave(engine: Engine, scene: Scene, _text: str) -> list[ActionView]:
    """Order anew what the question named, with leave this time."""
    waiting = scene.waits_for_leave
    landing = tuple(task.id for task in waiting if not task.revert_requested)
    done = [
        await engine.revert(task.plan, task.id, update_checkout=True)
        for task in waiting
        if task.revert_requested
    ]
    if landing:
        selection = TaskSelection(tasks=landing, update_checkout=True)
        done.append(await engine.merge(waiting[0].plan, selection))
    return done


ORDERS: dict[str, Order] = {
    order.name: order
    for order in (
        Order(
            "merge", "m", "Merge", "Land the selected task on its target",
            "will land", can_merge, _merge, questions.ask_merge, shows_work=True,
        ),
        Order(
            "merge_all", "M", "Merge all", "Land every task that is merge-ready",
            "will land", can_merge_all, _merge_all, questions.ask_merge_all,
        ),
        Order(
            "leave", "U", "Update checkout", "Let your own checkout of the target follow what lands",
            "will land, and your checkout follows", needs_leave, _give_leave, questions.ask_leave,
            shows_work=True,
        ),
        Order(
            "approve", "a", "Approve", "Approve the selected task, or its tests",
            "is approved", can_approve, _approve,
        ),
        Order(
            "changes", "x", "Changes", "Send proven work back with a note of what to change",
            "goes back to its agent", can_be_changed, _retry, questions.ask_changes, shows_work=True,
        ),
        Order(
            "answer", "A", "Answer", "Answer what the agent asks",
            "has your answer", needs_answer, _answer, questions.ask_answer,
        ),
        Order(
            "retry", "r", "Retry", "Start another attempt, with a note for the agent",
            "will be tried again", can_retry, _retry, questions.ask_retry,
        ),
        Order(
            "cancel", "c", "Cancel", "Give the selected task up",
            "is cancelled", goes_on, _cancel, questions.ask_cancel,
        ),
        Order(
            "pause", "p", "Pause", "Start no further session of the task, or go on with it",
            "is paused or goes on", goes_on, _pause,
        ),
        Order(
            "pause_plan", "P", "Pause plan", "Start no further session of the plan, or go on with it",
            "is paused or goes on", plan_goes_on, _pause_plan, in_footer=False,
        ),
        Order(
            "sooner", "plus", "Sooner", "Let the task come sooner, for a session and for landing",
            "comes sooner", goes_on, _sooner, in_footer=False, shown_key="+",
        ),
        Order(
            "later", "minus", "Later", "Let the task come later",
            "comes later", goes_on, _later, in_footer=False, shown_key="-",
        ),
        Order(
            "set_aside", "w", "Set aside", "Take the task out of the queue, or put it back",
            "is out of the queue, or back in it", is_in_line, _set_aside, in_footer=False,
        ),
        Order(
            "revert", "R", "Revert", "Take a landed task back from its target",
            "will be taken back", has_landed, _revert, questions.ask_revert,
            shows_work=True,
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
