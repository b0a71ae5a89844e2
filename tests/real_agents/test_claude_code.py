"""The real Claude Code, through the real command line, against a model that follows a script."""

from __future__ import annotations

import re
import shutil
import signal
import time

import pytest
from real_agents.model_stub import Fault, Turn
from waiting import is_gone, until_blocking

pytestmark = pytest.mark.slow

BAD = Turn("I write it.", bash="echo bad > a.txt", fresh=2000, output=60)
MEND = Turn("I mend it.", bash="echo good > a.txt && git add -A && git commit -qm mend")
DONE = Turn("It is done.", fresh=500, cached=1500, output=10)


def session_id(transcript: str) -> str:
    return re.search(r"started (\S+)", transcript)[1]


def test_a_red_attempt_is_mended_by_the_same_session(yard, model):
    model.plays(BAD, DONE, MEND, DONE)
    done = yard.clerk("run", str(yard.claude_plan()), "--merge", "auto")
    assert "1 merged" in done.stdout
    task, (first, second) = yard.status()["mend"], yard.attempts()
    assert (task["state"], task["attempts_used"]) == ("merged", 2)
    assert yard.git("ls-tree", "-r", "--name-only", "main").split() == [
        "a.txt",
        "check.sh",
        "first.txt",
    ]
    assert yard.git("show", "main:a.txt") == "good"
    assert session_id(yard.transcript(1)) == session_id(yard.transcript(2))
    told = model.conversation(2)
    assert "I write it." in told
    assert "did not pass" in told
    assert (first["usage"]["input_tokens"], first["usage"]["output_tokens"]) == (2500, 70)
    assert (second["usage"]["input_tokens"], second["usage"]["output_tokens"]) == (1500, 60)
    assert 0 < second["usage"]["cost_usd"] < first["usage"]["cost_usd"] < 0.5
    lines = yard.transcript(1).splitlines()
    assert [line.split()[1] for line in lines if " used " not in line] == [
        "started",
        "says",
        "calls",
        "says",
        "finished",
        "ended",
        "all",  # … that was printed is there
    ]
    assert any("calls Bash echo bad > a.txt" in line for line in lines)


def test_a_refused_login_fails_with_its_reason(yard, model):
    model.plays(Fault(401, lasting=True))
    plan = yard.claude_plan(budget={"attempts": 2})
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    task = yard.status()["mend"]
    assert task["state"] == "failed"
    assert "refused the login (401" in task["reason"]
    assert [attempt["outcome"] for attempt in yard.attempts()] == ["failed", "failed"]
    assert len(model.asked) <= 6, "the client would ask eleven times in each"


def test_a_usage_limit_is_waited_for_and_counts_for_nothing(yard, model):
    reset = int(time.time()) + 5
    limits = {"": "rejected", "5h-": "rejected"}
    headers = {f"anthropic-ratelimit-unified-{k}status": v for k, v in limits.items()}
    headers |= {f"anthropic-ratelimit-unified-{k}reset": str(reset) for k in limits}
    headers |= {"anthropic-ratelimit-unified-representative-claim": "five_hour"}
    model.plays(Fault(429, headers | {"retry-after": "3600"}), MEND, DONE)
    plan = yard.claude_plan(
        env={"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-made-up"}
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    first, second = yard.attempts()
    assert (first["outcome"], first["counted"]) == ("rate_limited", False)
    assert second["started_at"] >= reset
    task = yard.status()["mend"]
    assert (task["state"], task["attempts_used"]) == ("merged", 1)


def test_a_rate_limit_that_passes_is_the_clients_own_affair(yard, model):
    model.plays(Fault(429, {"retry-after": "1"}), Fault(500), Fault(529), MEND, DONE)
    yard.clerk("run", str(yard.claude_plan()), "--merge", "auto")
    assert [attempt["outcome"] for attempt in yard.attempts()] == ["completed"]
    assert "rate-limited the service answered 429" in yard.transcript(1)


def test_a_question_goes_to_a_person_and_the_answer_back_into_the_session(yard, model):
    model.plays(Turn("There are two carts.\n\nCLERK-ASK: Which of the two carts?"))
    plan = str(yard.claude_plan())
    asked = yard.clerk("run", plan, "--merge", "auto", code=3)
    assert "Which of the two carts?" in asked.stdout
    model.plays(MEND, DONE)
    yard.clerk("answer", "mend", "The left one.")
    yard.until("mend", "merged")
    told = model.conversation(1)
    assert "There are two carts." in told
    assert "The left one." in told
    assert session_id(yard.transcript(1)) == session_id(yard.transcript(2))


def test_a_session_over_its_tokens_is_stopped_at_work(yard, model):
    model.plays(Turn(bash=yard.waits("never"), fresh=9000, output=2000))
    plan = yard.claude_plan(budget={"tokens": "10k"})
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    assert "over budget: used 11,000 tokens" in yard.status()["mend"]["reason"]
    assert yard.alive() == {}


def test_the_client_keeps_to_what_is_left_of_the_cost_when_resumed_too(yard, model):
    dear = Turn(bash="echo bad > a.txt", fresh=9000, output=2000)
    model.plays(dear, DONE, dear, dear, dear)
    plan = yard.claude_plan(budget={"cost": 0.1})
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    assert "over budget: cost" in yard.status()["mend"]["reason"]
    assert [attempt["outcome"] for attempt in yard.attempts()] == ["completed", "over_budget"]
    assert session_id(yard.transcript(1)) == session_id(yard.transcript(2))
    assert len(model.asked) == 3


def test_an_answer_outlives_the_conversation_that_asked_for_it(yard, model):
    model.plays(Turn("CLERK-ASK: Which of the two carts?"))
    plan = str(yard.claude_plan())
    yard.clerk("run", plan, "--merge", "auto", code=3)
    shutil.rmtree(yard.home / "agent/.claude/projects")
    model.plays(MEND, DONE)
    yard.clerk("answer", "mend", "The left one.")
    yard.until("mend", "merged")
    told = model.conversation(1)
    assert "Which of the two carts?" in told
    assert "The left one." in told
    assert session_id(yard.transcript(1)) != session_id(yard.transcript(3))


def test_the_engine_killed_leaves_no_agent_and_the_session_goes_on(yard, model):
    model.plays(Turn("I wait.", bash=f"echo half > half.md; {yard.waits('shell')}"))
    plan = str(yard.claude_plan())
    with yard.start("run", plan, "--merge", "auto") as running:
        shell = yard.begun("shell")
        claude = [number for number, line in yard.alive().items() if line.startswith("claude ")]
        assert len(claude) == 1
        until_blocking(lambda: yard.remembers("I wait."))  # the client keeps it when it gets round
        running.send_signal(signal.SIGKILL)
    until_blocking(lambda: is_gone(shell) and is_gone(claude[0]))
    until_blocking(lambda: not yard.alive())
    model.plays(MEND, DONE)
    yard.clerk("run", plan, "--merge", "auto")
    task = yard.status()["mend"]
    assert (task["state"], task["attempts_used"]) == ("merged", 1)
    assert yard.git("show", "main:half.md") == "half"
    assert session_id(yard.transcript(1)) == session_id(yard.transcript(2))
    told = model.conversation(1)
    assert "I wait." in told
    assert "interrupted from outside" in told
