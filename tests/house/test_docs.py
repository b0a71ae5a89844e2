"""What README and docs tell of the program is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from orchestrator.cli import COMMANDS, cli
from orchestrator.errors import ExitCode
from orchestrator.readiness import GateName
from orchestrator.settings import Settings
from orchestrator.states import TRANSITIONS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below ``heading``, without its head."""
    below = text_of(page).partition(f"\n## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


def commands_named_in(page: Path) -> list[str]:
    """Every command line of ours in a code span, or at the start of a line of a shell block."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.partition("#")[0] for block in blocks for line in block.splitlines()]
    spans = re.findall(r"`(clerk [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [line.strip() for line in (*lines, *spans) if line.startswith("clerk ")]


def resolve(line: str) -> tuple[click.Command, list[str]]:
    """The command that ``line`` calls, and the words after it."""
    command, words = cli, line.split()[1:]
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{line!r}: there is no command {words[0]!r}"
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists_with_its_options(page):
    for line in commands_named_in(page):
        command, words = resolve(line)
        known = {name for option in command.params for name in option.opts} | {"--help"}
        for word in words:
            if word.startswith("-"):
                assert word.partition("=")[0] in known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_on_a_page_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" not in link:
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_the_readme_names_every_command_but_the_hidden_ones():
    named = {word for line in commands_named_in(ROOT / "README.md") for word in line.split()[1:2]}
    shown = {name for name, (_, line) in COMMANDS.items() if line}
    assert shown - named == {"dashboard"}, "plain `clerk` is the dashboard"


def test_the_plan_in_the_readme_is_sound(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(re.search(r"```yaml\n(.*?)```", text_of("README.md"), re.DOTALL)[1], "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "plan", "check", "--strict", str(plan)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr


def test_the_table_of_states_is_the_programs():
    told = {
        state.strip("`"): set(re.findall(r"`(\w+)`", following))
        for state, following in rows_of("docs/architecture.md", "States of a task")
    }
    assert told == {str(state): set(map(str, after)) for state, after in TRANSITIONS.items()}


def test_the_floors_are_those_of_the_import_contract():
    project = tomllib.loads(text_of("pyproject.toml"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    wanted = [sorted(re.findall(r"\w+", layer)) for layer in layers]
    told = [
        sorted(word for word in re.findall(r"`(\w+)`", line) if word != "tui")
        for _, rooms in rows_of("docs/architecture.md", "The house")
        for line in rooms.split("→")
    ]
    assert told == wanted


def test_the_table_of_gates_is_the_programs():
    assert [name for name, _ in rows_of("docs/merging.md", "Gates")] == list(map(str, GateName))


def test_the_table_of_settings_is_the_programs():
    rows = rows_of("docs/operations.md", "Settings")
    assert [(name.strip("`"), variable.strip("`")) for name, variable, _ in rows] == [
        (name, f"CLERK_{name.upper()}") for name in Settings.model_fields
    ]


def test_the_table_of_exit_codes_is_the_programs():
    told = [int(code) for code, _ in rows_of("docs/operations.md", "Exit codes")]
    assert told == sorted(map(int, ExitCode))
