"""What follows a verification that was made with the architect's files put back.

The work goes back either way: nothing that was verified so is what would land. But its agent hears
in one round what it changed that it may not, and what the checks say of all the rest, so that no
attempt is spent on learning the one after the other. Pure, like ``feedback``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.feedback import VerifyAgain, after_verification, fenced, sent_back
from orchestrator.states import Verdict
from orchestrator.tests_first.red_judgement import NotRed, Red

if TYPE_CHECKING:
    from orchestrator.feedback import Decision
    from orchestrator.plan.model import Budget
    from orchestrator.records import TaskRecord
    from orchestrator.results import Verification
    from orchestrator.tests_first.red_judgement import Redness

SHOWN = 20
_FEW = 3
_NEVER = "changed paths that no session may change:"
_MEND = "Take that back: `git restore -SW -s {} -- PATHS`."
_LIKEWISE = "Take that back likewise."
_UNDO = "Undo that part."


@dataclass(frozen=True, slots=True)
class Breach:
    """What a branch changes that it may not.

    In the commit ``restored`` its locked tests and protected paths are put back, and what is out of
    scope is as the branch has it. Empty where they could not be put back.
    """

    locked: tuple[str, ...]
    protected: tuple[str, ...]
    out_of_scope: tuple[str, ...] = ()
    restored: str = ""

    @property
    def why(self) -> str:
        """In short, for people."""
        return ", and ".join(f"{what} {_some(paths, _FEW)}" for what, paths, _ in self._kinds)

    @property
    def told(self) -> str:
        """What its agent did and how it is mended, each path once."""
        sentences = [f"{what} {_some(paths, SHOWN)}. {mend}" for what, paths, mend in self._kinds]
        return "Your work " + " It also ".join(sentences)

    @property
    def that(self) -> str:
        """What was put back, in as few words as nobody can misread."""
        return _some(self._put_back, _FEW) if self._beside else "that"

    @property
    def _put_back(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.locked, *self.protected)))

    @property
    def _beside(self) -> tuple[str, ...]:
        return tuple(path for path in self.out_of_scope if path not in self._put_back)

    @property
    def _kinds(self) -> list[tuple[str, tuple[str, ...], str]]:
        protected = tuple(path for path in self.protected if path not in self.locked)
        mend = _MEND.format(self.restored[:12]) if self.restored else _UNDO
        kinds = (
            ("changed locked tests:", self.locked, mend),
            (_NEVER, protected, _LIKEWISE if self.locked and self.restored else mend),
            ("changed paths outside its scope:", self._beside, _UNDO),
        )
        return [kind for kind in kinds if kind[1]]


def unseen(record: TaskRecord, budget: Budget, breach: Breach, *, can_resume: bool) -> Decision:
    """What follows where nobody can tell what the rest is worth."""
    return sent_back(record, budget, breach.why, breach.told, can_resume=can_resume)


def nothing_left(
    record: TaskRecord, budget: Budget, breach: Breach, *, can_resume: bool
) -> Decision:
    """What follows work that is nothing but its breach: that the base passes says nothing of it."""
    why = f"{breach.why}, and nothing else"
    told = f"{breach.told} Nothing of your work is left without that: do the task, or ask."
    return sent_back(record, budget, why, told, can_resume=can_resume)


def after_restored(
    record: TaskRecord,
    budget: Budget,
    breach: Breach,
    verification: Verification,
    *,
    digest: str,
    unproven: tuple[str, ...],
    can_resume: bool,
    now: float,
) -> Decision:
    """What follows the verification of work with its breach mended; never that it has passed.

    ``unproven`` are the locked tests that did not pass in it.
    """
    that = breach.that
    if verification.passed and unproven:
        why = f"{breach.why}; locked tests did not pass with {that} put back"
        told = (
            f"With {that} put back the checks pass, but not by the locked tests. These did not run, "
            f"or were skipped: {_some(unproven, SHOWN)}. Undo whatever keeps them from running."
        )
    elif verification.passed:
        why = f"{breach.why}; passes with {that} put back"
        told = f"With {that} put back your work passes its checks: change nothing else, and commit."
    elif red := _red(verification):
        why = f"{breach.why}; {', '.join(red)} did not pass with {that} put back"
        told = (
            f"With {that} put back your work was verified on a clean checkout, and did not pass:"
            f"\n\n{fenced(digest)}"
        )
    else:
        return unjudged(record, budget, breach, verification, can_resume=can_resume, now=now)
    told = f"{breach.told} {told}"
    return sent_back(record, budget, why, told, can_resume=can_resume)


def unjudged(
    record: TaskRecord,
    budget: Budget,
    breach: Breach,
    verification: Verification,
    *,
    can_resume: bool,
    now: float,
) -> Decision:
    """What follows a verification that could not be made: it is made again, a few times.

    Then the work goes back with its breach alone: a person need not be asked for work like that.
    """
    again = after_verification(
        record, budget, verification, digest="", can_resume=can_resume, now=now
    )
    if isinstance(again, VerifyAgain):
        return again
    return unseen(record, budget, breach, can_resume=can_resume)


def after_restored_tests(
    record: TaskRecord, budget: Budget, breach: Breach, redness: Redness, *, can_resume: bool
) -> Decision:
    """The same for tests that are to be seen red: what they are worth is told, and not yet believed."""
    that = breach.that
    if isinstance(redness, Red):
        why = f"{breach.why}; {redness.told} with {that} put back"
        told = (
            f"With {that} put back your tests fail as they must: change nothing else, and commit."
        )
    elif isinstance(redness, NotRed):
        why = f"{breach.why}; with {that} put back {redness.why}"
        told = f"With {that} put back: {redness.told}"
    else:
        return unseen(record, budget, breach, can_resume=can_resume)
    told = f"{breach.told} {told}"
    return sent_back(record, budget, why, told, can_resume=can_resume)


def _red(verification: Verification) -> list[str]:
    """The checks for which the agent is to blame."""
    return [
        result.check
        for result in verification.failed_checks()
        if not result.skipped and result.verdict in {Verdict.FAILED, Verdict.TIMED_OUT}
    ]


def _some(names: tuple[str, ...], limit: int) -> str:
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
