"""A replay script that is wrong fails its session with a sentence; it never hangs the engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.agents.protocol import Prompt
from orchestrator.agents.replay import ReplayAgent
from orchestrator.errors import UsageError
from orchestrator.plan.model import AgentProfile

from .plan_rows import FILES

BOMB = next(source for name, source, _ in FILES if name == "alias_bomb")


def step(line: str) -> bytes:
    return f"tasks: {{a: [{line}]}}".encode()


ROWS: tuple[tuple[str, bytes, str], ...] = (
    ("empty", b"", "tasks"),
    ("null", b"null", "tasks"),
    ("list", b"[]", "tasks"),
    ("text", b"hello", "tasks"),
    ("binary", b"\x00\x01\xff", ""),
    ("not_utf8", b"tasks: \xff", ""),
    ("alias_bomb", BOMB, "100,000 values"),
    ("alias_in_itself", b"tasks: &a {b: *a}", "inside of what it stands for"),
    ("deep", b"tasks: " + b"[" * 20_000, "deep"),
    ("large", b"#" * 20_000_000, "MB"),
    ("two_documents", b"tasks: {}\n---\ntasks: {}\n", "second document"),
    ("python_object", b"tasks: !!python/object/apply:os.system [id]", "tag"),
    ("no_steps", b"tasks: {a: []}", "tasks.a"),
    ("steps_that_are_text", b"tasks: {a: hello}", "tasks.a"),
    ("unknown_field", step("{rnu: x}"), "rnu"),
    ("negative_delay", step("{delay: -1}"), "delay"),
    ("endless_delay", step("{delay: .inf}"), "delay"),
    ("delay_that_is_none", step("{delay: .nan}"), "delay"),
    ("exit_out_of_range", step("{exit: 256}"), "exit"),
    ("exit_text", step("{exit: no}"), "exit"),
    ("usage_text", step("{usage: {input: many}}"), "input"),
    ("cost_that_is_none", step("{usage: {cost: .nan}}"), "cost"),
    ("missing_patch", step("{patch: nowhere.patch}"), "nowhere.patch"),
    ("patch_that_is_a_folder", step("{patch: .}"), "'.'"),
)


@pytest.mark.parametrize(("source", "word"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_a_wrong_script_is_one_error_that_names_the_file(tmp_path, source, word):
    path = tmp_path / "replay.yaml"
    path.write_bytes(source)
    refused(path, word)


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def absent(path: Path) -> None:
    """Nothing is there."""


@pytest.mark.parametrize(
    ("stands_there", "word"),
    [(folder, "a folder"), (pipe, "a pipe"), (device, "a device"), (absent, "no such file")],
)
def test_what_is_no_file_is_told(tmp_path, stands_there, word):
    path = tmp_path / "replay.yaml"
    stands_there(path)
    refused(path, word)


def refused(path: Path, word: str) -> None:
    agent = ReplayAgent(AgentProfile(type="replay", script=path.name))
    folder = path.parent
    prompt = Prompt(
        text="", path=path, plan="p", task="a", attempt=1, worktree=folder, plan_folder=folder
    )
    with pytest.raises(UsageError) as caught:
        agent.command(prompt)
    told = str(caught.value)
    assert "replay.yaml" in told
    assert word in told
    assert len(told) < 800
    assert told.isprintable()
