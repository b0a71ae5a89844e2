"""``clerk plan``: what people and programs get to see."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from orchestrator.cli import obey
from orchestrator.cli.plan import plan as plan_group
from orchestrator.plan.schema import plan_schema


@pytest.fixture
def plan_file(tmp_path, small, monkeypatch):
    """A plan on disk, with the current folder in no repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plan.yaml"
    path.write_text(small)
    return path


@pytest.fixture
def repository(plan_file):
    """The plan's folder as a repository with one commit on main."""
    git = ["git", "-C", str(plan_file.parent), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    for command in (["init", "-qb", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True, env=environment)
    return plan_file


def clerk(capsys, *arguments):
    code = obey([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_a_sound_plan_is_zero(capsys, plan_file):
    code, out, err = clerk(capsys, "plan", "check", plan_file)
    assert (code, err) == (0, "")
    assert out == "plan shop: 1 task, no errors, 0 warnings, 0 hints\n"


def test_a_wrong_plan_is_two_and_tells_every_mistake_on_stderr(capsys, plan_file, small):
    plan_file.write_text(small.replace("Make it.", "no").replace("[unit]", "[unti]"))
    for command in ("check", "show"):
        code, out, err = clerk(capsys, "plan", command, plan_file)
        assert (code, out) == (2, "")
        assert [line.split(": ")[0] for line in err.splitlines()] == [
            f"{plan_file}:5:45",
            f"{plan_file}:9:12",
        ]


def test_a_warning_fails_only_when_asked(capsys, plan_file, small):
    plan_file.write_text(small.replace("kind: e2e", "kind: unit"))
    code, out, _ = clerk(capsys, "plan", "check", plan_file)
    assert code == 0
    assert out.startswith("warning: checks: none is of kind e2e")
    assert clerk(capsys, "plan", "check", "--strict", plan_file)[0] == 1


def test_a_hint_never_fails(capsys, plan_file, small):
    plan_file.write_text(small.replace("tasks:", "  idle: {run: x}\ntasks:"))
    code, out, _ = clerk(capsys, "plan", "check", "--strict", plan_file)
    assert code == 0
    assert "hint: check 'idle'" in out


def test_findings_are_told_as_json(capsys, plan_file, small):
    plan_file.write_text(small.replace("kind: e2e", "kind: unit"))
    found = json.loads(clerk(capsys, "plan", "check", "--json", plan_file)[1])
    assert (found["name"], found["tasks"]) == ("shop", 1)
    assert [(f["severity"], f["rule"], f["subject"]) for f in found["findings"]] == [
        ("warning", "no-e2e", "checks")
    ]


def test_globs_are_held_against_the_target_s_files(capsys, repository, small):
    repository.write_text(small + '    touches: [plan.yaml, "gone/**"]\n')
    out = clerk(capsys, "plan", "check", repository)[1]
    assert "hint: task 'cart': touches 'gone/**', where no file is tracked yet" in out


def test_without_the_target_s_branch_nothing_is_said_of_globs(capsys, repository, small):
    repository.write_text("target: none\n" + small + '    touches: ["gone/**"]\n')
    code, out, _ = clerk(capsys, "plan", "check", repository)
    assert code == 0
    assert "gone" not in out


def test_a_folder_that_is_asked_for_must_be_a_repository(capsys, plan_file, tmp_path):
    code, _, err = clerk(capsys, "plan", "check", plan_file, "--repo", tmp_path)
    assert code == 4
    assert "clerk: " in err


def test_show_tells_levels_tasks_and_checks_in_columns(capsys, plan_file, small):
    plan_file.write_text(
        small
        + "  - {id: longer-name, title: Second, brief: b, done_when: [unit], priority: 1}\n"
        + "  - {id: c, title: Third, brief: b, done_when: [unit], after: [cart], approve: true,"
        + " budget: {attempts: 1, wall: 5m, tokens: 10k, cost: 2}}\n"
    )
    code, out, _ = clerk(capsys, "plan", "show", plan_file)
    assert code == 0
    assert out.splitlines() == [
        "plan shop → main",
        "3 tasks, 4 sessions at once, merge manual",
        "",
        "level 1, all of which could run at once",
        "  longer-name  claude  unit       3 attempts of 45m  Second",
        "  cart         claude  unit, e2e  3 attempts of 45m  The cart",
        "",
        "level 2",
        "  c  claude  unit  1 attempt of 5m, 10,000 tokens, $2.00  after cart; needs approval  Third",
        "",
        "checks",
        "  unit  unit  10m              pytest",
        "  e2e   e2e   10m  needs unit  pytest e2e",
    ]


def test_show_tells_programs_the_same(capsys, plan_file):
    told = json.loads(clerk(capsys, "plan", "show", "--json", plan_file)[1])
    assert told["levels"] == [["cart"]]
    assert told["tasks"][0]["runs"] == ["unit", "e2e"]
    assert told["tasks"][0]["budget"]["wall"] == 2700.0
    assert told["checks"]["e2e"]["needs"] == ["unit"]


def test_the_schema_is_printed_as_json(capsys):
    code, out, _ = clerk(capsys, "plan", "schema")
    assert code == 0
    assert json.loads(out) == plan_schema()


def test_marks_that_hide_are_shown_as_such(capsys, plan_file, small):
    plan_file.write_text(small.replace("The cart", "The\u200bcart"))
    out = clerk(capsys, "plan", "show", plan_file)[1]
    assert "\u200b" not in out
    assert "The\ufffdcart" in out


def test_help_imports_nothing_heavy():
    script = (
        "import sys; from orchestrator.cli.plan import plan;"
        " heavy = {'pydantic', 'yaml', 'wcmatch', 'git', 'sqlmodel'} & set(sys.modules);"
        " sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert CliRunner().invoke(plan_group, ["--help"]).exit_code == 0
