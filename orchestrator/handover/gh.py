"""Pull requests on their host, by the owner's own ``gh``.

The engine runs it, never a session: with the owner's login and nothing else of the environment, a
time limit, and no terminal to ask on. Only ``gh api`` is used: it needs no repository around it, so
nothing that an agent could have written is read, and what is sent goes in as JSON on standard
input, never as an argument. What comes back is another's word: checked in shape, and told cleaned.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from orchestrator.environment import owner_environment
from orchestrator.errors import CannotRun, HandoverHeld, HostBusy
from orchestrator.handover.pull_request import PullRequest, Review
from orchestrator.safe_text import safe_text
from orchestrator.supervision import process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestrator.handover.pull_request import Hosted
    from orchestrator.supervision.job import Completed

TIMEOUT_SECONDS = 60.0
REVIEWS_A_PAGE = 100
MOST_PAGES = 10
COMPLAINT_CHARACTERS = 200
BUSY_SECONDS = 300.0
"""How long a host is left alone that says to be asked too often and not until when."""

MOST_BUSY_SECONDS = 3600.0
NO_LOGIN = 4
"""What ``gh`` ends with where there is no login; a login that is no good any more is HTTP 401."""

_QUIET = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "GH_PAGER": "cat"}

_Oid = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
_Address = Annotated[
    str, StringConstraints(pattern=r"^https://[\w.:-]+/[\w.-]+/[\w.-]+/pull/[0-9]+$")
]


class _End(BaseModel):
    sha: _Oid


class _Pull(BaseModel):
    number: int
    html_url: _Address
    state: str
    merged_at: str | None = None
    merge_commit_sha: _Oid | None = None
    head: _End


class _Parent(BaseModel):
    full_name: str


class _Repository(BaseModel):
    parent: _Parent | None = None


class _Limit(BaseModel):
    remaining: int
    reset: float


class _Limits(BaseModel):
    resources: dict[str, _Limit]


class _User(BaseModel):
    login: str


class _Review(BaseModel):
    user: _User | None = None
    state: str
    commit_id: str | None = None
    body: str | None = None
    author_association: str = "NONE"


class _Fault(BaseModel):
    message: str = ""


class _Faults(BaseModel):
    errors: list[_Fault]


_FAULTS = TypeAdapter(_Faults)
_LIMITS = TypeAdapter(_Limits)
_Shape = TypeVar("_Shape")


class PullRequests:
    """Opens, updates and looks at pull requests; raises HandoverHeld with the mend."""

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        self._env = {**owner_environment(environ), **_QUIET}
        self._clock = clock
        self._busy_until: dict[str, float] = {}

    def require(self) -> None:
        """Raise HandoverHeld where there is no ``gh``."""
        if shutil.which("gh", path=self._env["PATH"]) is None:
            raise HandoverHeld(
                "gh, which opens pull requests, is not installed; install it and run: gh auth login"
            )

    async def open_one(self, at: Hosted, branch: str, target: str) -> PullRequest | None:
        """The open pull request of a branch of this very repository, if there is one."""
        asked = f"pulls?state=open&head={quote(f'{at.owner}:{branch}')}&base={quote(target)}"
        found = await self._get(at, asked, list[_Pull])
        return _pull_request(found[0]) if found else None

    async def parent_of(self, at: Hosted) -> str:
        """What a repository was forked from, as ``owner/name``; empty for none."""
        parent = (await self._get(at, "", _Repository)).parent
        return (
            safe_text(parent.full_name, limit=COMPLAINT_CHARACTERS, one_line=True) if parent else ""
        )

    async def create(
        self, at: Hosted, branch: str, target: str, *, title: str, body: str
    ) -> PullRequest:
        sent = {"title": title, "body": body, "head": branch, "base": target}
        return _pull_request(_shaped(await self._ask(at, "pulls", "POST", sent), _Pull))

    async def update(self, at: Hosted, number: int, *, title: str, body: str) -> None:
        await self._ask(at, f"pulls/{number}", "PATCH", {"title": title, "body": body})

    async def look(self, at: Hosted, number: int) -> PullRequest:
        """How it stands, with its reviews while it is open."""
        pull = await self._get(at, f"pulls/{number}", _Pull)
        reviews = await self._reviews(at, number) if pull.state == "open" else []
        return _pull_request(pull, reviews)

    async def _reviews(self, at: Hosted, number: int) -> list[_Review]:
        found: list[_Review] = []
        for page in range(1, MOST_PAGES + 1):
            asked = f"pulls/{number}/reviews?per_page={REVIEWS_A_PAGE}&page={page}"
            some = await self._get(at, asked, list[_Review])
            found += some
            if len(some) < REVIEWS_A_PAGE:
                break
        return found

    async def _get(self, at: Hosted, path: str, shape: type[_Shape]) -> _Shape:
        return _shaped(await self._ask(at, path, "GET", None), shape)

    async def _ask(
        self, at: Hosted, path: str, method: str, sent: Mapping[str, str] | None
    ) -> bytes:
        self.require()
        if (left := self._busy_until.get(at.host, 0.0) - self._clock()) > 0:
            raise _busy(at.host, left)
        argv = [f"--method={method}", *(["--input=-"] if sent is not None else [])]
        argv.append(f"repos/{at.owner}/{at.name}/{path}".rstrip("/"))
        done = await self._run(at.host, argv, sent)
        if not done.code:
            return done.stdout
        complaint = _complaint(done.stdout, done.stderr, done.code)
        if "rate limit" in complaint.lower() or "(HTTP 429)" in complaint:
            seconds = await self._until_less_busy(at.host)
            self._busy_until[at.host] = self._clock() + seconds
            raise _busy(at.host, seconds)
        raise HandoverHeld(f"gh failed: {complaint}{_mend(at, complaint, done.code)}")

    async def _run(
        self, host: str, argv: Sequence[str], sent: Mapping[str, str] | None = None
    ) -> Completed:
        given = json.dumps(sent).encode() if sent is not None else None
        try:
            return await process.run(
                ("gh", "api", f"--hostname={host}", *argv),
                cwd="/",
                env=self._env,
                input=given,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        except TimeoutError as error:
            raise HandoverHeld(
                f"gh gave no answer within {TIMEOUT_SECONDS:.0f} s; is {host} in reach?"
            ) from error
        except CannotRun as error:
            raise HandoverHeld(f"gh could not be started: {error}") from error

    async def _until_less_busy(self, host: str) -> float:
        """By the host's own account, which costs nothing to ask for; some limits are not on it."""
        done = await self._run(host, ["--method=GET", "rate_limit"])
        try:
            core = _LIMITS.validate_json(done.stdout).resources["core"]
        except (ValidationError, KeyError):
            return BUSY_SECONDS
        left = core.reset - self._clock() if core.remaining == 0 else BUSY_SECONDS
        return min(MOST_BUSY_SECONDS, max(left, 60.0))


def _busy(host: str, seconds: float) -> HostBusy:
    minutes = math.ceil(seconds / 60)
    return HostBusy(
        f"{host} is asked too often by this login, and is asked again in {minutes} min", seconds
    )


def _mend(at: Hosted, complaint: str, code: int) -> str:
    """What the owner can do about it, where that is known."""
    if code == NO_LOGIN or "(HTTP 401)" in complaint:
        return f"; log in: gh auth login --hostname {at.host}"
    if "(HTTP 404)" in complaint:
        return f"; is {at.owner}/{at.name} there, and may this login see it (gh auth status)?"
    return ""


def _shaped(answer: bytes, shape: type[_Shape]) -> _Shape:
    try:
        return TypeAdapter(shape).validate_json(answer)
    except ValidationError as error:
        fault: Any = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise HandoverHeld(
            f"gh answered what is no pull request: {where} {fault['msg']}"
        ) from error


def _pull_request(pull: _Pull, reviews: list[_Review] | None = None) -> PullRequest:
    return PullRequest(
        number=pull.number,
        url=pull.html_url,
        is_open=pull.state == "open",
        head=pull.head.sha,
        is_merged=pull.merged_at is not None,
        # of an open one it names a trial merge
        merge_commit=(pull.merge_commit_sha or "") if pull.merged_at else "",
        reviews=tuple(map(_review, reviews or ())),
    )


def _review(review: _Review) -> Review:
    return Review(
        author=review.user.login if review.user else "somebody",
        state=review.state,
        commit=review.commit_id or "",
        body=review.body or "",
        standing=review.author_association,
    )


def _complaint(stdout: bytes, stderr: bytes, code: int) -> str:
    """What gh says of it, and what the host found wrong with what was sent."""
    lines = [line for line in safe_text(stderr).splitlines() if line.strip()]
    told = lines[0] if lines else f"it said nothing and ended with code {code}"
    try:
        faults = _FAULTS.validate_json(stdout).errors
    except ValidationError:
        faults = []
    told = ": ".join([told, *(fault.message for fault in faults[:1] if fault.message)])
    return safe_text(told, limit=COMPLAINT_CHARACTERS, one_line=True)
