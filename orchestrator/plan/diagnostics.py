"""What is wrong with a plan file, and how it is told.

A ``Problem`` is one mistake with the place it stands at. Whoever finds one goes on, so that all
are told at once, in the order of the file. Foreign text enters a sentence only through ``quoted``:
no escape sequence, line break or page of text of a plan gets into a message. Near misses are
looked for when a problem is told, not when it is found: a file full of mistakes costs no more.
"""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.errors import PlanError
from orchestrator.plan.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

MOST_TOLD = 200
"""Problems told one by one; of a file that is no plan at all the rest is only counted."""

_MOST_COMPARED = 2_000
_LONGEST_PATH = 300
_LIKE = 0.5
"""How alike two names must be, so that 'crt' still suggests 'cart-api' (difflib's ratio)."""


class Spot(NamedTuple):
    """A place in the file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: a sentence, and where a name is wrong the ones it may have meant.

    ``besides`` is known and cannot be meant; ``otherwise`` ends the sentence when nothing in
    ``known`` is like ``name``.
    """

    spot: Spot | None
    sentence: str
    name: str = ""
    known: Collection[str] = ()
    otherwise: str = ""
    besides: str | None = None

    def told(self) -> str:
        """The sentence with its mend."""
        near = self._near_miss()
        mend = f"did you mean {quoted(near)}?" if near else self.otherwise
        return f"{self.sentence}; {mend}" if mend else self.sentence

    def _near_miss(self) -> str | None:
        if not self.name:
            return None
        known = itertools.islice(self.known, _MOST_COMPARED)
        near = difflib.get_close_matches(self.name, known, n=2, cutoff=_LIKE)
        return next((name for name in near if name != self.besides), None)


def refusal(problems: Iterable[Problem], *, shown_path: str) -> PlanError:
    """The error that tells ``problems``, in the order of the file, each once."""
    return PlanError(tuple(_lines(_sorted(problems), _printable(shown_path))))


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    unique = {(problem.spot or Spot(0, 0), problem.sentence): problem for problem in problems}
    return [unique[key] for key in sorted(unique)]


def _lines(problems: list[Problem], path: str) -> Iterator[str]:
    for problem in problems[:MOST_TOLD]:
        place = f":{problem.spot.line}:{problem.spot.column}" if problem.spot else ""
        yield f"{path}{place}: {problem.told()}"
    if len(problems) > MOST_TOLD:
        yield f"{path}: and {len(problems) - MOST_TOLD} more problems"


def _printable(path: str) -> str:
    shown = path if len(path) <= _LONGEST_PATH else "…" + path[-_LONGEST_PATH:]
    return shown if shown.isprintable() else repr(shown)
