"""The main job in the sandbox that is chosen where nobody says which, and what is lent to it."""

from __future__ import annotations

import shutil
import signal
import sys
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from e2e.conftest import Yard
from sandboxes.conftest import leave_out
from waiting import until_blocking

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs namespaces")


@dataclass(frozen=True)
class Enclosed(Yard):
    """A yard whose agents and checks are confined; their scripts are lent to them."""

    def env(self, **more: str) -> dict[str, str]:
        env = super().env(**more)
        if "CLERK_SANDBOX" not in more:
            del env["CLERK_SANDBOX"]
        return env

    def plan(self, tasks, checks=None, **more) -> Path:
        path = super().plan(tasks, checks, **more)
        document = yaml.safe_load(path.read_text())
        needs = document["worktree"].setdefault("needs", {})
        needs["paths"] = [*needs.get("paths", []), str(self.home / "scripts")]
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def land(self, *args: str, code: int = 0, **env: str):
        """Run the plan at its path to its end, merging what is proven."""
        return self.clerk("run", *args, "--merge", "auto", code=code, **env)


@pytest.fixture
def yard(tmp_path: Path):
    if not shutil.which("bwrap"):
        leave_out("bwrap is not installed")
    made = Enclosed.make(tmp_path / "ein Hof\nfür zwei")
    yield made
    made.end_engine()


GOOD = "echo good > a.txt"


def test_a_plan_goes_in_and_proven_branches_come_out_merged(yard):
    plan = yard.plan(
        {
            "a": [f"echo bad > a.txt; {COMMIT}", GOOD],
            "b": {"do": "echo good > b.txt; git add -A; git commit -qm b", "after": ["a"]},
        },
        checks={"unit": {"run": "sh check.sh && git log --oneline | grep -q . && test ! -w /etc"}},
    )
    done = yard.land(str(plan))
    assert "2 merged" in done.stdout
    assert all(yard.passes(commit) for commit in yard.first_parents())
    assert yard.status()["a"]["attempts_used"] == 2
    assert yard.clerk("status", "a").stdout.count(", in bubblewrap") == 2
    assert yard.git("status", "--porcelain") == ""
    yard.git("fsck", "--strict", "--no-dangling")


COMMIT = "git add -A && git commit -qm work"


def test_unconfined_runs_say_so_wherever_they_are_shown(yard):
    plan = yard.plan({"a": GOOD})
    done = yard.land(str(plan), "--sandbox", "none")
    assert "this run had no sandbox" in done.stdout
    assert "run without a sandbox, with your rights" in done.stderr
    assert ", no sandbox" in yard.clerk("status", "a").stdout
    assert yard.status()["a"]["sandbox"] == "none"


def test_what_was_verified_without_a_sandbox_is_verified_again_in_one(yard):
    checks = {"unit": {"run": '[ -d "$GATES" ] && sh check.sh'}}
    first = yard.plan({"a": "true"}, checks=checks, name="p1")
    second = yard.plan({"a": "true"}, checks=checks, name="p2")
    for plan, told, sandbox in ((first, "passes", "none"), (second, "does not pass", "auto")):
        done = yard.clerk("run", str(plan), "--sandbox", sandbox, code=None)
        assert f"main {told}" in done.stderr


def test_only_what_is_lent_is_there(yard):
    (yard.home / ".netrc").write_text("login\n")
    (yard.home / ".other").write_text("secret\n")
    (yard.home / "tools").mkdir()
    (yard.home / "tools" / "tool").write_text("tool\n")
    tell = (
        "cat ~/.netrc ~/tools/tool > a.txt; ls -A ~ >> a.txt; env | grep -E 'LENT|KEPT' >> a.txt; "
        "echo changed > ~/.netrc; echo changed > ~/tools/tool; "
        "rm -rf ~/tools 2>/dev/null; ln -s /etc ~/tools; echo good >> a.txt"
    )
    needs = {"paths": ["~/.netrc", "~/tools"], "env": ["LENT"]}
    plan = yard.plan(
        {"a": [tell, f"{tell}; echo again >> a.txt"]},
        checks={"unit": {"run": "grep -q again a.txt"}},
        worktree={"needs": needs},
    )
    yard.land(str(plan), LENT="1", KEPT="1")
    text = yard.git("show", "main:a.txt").splitlines()
    assert text[:2] == ["login", "tool"]
    assert "LENT=1" in text
    assert not {"KEPT=1", ".other"} & set(text)
    assert (yard.home / ".netrc").read_text() == "login\n"
    assert (yard.home / "tools" / "tool").read_text() == "tool\n"


def test_what_is_to_be_lent_and_is_not_there_starts_nothing(yard):
    plan = yard.plan({"a": GOOD}, worktree={"needs": {"paths": ["~/.no-such"]}})
    yard.land(str(plan), code=3)
    assert "'~/.no-such' is not on this machine" in yard.status()["a"]["reason"]


def test_a_session_cannot_make_the_engine_write_through_its_links(yard):
    (yard.home / "mine").mkdir()
    (yard.home / ".config" / "app").mkdir(parents=True)
    (yard.home / ".config" / "app" / "login").write_text("login\n")
    away = f"'{yard.home}/mine'"
    evil = (
        f"rm -rf ~/.config; ln -s {away} ~/.config; rm -rf .git 2>/dev/null; ln -s {away} out; true"
    )
    plan = yard.plan(
        {"a": [evil, f"rm -f out; {GOOD}; cat ~/.config/app/login >> a.txt"]},
        worktree={"needs": {"paths": ["~/.config/app/login"]}},
    )
    yard.land(str(plan))
    assert list((yard.home / "mine").iterdir()) == []
    assert yard.git("show", "main:a.txt") == "good\nlogin"


def test_a_setup_and_copies_are_there_and_the_originals_stay(yard):
    yard.write(".gitignore", ".env\nmodules\nmade\n")
    yard.git("checkout", "-q", "main")
    yard.commit("ignore")
    yard.git("checkout", "-q", "--detach")
    yard.write(".env", "KEY=1\n")
    yard.write("modules/m.js", "m\n")
    line = "cat .env modules/m.js made > a.txt; echo good >> a.txt; echo x >> .env; echo x >> modules/m.js"
    plan = yard.plan(
        {"a": line},
        checks={"unit": {"run": "sh check.sh && grep -qx KEY=1 .env && test -e made"}},
        worktree={"copy": [".env"], "share": ["modules"], "setup": ["echo made > made"]},
    )
    yard.land(str(plan))
    assert yard.git("show", "main:a.txt").split() == ["KEY=1", "m", "made", "good"]
    assert (yard.path / ".env").read_text() == "KEY=1\n"
    assert (yard.path / "modules/m.js").read_text() == "m\n"


def test_the_second_session_has_the_same_home_and_a_fresh_view(yard):
    first = "echo kept > ~/kept; git tag mine; git config user.name Evil; echo bad > a.txt"
    second = "cat ~/kept > b.txt; git tag >> b.txt; git config user.name >> b.txt; echo good | tee -a a.txt b.txt"
    plan = yard.plan({"a": [first, second]})
    yard.land(str(plan))
    text = yard.git("show", "main:b.txt").split()
    assert text[0] == "kept"
    assert not {"mine", "Evil"} & set(text)


def test_checks_see_nothing_of_the_architects_checkout(yard):
    yard.write("draft.txt", "draft\n")
    (yard.path / ".git/info/exclude").write_text("draft.txt\n")
    looks = (
        f"! cat '{yard.path}/draft.txt' && ! ls '{yard.state}/logs' && "
        f"! sh -c \"echo x > '{yard.path}/.git/objects/x'\" 2>/dev/null; "
        "git log -1 --format=%s && git update-ref refs/heads/main HEAD && sh check.sh"
    )
    plan = yard.plan({"a": GOOD}, checks={"unit": {"run": looks}})
    before = yard.git("rev-parse", "main")
    yard.land(str(plan))
    assert yard.git("rev-parse", "main~1") == before
    assert not (yard.path / ".git/objects/x").exists()


def test_a_killed_engine_loses_no_commit_of_a_session(yard):
    begins = f"{GOOD}; {COMMIT}; echo up > up; until [ -e go ]; do sleep 0.05; done"
    plan = yard.plan({"a": f"if [ -e up ]; then echo good > b.txt; else {begins}; fi"})
    run = yard.start("run", str(plan), "--merge", "auto")
    up = yard.home / f"{yard.path.name}.worktrees" / "p/a/up"
    until_blocking(up.exists)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    yard.land(str(plan))
    assert yard.git("show", "main:a.txt") == "good"
    assert "work" in yard.git("log", "--format=%s", "main").split("\n")


@pytest.fixture
def served(tmp_path: Path):
    """A host and port of this machine where a server answers."""
    (tmp_path / "www").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"localhost:{server.server_address[1]}"
        server.shutdown()


def test_what_the_sandbox_refused_is_on_the_tasks_page(yard, served):
    agents = {
        "listed": {
            "type": "command",
            "run": "curl -fsS http://example.org/",
            "needs": {"network": [served]},
        },
        "closed": {"type": "command", "run": "curl -fsS http://example.org/"},
    }
    tasks = {name: {"do": "true", "agent": name} for name in agents}
    plan = yard.plan(tasks, agent="listed", agents=agents, budget={"attempts": 1})
    yard.land(str(plan), code=1)
    assert "! the sandbox refused to reach example.org" in yard.clerk("status", "listed").stdout
    assert "! the sandbox may be why it failed" in yard.clerk("status", "closed").stdout


def test_setup_has_the_network_the_plan_lists_everywhere_and_checks_have_none(yard, served):
    plan = yard.plan(
        {"a": GOOD},
        checks={"unit": {"run": f"cat fetched && ! curl -fsS -m 3 http://{served}/"}},
        worktree={
            "setup": [f"curl -fsS http://{served}/ -o fetched"],
            "needs": {"network": [served]},
        },
    )
    assert "1 merged" in yard.land(str(plan)).stdout
