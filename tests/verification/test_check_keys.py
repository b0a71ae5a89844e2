"""Whatever may change a verdict changes its key, and nothing else does."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.environment import check_environment
from orchestrator.git.rendering import Rendering
from orchestrator.plan.model import Check
from orchestrator.verification import tools
from orchestrator.verification.check_keys import Ingredients, decisive, services_of
from orchestrator.verification.tools import tool_marks

TEXTS = st.text(max_size=5)
MAPS = st.dictionaries(TEXTS, TEXTS, max_size=2)
LISTS = st.lists(TEXTS, max_size=2).map(tuple)
PARTS = {
    field.name: {"str": TEXTS, "Sequence[str]": LISTS}.get(field.type, MAPS)
    for field in fields(Ingredients)
}
INGREDIENTS = st.builds(Ingredients, **PARTS)


@settings(max_examples=200, deadline=None)
@given(st.data(), INGREDIENTS, st.sampled_from(sorted(PARTS)))
def test_a_change_of_any_ingredient_is_another_key_and_none_is_the_same(data, before, name):
    after = replace(before, **{name: data.draw(PARTS[name])})
    assert (after.key == before.key) == (after == before)


OTHER = {
    "kind": "e2e",
    "run": "pytest -x",
    "report": "junit",
    "allow_no_tests": True,
    "rerun": 2,
    "flaky": "allow",
    "env": {"A": "1"},
}
UNDECISIVE = {
    "timeout": 5.0,
    "weight": 2,
    "exclusive": ("gpu",),
    "needs": ("build",),
    "services": ("db",),
    "inputs": ("src",),
}


@pytest.mark.parametrize("field", sorted(Check.model_fields))
def test_each_field_of_a_check_decides_or_is_known_not_to(field):
    plain = Check(run="pytest")
    value = OTHER.get(field, UNDECISIVE.get(field))
    assert value is not None, f"say of {field!r} whether it decides"
    changed = Check.model_validate({"run": "pytest", field: value})
    assert (decisive("c", changed) != decisive("c", plain)) == (field in OTHER)


def test_the_name_counts_since_a_command_is_told_it():
    assert decisive("a", Check(run="x")) != decisive("b", Check(run="x"))


@pytest.fixture
def keys_of(site):
    """The keys of the checks of a request, as a verifier makes them."""
    environ = {"PATH": f"{site.folder}/bin:{os.environ['PATH']}", "HOME": str(site.folder)}

    async def keys(checks, **changes):
        request = site.request(checks, **changes)
        verifier = site.verifier(environ=environ)
        env = check_environment(environ, plan_env=request.plan.worktree.env)
        return await verifier._keys.of(request, tuple(checks), env)

    return keys


async def change_of(keys_of, act, checks, **changes):
    """Which of ``checks`` have another key after ``act``."""
    before = await keys_of(checks, **changes)
    act()
    after = await keys_of(checks, **changes)
    return {name for name in checks if before[name] != after[name]}


@pytest.mark.anyio
async def test_inputs_change_with_content_mode_name_and_absence_and_with_nothing_else(
    site, keys_of
):
    site.commit({"src/a.py": "1\n", "src/b.py": "2\n", "docs/x.md": "x\n"})
    checks = {"whole": {"run": "x"}, "src": {"run": "x", "inputs": ["src/**"]}}
    both, whole = {"whole", "src"}, {"whole"}

    async def changed_by(act):
        return await change_of(keys_of, lambda: (act(), site.commit({})), checks)

    file = site.checkout / "src/a.py"
    assert await changed_by(lambda: None) == set()
    assert await changed_by(lambda: (site.checkout / "docs/x.md").write_text("y")) == whole
    assert await changed_by(lambda: (site.checkout / "src.md").write_text("y")) == whole
    assert await changed_by(lambda: file.write_text("other")) == both
    assert await changed_by(lambda: file.chmod(0o755)) == both
    assert await changed_by(lambda: file.rename(site.checkout / "src/aa.py")) == both
    assert await changed_by((site.checkout / "src/b.py").unlink) == both
    assert await changed_by(lambda: (site.checkout / ".gitattributes").write_text("* -text")) == (
        both
    )


@pytest.mark.anyio
async def test_what_a_check_needs_counts_by_its_own_inputs(site, keys_of):
    site.commit({"src/a": "1", "lib/a": "1", "docs/a": "1"})
    checks = {
        "build": {"run": "x", "inputs": ["lib"]},
        "unit": {"run": "x", "inputs": ["src"], "needs": ["build"]},
    }
    for path, changed in (("docs/a", set()), ("src/a", {"unit"}), ("lib/a", {"build", "unit"})):
        assert await change_of(keys_of, lambda p=path: site.commit({p: "2"}), checks) == changed


@pytest.mark.anyio
async def test_inputs_that_match_nothing_have_a_key_of_their_own(site, keys_of):
    checks = {"none": {"run": "x", "inputs": ["none/**"]}, "whole": {"run": "x"}}
    found = await keys_of(checks)
    assert len(set(found.values())) == 2
    assert await change_of(keys_of, lambda: site.commit({"a": "1"}), checks) == {"whole"}
    assert await change_of(keys_of, lambda: site.commit({"none/a": "1"}), checks) == set(checks)


@pytest.mark.anyio
async def test_a_submodule_within_the_inputs_counts_by_its_commit(site, keys_of):
    def point_at(number):
        head = f"{number:040x}"
        site.git("update-index", "--add", "--cacheinfo", f"160000,{head},vendor/lib")
        site.git("commit", "-qm", "vendor")

    checks = {"unit": {"run": "x", "inputs": ["vendor/**"]}, "docs": {"run": "x", "inputs": ["d"]}}
    assert await change_of(keys_of, lambda: point_at(1), checks) == {"unit"}
    assert await change_of(keys_of, lambda: point_at(2), checks) == {"unit"}


@pytest.mark.anyio
async def test_a_program_that_was_replaced_is_another_tool(site, keys_of):
    program = site.folder / "bin/linter"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    checks = {"lint": {"run": "A=1 linter -q && true"}, "unit": {"run": "x"}}

    def upgrade():
        newer = program.with_name("newer")
        newer.write_text("#!/bin/sh\n")
        newer.chmod(0o755)
        newer.rename(program)

    assert await change_of(keys_of, upgrade, checks) == {"lint"}
    assert await change_of(keys_of, upgrade, checks, worktree={"setup": ["linter"]}) == set(checks)


@pytest.mark.anyio
async def test_line_ends_and_attributes_of_the_repository_count(site, keys_of):
    checks = {"unit": {"run": "x"}}
    attributes = site.checkout / ".git/info/attributes"

    async def changed_by(*command):
        return bool(await change_of(keys_of, lambda: site.git(*command), checks))

    assert await changed_by("config", "core.autocrlf", "true")
    assert not await changed_by("config", "branch.main.remote", "origin")
    assert await change_of(keys_of, lambda: attributes.write_text("* eol=crlf\n"), checks)


@pytest.mark.anyio
async def test_what_git_said_of_its_settings_is_asked_again_only_when_they_change(site):
    rendering = Rendering(site.repository.git)
    first = await rendering.mark()
    asked = []
    rendering._git.run = lambda *args, **_: asked.append(args)
    assert await rendering.mark() == first
    assert asked == []
    del rendering._git.run


@pytest.mark.anyio
async def test_lent_paths_and_hosts_of_setup_count(site, keys_of):
    lent = site.folder / ".npmrc"
    lent.write_text("a")
    needs = {"paths": ["~/.npmrc"], "network": ["pypi.org"]}
    checks = {"unit": {"run": "x"}}
    worktree = {"needs": needs}
    assert await change_of(keys_of, lambda: lent.write_text("bb"), checks, worktree=worktree)
    before = await keys_of(checks, worktree=worktree)
    elsewhere = {"needs": {**needs, "network": ["npmjs.org"]}}
    assert await keys_of(checks, worktree=elsewhere) != before


def test_services_count_with_those_they_need(site):
    plan = site.request({"unit": {"run": "x"}}).plan
    services = {
        "web": {"run": "serve", "needs": ["db"]},
        "db": {"run": "postgres"},
        "other": {"run": "x"},
    }
    data = plan.model_dump(mode="json", by_alias=True, exclude_none=True) | {"services": services}
    data["checks"]["unit"]["services"] = ["web"]
    plan = type(plan).model_validate(data)
    found = services_of(plan, plan.checks["unit"])
    assert set(found) == {"web", "db"}
    assert found["db"]["run"] == "postgres"


def test_packages_beside_a_program_count_by_when_they_changed(tmp_path):
    packages = tmp_path / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    program = tmp_path / "bin/pytest"
    program.parent.mkdir()
    program.touch(mode=0o755)
    before = tool_marks(["pytest -q"], str(program.parent))
    (packages / "numpy-2.0.dist-info").mkdir()
    os.utime(packages, ns=(1, 1))
    assert tool_marks(["pytest -q"], str(program.parent)) != before


def test_words_are_found_wherever_a_shell_finds_commands(tmp_path):
    for name in ("one", "two", "three", "four", "data"):
        (tmp_path / name).touch(mode=0o644 if name == "data" else 0o755)
    line = f"A=$(one) && sh -c 'two;data' | (three) || X={tmp_path}/four nothing"
    found = tool_marks([line], str(tmp_path))
    assert set(found) == {"one", "two", "three", f"{tmp_path}/four"}


def test_the_machine_is_told_by_kind_and_never_by_name(monkeypatch):
    here = os.uname()
    assert here.nodename not in tools.machine_mark()
    tools.machine_mark.cache_clear()
    others = [here.sysname, here.nodename, here.release, here.version, "other"]
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(others))
    assert "other" in tools.machine_mark()
    tools.machine_mark.cache_clear()
