"""Agents, people, clocks and crashes in any order: what must hold, holds after each of them.

Hypothesis makes up the stories and shortens those that go wrong. The engine's parts are the real
ones, on a real repository and a real database; only processes of jobs are not (``desk``).
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path

import hypothesis
import yaml
from crash.desk import Crashed, Desk
from crash.invariants import (
    Stored,
    assert_heads_are_kept,
    assert_moves_are_legal,
    assert_stores_are_sound,
)
from e2e.conftest import GIT_ENV, Yard
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orchestrator.api.models import SubmitPlan, TaskSelection
from orchestrator.errors import UsageError
from orchestrator.site import CANDIDATE
from orchestrator.states import TaskState, Verdict
from orchestrator.supervision.job import Exit

DEEDS = ("commit", "leave", "spoil", "rival", "share", "rewind", "nothing", "fail")
MOST_TASKS = 5
FUSE = st.sampled_from([0, 0, 0, 1, 2, 3, 5, 8, 13, 21])
"""After how many crash points the engine dies; 0 for not at all."""


class Story(RuleBasedStateMachine):
    """The model: the target as it was last seen, and what of it people did."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="story-"))
        self.yard = Yard.make(self._folder / "a repo")
        self.now, self.acts = 1_700_000_000.0, 0
        self.dead: list[Desk] = []
        self.users = set(self.yard.first_parents())
        self.line, self.dropped = self.yard.first_parents(), set[str]()
        self.tasks: list[str] = []
        self.desk = self._open()

    # The engine.

    def _open(self) -> Desk:
        return Desk(self.yard.path / ".git", lambda: self.now)

    def _do(self, order=None, fuse: int = 0) -> None:
        """An order; where the engine dies of it, another takes its place."""
        try:
            self.desk.do(order, fuse)
        except Crashed:
            self._succeed(fuse)

    def _succeed(self, fuse: int) -> None:
        """The next engine, and the one after where that dies while it mends."""
        self.dead.append(self.desk)
        while True:
            self.desk = self._open()
            try:
                self.desk.start(fuse)
            except Crashed:
                self.dead.append(self.desk)
                fuse = 0
            else:
                return

    @initialize(merge=st.sampled_from(["auto", "manual"]), fuse=FUSE)
    def begin(self, merge: str, fuse: int) -> None:
        self.merge = merge
        self.desk.start()
        self.add(fuse)

    @precondition(lambda self: len(self.tasks) < MOST_TASKS)
    @rule(fuse=FUSE)
    def add(self, fuse: int) -> None:
        """The plan grows by two tasks, the second after the first, unless work is in hand."""
        first = len(self.tasks)
        wanted = [*self.tasks, f"t{first}", f"t{first + 1}"]
        with suppress(UsageError):
            self._submit(wanted, fuse)
            self._submit(wanted, 0)
        self.tasks = [task.id for task in self.desk.records.store.tasks("p")]

    def _submit(self, wanted: list[str], fuse: int) -> None:
        document = {
            "clerk": 1,
            "name": "p",
            "agent": "sh",
            "agents": {"sh": {"type": "command", "run": "true"}},
            "checks": {"unit": {"run": "sh check.sh"}},
            "budget": {"attempts": 3},
            "tasks": [self._task(name) for name in wanted],
        }
        request = SubmitPlan(
            source=yaml.safe_dump(document),
            path="p.yaml",
            folder=str(self._folder),
            merge=self.merge,
            sandbox="none",
            accept_changes=True,
        )
        self._do(lambda: self.desk.submissions.submit(request), fuse)

    def _task(self, name: str) -> dict[str, object]:
        number = int(name[1:])
        after = [f"t{number - 1}"] if number % 2 else []
        told = {"id": name, "title": name, "brief": name, "done_when": ["unit"]}
        return {**told, "after": after}

    # Agents.

    @precondition(lambda self: self.desk.hands.sessions)
    @rule(which=st.integers(0, 9), deed=st.sampled_from(DEEDS), fuse=FUSE)
    def work(self, which: int, deed: str, fuse: int) -> None:
        """A session does something and ends."""
        names = sorted(self.desk.hands.sessions)
        name = names[which % len(names)]
        told, folder = self.desk.hands.sessions[name]
        code = self._deed(deed, name, folder)

        async def end() -> None:
            told.set_result(Exit(code=code))

        self._do(end, fuse)

    def _deed(self, deed: str, name: str, folder: Path) -> int:
        self.acts += 1
        if deed == "rewind":
            if _is_merging(folder):  # git would not let it amend
                _git(folder, "merge", "--abort")
            _git(folder, "commit", "-q", "--amend", "-m", f"{name} anew", "--allow-empty")
        elif deed in {"commit", "leave", "spoil", "rival", "share"}:
            text = {"spoil": "bad\n", "rival": f"good rival {self.acts}\n"}.get(
                deed, f"good {self.acts}\n"
            )
            (folder / f"{name}.txt").write_text(text)
            shared = folder / "same.txt"
            if deed == "share" or (shared.exists() and "<<<<" in shared.read_text()):
                shared.write_text(f"good {name} {self.acts}\n")
            if deed != "leave":
                _git(folder, "add", "-A")
                _git(folder, "commit", "-q", "--allow-empty", "-m", f"{name} {self.acts}")
        return 3 if deed == "fail" else 0

    # People.

    @rule(which=st.integers(0, 9), order=st.sampled_from(["retry", "note", "pause", "resume"]), fuse=FUSE)  # fmt: skip
    def order(self, which: int, order: str, fuse: int) -> None:
        name = self.tasks[which % len(self.tasks)]

        async def give() -> None:
            orders = self.desk.orders
            if order in {"retry", "note"}:
                orders.retry("p", name, "more" if order == "note" else "")
            else:
                orders.pause("p", name if which % 2 else None, paused=order == "pause")

        self._do(give, fuse)

    @rule(which=st.integers(0, 9), fuse=FUSE)
    def cancel(self, which: int, fuse: int) -> None:
        name = self.tasks[which % len(self.tasks)]
        self._do(lambda: self.desk.orders.cancel("p", name), fuse)

    @rule(fuse=FUSE)
    def land(self, fuse: int) -> None:
        async def give() -> None:
            self.desk.orders.merge("p", TaskSelection(all=True))

        self._do(give, fuse)

    @rule(name=st.sampled_from(["same.txt", "user.txt"]))
    def commit(self, name: str) -> None:
        """A person commits to the target, perhaps where tasks write, too."""
        self.acts += 1
        self.yard.git("checkout", "-q", "--detach", "main")
        self.yard.write(name, f"good user {self.acts}\n")
        self.users.add(self.yard.commit(f"a person's {self.acts}"))
        self.yard.git("update-ref", "refs/heads/main", "HEAD")
        self._person_moved_the_target()

    @precondition(lambda self: len(self.line) > 1)
    @rule(back=st.integers(1, 3))
    def reset(self, back: int) -> None:
        """A person takes the newest commits of the target away."""
        self.yard.git("update-ref", "refs/heads/main", self.line[max(0, len(self.line) - 1 - back)])
        self._person_moved_the_target()

    def _person_moved_the_target(self) -> None:
        line = self.yard.first_parents()
        self.dropped |= set(self.line) - set(line)
        self.dropped -= set(line)
        self.line = line
        self._do(self._look)

    # The machine.

    async def _look(self) -> None:
        """What the engine does every few seconds, whatever happens."""
        await self.desk.scheduler._works.free_held()
        await self.desk.scheduler._works.survey_all()
        self.desk.scheduler.wake()

    @rule(seconds=st.sampled_from([-86_400.0, -5.0, 1.0, 30.0, 3600.0, 86_400.0]))
    def jump(self, seconds: float) -> None:
        self.now += seconds
        self._do(self._look)

    @rule(fuse=FUSE)
    def crash(self, fuse: int) -> None:
        """Between two steps, and perhaps again while that is mended."""
        self._succeed(fuse)

    # What must hold.

    @invariant()
    def holds(self) -> None:
        if not self.tasks:
            return
        stored = Stored.read(self.desk.records)
        self._assert_target_grew_by_proven_work(stored)
        assert_moves_are_legal(stored)
        assert_heads_are_kept(self.yard, stored, set())
        for event in stored.events:
            assert "a bug" not in event.message, event
        for task in stored.tasks:
            if task.state is TaskState.NEEDS_INPUT:
                assert task.reason, task

    def _assert_target_grew_by_proven_work(self, stored: Stored) -> None:
        line = self.yard.first_parents()
        assert line[: len(self.line)] == self.line, "what was on the target is gone"
        for commit in line[len(self.line) :]:
            self._assert_proven(commit, stored)
        self.line = line
        names = self.yard.git(
            "log", "--first-parent", "--format=%(trailers:key=Clerk-Task,valueonly)", "main"
        ).split()
        assert max(Counter(names).values(), default=0) <= 1, f"landed twice: {names}"
        for task in stored.tasks:
            if task.state is TaskState.MERGED:
                assert task.merged_commit in {*line, *self.dropped}, f"{task.id} did not land"

    def _assert_proven(self, commit: str, stored: Stored) -> None:
        tree = self.yard.git("rev-parse", f"{commit}^{{tree}}")
        proofs = [(v.purpose, v.commit, v.tree, v.verdict) for v in stored.verifications]
        assert (CANDIDATE, commit, tree, Verdict.PASSED) in proofs, f"{commit} was not verified"
        red = self.yard.git("grep", "-L", "good", commit, "--", "*.txt", check=False)
        assert not red, f"{commit} is red: {red}"
        rivals = self.yard.git("grep", "-l", "rival", commit, "--", "*.txt", check=False).split()
        assert len(rivals) <= 1, f"{commit} is red: {rivals}"
        assert [t.id for t in stored.tasks if commit in {t.merged_commit, t.intent}], commit

    def teardown(self) -> None:
        try:
            if self.tasks:
                self._assert_starting_again_changes_nothing()
                assert_stores_are_sound(self.yard)
        finally:
            for desk in (*self.dead, self.desk):
                desk.bury()
            shutil.rmtree(self._folder)
            self.dead.clear()
            gc.collect()

    def _assert_starting_again_changes_nothing(self) -> None:
        """The first one has mended and begun what is due; the second finds only dead sessions."""
        self._succeed(0)
        self._do(self._halt)
        self._succeed(0)
        before, refs = Stored.read(self.desk.records), self.yard.git("for-each-ref")
        self._succeed(0)
        after = Stored.read(self.desk.records)
        assert self.yard.git("for-each-ref") == refs
        for was, now in zip(
            (*before.tasks, *before.attempts, *before.verifications),
            (*after.tasks, *after.attempts, *after.verifications),
            strict=True,
        ):
            assert now == was, f"starting again changed {was} to {now}"

    async def _halt(self) -> None:
        self.desk.orders.pause("p", None, paused=True)


def _is_merging(folder: Path) -> bool:
    argv = ["git", "-C", str(folder), "rev-parse", "--git-path", "MERGE_HEAD"]
    told = subprocess.run(argv, check=True, capture_output=True, text=True)
    return (folder / told.stdout.strip()).exists()


def _git(folder: Path, *args: str) -> None:
    argv = ["git", "-C", str(folder), *args]
    subprocess.run(argv, env={"PATH": "/usr/bin:/bin", **GIT_ENV}, check=True, capture_output=True)


def tell(stories: int, steps: int, seed: int, *, shorten: bool) -> None:
    """Stories that depend on ``seed`` alone; the first that goes wrong is raised."""
    run_state_machine_as_test(
        hypothesis.seed(seed)(Story),
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink] if shorten else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def main() -> None:
    """Tell as many stories as the environment says; warnings are errors, but for what a crash leaves."""
    leftovers: list[object] = []
    sys.unraisablehook = leftovers.append
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "coroutine '.*' was never awaited", RuntimeWarning)
    warnings.filterwarnings("ignore", "subprocess .* is still running", ResourceWarning)
    stories, steps, seed = (
        int(os.environ[f"CLERK_STORIES{part}"]) for part in ("", "_STEPS", "_SEED")
    )
    tell(stories, steps, seed, shorten=bool(os.environ["CLERK_STORIES_SHORTEN"]))
    if leftovers:
        sys.exit(f"left behind: {leftovers}")


if __name__ == "__main__":
    main()
