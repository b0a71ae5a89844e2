"""The doctor names what is missing and its mend, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from orchestrator.doctor import confinement, machine
from orchestrator.doctor.finding import Standing

NEEDED = ("git", "sh", "find", "rm", "cp", "prlimit", "setpriv", "python3", "uname")


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path with its size and time."""
    found = {str(path): path.lstat() for path in sorted(folder.rglob("*"))}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}


def examined(yard, *args: str, code: int = 0, cwd: Path | None = None, **env: str) -> dict:
    """What the doctor says, by name; of several the worst."""
    done = yard.clerk("doctor", *args, "--json", code=code, cwd=cwd, **env)
    order = list(Standing)
    found: dict[str, dict] = {}
    for finding in json.loads(done.stdout):
        held = found.get(finding["name"])
        if held is None or order.index(finding["standing"]) > order.index(held["standing"]):
            found[finding["name"]] = finding
    return found


def folder_of(programs: tuple[str, ...], place: Path) -> Path:
    """A PATH with nothing else on it."""
    place.mkdir()
    for name in programs:
        found = shutil.which(name)
        if found:
            (place / name).symlink_to(found)
    return place


def test_a_sound_machine_and_repository_are_told_in_lines_and_left_alone(yard):
    before = state_of(yard.home)
    done = yard.clerk("doctor")
    assert state_of(yard.home) == before
    lines = done.stdout.splitlines()
    assert all(line[0] in "✓! " for line in lines)
    told = " ".join(lines)
    for name in ("git", "bubblewrap", "sandbox", "disk", "memory", "socket", "database"):
        assert f" {name} " in told
    assert all(line.isprintable() for line in lines)


def test_it_works_where_there_is_no_repository(tmp_path, yard):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = examined(yard, cwd=elsewhere)
    assert found["repository"]["standing"] == "warn"
    assert "is not in a git repository" in found["repository"]["told"]
    asked = examined(yard, "--repo", str(elsewhere), code=4)
    assert asked["repository"]["standing"] == "missing"


def test_a_machine_without_bubblewrap_is_told_how_to_mend_that(yard, tmp_path):
    path = folder_of(NEEDED, tmp_path / "bin")
    found = examined(yard, PATH=str(path))  # the yard's setting is none: only a warning
    assert found["bubblewrap"]["standing"] == "warn"
    assert "bubblewrap" in found["bubblewrap"]["mend"]
    assert found["sandbox"]["standing"] == "warn"
    wanted = examined(yard, PATH=str(path), CLERK_SANDBOX="bubblewrap", code=4)
    assert wanted["sandbox"]["standing"] == "missing"


def test_a_machine_without_git_cannot_run_the_engine(yard, tmp_path):
    path = folder_of(("sh",), tmp_path / "bin")
    found = examined(yard, code=4, PATH=str(path))
    assert found["git"]["standing"] == "missing"
    assert found["git"]["mend"] == "install git 2.38 or newer"
    assert found["tools"]["standing"] == "warn"


def test_the_agents_of_a_plan_are_looked_for(yard):
    agents = {
        "sh": {"type": "command", "run": "sh {prompt_file}"},
        "absent": {"type": "command", "run": "no-such-agent {prompt_file}"},
        "replayed": {"type": "replay", "script": "nowhere.yaml"},
    }
    tasks = {name: {"do": "true", "agent": name} for name in agents}
    found = examined(yard, str(yard.plan(tasks, agents=agents)), code=4)
    assert found["agent sh"]["standing"] == "ok"
    assert "no-such-agent is not on PATH" in found["agent absent"]["told"]
    assert found["agent replayed"]["standing"] == "missing"


def test_what_a_plan_lends_is_looked_for(yard):
    (yard.home / ".netrc").write_text("login\n")
    needs = {"paths": ["~/.netrc"], "env": ["LENT"]}
    plan = str(yard.plan({"a": "true"}, worktree={"needs": needs}))
    assert "~/.netrc, LENT" in examined(yard, plan, LENT="1")["needs"]["told"]
    assert examined(yard, plan)["needs.env"]["standing"] == "warn"
    (yard.home / ".netrc").unlink()
    assert "~/.netrc is not there" in examined(yard, plan, code=4)["needs.paths"]["told"]


def test_a_login_is_found_and_never_shown(yard, tmp_path):
    path = tmp_path / "bin"
    path.mkdir()
    claude = path / "claude"
    claude.write_text("#!/bin/sh\necho '1.2.3 (Claude Code)'\n")
    claude.chmod(0o755)
    both = f"{path}:{os.environ['PATH']}"
    found = examined(yard, PATH=both, ANTHROPIC_API_KEY="very-secret")
    assert found["agent claude"]["standing"] == "ok"
    assert "1.2.3" in found["agent claude"]["told"]
    assert "$ANTHROPIC_API_KEY" in found["agent claude"]["told"]
    assert "very-secret" not in json.dumps(found)


def test_what_somebody_left_in_the_repository_is_told(yard):
    yard.git("config", "filter.lfs.clean", "git-lfs clean -- %f")
    yard.write(".git/index.lock", "")
    yard.write(".git/hooks/post-commit", "#!/bin/sh\n")
    (yard.path / ".git/hooks/post-commit").chmod(0o755)
    (yard.path / ".git/worktrees/half").mkdir(parents=True)
    found = examined(yard)
    assert "filters (lfs)" in found["repository"]["told"]
    assert "index.lock exists" in found["locks"]["told"]
    assert "post-commit: not run by the engine" in found["hooks"]["told"]
    assert "half is half-made" in found["worktrees"]["told"]


def test_what_would_refuse_a_plan_is_missing(yard):
    plan = str(yard.plan({"t": "true"}))
    yard.git("branch", "clerk", "main")
    assert "is in the way" in examined(yard, plan, code=4)["repository"]["told"]
    yard.git("branch", "-m", "clerk", "maim")
    yard.git("branch", "-D", "main")
    assert "did you mean 'maim'?" in examined(yard, plan, code=4)["repository"]["told"]


def test_a_wrong_setting_is_told(yard):
    found = examined(yard, code=4, CLERK_VERIFY_SLOTS="many")
    assert found["settings"]["standing"] == "missing"
    assert "CLERK_VERIFY_SLOTS" in found["settings"]["told"]


def test_a_database_is_looked_into(yard):
    yard.clerk("run", str(yard.plan({"t": "echo good > t.txt"})))
    assert "whole, schema" in examined(yard)["database"]["told"]
    database = yard.state / "clerk.db"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE meta SET value = 999 WHERE key = 'schema'")
    connection.close()
    found = examined(yard, code=4)
    assert "newer version" in found["database"]["told"]
    database.write_bytes(b"no database at all" * 500)
    assert examined(yard)["database"]["mend"].startswith("run the plan again")


def test_a_running_engine_is_named(yard):
    yard.clerk("start")
    assert f"pid {yard.holder.pid}" in examined(yard)["engine"]["told"]


def test_little_room_and_low_limits_are_told(yard):
    assert examined(yard, CLERK_DISK_RESERVE_BYTES=str(1 << 60))["disk"]["standing"] == "warn"
    line = f"ulimit -n 200; exec {sys.executable} -m orchestrator.cli doctor --json"
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=yard.path,
        env=yard.env(),
        capture_output=True,
        text=True,
        check=True,
    )
    limits = next(one for one in json.loads(done.stdout) if one["name"] == "limits")
    assert limits["standing"] == "warn"
    assert "only 200 open files" in limits["told"]


def test_where_apparmor_forbids_namespaces_its_profile_is_the_mend(monkeypatch, tmp_path):
    switch = tmp_path / "kernel/apparmor_restrict_unprivileged_userns"
    switch.parent.mkdir()
    switch.write_text("1\n")
    monkeypatch.setattr(confinement, "_KERNEL", tmp_path)
    monkeypatch.setattr(confinement.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(confinement.os, "geteuid", lambda: 1000)
    assert "apparmor_parser -r /etc/apparmor.d/bwrap" in confinement.mend_of_bubblewrap()
    switch.write_text("0\n")
    assert "container" in confinement.mend_of_bubblewrap()


def test_a_path_too_long_for_sockets_everywhere_is_missing(yard, monkeypatch):
    long = "x" * 120
    monkeypatch.setattr(machine.tempfile, "gettempdir", lambda: f"/{long}")

    class Ground:
        repository = None
        start = Path(f"/{long}")

    assert machine._unix(Ground()).standing is Standing.MISSING
