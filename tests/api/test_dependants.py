"""Who must be told of when a landing is taken back."""

from __future__ import annotations

from orchestrator.api.dependants import landed_dependants
from orchestrator.api.models import PlanView, TaskView
from orchestrator.states import MergeMode, TaskState


def plan(*tasks: TaskView) -> PlanView:
    return PlanView(
        name="p",
        path="p.yaml",
        target="main",
        merge=MergeMode.AUTO,
        sandbox="none",
        parallel=1,
        update_checkout=False,
        paused=False,
        settled=True,
        person_needed=False,
        started_at=0.0,
        settled_at=0.0,
        tasks=tasks,
    )


def task(name: str, *after: str, state: TaskState = TaskState.MERGED, back: str = "") -> TaskView:
    return TaskView(plan="p", id=name, title=name, state=state, after=after, reverted_commit=back)


def test_all_that_landed_and_need_it_are_found_by_way_of_others_too() -> None:
    tasks = (
        task("d", "c"),
        task("a"),
        task("b", "a", state=TaskState.VERIFIED),
        task("c", "b"),
        task("e", "a", back="1" * 40),
        task("f"),
    )
    assert landed_dependants(plan(*tasks), "a") == ("d", "c")
    assert landed_dependants(plan(*tasks), "f") == ()
