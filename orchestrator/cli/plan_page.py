"""How a plan is shown: what would run, in which order, and what was remarked. Text in, no effect.

Titles and commands are the plan's and pass ``safe_text``; columns are as wide as their widest
word, and what has no bound stands last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.plan.graph import TaskGraph, check_closure
from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text
from orchestrator.states import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.plan.lint import Finding
    from orchestrator.plan.model import Budget, Plan, Task

_LONGEST_COMMAND = 100


def show_lines(plan: Plan) -> Iterator[str]:
    """The plan by level, then the checks it runs."""
    yield f"plan {plan.name} → {plan.target}"
    how = "" if plan.strategy is Strategy.MERGE else f" by {plan.strategy}"
    yield (
        f"{_counted(len(plan.tasks), 'task')}, {_counted(plan.parallel, 'session')} at once,"
        f" merge {plan.merge}{how}"
    )
    for number, names in enumerate(TaskGraph.of(plan).levels(), start=1):
        yield ""
        yield f"level {number}" + (", all of which could run at once" if len(names) > 1 else "")
        yield from _table(_task_row(plan, task) for task in _by_priority(plan, names))
    yield ""
    yield "checks"
    yield from _table(_check_rows(plan))
    if services := _services(plan):
        yield ""
        yield "services"
        yield from _table(_service_row(plan, name) for name in services)


def check_lines(plan: Plan, findings: Sequence[Finding]) -> Iterator[str]:
    """What was found, one finding a line, and a closing line that counts."""
    for finding in findings:
        text = f"{finding.severity}: {finding.subject}: {finding.sentence}"
        yield safe_text(text, one_line=True)
    warnings = sum(finding.severity == "warning" for finding in findings)
    hints = len(findings) - warnings
    yield (
        f"plan {plan.name}: {_counted(len(plan.tasks), 'task')}, no errors,"
        f" {_counted(warnings, 'warning')}, {_counted(hints, 'hint')}"
    )


def shown_as_data(plan: Plan) -> dict[str, Any]:
    """The same as ``show_lines`` for programs."""
    levels = TaskGraph.of(plan).levels()
    return {
        "name": plan.name,
        "target": plan.target,
        "merge": plan.merge,
        "strategy": plan.strategy,
        "parallel": plan.parallel,
        "levels": [[task.id for task in _by_priority(plan, names)] for names in levels],
        "tasks": [_task_data(plan, task) for task in plan.tasks],
        "checks": {
            name: plan.checks[name].model_dump(include={"kind", "run", "needs", "timeout"})
            for name in _wanted(plan)
        },
        "services": {
            name: plan.services[name].model_dump(include={"run", "ready", "needs"})
            for name in _services(plan)
        },
    }


def checked_as_data(plan: Plan, findings: Sequence[Finding]) -> dict[str, Any]:
    """The same as ``check_lines`` for programs."""
    remarks = [
        {"severity": f.severity, "rule": f.rule, "subject": f.subject, "sentence": f.sentence}
        for f in findings
    ]
    return {"name": plan.name, "tasks": len(plan.tasks), "problems": [], "findings": remarks}


def _task_data(plan: Plan, task: Task) -> dict[str, Any]:
    return {
        **task.model_dump(include={"id", "title", "after", "touches", "priority", "approve"}),
        "agent": plan.agent_of(task)[0],
        "done_when": task.done_when,
        "runs": check_closure(plan.checks, task.done_when),
        "budget": plan.budget_of(task).model_dump(),
    }


def _by_priority(plan: Plan, names: Iterable[str]) -> list[Task]:
    return sorted((plan.task(name) for name in names), key=lambda task: -task.priority)


def _task_row(plan: Plan, task: Task) -> tuple[str, ...]:
    notes = [f"after {', '.join(task.after)}"] if task.after else []
    notes += ["needs approval"] if task.approve else []
    return (
        task.id,
        plan.agent_of(task)[0],
        ", ".join(task.done_when),
        _budget(plan.budget_of(task)),
        "; ".join(notes),
        task.title,
    )


def _check_rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    for name in _wanted(plan):
        check = plan.checks[name]
        needs = f"needs {', '.join(check.needs)}" if check.needs else ""
        yield name, check.kind, show_duration(check.timeout), needs, check.run


def _service_row(plan: Plan, name: str) -> tuple[str, ...]:
    service = plan.services[name]
    needs = f"needs {', '.join(service.needs)}" if service.needs else ""
    return name, needs, service.run


def _services(plan: Plan) -> tuple[str, ...]:
    """Those beside the checks that run, in an order in which they may start."""
    asked = {name for check in _wanted(plan) for name in plan.checks[check].services}
    return check_closure(plan.services, asked)


def _wanted(plan: Plan) -> tuple[str, ...]:
    return check_closure(plan.checks, {name for task in plan.tasks for name in task.done_when})


def _budget(budget: Budget) -> str:
    told = [f"{_counted(budget.attempts, 'attempt')} of {show_duration(budget.wall)}"]
    told += [f"{budget.tokens:,} tokens"] if budget.tokens else []
    told += [f"${budget.cost:.2f}"] if budget.cost else []
    return ", ".join(told)


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Aligned lines; columns that are empty throughout are left out."""
    safe = [tuple(safe_text(cell, one_line=True) for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    for *cells, last in safe:
        padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=False) if width]
        yield "  " + "  ".join([*padded, safe_text(last, limit=_LONGEST_COMMAND)]).rstrip()


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
