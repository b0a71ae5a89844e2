"""What is asked before an order goes out, and what a person is told will happen then.

Pure: a scene, and where it matters what git says about the work, in; a question out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.figures import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.api.models import DiffView, TaskView
    from tui.scene import Scene

_FILES_NAMED = 8
_COMMITS_NAMED = 5


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


def task_of(scene: Scene) -> TaskView:
    """The task an order is about; the order is not possible without one."""
    if scene.task is None:
        raise ValueError("this order is about a task")
    return scene.task


def ask_merge(scene: Scene, work: DiffView | None) -> Question:
    task = task_of(scene)
    lines = (
        task.title,
        *_told_work(work),
        f"It is verified as merged first, and lands on {scene.target} only if that passes.",
    )
    return Question(f"Merge {task.id} into {scene.target}?", lines, "Merge")


def ask_merge_all(scene: Scene, _work: DiffView | None) -> Question:
    several = len({task.plan for task in scene.ready}) > 1
    names = tuple(_named(task, several=several) for task in scene.ready)
    return Question(
        f"Merge {plural(len(names), 'task')}?",
        (*names, "Each is verified as merged first, in this order."),
        "Merge",
    )


def _named(task: TaskView, *, several: bool) -> str:
    size = f"  (+{task.diff.insertions} -{task.diff.deletions})" if task.diff else ""
    return (
        f"{task.plan}/{task.id}  {task.title}{size}"
        if several
        else f"{task.id}  {task.title}{size}"
    )


def ask_leave(scene: Scene, work: DiffView | None) -> Question:
    task = task_of(scene)
    lines = (
        task.held.partition(": give leave")[0],
        f"Its files follow when a task of {task.plan} lands, as long as you changed none of them.",
        f"Landing then: {', '.join(one.id for one in scene.waits_for_leave)}.",
        *((f"What {task.id} brings:", *brings) if (brings := _told_work(work)) else ()),
    )
    return Question(
        f"Let your checkout of {scene.target} follow?", lines, "Update checkout", grave=True
    )


def ask_retry(scene: Scene, _work: DiffView | None) -> Question:
    task = task_of(scene)
    lines = (task.title, task.reason or "The agent starts another attempt.")
    return Question(f"Retry {task.id}?", lines, "Retry", hint="A note for the agent (optional)")


def ask_changes(scene: Scene, work: DiffView | None) -> Question:
    task = task_of(scene)
    lines = (
        task.title,
        *_told_work(work),
        "Its agent goes on with your note; what is proven now is proven anew.",
    )
    return Question(
        f"What should {task.id} change?",
        lines,
        "Send back",
        hint="What should be different",
        needs_text=True,
    )


def ask_cancel(scene: Scene, _work: DiffView | None) -> Question:
    task = task_of(scene)
    lines = [task.title, "Its session is stopped; what it committed stays on its branch."]
    if scene.dependants:
        lines.append(f"Given up with it: {', '.join(scene.dependants)}.")
    return Question(f"Cancel {task.id}?", tuple(lines), "Cancel the task", grave=True)


def ask_answer(scene: Scene, _work: DiffView | None) -> Question:
    task = task_of(scene)
    lines = (task.reason or task.activity or task.title,)
    return Question(f"{task.id} asks", lines, "Answer", hint="Your answer", needs_text=True)


def ask_revert(scene: Scene, work: DiffView | None) -> Question:
    task = task_of(scene)
    landed = task.merged_commit[:10]
    lines = [
        task.title,
        *_told_work(work),
        f"A commit that takes back {landed} is verified, then lands on {scene.target}.",
    ]
    if scene.dependants:
        lines.append(f"Still to come after it: {', '.join(scene.dependants)}.")
    if scene.landed_on_top:
        lines.append(
            f"Landed after it, and need it: {', '.join(scene.landed_on_top)}. They stay, and it is "
            "taken back only if their checks pass without it."
        )
    return Question(f"Take {task.id} back from {scene.target}?", tuple(lines), "Revert", grave=True)


def _told_work(work: DiffView | None) -> tuple[str, ...]:
    """The commits and the files, as far as there is room."""
    if work is None or not work.stat.files:
        return ()
    stat, count = work.stat, len(work.commits)
    size = f"{plural(stat.files, 'file')}, +{stat.insertions} -{stat.deletions}:"
    lines = [size, *_some(work.paths, stat.files, _FILES_NAMED)]
    if count:
        lines = [f"{plural(count, 'commit')}:", *_some(work.commits, count, _COMMITS_NAMED), *lines]
    return tuple(lines)


def _some(names: Sequence[str], count: int, most: int) -> list[str]:
    shown = [f"  {name}" for name in names[:most]]
    return [*shown, f"  and {count - len(shown)} more"] if count > len(shown) else shown
