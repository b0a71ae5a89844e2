"""Commands and variables that ask for what there is not: one error, nothing begun."""

from __future__ import annotations

import subprocess

import pytest

from orchestrator.settings import Settings

from .conftest import Told
from .plan_rows import SMALL

LONG = "x" * 100_000

ROWS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("rnu",), "Did you mean 'run'?"),
    (("--nothing",), "--nothing"),
    (("run",), "PLAN"),
    (("run", "a.yaml", "b.yaml"), "unexpected extra argument"),
    (("run", "p.yaml", "--merge", "perhaps"), "perhaps"),
    (("plan", "chekc"), "chekc"),
    (("status", "--plan"), "--plan"),
    (("log", "nobody"), "nobody"),
    (("log", "a/b/c"), "a/b/c"),
    (("diff", "nobody"), "nobody"),
    (("brief", "nobody"), "nobody"),
    (("log", "\x1b[31m"), "no task"),
    (("run", LONG), "too long"),
)


@pytest.mark.parametrize(("arguments", "word"), ROWS, ids=[" ".join(r[0])[:30] for r in ROWS])
def test_what_there_is_not_is_told(here, clerk, unchanged, arguments, word):
    demand = unchanged()
    told = clerk(*arguments)
    assert told.code == 2, told
    assert told.out == ""
    assert len(told.err.splitlines()) <= 6
    assert all(line.isprintable() for line in told.err.splitlines()), ascii(told.err)
    assert word.lower() in told.err.lower() or "no plan was started" in told.err
    assert len(told.err) < 2000
    demand()
    assert not here.state.exists()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_variable_refuses_nonsense(here, clerk, unchanged, monkeypatch, name):
    path = here.home / "p.yaml"
    path.write_text(SMALL)
    monkeypatch.setenv(f"CLERK_{name.upper()}", "\x1b[31m~ no such thing")
    demand = unchanged()
    clerk("run", str(path)).refuses(2, f"CLERK_{name.upper()}")
    demand()


@pytest.mark.parametrize(
    "env", [{"TERM": "dumb"}, {"LANG": "C", "LC_ALL": "C"}, {"COLUMNS": "1"}, {"TERM": ""}], ids=str
)
def test_a_poor_terminal_is_told_the_same(yard, unchanged, env):
    (yard.home / "p.yaml").write_text(SMALL.replace("The cart", "@"))
    demand = unchanged()
    done = subprocess.run(
        yard.command("run", str(yard.home / "p.yaml")),
        cwd=yard.path,
        env=yard.env(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    Told.by(done).refuses(2, "p.yaml:11")
    demand()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_bug(yard, closed):
    (yard.home / "p.yaml").write_text("clerk: 2\n")
    line = 'exec "$@" ' + closed
    command = yard.command("plan", "check", str(yard.home / "p.yaml"))
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command],
        cwd=yard.path,
        env=yard.env(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"a bug" not in done.stderr
