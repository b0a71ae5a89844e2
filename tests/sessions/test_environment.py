"""What children inherit, and what would mislead them."""

import sys
from pathlib import Path

from orchestrator.environment import check_environment, session_environment
from orchestrator.identity import Identity

USER = {
    "PATH": "/usr/bin",
    "HOME": "/home/u",
    "LC_ALL": "C.UTF-8",
    "SOME_API_KEY": "k",
    "GIT_DIR": "/elsewhere",
    "CLERK_TOKEN": "outer",
    "CLERK_COOKIE": "outer",
    "PYTHONPATH": "/user/checkout",
    "VIRTUAL_ENV": "/venv",
    "CLAUDECODE": "1",
}


def test_a_session_keeps_the_users_logins_and_loses_what_misleads() -> None:
    env = session_environment(USER)
    assert (env["SOME_API_KEY"], env["HOME"]) == ("k", "/home/u")
    gone = {"GIT_DIR", "CLERK_TOKEN", "CLERK_COOKIE", "PYTHONPATH", "VIRTUAL_ENV", "CLAUDECODE"}
    assert not gone & env.keys()
    assert env["GIT_TERMINAL_PROMPT"] == "0"


def test_a_session_without_a_git_user_can_commit() -> None:
    env = session_environment({}, identity=Identity("Clerk", "clerk@localhost"))
    assert env["GIT_AUTHOR_NAME"] == env["GIT_COMMITTER_NAME"] == "Clerk"
    assert env["GIT_AUTHOR_EMAIL"] == env["GIT_COMMITTER_EMAIL"] == "clerk@localhost"


def test_a_check_gets_a_short_list_only() -> None:
    env = check_environment({**USER, "RANDOM_THING": "1"})
    assert "SOME_API_KEY" not in env
    assert "RANDOM_THING" not in env
    assert (env["HOME"], env["LC_ALL"], env["CI"]) == ("/home/u", "C.UTF-8", "1")
    assert env["PYTHONDONTWRITEBYTECODE"] == "1"


def test_later_words_win() -> None:
    env = session_environment(
        {"A": "user", "B": "user"},
        plan_env={"A": "plan", "C": "plan"},
        profile_env={"C": "profile"},
        extra={"B": "engine"},
    )
    assert (env["A"], env["B"], env["C"]) == ("plan", "engine", "profile")
    assert check_environment({}, plan_env={"CI": "0"})["CI"] == "0"


def test_our_own_python_is_not_the_projects() -> None:
    own = str(Path(sys.prefix, "bin"))
    path = check_environment({"PATH": f"{own}:/usr/bin:{own}/"})["PATH"]
    assert path == ("/usr/bin" if sys.prefix != sys.base_prefix else f"{own}:/usr/bin:{own}/")


def test_there_is_always_a_search_path() -> None:
    assert "/usr/bin" in session_environment({})["PATH"].split(":")
