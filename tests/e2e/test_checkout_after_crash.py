"""The user's checkout follows the target, even when the engine dies between the two."""

from __future__ import annotations

import subprocess
import sys

DIES_BEFORE_THE_FILES = """
import os, sys
from orchestrator.cli import obey
from orchestrator.git.landing import Landing

async def die(*_):
    os._exit(9)

Landing.fast_forward = die
obey(sys.argv[1:])
"""


def dies_between_the_target_and_the_files(yard, *order):
    died = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_THE_FILES, *order],
        cwd=yard.path,
        env=yard.env(),
        capture_output=True,
        check=False,
    )
    assert died.returncode == 9
    assert yard.git("show", "main:one.txt") == "good", "the target has moved"
    assert not (yard.path / "one.txt").exists(), "the files have not"


def test_a_checkout_left_behind_by_a_crash_is_brought_along_at_the_next_start(yard):
    yard.git("checkout", "-q", "main")
    plan = yard.plan(
        {"one": "echo good > one.txt", "two": {"do": "echo good > two.txt", "after": ["one"]}}
    )
    order = ["run", str(plan), "--merge", "auto", "--update-checkout"]
    dies_between_the_target_and_the_files(yard, *order)
    yard.clerk(*order)
    assert yard.git("status", "--porcelain") == ""
    assert {task["state"] for task in yard.status().values()} == {"merged"}


def test_a_checkout_that_cannot_be_brought_along_keeps_no_engine_from_starting(yard):
    yard.git("checkout", "-q", "main")
    order = ["run", str(yard.plan({"one": "echo good > one.txt"})), "--merge", "auto"]
    order.append("--update-checkout")
    dies_between_the_target_and_the_files(yard, *order)
    (yard.path / ".git" / "index").write_bytes(b"damaged")
    yard.clerk(*order)
    assert yard.status()["one"]["state"] == "merged"


SWITCHED_AS_IT_MOVES = """
import subprocess, sys
from orchestrator.cli import obey
from orchestrator.git.landing import Landing

land = Landing.land

async def late(self, *args, **more):
    subprocess.run(["git", "checkout", "-q", "main"], check=True)
    await land(self, *args, **more)

Landing.land = late
sys.exit(obey(sys.argv[1:]))
"""


def switches_to_the_target_as_it_moves(yard, *order):
    done = subprocess.run(
        [sys.executable, "-c", SWITCHED_AS_IT_MOVES, *order],
        cwd=yard.path,
        env=yard.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert yard.status()["one"]["state"] == "merged"


def test_who_switches_to_the_target_as_it_moves_is_told_what_to_do(yard):
    """Between the last look and the move: their files would show what landed as taken back."""
    order = ["run", str(yard.plan({"one": "echo good > one.txt"})), "--merge", "auto"]
    switches_to_the_target_as_it_moves(yard, *order)
    told = yard.status()["one"]["reason"]
    assert "was switched to main as it moved; there: git -C " in told
    subprocess.run(["sh", "-c", told.partition("there: ")[2]], cwd=yard.path, check=True)
    assert yard.git("status", "--porcelain") == ""


def test_with_leave_whoever_switches_as_it_moves_is_brought_along(yard):
    order = ["run", str(yard.plan({"one": "echo good > one.txt"})), "--merge", "auto"]
    switches_to_the_target_as_it_moves(yard, *order, "--update-checkout")
    assert yard.git("status", "--porcelain") == ""
    assert (yard.path / "one.txt").read_text() == "good\n"
