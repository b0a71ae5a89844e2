"""What a person at a terminal sees of a run: a line a task, and a whole summary at the end."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import threading

import pytest

from orchestrator.events import EventKind
from orchestrator.site import Records

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read_all(terminal: int) -> str:
    told = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the other side has closed
            return told.decode("utf-8", "replace")
        if not piece:
            return told.decode("utf-8", "replace")
        told += piece


def on_a_terminal(yard, *args: str, typed: str = "") -> tuple[int, str]:
    """Run a clerk command with a terminal for all it says; its exit code and what was shown."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    with subprocess.Popen(
        yard.command(*args),
        cwd=yard.path,
        env=yard.env(TERM="xterm", COLUMNS="100", LINES="30"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        shown = read_all(ours)
        os.close(ours)
    return running.returncode, shown


def test_on_a_terminal_each_task_has_a_line_and_the_summary_stays(yard):
    plan = yard.plan({"a": "sleep 1; echo good > a.txt", "b": "echo good > b.txt"})
    code, shown = on_a_terminal(yard, "run", str(plan), "--merge", "auto")
    assert code == 0
    text = _ESCAPES.sub("", shown)
    assert re.search(r"● a\s+attempt 1", text), "a line while the session runs"
    assert re.search(r"✓ a\s+merged as [0-9a-f]{9}", text)
    assert "2 merged" in text
    assert "\x1b[?25h" in shown, "the cursor is given back"


def test_who_takes_back_what_others_need_is_asked_first(yard):
    tasks = {"a": "echo good > a.txt", "b": {"do": "echo good > b.txt", "after": ["a"]}}
    yard.clerk("run", str(yard.plan(tasks, merge="auto")))
    before = yard.git("rev-parse", "main")
    code, shown = on_a_terminal(yard, "revert", "a", typed="n\n")
    assert code == 0
    assert "b landed after it, needs it and stays on main" in shown
    assert "Take a back all the same?" in shown
    assert "nothing was taken back" in shown
    assert (yard.git("rev-parse", "main"), yard.holder) == (before, None)
    code, shown = on_a_terminal(yard, "revert", "a", typed="y\n")
    assert (code, yard.status()["a"]["reverted_commit"]) == (0, yard.git("rev-parse", "main"))


def test_an_interrupted_run_says_last_how_to_go_on(yard):
    plan = yard.plan({"a": yard.waits("a")})
    ours, theirs = pty.openpty()
    shown: list[str] = []
    reader = threading.Thread(target=lambda: shown.append(read_all(ours)))
    with subprocess.Popen(
        yard.command("run", str(plan)),
        cwd=yard.path,
        env=yard.env(TERM="xterm", COLUMNS="100", LINES="30"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        reader.start()
        yard.begun("a")
        running.send_signal(signal.SIGINT)
    reader.join()
    os.close(ours)
    assert running.returncode == 130
    _, _, after_the_lines = shown[0].rpartition("\x1b[?25h")
    assert "run the same command again to go on" in after_the_lines


def branches(yard) -> list[str]:
    return yard.git("for-each-ref", "--format=%(refname:short)", "refs/heads/clerk").split()


def spent_anew(yard, task: str) -> float:
    """The seconds in sessions since the plan was begun, by the log of the task's moves."""
    with Records.open_readonly(yard.state.parent) as records:
        moves = records.store.events(task=task, kind=EventKind.TASK_CHANGED, limit=10_000)
        began = records.book.record("p").started_at
        return sum(m.data["seconds"] for m in moves if m.at > began and m.data["from"] == "running")


def test_cleaning_removes_what_landed_and_keeps_every_commit(yard):
    plan = yard.plan({"a": "echo good > a.txt", "b": "echo bad > b.txt"})
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    lost = yard.git("rev-parse", "clerk/p/b")
    before = yard.git("for-each-ref")
    told = yard.clerk("clean", "--dry-run").stdout
    assert "would remove p/a" in told
    assert "p/b" not in told
    assert yard.git("for-each-ref") == before
    yard.clerk("clean")
    assert branches(yard) == ["clerk/p/b"]
    assert yard.clerk("clean").stderr == "nothing to remove\n"
    yard.clerk("clean", "--failed")
    assert branches(yard) == []
    assert lost in yard.git("for-each-ref", "--format=%(objectname)", "refs/clerk/keep")
    yard.clerk("clean", "--forget")
    assert yard.git("for-each-ref", "refs/clerk") == ""
    assert yard.status() == {}
    assert not list((yard.path / ".git/clerk/logs").iterdir())
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    assert len(yard.first_parents()) == 2, "what landed is there already"
    assert yard.status()["b"]["generating_seconds"] == pytest.approx(spent_anew(yard, "b"))
