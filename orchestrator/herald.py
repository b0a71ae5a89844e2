"""Tells the outside that a person is needed: a webhook, a desktop notification, as settings say.

The engine does it, not the dashboard, so that it works with no client attached. Each new need is
told once; those that arise while a message is under way go together in the next. A message goes to
the one address that was configured, is bounded in size and time, and its failure is a line in the
log: nothing ever waits for it.
"""

from __future__ import annotations

import logging
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import anyio

from orchestrator.api.calls import Calls, sentence
from orchestrator.errors import CannotRun, ClerkError
from orchestrator.safe_text import safe_text
from orchestrator.supervision import process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.api.models import StatusView, TaskView
    from orchestrator.settings import Settings

QUIET_SECONDS = 1.0
"""What happens within this time is told together."""

PATIENCE_SECONDS = 10.0
NEEDS_NAMED = 20
_LONGEST = 300

log = logging.getLogger(__name__)


class Herald:
    """Hears of changes, and calls the person; ``status`` is asked only where somebody listens."""

    def __init__(
        self,
        settings: Settings,
        status: Callable[[], StatusView],
        environ: Mapping[str, str],
        *,
        since: float,
    ) -> None:
        self._webhook = settings.webhook or ""
        self._desktop = settings.notify == "desktop"
        self._status = status
        self._environ = environ
        self._calls = Calls(since)
        self._news = anyio.Event()

    def wake(self) -> None:
        """Something changed."""
        self._news.set()

    async def watch(self) -> None:
        """Tell every new need, until cancelled."""
        if not (self._webhook or self._desktop):
            return
        while True:
            self._news = anyio.Event()
            await self._look()
            await self._news.wait()
            await anyio.sleep(QUIET_SECONDS)

    async def _look(self) -> None:
        try:
            status = self._status()
        except (ClerkError, OSError) as error:
            log.warning("nobody is called for now: %s", error)
            return
        if needy := self._calls.hear(status):
            await self._tell(status.engine.repository, needy)

    async def _tell(self, repository: str, needy: Sequence[TaskView]) -> None:
        text = told(needy)
        async with anyio.create_task_group() as both:
            if self._desktop:
                both.start_soon(self._notify, text)
            if self._webhook:
                both.start_soon(self._post, message(repository, needy, text))

    async def _post(self, body: Mapping[str, Any]) -> None:
        import httpx  # noqa: PLC0415 - few want it, and it is dear to import

        try:
            with anyio.fail_after(PATIENCE_SECONDS):
                async with (
                    httpx.AsyncClient(trust_env=False, follow_redirects=False) as client,
                    client.stream("POST", self._webhook, json=body) as answer,
                ):
                    if not answer.is_success:
                        log.warning("the webhook answered %s", answer.status_code)
        except TimeoutError:
            log.warning("the webhook did not answer within %.0f s", PATIENCE_SECONDS)
        except (httpx.HTTPError, OSError) as error:
            log.warning("the webhook cannot be reached: %s", type(error).__name__)

    async def _notify(self, text: str) -> None:
        argv = ("notify-send", "--app-name=clerk", "--", "Clerk of Works", text)
        try:
            await process.run(
                argv, cwd="/", env=_desktop(self._environ), timeout_seconds=PATIENCE_SECONDS
            )
        except (CannotRun, TimeoutError, OSError) as error:
            log.warning("no desktop notification: %s", error)


def told(needy: Sequence[TaskView]) -> str:
    """The needs in lines; foreign text, made safe and short."""
    lines = [safe_text(sentence(task), limit=_LONGEST, one_line=True) for task in needy]
    more = len(lines) - NEEDS_NAMED
    return "\n".join(lines[:NEEDS_NAMED] + ([f"and {more} more"] if more > 0 else []))


def message(repository: str, needy: Sequence[TaskView], text: str) -> dict[str, Any]:
    """The webhook's body. ``text`` alone makes sense to chat programs."""
    return {
        "text": text,
        "repository": safe_text(PurePath(repository).name, one_line=True),
        "count": len(needy),
        "needs": [
            {
                "plan": task.plan,
                "task": task.id,
                "title": safe_text(task.title, limit=_LONGEST, one_line=True),
                "need": task.need,
                "reason": safe_text(task.held or task.reason, limit=_LONGEST, one_line=True),
            }
            for task in needy[:NEEDS_NAMED]
        ],
    }


_OF_A_DESKTOP = ("PATH", "HOME", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")  # fmt: skip


def _desktop(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in _OF_A_DESKTOP if name in environ}
