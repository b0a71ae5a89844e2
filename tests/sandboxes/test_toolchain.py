"""Which folders of programs a confined job may read: those on its path, and nothing beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.sandboxes.toolchain import (
    program_paths,
    search_path,
    tool_paths,
    tool_roots,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with programs, their libraries, and logins beside them."""
    for name in (".local/bin", ".local/lib", ".local/share/keys", ".tool/bin", ".tool/lib", ".ssh"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".tool/credentials").touch()
    return tmp_path


def found(home: Path, *folders: str, **env: str) -> set[str]:
    path = ":".join(str(home / folder) for folder in folders)
    shown = tool_paths({"PATH": path, "HOME": str(home), **env})
    return {str(place.relative_to(home)) for place in shown}


def test_libraries_come_with_their_programs_and_logins_do_not(home: Path) -> None:
    assert found(home, ".tool/bin") == {".tool/bin", ".tool/lib"}


def test_what_programs_of_the_users_share_is_not_shown(home: Path) -> None:
    assert found(home, ".local/bin") == {".local/bin", ".local/lib"}


def test_neither_a_home_nor_what_holds_it_is_ever_shown(home: Path) -> None:
    for path in (home, home.parent, Path("/")):
        assert tool_paths({"PATH": str(path), "HOME": str(home)}) == ()


def test_a_home_with_programs_right_in_it_shows_these_alone(home: Path) -> None:
    (home / "bin").mkdir()
    (home / "lib").mkdir()
    assert found(home, "bin") == {"bin"}


def test_an_installation_within_another_is_shown_with_it(home: Path) -> None:
    (home / ".pyenv/shims").mkdir(parents=True)
    (home / ".pyenv/libexec").mkdir()
    assert found(home, ".pyenv/shims") == {".pyenv"}
    assert tool_roots({"HOME": str(home)}) == {"PYENV_ROOT": home / ".pyenv"}


def test_a_virtual_environment_shows_whose_interpreter_it_borrows(home: Path) -> None:
    (home / "venv/bin").mkdir(parents=True)
    (home / "venv/pyvenv.cfg").write_text(f"home = {home}/.tool/bin\n")
    assert found(home, "venv/bin") == {"venv/bin", "venv/pyvenv.cfg", ".tool/bin", ".tool/lib"}


def test_a_folder_that_is_a_link_is_shown_with_what_it_leads_to(home: Path) -> None:
    (home / "linked").symlink_to(home / ".tool/bin")
    assert found(home, "linked") == {"linked", ".tool/bin", ".tool/lib"}


def test_only_absolute_folders_that_exist_are_searched(home: Path) -> None:
    assert search_path({"PATH": f"bin::.:/no/such/folder:{home}/.tool/bin"}) == (
        home / ".tool/bin",
    )


def test_what_every_job_may_read_needs_no_showing() -> None:
    assert tool_paths({"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}) == ()


def test_a_program_that_lies_in_a_home_itself_is_shown_alone(home: Path) -> None:
    program = home / "agent"
    program.write_text("#!/bin/sh\n")
    assert program_paths(program, home) == (program,)


def test_no_variable_has_a_home_shown_nor_what_holds_it(home: Path) -> None:
    environ = {"PATH": "/nowhere", "HOME": str(home), "RUSTUP_HOME": str(home.parent)}
    assert tool_roots(environ) == {}
    assert tool_paths(environ) == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's place")
def test_an_installation_behind_a_closed_folder_is_none(home: Path) -> None:
    (home / ".pyenv").mkdir()
    home.chmod(0o700)
    environ = {"PATH": f"{home}/bin", "HOME": str(home)}
    os.seteuid(52_001)
    try:
        assert (tool_roots(environ), tool_paths(environ)) == ({}, ())
    finally:
        os.seteuid(0)
