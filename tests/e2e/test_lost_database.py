"""The database lost, damaged or older than git: nothing lands twice, no branch is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from waiting import until_blocking

COMMIT_B = "echo good > b.txt; git add -A; git commit -qm b"


def lose(yard) -> None:
    """Remove the database with all that belongs to it."""
    for file in yard.state.glob("clerk.db*"):
        file.unlink()


def garble(yard) -> None:
    for name in ("clerk.db", "clerk.db-wal"):
        (yard.state / name).write_bytes(os.urandom(20_000))


def lose_state(yard) -> None:
    shutil.rmtree(yard.state)


def landed(yard) -> list[str]:
    """The tasks that landed, in the target's own order."""
    told = "--format=%(trailers:key=Clerk-Task,valueonly,separator=)"
    return yard.git("log", "--first-parent", "--merges", "--reverse", told, "main").split()


def kill_run(yard, plan: Path, *gates: str, merge: str = "auto") -> None:
    """Run until sessions wait at ``gates``, then kill the engine and let its sessions be killed."""
    running = yard.start("run", str(plan), "--merge", merge)
    pids = [yard.begun(gate) for gate in gates]
    running.kill()
    running.communicate()
    for pid in pids:
        until_blocking(lambda pid=pid: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lose, marks=pytest.mark.slow),
        garble,
        pytest.param(lose_state, marks=pytest.mark.slow),
    ],
)
def test_a_lost_database_is_rebuilt_and_nothing_lands_twice(yard, harm):
    """One task has landed, one is at work with a commit and a file, one has not begun."""
    plan = yard.plan(
        {
            "first": "echo good > a.txt",
            "second": {
                "do": [
                    f"{COMMIT_B}; echo good > c.txt; {yard.waits('hold')}",
                    "echo never > never.txt",
                ],
                "after": ["first"],
            },
            "third": {"do": "echo good > d.txt", "after": ["second"]},
        }
    )
    kill_run(yard, plan, "hold")
    before, branches = yard.git("rev-parse", "main"), yard.git("for-each-ref", "refs/heads/clerk")
    assert landed(yard) == ["first"]
    harm(yard)
    done = yard.clerk("run", str(plan), "--merge", "auto")
    assert "3 merged" in done.stdout
    assert "rebuilt from git" in done.stderr
    assert landed(yard) == ["first", "second", "third"]
    assert yard.git("merge-base", "--is-ancestor", before, "main") == ""
    for line in branches.splitlines():
        yard.git("merge-base", "--is-ancestor", line.split()[0], "main")
    assert yard.git("show", "main:c.txt") == "good", "what lay uncommitted was taken up"
    assert yard.status()["second"]["attempts_used"] == 1, "it was not done again"
    assert "rebuilt from git on" in yard.clerk("status").stdout
    aside = [path.name for path in yard.state.iterdir() if "corrupt" in path.name]
    assert bool(aside) == (harm is garble)
    refs = yard.git("for-each-ref")
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.git("for-each-ref") == refs, "running again changes nothing"


@pytest.mark.slow
def test_sessions_go_on_counting_where_the_kept_heads_end(yard):
    plan = yard.plan(
        {"a": ["echo bad > a.txt", "echo worse > a.txt", "echo good > a.txt"]},
        budget={"attempts": 2},
    )
    yard.clerk("run", str(plan), code=1)
    kept = yard.git("for-each-ref", "refs/clerk/keep/p/a").splitlines()
    assert len(kept) == 2
    lose(yard)
    yard.clerk("run", str(plan), code=1)
    after = yard.git("for-each-ref", "refs/clerk/keep/p/a").splitlines()
    assert after[:2] == kept
    assert [line.rpartition("/")[2] for line in after] == ["1", "2", "3"]
    assert yard.status()["a"]["state"] == "failed", "one attempt was left to it, no fresh budget"


@pytest.mark.slow
def test_a_trailer_that_an_agent_wrote_is_no_landing(yard):
    """It claims in its own merge commit that the other task has landed; a person takes that in."""
    claim = "git commit -q --allow-empty -m x; git checkout -q -b side; "
    claim += "git commit -q --allow-empty -m y; git checkout -q -; "
    claim += (
        "git merge -q --no-ff side -m 'done' -m 'Clerk-Task: b\nClerk-Plan: p'; echo good >> a.txt"
    )
    plan = yard.plan({"a": claim, "b": "echo good > b.txt"})
    yard.clerk("run", str(plan))
    yard.git("update-ref", "refs/heads/main", "refs/heads/clerk/p/a")
    assert landed(yard) == ["b"]
    lose(yard)
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.git("show", "main:b.txt") == "good"


@pytest.mark.slow
def test_what_a_person_merged_by_hand_is_not_done_again(yard):
    plan = yard.plan({"a": ["echo good > a.txt", "echo again > again.txt"]})
    yard.clerk("run", str(plan))
    yard.git("checkout", "-q", "main")
    yard.git("merge", "-q", "--no-ff", "clerk/p/a", "-m", "by hand")
    yard.git("checkout", "-q", "--detach")
    lose(yard)
    tip = yard.git("rev-parse", "main")
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.git("rev-parse", "main") == tip
    assert yard.status()["a"]["state"] == "merged"


@pytest.mark.slow
def test_what_a_person_fast_forwarded_begins_anew_and_the_mend_is_told(yard):
    """Git says nothing of such a landing; a dependent must not wait for it for ever."""
    plan = yard.plan({"a": "echo good > a.txt", "b": {"do": "echo good > b.txt", "after": ["a"]}})
    yard.clerk("run", str(plan), code=3)
    yard.git("update-ref", "refs/heads/main", "refs/heads/clerk/p/a")
    lose(yard)
    done = yard.clerk("run", str(plan), "--merge", "auto", code=1)
    assert "perhaps taken in by hand" in done.stderr
    assert "remove it from the plan file" in done.stderr
    assert yard.status()["a"]["state"] == "failed"
    yard.plan({"b": "echo good > b.txt"})
    yard.clerk("run", str(plan), "--merge", "auto", "--accept-changes")
    assert yard.git("show", "main:b.txt") == "good"


@pytest.mark.slow
@pytest.mark.parametrize("when", ["fresh", "at work"])
def test_a_database_restored_from_an_old_copy_catches_up(yard, when):
    """The copy knows nothing of what landed since, or believes its session at work."""
    plan = yard.plan(
        {
            "a": [f"{yard.waits('a')}; echo good > a.txt", "echo again > again.txt"],
            "b": {"do": f"{yard.waits('b')}; echo good > b.txt", "after": ["a"]},
        }
    )
    copy = yard.home / "copy.db"
    running = yard.start("run", str(plan), "--merge", "auto")
    yard.begun("a")
    with sqlite3.connect(yard.state / "clerk.db") as database:
        database.execute("VACUUM INTO ?", (str(copy),))
    database.close()
    if when == "fresh":
        with sqlite3.connect(copy) as old:
            old.execute("DELETE FROM attempt")
            old.execute("UPDATE task SET state = 'pending', sessions = 0, base = ''")
        old.close()
    yard.gate("a").touch()
    yard.gate("b").touch()
    running.communicate()
    assert landed(yard) == ["a", "b"]
    lose(yard)
    copy.rename(yard.state / "clerk.db")
    tip = yard.git("rev-parse", "main")
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.git("rev-parse", "main") == tip
    assert {task["state"] for task in yard.status().values()} == {"merged"}


@pytest.mark.slow
def test_a_plan_forgotten_on_purpose_begins_anew(yard):
    plan = yard.plan({"a": "echo good > a.txt"})
    yard.clerk("run", str(plan), "--merge", "auto")
    yard.clerk("clean", "--forget")
    done = yard.clerk("run", str(plan), "--merge", "auto", code=None)
    assert "rebuilt" not in done.stderr + done.stdout


@pytest.mark.slow
def test_a_server_out_of_reach_is_refused_and_nothing_is_rebuilt(yard):
    pytest.importorskip("psycopg")
    plan = yard.plan({"a": "echo good > a.txt"})
    yard.clerk("run", str(plan), "--merge", "auto")
    refs = yard.git("for-each-ref")
    url = f"postgresql+psycopg://clerk:secret@/state?host={yard.home}"
    done = yard.clerk("run", str(plan), code=4, CLERK_DATABASE=url)
    assert "secret" not in done.stderr
    assert done.stderr.startswith("clerk: the database postgresql")
    assert yard.git("for-each-ref") == refs
    assert subprocess.run(["ls", yard.home / "state"], check=False, capture_output=True).returncode
