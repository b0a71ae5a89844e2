"""The real Claude Code where it is meant to run: in the sandbox, its key outside."""

from __future__ import annotations

import re

import pytest
from real_agents.conftest import QUIET
from real_agents.model_stub import Turn

pytestmark = pytest.mark.slow

KEY = "sk-ant-made-up-and-secret"
LOOK = (
    "env; cat ~/.claude/.credentials.json ~/secret; ls -a ~ /root;"
    " curl -sS -m 3 http://127.0.0.1:1/; git log --all --oneline; echo looked"
)
BAD = Turn("I look around and write it.", bash=f"({LOOK}) 2>&1; echo bad > a.txt")
MEND = Turn(
    "I mend it.", bash="echo good > a.txt && git add -A && git commit -qm mend && git stash list"
)
DONE = Turn("It is done.", fresh=500, cached=1500, output=10)


def test_a_sandboxed_session_works_resumes_and_never_sees_the_key(yard, model):
    (yard.home / "secret").write_text("of the user's own")
    model.plays(BAD, DONE, MEND, DONE)
    plan = yard.plan(
        {"mend": ":"}, agent="claude", agents={"claude": {"type": "claude", "env": QUIET}}
    )
    settings = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": model.url, "CLERK_SANDBOX": "auto"}
    done = yard.clerk("run", str(plan), "--merge", "auto", **settings)
    assert "1 merged" in done.stdout
    assert yard.git("show", "main:a.txt") == "good"
    assert [attempt["sandbox"] for attempt in yard.attempts()] == ["bubblewrap", "bubblewrap"]
    first, second = yard.transcript(1), yard.transcript(2)
    assert re.search(r"started (\S+)", first)[1] == re.search(r"started (\S+)", second)[1]
    told = model.conversation(1)
    assert "looked" in told
    assert "of the user's own" not in told
    assert "did not pass" in model.conversation(2)
    assert model.keys == {KEY}
    kept = [path for path in yard.state.rglob("*") if path.is_file()]
    assert not [path for path in kept if KEY.encode() in path.read_bytes()]
    assert KEY not in told
