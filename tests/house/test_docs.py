"""What README and docs tell of the program is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import click
import pytest

from orchestrator import sandboxes
from orchestrator.allowance import show_bytes
from orchestrator.audit import Standing
from orchestrator.cli import COMMANDS, cli
from orchestrator.errors import ExitCode
from orchestrator.git import policy
from orchestrator.plan.model import Needs
from orchestrator.readiness import GateName
from orchestrator.sandboxes.bubblewrap import Bubblewrap
from orchestrator.sandboxes.enclosure import Bounds, Cover, Enclosure
from orchestrator.settings import Settings
from orchestrator.states import TRANSITIONS, Strategy
from orchestrator.supervision.job import Handed, Job

ROOT = Path(__file__).parents[2]
FRONT = ("README.md", "CHANGELOG.md", "SECURITY.md")
PAGES = [*(ROOT / name for name in FRONT), *sorted((ROOT / "docs").glob("*.md"))]


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


def anchors_of(page: Path) -> set[str]:
    """What may stand behind ``#``: the headings, as they become names."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def options_of_wrapped(job: Job) -> set[str]:
    """Every option of the programs that ``wrap`` puts before a job's own command."""
    words = []
    for word in job.argv:
        words += word.content.decode("latin-1").split("\0") if isinstance(word, Handed) else [word]
    return {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z-]+(=.*)?", str(word))}


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
            name, _, anchor = link.partition("#")
            led_to = page.parent / name if name else page
            assert led_to.exists(), link
            assert not anchor or anchor in anchors_of(led_to), link


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


def test_the_packages_are_those_of_their_import_contracts():
    contracts = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    wanted = {
        contract["containers"][0].removeprefix("orchestrator."): [
            sorted(re.findall(r"\w+", layer)) for layer in contract["layers"]
        ]
        for contract in contracts
        if contract["name"].startswith("Within ")
    }
    told = {
        package.strip("`"): [sorted(re.findall(r"`(\w+)`", line)) for line in rooms.split("→")]
        for package, _, rooms in rows_of("docs/architecture.md", "Packages")
    }
    assert told == wanted


def test_the_table_of_gates_is_the_programs():
    assert [name for name, _ in rows_of("docs/merging.md", "Gates")] == list(map(str, GateName))


def test_the_tables_of_strategies_and_standings_are_the_programs():
    told = [name.strip("`") for name, *_ in rows_of("docs/merging.md", "Strategies")]
    assert told == list(map(str, Strategy))
    told = [name.strip("`") for name, _ in rows_of("docs/merging.md", "Evidence and audit")]
    assert told == list(map(str, Standing))


def test_the_table_of_settings_is_the_programs():
    rows = rows_of("docs/operations.md", "Settings")
    assert [(name.strip("`"), variable.strip("`")) for name, variable, _ in rows] == [
        (name, f"CLERK_{name.upper()}") for name in Settings.model_fields
    ]


def test_the_table_of_exit_codes_is_the_programs():
    told = [int(code) for code, _ in rows_of("docs/operations.md", "Exit codes")]
    assert told == sorted(map(int, ExitCode))


def test_every_setting_is_told_with_its_default():
    told = {name.strip("`"): cell for name, _, cell in rows_of("docs/operations.md", "Settings")}
    for name, field in Settings.model_fields.items():
        if field.is_required() or field.default_factory:
            continue  # it depends on the machine
        shown = {str(field.default).lower()}
        if isinstance(field.default, int | float):
            shown |= {f"{field.default:g}", f"{field.default:,}", show_bytes(int(field.default))}
        assert re.split("[;:] ", told[name])[0].strip("`") in shown, name
    names = get_args(Settings.model_fields["sandbox"].annotation)
    assert set(re.findall(r"`(\w+)`", told["sandbox"])) == set(names)


def test_every_test_that_a_page_names_exists():
    for page in PAGES:
        for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text("utf-8")):
            assert (ROOT / path).is_file(), path
            assert not name or f"def {name}(" in text_of(path), f"{path}::{name}"


def test_every_promise_names_a_test():
    for promise, _, shown_by in rows_of("docs/trust.md", "What is promised"):
        assert "::test_" in shown_by, promise


def test_the_options_of_the_sandbox_are_those_it_is_told_to_have(tmp_path, monkeypatch):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\n# --disable-userns\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    enclosure = Enclosure("p/t", home=tmp_path, covers=(Cover(tmp_path, tmp_path),))
    job = Job(argv=("true",), cwd=tmp_path, env={}, cookie="c")
    used = set()
    for user in (0, 1000):
        monkeypatch.setattr("os.geteuid", lambda user=user: user)
        used |= options_of_wrapped(Bubblewrap().wrap(replace(job), enclosure))
    rows = rows_of("docs/trust.md", "How it is held")
    assert {option for cell, _ in rows for option in re.findall(r"`(--[a-z-]+)`", cell)} == used


def test_the_sandboxes_that_are_told_of_are_all_there_are():
    told = [
        cell.split("`")[1] for cell, *_ in rows_of("docs/trust.md", "Which sandbox") if "`" in cell
    ]
    assert told == list(sandboxes.SANDBOXES)


def test_the_bounds_of_a_job_are_those_it_is_told_to_have():
    bounds = {row[0]: row[1] for row in rows_of("docs/trust.md", "Limits")}
    usual = Bounds()
    assert bounds["processes, open files, one file"] == (
        f"{usual.processes}, {usual.open_files:,}, {show_bytes(usual.file_bytes)}"
    )
    assert show_bytes(usual.scratch_bytes) in bounds["`/tmp`, `/var/tmp`, `/dev/shm`; `/run`"]


def test_the_sizes_of_the_policy_are_told():
    page = text_of("docs/trust.md")
    assert f"files over {show_bytes(policy.MAX_BLOB_BYTES)}" in page
    assert f"names over {policy.MAX_NAME_BYTES} bytes, paths over {policy.MAX_PATH_BYTES:,}" in page


def test_what_is_lent_is_told_as_the_plan_has_it():
    told = [name.strip("`") for name, *_ in rows_of("docs/plan-file.md", "What is lent")]
    assert told == [f"needs.{name}" for name in Needs.model_fields]
