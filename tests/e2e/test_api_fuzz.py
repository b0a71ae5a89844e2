"""Requests made up from the doors' own OpenAPI: no answer is a 500, or other than it is described.

The engine is a real one. Left out are /v1/stop, which would end it, and /v1/events, which never
ends; names are drawn from those there are, or nothing would get past them.
"""

from __future__ import annotations

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from orchestrator.api.app import create_app
from orchestrator.api.session_app import create_session_app

NAMES = {"plan": ["p", "nobody"], "task": ["a", "b", "no one"]}
LEFT_OUT = {"/v1/stop", "/v1/events"}
DEMANDS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
DOORS = pytest.mark.parametrize("door", ["owner", "session"])


@DOORS
def test_what_is_made_up_is_answered_as_described(yard, door):
    fuzz(yard, door, examples=6)


@DOORS
@pytest.mark.slow
def test_much_that_is_made_up_is_answered_as_described(yard, door):
    fuzz(yard, door, examples=300)


def fuzz(yard, door: str, examples: int) -> None:
    """Try every operation of a door with good and bad requests, the same on every run."""
    tell = f'echo "$CLERK_SOCKET $CLERK_TOKEN" > "$GATES/told"; {yard.waits("go")}'
    yard.clerk("start", str(yard.plan({"a": tell, "b": "echo good > b.txt"})))
    yard.begun("go")
    socket, token = yard.gate("told").read_text().rsplit(maxsplit=1)
    if door == "owner":
        app, socket, token = create_app(None), yard.holder.socket, ""
    else:
        app = create_session_app(None)
    schema = schemathesis.openapi.from_dict(named(app.openapi()))
    transport = httpx.HTTPTransport(uds=socket)
    with httpx.Client(transport=transport, trust_env=False, timeout=60) as client:
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path in LEFT_OUT or operation.path == "/v1/session/ask":
                continue
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
                    continue
                attack(client, operation.as_strategy(generation_mode=mode), token, examples)
    log = (yard.state / "engine.log").read_text()
    assert "Traceback" not in log, log


def attack(client: httpx.Client, cases, token: str, examples: int) -> None:
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def one(case) -> None:
        if token:
            case.headers["authorization"] = f"Bearer {token}"
        case.validate_response(sent(client, case), checks=DEMANDS)

    one()


def sent(client: httpx.Client, case) -> httpx.Response:
    """The case as its library would send it, through our socket."""
    told = case.as_transport_kwargs(base_url="http://clerk")
    ready = requests.Request(**told).prepare()
    headers = [(name, value) for name, value in ready.headers.items()]
    return client.request(
        ready.method, f"http://clerk{ready.path_url}", headers=headers, content=ready.body
    )


def named(schema: dict) -> dict:
    """The schema with names of plans and tasks that can be found."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in NAMES:
                    parameter["schema"]["enum"] = NAMES[parameter["name"]]
    return schema
