"""Replayed agents: the script is checked, the player does what it says in a real repository."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.agents import replay_player
from orchestrator.agents.protocol import (
    AgentEvent,
    Asked,
    Failed,
    Finished,
    Message,
    Prompt,
    Started,
    UsageReported,
)
from orchestrator.agents.replay import ReplayAgent
from orchestrator.errors import UsageError
from orchestrator.plan.model import AgentProfile
from orchestrator.results import Usage

PATCH = """\
diff --git a/shop.txt b/shop.txt
index 3367afd..3e75765 100644
--- a/shop.txt
+++ b/shop.txt
@@ -1 +1 @@
-old
+new
"""
WHO = ("-c", "user.name=t", "-c", "user.email=t@example.org")


class Stage:
    """A repository, a script beside the plan, and one way to play it."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self.worktree = prompt.worktree
        self.git("init", "-q")
        (self.worktree / "shop.txt").write_text("old\n")
        self.git("add", "-A")
        self.git("commit", "-qm", "start")
        (prompt.plan_folder / "cart.patch").write_text(PATCH)

    def git(self, *args: str) -> str:
        command = ("git", *WHO, *args)
        return subprocess.run(
            command, cwd=self.worktree, check=True, capture_output=True, text=True
        ).stdout

    def play(self, script: str, **changes: object) -> tuple[int, list[AgentEvent]]:
        (self.prompt.plan_folder / "replay.yaml").write_text(script)
        agent = ReplayAgent(AgentProfile(type="replay", script="replay.yaml"))
        command = agent.command(Prompt(**{**as_dict(self.prompt), **changes}))  # type: ignore[arg-type]
        identity = {
            f"GIT_{who}_{what}": "t"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            command.argv,
            check=False,
            cwd=self.worktree,
            env={**os.environ, **identity, **command.env},
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = done.stdout.splitlines()
        return done.returncode, [event for line in lines for event in agent.read(line)]


def as_dict(prompt: Prompt) -> dict[str, object]:
    return {name: getattr(prompt, name) for name in prompt.__dataclass_fields__}


@pytest.fixture
def stage(prompt: Callable[..., Prompt]) -> Stage:
    return Stage(prompt())


def test_a_step_is_done_in_order_and_told(stage: Stage) -> None:
    code, events = stage.play("""
tasks:
  cart:
    - say: [One, "Two"]
      delay: 1ms
      patch: cart.patch
      run: ["grep -q new shop.txt", 'test -f "$CLERK_SCRIPT_DIR/cart.patch"']
      commit: "the total"
      usage: {input: 120, output: 8, cost: 0.04}
""")
    assert code == 0
    assert events[0] == Started("replay-cart-1")
    assert [event.text for event in events if isinstance(event, Message)] == ["One", "Two"]
    assert UsageReported(Usage(120, 8, 0.04)) in events
    assert events[-1] == Finished("Two")
    assert stage.git("log", "-1", "--format=%s") == "the total\n"
    assert stage.git("status", "--porcelain") == ""


def test_without_commit_the_work_is_left_uncommitted(stage: Stage) -> None:
    stage.play("tasks: {cart: [{patch: [cart.patch]}]}")
    assert stage.git("log", "--format=%s") == "start\n"
    assert (stage.worktree / "shop.txt").read_text() == "new\n"


def test_a_step_played_again_finds_nothing_left_to_commit(stage: Stage) -> None:
    script = "tasks: {cart: [{patch: cart.patch, commit: done}]}"
    assert stage.play(script)[0] == 0
    assert stage.play(script)[0] == 0
    assert stage.git("log", "--format=%s") == "done\nstart\n"


def test_each_attempt_has_its_step_and_the_last_repeats(stage: Stage) -> None:
    script = "tasks: {cart: [{say: first, exit: 3}, {say: second}]}"
    assert stage.play(script, attempt=1) == (3, [Started("replay-cart-1"), Message("first")])
    for attempt in (2, 7):
        code, events = stage.play(script, attempt=attempt, resume="kept")
        assert (code, events) == (0, [Started("kept"), Message("second"), Finished("second")])


def test_a_step_may_end_with_a_question(stage: Stage) -> None:
    code, events = stage.play("tasks: {cart: [{ask: Which?}]}")
    assert (code, events[-1]) == (0, Asked("Which?"))


def test_a_patch_that_does_not_apply_fails_the_session(stage: Stage) -> None:
    (stage.worktree / "shop.txt").write_text("else\n")
    stage.git("commit", "-qam", "else")
    code, events = stage.play("tasks: {cart: [{patch: cart.patch}]}")
    assert code == 1
    assert any(isinstance(event, Failed) and "git apply" in event.reason for event in events)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("tasks: {cart: [{sya: hi}]}", "tasks.cart.0.sya"),
        ("tasks: {cart: [{delay: soon}]}", "tasks.cart.0.delay"),
        ("tasks: {cart: [{exit: 300}]}", "tasks.cart.0.exit"),
        ("tasks: {cart: []}", "tasks.cart"),
        ("tasks: [", "replay.yaml"),
        ("tasks: {other: [{say: hi}]}", "no task 'cart'"),
        ("tasks: {cart: [{patch: gone.patch}]}", "'gone.patch' is no file"),
    ],
)
def test_a_wrong_script_is_one_clear_error(stage: Stage, script: str, words: str) -> None:
    with pytest.raises(UsageError, match=r"replay\.yaml") as caught:
        stage.play(script)
    assert words in str(caught.value)


def test_a_missing_script_is_named(prompt: Callable[..., Prompt]) -> None:
    agent = ReplayAgent(AgentProfile(type="replay", script="gone.yaml"))
    with pytest.raises(UsageError, match=r"gone\.yaml: there is no such file"):
        agent.command(prompt())


def test_the_player_needs_nothing_of_ours() -> None:
    source = Path(replay_player.__file__).read_text()
    assert "orchestrator" not in source
    assert "import subprocess" not in source
