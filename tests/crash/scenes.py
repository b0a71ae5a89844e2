"""What is run to its end in spite of everything: small plans that pass by every crash point.

A scene prepares a yard and gives the command lines that are then run in order, each until it
was not killed. The last of them must end with every task merged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crash.forks import RECOVER, Ended, Forks
from crash.invariants import Stored, assert_whole, marked
from e2e.conftest import Yard
from waiting import until_blocking

from orchestrator.crash_points import ORDER, RECORD
from orchestrator.errors import NothingStored
from orchestrator.events import EventKind
from orchestrator.states import TaskState

OID_LETTERS = 40
_A_PERSONS = {TaskState.NEEDS_INPUT, TaskState.FAILED}


@dataclass(frozen=True)
class Scene:
    """``prepare`` writes plans and returns the command lines; ``opening`` is a crash order that
    the first of them runs into before anything is tried, so that recovery has work."""

    name: str
    prepare: Callable[[Yard], Sequence[Sequence[str]]]
    opening: str = ""
    sandbox: str = "none"
    checked_out: bool = True


@dataclass
class Stage:
    """One scene in one yard, played by forked commands."""

    scene: Scene
    yard: Yard
    forks: Forks
    runs: int = 0
    heads: set[str] = field(default_factory=set)
    seen: list[Ended] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = list(self.scene.prepare(self.yard))
        self._users = set(self.yard.first_parents())
        if self.scene.opening:
            assert self.play(self.scene.opening), "the scene's opening never came"

    @classmethod
    def set(cls, scene: Scene, folder: Path, forks: Forks, **more: str) -> Stage:
        yard = Yard.make(folder / "a repo")
        if scene.checked_out:
            yard.git("checkout", "-q", "main")
        return cls(scene, yard, forks, **more)

    @property
    def line(self) -> Sequence[str]:
        """The command line that is to be run next."""
        return self._lines[0]

    def play(self, order: str = "", *, record: Path | None = None, mutant: str = "") -> bool:
        """Run what is left of the scene under a crash order; whether a kill struck."""
        crash = {ORDER: order, RECORD: str(record or "")}
        while self._lines:
            ended = self.run(self._lines[0], mutant=mutant, **crash)
            if ended.killed:
                return True
            if len(self._lines) == 1:
                return False
            self._lines.pop(0)
        return False

    def run(self, line: Sequence[str], *, mutant: str = "", **env: str) -> Ended:
        """One command, to its end and that of everything it had started."""
        self.start(line, mutant=mutant, **env)
        return self.end()

    def start(self, line: Sequence[str], *, mutant: str = "", **env: str) -> int:
        self.runs += 1
        full = self.yard.env(CLERK_SANDBOX=self.scene.sandbox, **env)
        return self.forks.begin(line, cwd=self.yard.path, env=full, mutant=mutant)

    def end(self) -> Ended:
        ended = self.forks.end()
        until_blocking(lambda: not marked(self.yard))
        self.heads |= set(
            self.yard.git("for-each-ref", "--format=%(objectname)", "refs/heads/clerk/p").split()
        )
        self.heads |= abroad(self.yard)
        self.seen.append(ended)
        return ended

    def asked(self) -> list[str]:
        """The tasks that wait for a person, each of which must say why."""
        try:
            tasks = self.yard.status()
        except NothingStored:  # it failed before anything was; ``finish`` looks closer
            return []
        waiting = [name for name, task in tasks.items() if task["state"] in _A_PERSONS]
        assert all(tasks[name]["reason"] for name in waiting), tasks
        return waiting

    def go_on(self, times: int) -> None:
        """A person sends on what waits for one, and the command is run again, some times over."""
        for _ in range(times):
            if self.seen[-1].code == 0:
                return
            if waiting := self.asked():
                self.run([RECOVER, *waiting])
            self.play()

    def finish(self, mutant: str = "") -> Stored:
        """To the end without a crash; then everything must hold, and starting again changes nothing."""
        self.play(mutant=mutant)  # also after a good end: what a fault left is the next start's
        last = self.seen[-1]
        assert last.code == 0, f"it did not finish: {last.said}"
        return self.judge(mutant)

    def judge(self, mutant: str = "") -> Stored:
        stored = assert_whole(self.yard, users=self._users, heads=self.heads)
        states = {task.id: task.state for task in stored.tasks}
        assert set(states.values()) == {TaskState.MERGED}, states
        assert not self.yard.git("status", "--porcelain"), "the checkout did not follow"
        self.assert_starting_again_changes_nothing(stored, mutant)
        return stored

    def assert_starting_again_changes_nothing(self, stored: Stored, mutant: str) -> None:
        refs = self.yard.git("for-each-ref")
        ended = self.run([RECOVER], mutant=mutant)
        assert ended.code == 0, ended.said
        again = Stored.of(self.yard)
        assert self.yard.git("for-each-ref") == refs
        assert (again.plans, again.tasks) == (stored.plans, stored.tasks)
        assert (again.attempts, again.verifications) == (stored.attempts, stored.verifications)
        new = again.events[len(stored.events) :]
        assert {event.kind for event in new} <= {EventKind.ENGINE_STARTED}, new


def abroad(yard: Yard) -> set[str]:
    """What sessions committed in private views that are not home yet, by their loose refs."""
    views = [record.with_suffix("") for record in yard.state.glob("enclosures/p/*/view.json")]
    places = [
        place
        for view in views
        for place in (*view.glob("worktrees/*/HEAD"), *view.glob("refs/**/*"))
        if place.is_file() and place.suffix != ".lock"
    ]
    return {oid for place in places if len(oid := place.read_text().strip()) == OID_LETTERS}


def recorded(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def _building(yard: Yard) -> Sequence[Sequence[str]]:
    """A retry that rewrites its branch, two that conflict, a dependency whose branch is taken already."""
    both = "echo good both > same.txt"
    plan = yard.plan(
        {
            "a": ["echo good a > same.txt", both],
            "b": [
                "echo bad > b.txt; git add -A; git commit -qm b || true",
                "git reset -q --hard $(git merge-base HEAD main); echo good > b.txt",
            ],
            "c": ["echo good c > same.txt", both],
            "d": {
                "do": "git checkout -q --detach; echo good > d.txt; git add -A; "
                "git diff --cached --quiet || git commit -qm d",
                "after": ["b"],
            },
        },
        budget={"attempts": 4},
    )
    tree = yard.git("rev-parse", "main^{tree}")
    stray = yard.git("commit-tree", tree, "-p", "main", "-m", "an older d")
    yard.git("branch", "clerk/p/d", stray)
    return [_run(plan)]


def _confined(yard: Yard) -> Sequence[Sequence[str]]:
    """Sessions that commit in a private view: on the branch, beside it, and a part not at all."""
    plan = yard.plan(
        {
            "a": "echo good > a.txt; git add -A; git commit -qm a; echo good more > more.txt",
            "b": "git checkout -q --detach; echo good > b.txt; git add -A; git commit -qm b; "
            "git tag beside $(git commit-tree HEAD^{tree} -p HEAD -m beside)",
        },
        worktree={"needs": {"paths": [str(yard.home / "scripts")]}},
    )
    return [_run(plan)]


def _editing(yard: Yard) -> Sequence[Sequence[str]]:
    """A plan that is done, and then edited: another task, and one more."""
    first = yard.plan({"a": "echo good > a.txt"})
    done = first.rename(first.with_name("first.yaml"))
    edited = yard.plan({"a": "echo good > a.txt", "b": "echo good > b.txt"})
    return [_run(done), _run(edited, "--accept-changes")]


def _proving(yard: Yard) -> Sequence[Sequence[str]]:
    """Tests that are written first, and others that are given; each is made green afterwards.

    And one who changes what no session may, and takes it back when told.
    """
    yard.write("b.test", "test -e b.txt\n")
    yard.write("law.md", "the law\n")
    yard.commit("the test of b")
    writes = 'if grep -q "Locked tests" "$1"; then echo good > {0}.txt; else {1}; fi'
    plan = yard.plan(
        {
            "a": {
                "do": writes.format("a", 'echo "test -e a.txt" > a.test'),
                "tests_first": {"paths": ["a.test"], "check": "unit"},
            },
            "b": {
                "do": writes.format("b", "false"),
                "done_when": ["unit", "given"],
                "tests_first": {"paths": ["b.test"], "check": "given", "given": True},
            },
            "c": "echo good > c.txt; if grep -q 'no session may change' \"$1\"; "
            "then git checkout -q main -- law.md; else echo mine > law.md; fi",
        },
        checks={
            "unit": {"run": "sh check.sh && { ! test -e a.test || sh a.test; }"},
            "given": {"run": "sh b.test"},
        },
        protect=["law.md"],
        agents={
            "sh": {"type": "command", "run": "sh $CLERK_SCRIPTS/{task}.{attempt}.sh {prompt_file}"}
        },
    )
    return [_run(plan)]


def _stacking(yard: Yard) -> Sequence[Sequence[str]]:
    """Two that conflict, each with one on top: what stands on the loser is carried onto its new head."""
    both = "echo good both > same.txt"
    top = {"stack": True, "do": "cat same.txt > {0}.txt; echo good > {0}.md"}
    plan = yard.plan(
        {
            "a": ["echo good a > same.txt", both],
            "c": ["echo good c > same.txt", both],
            "on-a": {**top, "after": ["a"], "do": top["do"].format("on-a")},
            "on-c": {**top, "after": ["c"], "do": top["do"].format("on-c")},
        },
        budget={"attempts": 4},
    )
    return [_run(plan)]


def _run(plan: Path, *more: str) -> list[str]:
    return ["run", str(plan), "--merge", "auto", "--update-checkout", *more]


BUILDING = Scene("building", _building)
EDITING = Scene("editing", _editing)
NOWHERE = Scene("nowhere", _building, checked_out=False)
"""The target is checked out nowhere: only the target itself tells what has landed."""
CONFINED = Scene("confined", _confined, sandbox="bubblewrap")
PROVING = Scene("proving", _proving)
STACKING = Scene("stacking", _stacking)
SCENES = (
    BUILDING,
    Scene("interrupted", _building, opening="kill session.ended:2"),
    Scene("landing", _building, opening="kill landing.after-cas:1"),
    EDITING,
    CONFINED,
    PROVING,
    STACKING,
)
