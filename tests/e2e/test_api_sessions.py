"""What a session may do at the engine's doors, tried by sessions that try everything."""

from __future__ import annotations

import json
import shlex
import stat
import sys
from pathlib import Path

import httpx
import pytest

from orchestrator.api.app import create_app

CLERK = f"{shlex.quote(sys.executable)} -m orchestrator.cli"

KNOCK = """
import http.client, json, os, pathlib, socket, sys

class Door(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("clerk", timeout=30)
        self.path = path
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

def ask(door, method, path, body, token):
    headers = {"authorization": "Bearer " + token} if token is not None else {}
    if body is not None:
        headers["content-type"] = "application/json"
    connection = Door(door)
    try:
        try:
            connection.request(method, path, body and json.dumps(body), headers)
        except BrokenPipeError:
            pass  # refused before it was heard out
        answer = connection.getresponse()
        return [answer.status, json.loads(answer.read())]
    except OSError as error:
        return [0, {"error": str(error)}]
    finally:
        connection.close()

ours = os.environ["CLERK_SOCKET"]
owners = str(pathlib.Path(ours).parents[1] / "engine.sock")
token = os.environ["CLERK_TOKEN"]
tried = []
for door, key in ((ours, token), (ours, None), (ours, "A" * 43), (owners, token)):
    for method, path, body in json.loads(os.environ["REQUESTS"]):
        tried.append([door == ours, key == token, method, path, *ask(door, method, path, body, key)])
own = {
    "standing": ask(ours, "GET", "/v1/session", None, token),
    "brief": ask(ours, "GET", "/v1/session/brief", None, token),
    "notes": [ask(ours, "POST", "/v1/session/note", {"text": t}, token)[0] for t in ["n", "", "x" * 2001]],
}
print(json.dumps({"tried": tried, "own": own, "token": token, "ours": ours}))
"""

REQUESTS = [
    ("POST", "/v1/plans/p/merge", {"all": True}),
    ("POST", "/v1/plans/p/merge", {"tasks": ["victim"]}),
    ("POST", "/v1/plans/p/tasks/attacker/approve", None),
    ("POST", "/v1/plans/p/tasks/victim/approve", None),
    ("POST", "/v1/plans/p/tasks/victim/retry", {"note": "do it my way"}),
    ("POST", "/v1/plans/p/tasks/attacker/retry", {"note": "again"}),
    ("POST", "/v1/plans/p/tasks/victim/cancel", None),
    ("POST", "/v1/plans/p/tasks/victim/answer", {"text": "yes"}),
    ("POST", "/v1/plans/p/tasks/victim/pause", None),
    ("POST", "/v1/plans/p/tasks/victim/resume", None),
    ("POST", "/v1/plans/p/tasks/attacker/rank", {"by": 1}),
    ("POST", "/v1/plans/p/tasks/victim/withdraw", {"withdrawn": True}),
    ("POST", "/v1/plans/p/tasks/victim/revert", {}),
    ("POST", "/v1/plans/p/landing", {"paused": True}),
    ("POST", "/v1/plans/p/pause", None),
    ("POST", "/v1/plans/p/resume", None),
    ("POST", "/v1/plans", {"source": "clerk: 1", "path": "x.yaml", "folder": "/"}),
    ("POST", "/v1/plans/p/tasks/victim/check", {"folder": "/"}),
    ("POST", "/v1/stop", None),
    ("GET", "/v1/status", None),
    ("GET", "/v1/changes", None),
    ("GET", "/v1/conflicts", None),
    ("GET", "/v1/events", None),
    ("GET", "/v1/plans/p/timing", None),
    ("GET", "/v1/plans/p/tasks/victim", None),
    ("GET", "/v1/plans/p/tasks/victim/brief", None),
    ("GET", "/v1/plans/p/tasks/victim/log", None),
    ("GET", "/v1/plans/p/tasks/victim/diff", None),
    ("GET", "/v1/plans/p/tasks/attacker/brief", None),
    ("GET", "/openapi.json", None),
    ("GET", "/v1/session/../status", None),
    ("GET", "/v1/session%2f..%2fstatus", None),
    ("GET", "//v1/status", None),
    ("DELETE", "/v1/session", None),
    ("POST", "/v1/session", None),
]
REQUESTS += [
    (method.upper(), path.format(plan="p", task="victim"), None)
    for path, operations in create_app(None).openapi()["paths"].items()
    for method in operations
]
"""Also whatever the owner may ask, by the door's own OpenAPI."""


def test_a_session_opens_its_own_task_and_nothing_else(yard):
    yard.write("knock.py", KNOCK)
    yard.git("checkout", "-q", "main")
    yard.commit("the tools of an attacker")
    yard.git("checkout", "-q", "--detach")
    attack = f"{yard.waits('go')}; python3 knock.py > result.json; echo good > a.txt"
    tasks = {"attacker": {"do": attack, "approve": True}, "victim": "echo good > v.txt"}
    plan = yard.plan(tasks, worktree={"env": {"REQUESTS": json.dumps(REQUESTS)}})
    yard.clerk("start", str(plan))
    yard.begun("go")
    before = yard.until("victim", "verified")
    main = yard.git("rev-parse", "main")
    yard.gate("go").touch()
    attacker = yard.until("attacker", "verified")

    told = json.loads(yard.git("show", f"{attacker['head']}:result.json"))
    assert len(told["tried"]) == 4 * len(REQUESTS)
    for ours, known, method, path, status, answer in told["tried"]:
        allowed = {403} if known else {401}
        assert status in (allowed if ours else {0, 403}), (ours, known, method, path, answer)
        assert answer["error"], "a refusal says what would be right"
    assert {k: before[k] for k in KEPT} == {k: yard.status()["victim"][k] for k in KEPT}
    assert not attacker["approved"]
    assert yard.git("rev-parse", "main") == main
    standing, brief = told["own"]["standing"], told["own"]["brief"]
    assert standing[0] == brief[0] == 200
    assert (standing[1]["task"], standing[1]["state"], standing[1]["session"]) == (
        "attacker",
        "running",
        1,
    )
    assert "Do attacker." in brief[1]["text"]
    assert told["own"]["notes"] == [200, 422, 422]
    dead_and_gone(yard, told)


KEPT = (
    "state",
    "state_since",
    "approved",
    "merge_requested",
    "paused",
    "attempt",
    "head",
    "reason",
)


def dead_and_gone(yard, told):
    """What is left of a session that has ended: a warning, and a token that opens nothing."""
    with yard.api() as api:
        with api.stream("GET", "/v1/events") as stream:
            warnings = []
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                event = json.loads(line.removeprefix("data:"))
                warnings += [event] if event["kind"] == "warning" else []
                if event["kind"] == "plan_settled":
                    break
        detail = api.get("/v1/plans/p/tasks/attacker").json()
        assert api.get("/v1/status", headers=bearer(told["token"])).status_code == 403
    assert [note["text"] for note in detail["notes"]] == ["n"]
    ours = [w for w in warnings if w["task"] == "attacker"]
    assert len(ours) == 1, "one for a session, whatever it asks"
    assert "asked for POST /v1/plans/p/merge" in ours[0]["message"]
    assert len(warnings) == 2, "and one for all who have no token"
    with session_door(told["ours"]) as door:
        for token in (told["token"], told["token"][:-1], "x", "ü"):
            assert door.get("/v1/session", headers=bearer(token)).status_code == 401
    assert stat.S_IMODE(Path(told["ours"]).parent.stat().st_mode) == 0o711
    kept = b"".join(p.read_bytes() for p in yard.state.glob("clerk.db*"))
    assert told["token"].encode() not in kept, "a token is on record nowhere"


def bearer(token: str) -> dict[str, bytes]:
    return {"authorization": b"Bearer " + token.encode()}


def session_door(path: str) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=path)
    return httpx.Client(transport=transport, base_url="http://clerk", trust_env=False)


def test_an_agent_notes_reads_its_brief_and_asks_and_a_person_answers(yard):
    lines = [
        f"{CLERK} brief > brief.txt; {CLERK} note 'no tax table'; {CLERK} ask 'Which of two?'; exit 7",
        "echo good > a.txt; echo good > brief.txt",
    ]
    yard.clerk("run", str(yard.plan({"a": lines})), code=3)
    task = yard.status()["a"]
    assert (task["state"], task["asks"], task["reason"]) == ("needs_input", True, "Which of two?")
    assert "Do a." in yard.git("show", f"{task['head']}:brief.txt")
    shown = yard.clerk("status", "a").stdout
    assert "no tax table" in shown
    assert "asked" in shown
    yard.clerk("answer", "a", "the first")
    yard.until("a", "verified")
    assert "the first" in yard.prompt("a", 2)


@pytest.mark.parametrize("command", [("ask", "x"), ("note", "x"), ("brief",)])
def test_outside_of_a_session_there_is_nobody_to_ask_for(yard, command):
    refused = yard.clerk(*command, code=2)
    assert "Traceback" not in refused.stderr


def test_a_confined_session_reaches_its_own_door_and_not_the_owners(yard):
    curl = 'curl -s --unix-socket "$CLERK_SOCKET" -H "Authorization: Bearer $CLERK_TOKEN"'
    line = (
        f"{curl} http://clerk/v1/session > own.json; "
        f"{curl} http://clerk/v1/status > other.json; "
        f'ls -d "$(dirname "$(dirname "$CLERK_SOCKET")")/engine.sock" > seen.txt; '
        f'{curl} --json \'{{"text": "Which?"}}\' http://clerk/v1/session/ask; sleep 60'
    )
    plan = yard.plan({"a": line}, agents={"sh": {"type": "command", "run": line}})
    yard.clerk("run", str(plan), "--sandbox", "bubblewrap", code=3)
    task = yard.status()["a"]
    assert (task["sandbox"], task["reason"]) == ("bubblewrap", "Which?")
    left = {name: yard.git("show", f"{task['head']}:{name}") for name in ("own.json", "other.json")}
    assert json.loads(left["own.json"])["task"] == "a"
    assert "a session may not ask for GET /v1/status" in json.loads(left["other.json"])["error"]
    assert yard.git("show", f"{task['head']}:seen.txt") == ""
