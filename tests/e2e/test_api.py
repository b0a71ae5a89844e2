"""The engine's door, as any program may use it: HTTP and server-sent events on a private socket."""

from __future__ import annotations

import json
import socket
import stat
import tempfile
from pathlib import Path

import httpx
import pytest
from waiting import until_blocking

from .conftest import Yard


def test_the_door_is_private_described_and_told_with_problems(yard):
    yard.clerk("start", str(yard.plan({"cart": "echo good > a.txt"})))
    door = Path(yard.holder.socket)
    assert stat.S_IMODE(door.stat().st_mode) == 0o600
    with yard.api() as api:
        described = api.get("/openapi.json").json()
        assert {"/v1/status", "/v1/plans", "/v1/events"} <= described["paths"].keys()
        for method, path, body, status, words in (
            ("GET", "/v1/nowhere", None, 404, "there is no GET /v1/nowhere"),
            ("PUT", "/v1/status", None, 405, "there is no PUT /v1/status"),
            ("POST", "/v1/plans", {"plan": "x"}, 422, "source: Field required"),
            ("POST", "/v1/plans/p/merge", {"all": "perhaps"}, 422, "all: "),
            (
                "POST",
                "/v1/plans",
                {"source": "clerk: 2", "path": "x.yaml", "folder": "/"},
                422,
                "x.yaml:1",
            ),
            ("GET", "/v1/plans/p/tasks/crt", None, 422, "has no task 'crt'"),
            ("GET", "/v1/plans/q/tasks/cart", None, 422, "no plan 'q'"),
            ("GET", "/v1/plans/p/tasks/cart/log?after=-1", None, 422, "after: "),
            ("POST", "/v1/plans/p/tasks/cart/answer", {"text": ""}, 422, "text: "),
        ):
            answer = api.request(method, path, json=body)
            problem = answer.json()
            assert answer.status_code == status, (path, problem)
            assert problem.keys() == {"error", "exit_code", "problems"}, (path, problem)
            assert words in problem["error"], (path, problem)
            assert problem["exit_code"] == 2
        broken = api.post("/v1/plans", content=b"{", headers={"content-type": "application/json"})
        assert "the request is malformed" in broken.json()["error"]


def test_events_are_streamed_and_clients_that_go_away_do_no_harm(yard):
    plan = yard.plan({"a": f"{yard.waits('a')}; echo good > a.txt"})
    yard.clerk("start", str(plan))
    yard.begun("a")
    with yard.api() as api, api.stream("GET", "/v1/events?after=0") as early:
        assert early.headers["content-type"].startswith("text/event-stream")
        heard = [next(events(early))]
    for request in (
        b"GET /v1/events?after=0 HTTP/1.1\r\nhost: clerk\r\n\r\n",
        b"POST /v1/pla",
        b"\0\xff",
    ):
        with socket.socket(socket.AF_UNIX) as rude:
            rude.connect(yard.holder.socket)
            rude.send(request)
    with yard.api() as api, api.stream("GET", f"/v1/events?after={heard[0]['seq']}") as stream:
        yard.gate("a").touch()
        for event in events(stream):
            heard.append(event)
            if event["kind"] == "plan_settled":
                break
    assert [event["seq"] for event in heard] == list(range(1, len(heard) + 1)), "none is lost"
    moves = [event["data"]["to"] for event in heard if event["kind"] == "task_changed"]
    assert moves == ["running", "verifying", "verified"]
    with yard.api() as api:
        assert api.get("/v1/status").json()["engine"]["running"]
        with api.stream("GET", "/v1/events?after=0") as stream:
            yard.clerk("stop")
            kinds = [event["kind"] for event in events(stream)]
    assert "plan_settled" in kinds, "and the stream ends with its engine"


def events(response: httpx.Response):
    """The events of a stream, as long as it lasts."""
    for line in response.iter_lines():
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


def test_a_long_path(tmp_path, short_folder):
    """A socket's path is short; an engine of a deep repository listens in a temporary folder."""
    yard = Yard.make(tmp_path / ("deep-" * 20) / "repo")
    yard.clerk("start", TMPDIR=str(short_folder))
    assert Path(yard.holder.socket).is_relative_to(short_folder)
    assert stat.S_IMODE(Path(yard.holder.socket).parent.stat().st_mode) == 0o700
    yard.clerk("stop")
    assert list(short_folder.iterdir()) == []


def test_a_temporary_folder_too_deep_for_sockets_is_not_taken(tmp_path):
    deep = tmp_path / ("deep-" * 20)
    yard = Yard.make(deep / "repo")
    (deep / "t").mkdir()
    yard.clerk("start", TMPDIR=str(deep / "t"))
    socket = Path(yard.holder.socket)
    yard.clerk("stop")
    assert not socket.parent.exists()
    assert list((deep / "t").iterdir()) == []


@pytest.fixture
def short_folder():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_the_log_of_a_check_that_runs_is_read_as_it_grows(yard):
    told = f"echo first; {yard.waits('half')}; echo second; {yard.waits('rest')}"
    line = f"if [ -e a.txt ]; then {told}; fi; sh check.sh"
    yard.clerk("start", str(yard.plan({"a": "echo good > a.txt"}, checks={"unit": {"run": line}})))
    with yard.api() as api:

        def ask(at=0):
            query = {"check": "unit", "at": at}
            return api.get("/v1/plans/p/tasks/a/log/page", params=query).json()

        yard.begun("half")
        until_blocking(lambda: "first" in ask().get("text", ""))
        assert "second" not in ask()["text"]
        at = ask()["end"]
        yard.gate("half").touch()
        yard.begun("rest")
        until_blocking(lambda: "second" in ask(at).get("text", ""))
        yard.gate("rest").touch()
        yard.until("a", "verified")
        assert "first" in ask()["text"], "it ran last"


def test_the_log_of_a_check_that_has_not_begun_is_told_to_be_none(yard):
    yard.clerk("start", str(yard.plan({"a": f"{yard.waits('session')}; echo good > a.txt"})))
    yard.begun("session")
    with yard.api() as api:
        answer = api.get("/v1/plans/p/tasks/a/log/page", params={"check": "unit"})
    assert (answer.status_code, answer.json()["error"]) == (422, "check 'unit' has not begun")


def test_logs_are_read_page_by_page_and_nothing_else_is(yard):
    yard.write("check.sh", "cat numbers.txt; ! grep -L good *.txt | grep .\n")
    yard.commit("a check that talks")
    yard.git("branch", "-f", "main")
    yard.clerk("start", str(yard.plan({"a": "echo working; (echo good; seq 30000) > numbers.txt"})))
    yard.until("a", "verified")
    with yard.api() as api:

        def ask(**query):
            answer = api.get("/v1/plans/p/tasks/a/log/page", params=query)
            return answer.status_code, answer.json()

        verification = api.get("/v1/plans/p/tasks/a").json()["verifications"][-1]["id"]
        status, last = ask(verification=verification, check="unit", most=100)
        assert status == 200
        assert "29999\n30000\n" in last["text"]
        assert last["end"] == last["size"] > 100_000
        assert ask(attempt=1, raw=True)[1]["text"] == "working\n"
        assert "says working" in ask(attempt=1)[1]["text"]
        wanted = {"verification": verification, "check": "unit", "text": "12345"}
        found = api.get("/v1/plans/p/tasks/a/log/search", params=wanted).json()["at"]
        assert ask(verification=verification, check="unit", at=found)[1]["text"].startswith("12345")

        assert ask(check="unit", most=100)[1]["text"] == last["text"], "it ran last"
        for query in (
            {"check": "../unit"},
            {"check": "unit", "raw": True},
            {"verification": verification, "check": "../unit"},
            {"verification": verification, "check": "/etc/passwd"},
            {"verification": verification, "check": "%2e%2e%2f%2e%2e%2fclerk.db"},
            {"verification": verification + 1, "check": "unit"},
            {"attempt": 2},
            {"attempt": 1, "path": "/etc/passwd"},
            {"attempt": 1, "at": -1},
            {"attempt": "../1"},
        ):
            status, problem = ask(**query)
            assert status == 422, query
            assert problem["error"], query
        for path in ("a/log/../../../../../etc/passwd", "..%2f..%2fa/log/page", "a%00/log/page"):
            assert api.get(f"/v1/plans/p/tasks/{path}?attempt=1").status_code in {404, 422}, path

        log = yard.state / "logs/p/a/1/session.log"
        log.unlink()
        log.symlink_to("/etc/passwd")
        status, problem = ask(attempt=1, raw=True)
        assert (status, problem["error"]) == (422, "this log is not kept here")
        log.unlink()
        assert ask(attempt=1, raw=True)[0] == 422
