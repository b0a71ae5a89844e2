"""What a place in the plan is called: ``task 'cart'`` and ``budget.wall``, never ``tasks[3]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan.quoting import quoted

if TYPE_CHECKING:
    from orchestrator.plan.document import Item, Loc

_SECTIONS = {"agents": "agent", "checks": "check", "services": "service"}


def task_subject(task: Item, index: int) -> str:
    """A task by its id, or by its number where it has none."""
    name = task.field("id").text
    return f"task {quoted(name)}" if name else f"task {index + 1}"


def subject_of(loc: Loc, root: Item) -> tuple[str, str]:
    """Who owns the place (empty: the plan itself), and the dotted field within it."""
    match loc:
        case ["tasks", int(index), *rest]:
            return task_subject(root.follow(loc[:2]), index), _dotted(rest)
        case [str(section), str(name), *rest] if section in _SECTIONS:
            return f"{_SECTIONS[section]} {quoted(name)}", _dotted(rest)
    return "", _dotted(loc)


def remark_at(loc: Loc, root: Item, words: str) -> str:
    """``words`` that stand by themselves, led by the place they are about."""
    return ": ".join(part for part in (*subject_of(loc, root), words) if part)


def sentence_at(loc: Loc, root: Item, words: str) -> str:
    """``words`` about the field at ``loc``, led by what it belongs to."""
    subject, field = subject_of(loc, root)
    lead = f"{subject}: " if subject else ""
    return f"{lead}{field} {words}" if field else f"{lead}{words}"


def _dotted(steps: Loc) -> str:
    # Steps in brackets are the model's, for a key or a branch of a union: not in the file.
    return ".".join(step for step in steps if isinstance(step, str) and step[:1] not in {"[", "("})
