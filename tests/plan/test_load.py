"""From a file to a plan, or to every reason why not."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import ExitCode, PlanError
from orchestrator.plan.load import load_plan, parse_plan
from orchestrator.states import MergeMode

AGENTS = ("claude", "command", "replay")
REPORTS = {"junit": False}
WHOLE = """\
clerk: 1
name: shop
target: release/1.x
merge: auto
parallel: 2
agent: mine
agents:
  claude: {type: claude, model: sonnet}
  mine: {type: command, run: "my-agent {prompt_file}", prompt: stdin, args: ["-v"], env: {A: "1"}}
  told: {type: replay, script: replay.yaml}
  own: {type: "some.where:Agent"}
budget: {attempts: 5, wall: 45m, idle: 90, tokens: 400k, cost: 5.00}
worktree:
  copy: [.env]
  share: [node_modules]
  setup: ["npm ci"]
  env: {on: "yes", 8080: "no"}
checks:
  build: {kind: build, run: npm run build, timeout: 500ms}
  unit: {run: "pytest --junitxml={report}", report: junit, needs: [build]}
protect: ["plans/**"]
tasks:
  - id: cart
    title: Der Wagen 🛒
    brief: |
      Two
      lines.
    touches: [src/cart]
    done_when: [unit]
    priority: -2
    approve: yes
    budget: {wall: 2h}
  - {id: cart-api, title: t, brief: b, after: [cart], done_when: [unit], agent: told}
"""


def loaded(path):
    return load_plan(path, agents=AGENTS, reports=REPORTS)


def refusal(path):
    with pytest.raises(PlanError) as caught:
        loaded(path)
    assert caught.value.exit_code is ExitCode.BAD_USAGE
    return caught.value.problems


def test_a_whole_plan_is_read_with_its_units(plan_of):
    plan = plan_of(WHOLE)
    cart, api = plan.tasks
    assert plan.merge is MergeMode.AUTO
    assert (plan.budget.wall, plan.budget.idle, plan.budget.tokens) == (2700.0, 90.0, 400_000)
    assert plan.checks["build"].timeout == 0.5
    assert plan.worktree.env == {"on": "yes", "8080": "no"}
    assert plan.worktree.copy_ == (".env",)
    assert (cart.brief, cart.approve, cart.priority) == ("Two\nlines.\n", True, -2)
    assert plan.budget_of(cart).wall == 7200.0
    assert plan.budget_of(cart).attempts == 5
    assert plan.agent_of(cart)[1].prompt == "stdin"
    assert plan.agent_of(api)[0] == "told"
    assert plan.task("cart-api") is api


def test_a_built_in_agent_needs_no_profile(plan_of, small):
    plan = plan_of(small)
    name, profile = plan.agent_of(plan.tasks[0])
    assert (name, profile.type) == ("claude", "claude")


def test_an_unknown_task_is_a_key_error(plan_of, small):
    with pytest.raises(KeyError):
        plan_of(small).task("none")


def test_a_file_comes_with_its_text_hash_and_place(tmp_path, small, monkeypatch):
    (tmp_path / "p.yaml").write_text(small)
    monkeypatch.chdir(tmp_path)
    found = loaded(Path("p.yaml"))
    assert found.path == tmp_path / "p.yaml"
    assert found.source == small
    assert found.source_hash == hashlib.sha256(small.encode()).hexdigest()


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path, small, plan_of):
    path = tmp_path / "p.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + small.replace("\n", "\r\n").encode())
    assert loaded(path).plan == plan_of(small)
    assert loaded(path).source == small.replace("\n", "\r\n")
    source = loaded(path).source
    parsed = parse_plan(source, shown_path="x", agents=AGENTS, reports=REPORTS)
    assert parsed == plan_of(small)


def test_a_place_after_windows_line_ends_and_wide_letters_is_right(tmp_path, small):
    path = tmp_path / "p.yaml"
    text = small.replace("    brief: Make it.\n", "    brief: b\n    budget: {🛒: 1, b: 2}\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    first, second = refusal(path)
    assert first.startswith(f"{path}:10:14: task 'cart': budget: unknown field '🛒'")
    assert second.startswith(f"{path}:10:20: task 'cart': budget: unknown field 'b'")


def test_bytes_that_are_no_utf8_are_shown_with_their_place(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes(b"clerk: 1\nname: \xc3\xbc\xff\n")
    assert refusal(path) == (f"{path}:2:8: is not UTF-8: byte 0xff; save it as UTF-8",)


@pytest.mark.parametrize("codec", ["utf-16", "latin-1"])
def test_other_encodings_are_refused(tmp_path, small, codec):
    path = tmp_path / "p.yaml"
    path.write_bytes(small.replace("The cart", "Wägen").encode(codec))
    assert "is not UTF-8" in refusal(path)[0]


def test_a_missing_file_says_so(tmp_path):
    path = tmp_path / "none.yaml"
    assert refusal(path) == (f"{path}: cannot be read: there is no such file",)


def test_a_folder_is_no_plan(tmp_path):
    assert refusal(tmp_path) == (f"{tmp_path}: is a folder; name the plan file in it",)


def test_a_pipe_without_a_writer_does_not_hang(tmp_path):
    path = tmp_path / "p.yaml"
    os.mkfifo(path)
    assert refusal(path) == (f"{path}: is a pipe; name a file",)


def test_devices_and_sockets_are_refused(tmp_path, monkeypatch):
    assert refusal(Path("/dev/zero")) == ("/dev/zero: is a device; name a file",)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert "cannot be read" in refusal(Path("s"))[0]


def test_refusing_a_file_leaves_no_descriptor_open(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    refusal(tmp_path)
    refusal(tmp_path / "none")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_large_file_is_refused_unread(tmp_path):
    path = tmp_path / "p.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(path) == (f"{path}: is larger than 1 MB; split the plan",)


def test_a_file_of_exactly_the_limit_is_read(tmp_path, small):
    path = tmp_path / "p.yaml"
    path.write_text(small + "#" * (1_000_000 - len(small)))
    assert loaded(path).plan.name == "shop"


def test_a_path_with_escapes_is_told_harmlessly(tmp_path):
    path = tmp_path / "\x1b[31m.yaml"
    assert "\x1b" not in refusal(path)[0]


def test_a_plan_of_a_thousand_chained_tasks_loads(plan_of):
    lines = ["clerk: 1", "name: p", "checks: {c: {run: x}}", "tasks:"]
    lines += [
        f"  - {{id: t{n}, title: t, brief: b, done_when: [c], after: [{f't{n + 1}' if n < 999 else ''}]}}"
        for n in range(1000)
    ]
    assert len(plan_of("\n".join(lines)).tasks) == 1000


def told_of(source):
    try:
        parse_plan(source, shown_path="p", agents=AGENTS, reports=REPORTS)
    except PlanError as error:
        return error.problems
    return None


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_the_text_it_is_a_plan_or_a_refusal(data):
    lines = WHOLE.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[index])))
        junk = data.draw(st.text("[]{}:,*&!|>-#?'\"%@` \t\n\\0aé\x00\x1b", max_size=6))
        lines[index] = lines[index][:cut] + junk + lines[index][cut:]
    told = told_of("\n".join(lines))
    assert told is None or told
    assert all(line.startswith("p:") and line.isprintable() for line in told or ())
