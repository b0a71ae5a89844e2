"""What is looked at in a worktree that a session left, before git gets any of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from orchestrator.git.admission import clear_pipes, special_file, with_markers


def test_no_mark_of_a_conflict_is_looked_for_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "marked").mkdir()
    (tmp_path / "marked/f").write_text("<<<<<<< a\n=======\n>>>>>>> b\n")
    top = tmp_path / "top"
    top.mkdir()
    (top / "x").symlink_to("../marked")
    (top / "f").symlink_to("../marked/f")
    shutil.copytree(tmp_path / "marked", top / "y")
    assert with_markers(top, ["x/f", "f", "y/f", "gone/f"]) == ("y/f",)


def test_pipes_are_found_below_very_many_folders(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(sys.getrecursionlimit() + 100):
        deep /= "d"
        deep.mkdir()
    os.mkfifo(deep / ".gitignore")
    assert special_file(tmp_path) == deep / ".gitignore"
    assert len(clear_pipes(tmp_path)) == 1
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)
