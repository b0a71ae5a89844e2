"""What travels when somebody reads a log page by page: which log, from where, and what was found.

A log is named by what the engine knows it by, an attempt or a check of a verification; no request
holds a path.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from orchestrator.api.models import View

LONGEST_PAGE = 256 * 1024
_FARTHEST = 2**53
"""As far as JSON counts in whole numbers."""


class LogName(View):
    """Which log of a task: that of a session, or that of a check of one verification.

    Of a session there are two: the transcript, and ``raw`` all that it printed. A check without a
    verification is the one that runs, or ran last; there is no number for it yet.
    """

    attempt: int | None = Field(None, ge=1, le=_FARTHEST)
    raw: bool = False
    verification: int | None = Field(None, ge=1, le=_FARTHEST)
    check: str = Field("", max_length=200)

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        of_check = bool(self.check) and not self.raw
        of_session = self.verification is None and not self.check
        if not (of_check if self.attempt is None else of_session):
            raise ValueError("name an attempt, or a check, and of which verification")
        return self


class LogPlace(LogName):
    """A page: from byte ``at`` on, or the one that ends ``before``; neither is the end of the log.

    A page is cut between lines, so that ``at`` goes on where a page before has ended.
    """

    at: int | None = Field(None, ge=0, le=_FARTHEST)
    before: int | None = Field(None, ge=0, le=_FARTHEST)
    most: int = Field(64 * 1024, ge=16, le=LONGEST_PAGE)


class LogSearch(LogName):
    """Where ``text`` stands next, from byte ``at`` on or ``backwards`` from there.

    Capitals count only where ``text`` has some.
    """

    text: str = Field(min_length=1, max_length=200)
    at: int = Field(0, ge=0, le=_FARTHEST)
    backwards: bool = False


class LogPage(View):
    """Bytes ``start`` to ``end`` of a log that now has ``size``; another ``file`` is another log."""

    text: str
    start: int
    end: int
    size: int
    file: int = 0


class LogFound(View):
    """Where it stands, if that was found; else ask again from ``next``, unless that is None."""

    at: int | None
    next: int | None
