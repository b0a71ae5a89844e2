"""Sessions that never end by themselves, spend too much, or cannot start: each ends, and is told."""

from __future__ import annotations

from waiting import is_gone

FOR_EVER = "exec sleep 100000"
CHATTY = "while :; do echo still at it; sleep 0.1; done"


def spends(**usage: float) -> str:
    """A session that tells what it has used, and goes on."""
    told = ", ".join(f'"{name}": {amount}' for name, amount in usage.items())
    return f"""echo '{{"clerk": {{{told}}}}}'; {FOR_EVER}"""


def test_every_limit_ends_a_session_and_says_which_it_was(yard):
    def marked(line: str, **budget: object) -> dict:
        return {"do": f'echo $$ > "$GATES/$CLERK_TASK.pid"; {line}', "budget": budget}

    plan = yard.plan(
        {
            "silent": marked(FOR_EVER, idle="3s"),
            "slow": marked(CHATTY, wall="4s"),
            "wordy": marked(spends(input_tokens=900, output_tokens=101), tokens=1000),
            "dear": marked(spends(cost_usd=1.01), cost=1.0),
            "absent": {"do": "true", "agent": "nobody"},
            "stubborn": marked(f"trap '' TERM; {CHATTY}", wall="4s"),
        },
        agents={
            "sh": {
                "type": "command",
                "run": "CLERK_TASK={task} exec sh $CLERK_SCRIPTS/{task}.{attempt}.sh",
            },
            "nobody": {"type": "command", "run": "no-such-agent --prompt {prompt_file}"},
        },
        parallel=6,
        budget={"attempts": 1},
    )
    yard.clerk("run", str(plan), code=1, CLERK_GRACE_SECONDS="0.5")
    tasks = yard.status()
    assert {task["state"] for task in tasks.values()} == {"failed"}
    reasons = {name: task["reason"] for name, task in tasks.items()}
    assert "fell silent and was stopped" in reasons["silent"]
    assert "ran out of time" in reasons["slow"]
    assert "ran out of time" in reasons["stubborn"]
    assert "over budget: used 1,001 tokens, 1,000 were left" in reasons["wordy"]
    assert "over budget: cost 1.01 USD, 1.00 were left" in reasons["dear"]
    assert "exited with 127" in reasons["absent"]
    assert "no-such-agent" in reasons["absent"]
    assert tasks["wordy"]["usage"] == {"input_tokens": 900, "output_tokens": 101, "cost_usd": 0.0}
    told = list((yard.home / "gates").glob("*.pid"))
    assert len(told) == 5
    assert all(is_gone(int(path.read_text())) for path in told)


def test_what_is_left_of_a_budget_counts_for_the_next_attempt(yard):
    spent = """echo '{"clerk": {"input_tokens": 600}}'; """
    plan = yard.plan(
        {"a": [f"{spent} echo bad > a.txt", f"{spent} exec sleep 100000"]},
        budget={"attempts": 3, "tokens": 1000},
    )
    yard.clerk("run", str(plan), code=1)
    task = yard.status()["a"]
    assert task["reason"] == "over budget: used 600 tokens, 400 were left"
    assert task["attempts_used"] == 2
    assert "400 tokens are left" in yard.prompt("a", 2)
