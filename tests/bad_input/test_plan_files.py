"""What stands at the plan's path may be anything but a file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from .plan_rows import SMALL


def absent(path: Path) -> None:
    """Nothing is there."""


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere.yaml")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def link_to_a_folder(path: Path) -> None:
    path.symlink_to(".")


def endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def endless_sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def database(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(100))


WORDS = {
    absent: "no such file",
    folder: "a folder",
    pipe: "a pipe",
    bound_socket: "cannot be read",
    dangling_link: "no such file",
    link_to_itself: "too many levels",
    link_to_a_folder: "a folder",
    endless_device: "a device",
    terminal: "p.yaml",
    endless_sparse_file: "1 MB",
    database: "U+0000",
}


@pytest.mark.parametrize("stands_there", WORDS)
@pytest.mark.parametrize("command", [("plan", "check"), ("plan", "show"), ("run",), ("start",)])
def test_what_is_no_file_is_told(here, clerk, unchanged, stands_there, command):
    path = here.home / "p.yaml"
    stands_there(path)
    demand = unchanged()
    clerk(*command, str(path)).refuses(2, "p.yaml", WORDS[stands_there])
    demand()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 300,
        "a/" * 3000,
        "p.yaml/more",
        "\x1b]0;x\x07",
        "a\nb",
        "\u202etxt",
        "\udcff",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("command", [("plan", "check"), ("run",)])
def test_a_path_that_cannot_be_is_told_harmlessly(here, clerk, unchanged, name, command):
    (here.home / "p.yaml").write_text(SMALL)
    demand = unchanged()
    clerk(*command, f"{here.home}/{name}").refuses(2, lines=20)
    demand()


def test_a_plan_nobody_may_read_is_told(here, clerk, monkeypatch):
    """Root may read anything, so the kernel's word is put in its mouth."""

    def forbidden(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("orchestrator.plan.source._read", forbidden)
    clerk("plan", "check", str(here.home / "p.yaml")).refuses(2, "permission denied")


def test_a_plan_that_shrinks_or_grows_while_it_is_read_is_read_once(here, clerk, monkeypatch):
    """What was judged is what is stored: the file is opened and read a single time."""
    path = here.home / "p.yaml"
    path.write_text(SMALL)
    opened = []
    really = os.open

    def counting(name: str | os.PathLike[str], flags: int, *more: int, **others: int) -> int:
        made = really(name, flags, *more, **others)
        if name != path:
            return made
        opened.append(name)
        path.with_suffix(".new").write_text("clerk: 2\n")
        path.with_suffix(".new").replace(path)
        return made

    monkeypatch.setattr("orchestrator.plan.source.os.open", counting)
    assert clerk("plan", "check", str(path)).code == 0
    assert opened == [path]
