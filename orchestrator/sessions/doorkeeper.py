"""Who of the sessions may speak to the engine: a token each, alive as long as its session.

A token is known to its session alone; here lies its hash, in memory and nowhere else, so that
neither the database nor a log can give one away. It says which plan, task and attempt it is for,
and so no request names one. What a guest may do is not decided here.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.sessions.letterbox import Letterbox
from orchestrator.supervision.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_TOKEN_BYTES = 32


@dataclass(slots=True)
class Guest:
    """A session that runs; ``notes``, ``asks`` and ``warned`` tell what it has had its share of.

    ``asks`` are the times of its latest checks; ``leaving`` is called once it has ended.
    """

    plan: str
    task: str
    attempt: int
    letterbox: Letterbox = field(default_factory=Letterbox)
    pulse: Pulse = field(default_factory=Pulse)
    notes: int = 0
    asks: list[float] = field(default_factory=list)
    warned: bool = False
    is_here: bool = True
    leaving: list[Callable[[], None]] = field(default_factory=list)

    def leave(self) -> None:
        """The session has ended: what goes on in its name ends with it."""
        self.is_here = False
        for end in self.leaving:
            end()


@dataclass(frozen=True, slots=True)
class Admission:
    """What a session gets for its door: the environment to come by, where it is heard and felt."""

    environment: Mapping[str, str]
    letterbox: Letterbox
    pulse: Pulse


class Doorkeeper:
    """Knows the sessions that run by their tokens; ``socket`` is the door they come to."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._guests: dict[bytes, Guest] = {}

    @contextmanager
    def admit(self, plan: str, task: str, attempt: int) -> Iterator[Admission]:
        """Let a session in until this is left."""
        guest, token = Guest(plan, task, attempt), secrets.token_urlsafe(_TOKEN_BYTES)
        key = _key(token)
        self._guests[key] = guest
        environment = {
            "CLERK_SOCKET": str(self.socket),
            "CLERK_TOKEN": token,
            "CLERK_PLAN": plan,
            "CLERK_TASK": task,
        }
        try:
            yield Admission(environment, guest.letterbox, guest.pulse)
        finally:
            del self._guests[key]
            guest.leave()

    def guest(self, token: str) -> Guest | None:
        """Whose token this is; every one is compared, each in the same time."""
        asked, found = _key(token), None
        for key, guest in self._guests.items():
            if hmac.compare_digest(key, asked):
                found = guest
        return found


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
