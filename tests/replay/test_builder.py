"""What a replayed agent leaves in its worktree, by the program it runs and real git."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from history_replay.git import DEAF, SOMEBODY, environment, git
from history_replay.orders import BUILDER, story_of
from history_replay.yard import Yard


@dataclass(frozen=True)
class Bench:
    """A worktree of the clone, in which a change is made as a session would."""

    folder: Path
    story: Path

    def git(self, *args: str) -> str:
        return git(self.folder, *args)

    def build(self, change: str) -> str:
        done = subprocess.run(
            [sys.executable, "-I", str(BUILDER), str(self.story), change],
            cwd=self.folder,
            env=environment() | DEAF | SOMEBODY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert self.git("status", "--porcelain") == ""
        return done.stdout.strip()

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture
def bench(yard: Yard, tmp_path: Path) -> Bench:
    story = tmp_path / "story.json"
    story.write_text(json.dumps(story_of(yard)), encoding="utf-8")
    git(yard.clone, "worktree", "add", "--quiet", "-b", "work", str(tmp_path / "work"), yard.start)
    return Bench(tmp_path / "work", story)


def test_a_change_is_made_with_its_author_and_message(yard: Yard, bench: Bench) -> None:
    assert bench.build("c01") == "applied as it was"
    shown = bench.git("log", "-1", "--format=%s|%ae|%(trailers:key=Replays,valueonly)")
    assert shown.strip() == f"Please add-two|replay@example.org|{yard.picks[0].change.commit}"
    assert bench.git("diff", "--name-only", "HEAD^") == "words"


def test_binary_files_modes_renames_and_links_come_along(yard: Yard, bench: Bench) -> None:
    bench.build("c05")
    (pick,) = [pick for pick in yard.picks if pick.change.id == "c05"]
    for name in ("moved blob", "tool", "link to tool"):
        entry = ("ls-tree", "HEAD", "--", name)
        assert bench.git(*entry) == git(bench.folder, "ls-tree", pick.change.commit, "--", name)
    assert str((bench.folder / "link to tool").readlink()) == "tool"
    assert not (bench.folder / "blob").exists()


def test_what_does_not_apply_is_as_history_settled_it(bench: Bench) -> None:
    bench.build("c01")
    assert bench.build("c02") == "1 files did not apply"
    assert bench.text("words") == "one\ntwo\nthree\n"


def test_a_conflict_left_by_the_engine_is_settled_and_the_merge_concluded(bench: Bench) -> None:
    bench.build("c02")
    bench.git("switch", "--quiet", "--create", "landed", "main")
    bench.build("c01")
    bench.git("switch", "--quiet", "work")
    subprocess.run(
        ["git", "merge", "--quiet", "landed"], cwd=bench.folder, env=environment(), check=False
    )
    assert bench.build("c02") == "1 files are as history has them"
    assert bench.text("words") == "one\ntwo\nthree\n"
    assert len(bench.git("log", "-1", "--format=%P").split()) == 2


def test_the_newest_change_that_is_here_says_how_history_settled_it(bench: Bench) -> None:
    """c01 comes after c02 here: its own merge knew nothing of that."""
    bench.build("c02")
    assert bench.build("c01") == "1 files did not apply"
    assert bench.text("words") == "one\ntwo\nthree\n"


def test_what_is_red_becomes_what_history_made_of_it(bench: Bench) -> None:
    bench.build("c03")
    bench.build("c04")
    assert bench.text("uses/second") == "old\n"
    assert bench.build("c04") == "1 files are as history has them"
    assert bench.text("uses/second") == "new\n"


def test_what_is_red_for_the_file_of_another_takes_that_too(bench: Bench) -> None:
    bench.build("c04")
    bench.build("c03")
    assert bench.text("uses/second") == "old\n"
    assert bench.build("c03") == "4 files are as history has them"
    assert bench.text("uses/second") == "new\n"


def test_a_file_that_history_has_no_more_is_removed(bench: Bench) -> None:
    """Renamed by c03, and changed by what has landed before it."""
    (bench.folder / "has" / "old").write_text("changed\n", encoding="utf-8")
    bench.git("commit", "--quiet", "--all", "--message=in the way")
    bench.git("rm", "--quiet", "has/old")
    bench.git("commit", "--quiet", "--message=and gone")
    bench.build("c03")
    assert bench.git("ls-tree", "-r", "--name-only", "HEAD", "has").split() == ["has/new"]


def test_nothing_is_left_to_do_where_it_is_there_already(bench: Bench) -> None:
    (bench.folder / "words").write_text("one\ntwo\n", encoding="utf-8")
    bench.git("commit", "--quiet", "--all", "--message=somebody was quicker")
    before = bench.git("rev-parse", "HEAD")
    bench.build("c01")
    assert bench.git("rev-parse", "HEAD") == before
