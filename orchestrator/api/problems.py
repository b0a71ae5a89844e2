"""Errors as they travel: a ``Problem`` with the mend, on every path and for every status.

The text may hold anything a client has sent; what UTF-8 cannot say is replaced, since an error
that cannot be told would be a worse one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from orchestrator.api.models import Problem
from orchestrator.errors import ClerkError, ExitCode, PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

_STATUS = {ExitCode.BAD_USAGE: 422, ExitCode.CANNOT_RUN: 409}
_UNROUTED = frozenset({404, 405})
_LONGEST = 2000

DECLARED: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": told}
    for status, told in (
        (400, "It cannot be read, or git failed."),
        (401, "The token opens nothing."),
        (403, "This door is not for whoever asks, or not for this."),
        (404, "There is no such path."),
        (408, "The request did not come to its end in time."),
        (409, "It cannot be done as things stand."),
        (413, "The body is too long."),
        (422, "It makes no sense: an unknown name, a wrong plan, a malformed request."),
        (503, "Too many are connected, or the engine is ending."),
    )
}
"""For OpenAPI: any route may answer so."""


def problem_response(
    status: int,
    error: str,
    *,
    code: ExitCode = ExitCode.BAD_USAGE,
    problems: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer that tells of an error."""
    problem = Problem(
        error=_sayable(error), exit_code=int(code), problems=tuple(map(_sayable, problems))
    )
    return JSONResponse(problem.model_dump(), status, headers=headers)


def tell_problems(app: FastAPI) -> None:
    """Have every error of ``app`` answered as a Problem."""
    app.add_exception_handler(ClerkError, _on_clerk_error)
    app.add_exception_handler(OSError, _on_os_error)
    app.add_exception_handler(RequestValidationError, _on_malformed)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_clerk_error(_request: Request, error: Exception) -> JSONResponse:
    code = error.exit_code if isinstance(error, ClerkError) else ExitCode.INTERNAL
    problems = error.problems if isinstance(error, PlanError) else ()
    return problem_response(_STATUS.get(code, 400), str(error), code=code, problems=problems)


async def _on_os_error(_request: Request, error: Exception) -> JSONResponse:
    """The machine failed, not the engine and not who asks."""
    told = f"this machine cannot do it now: {error}"
    return problem_response(409, told, code=ExitCode.CANNOT_RUN)


async def _on_malformed(_request: Request, error: Exception) -> JSONResponse:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    told = "; ".join(f"{'.'.join(map(str, d['loc'][1:]))}: {d['msg']}" for d in details)
    return problem_response(422, f"the request is malformed: {told[:_LONGEST]}")


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    if error.status_code in _UNROUTED:
        told = f"there is no {request.method} {request.url.path[:_LONGEST]}; "
        told += "/openapi.json lists what there is"
    else:
        told = f"the request cannot be read: {error.detail}"
    return problem_response(error.status_code, told, headers=error.headers)


def _sayable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
