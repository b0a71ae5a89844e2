"""Work that is good alone, and a target and an engine that do not stand still."""

from __future__ import annotations

from orchestrator.selftest.case import Case, act
from orchestrator.selftest.judging import each_once, not_over, only_one_of

_GOOD = "echo good > work/$CLERK_TASK.txt"

PERSONS_COMMIT = "by hand"
"""Subject of what a person commits to the target meanwhile."""

TOGETHER: tuple[Case, ...] = (
    Case(
        "together",
        "two branches are green alone and red together",
        "only one of them lands",
        {"left": act(_GOOD), "right": act(_GOOD)},
        only_one_of("left", "right"),
    ),
)

MEANWHILE: tuple[Case, ...] = (
    Case(
        "meanwhile",
        "a person moves the target to what it is red with, while it is about to land",
        "it is verified again, and nothing of the person's is lost",
        {"meanwhile": act(_GOOD)},
        not_over("meanwhile", PERSONS_COMMIT),
    ),
)

KILLED: tuple[Case, ...] = (
    Case(
        "killed",
        "the engine is killed right after a landing, before it could note it",
        "started again, it lands everything once",
        {"one": act(_GOOD), "two": act(_GOOD), "three": act(_GOOD)},
        each_once("one", "two", "three"),
    ),
)
