"""Code of another checkout is found wherever it would be tested in place of the tree."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from orchestrator.states import Verdict
from orchestrator.verification.provenance import Given, other_checkouts, strays

SITE = ".venv/lib/python3.11/site-packages"


@pytest.fixture
def ground(tmp_path):
    """The clean checkout, and beside it the user's own, which has an installation of its own."""
    for name in ("clean/src", "main/src", "main/.git/worktrees", "main/node_modules/.bin"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def link(path: Path, to: Path | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)


def environment(folder: Path) -> Path:
    """A virtual environment's packages, as far as anybody looks at it."""
    put(folder / "pyvenv.cfg")
    packages = folder / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    return packages


def found(ground: Path, *lines: str, home: Path | None = None, **env: str) -> list[str]:
    given = Given(lines or ("sh check.sh",), (env | ({"HOME": str(home)} if home else {}),))
    main = ground / "main"
    return [str(stray) for stray in strays(ground / "clean", main / ".git", [main], given)]


def test_a_tree_with_nothing_but_its_own_is_in_order(ground):
    packages = environment(ground / "clean/.venv")
    put(packages / "own.pth", f"../../../../src\n{ground}/clean/src\nimport os\n")
    link(ground / "clean/node_modules/own", "../src")
    assert found(ground, PATH="/usr/bin:/bin", PYTHONPATH="src", LANG="C") == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shop.pth", "{main}/src\n"),
        ("shop.pth", "../../../../../main/src\n"),
        ("__editable__.shop-1.pth", "import __editable___shop_finder; x('{main}/src')\n"),
        ("__editable___shop_finder.py", "MAPPING = {{'shop': '{main}/src/shop'}}\n"),
        ("shop.egg-link", "{main}/src\n../\n"),
        ("sitecustomize.py", "import sys\nsys.path.insert(0, '{main}/src')\n"),
        (
            "shop-1.dist-info/direct_url.json",
            '{{"dir_info": {{"editable": true}}, "url": "file://{main}"}}',
        ),
    ],
)
def test_an_editable_install_of_another_checkout_is_named_with_its_mend(ground, name, text):
    packages = environment(ground / "clean/.venv")
    put(packages / name, text.format(main=ground / "main"))
    (told,) = found(ground)
    assert told.startswith(f"{SITE}/{name.partition('/')[0]} leads to {ground}/main")
    assert "worktree.setup" in told


def test_a_package_that_is_a_link_to_another_checkout_is_found(ground):
    link(environment(ground / "clean/.venv") / "shop", ground / "main/src")
    assert "shop leads to" in found(ground)[0]


@pytest.mark.parametrize(
    "where", ["node_modules", "node_modules/shop", "node_modules/@our/shop", "a/b/node_modules/x"]
)
def test_modules_that_are_linked_are_found_near_the_top_and_in_scopes(ground, where):
    link(ground / "clean" / where, ground / "main/node_modules")
    (told,) = found(ground)
    assert told.startswith(f"{where} leads to {ground}/main/node_modules")


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONPATH": "lib:{main}/src"},
        {"NODE_PATH": "{main}/src"},
        {"GOFLAGS": "-mod=mod -modfile={main}/go.mod"},
        {"CARGO_TARGET_DIR": "{main}/target"},
        {"PATH": "/usr/bin:{main}/bin"},
    ],
)
def test_a_variable_that_leads_into_another_checkout_is_named(ground, env):
    ((name, value),) = env.items()
    (told,) = found(ground, **{name: value.format(main=ground / "main")})
    assert told.startswith(f"{name} leads to {ground}/main/")


def test_what_is_only_installed_in_another_checkout_may_be_used(ground):
    environment(ground / "main/.venv")
    path = f"{ground}/main/.venv/bin:{ground}/main/node_modules/.bin:/usr/bin"
    assert found(ground, PATH=path) == []


def test_an_installation_on_the_search_path_that_leads_to_the_code_beside_it_is_found(ground):
    put(environment(ground / "main/.venv") / "shop.pth", f"{ground}/main/src")
    python = put(ground / "main/.venv/bin/python")
    python.chmod(0o755)
    (told,) = found(ground, "sh test.sh", PATH=f"{python.parent}:/usr/bin")
    assert told.startswith(f"{ground}/main/{SITE}/shop.pth leads to {ground}/main/src")


def test_a_script_that_another_checkouts_python_runs_brings_what_that_one_has(ground):
    put(environment(ground / "main/.venv") / "shop.pth", f"{ground}/main/src")
    put(ground / "clean/.venv/bin/pytest", f"#!{ground}/main/.venv/bin/python\nimport pytest\n")
    (told,) = found(ground, ".venv/bin/pytest -q")
    assert "shop.pth leads to" in told


def test_a_command_line_that_names_another_checkout_is_found(ground):
    assert found(ground, f"python3 {ground}/main/src/test.py")[0].startswith("a command line")


def test_a_home_that_is_a_checkout_itself_does_not_make_everything_below_it_its_code(ground):
    home = ground / "main"
    assert found(ground, home=home, PATH=f"{home}/.local/bin", GOPATH=f"{home}/go") == []
    assert found(ground, home=home, PYTHONPATH=f"{home}/src") != []


def test_a_pipe_among_the_packages_keeps_nobody_waiting(ground):
    os.mkfifo(environment(ground / "clean/.venv") / "shop.pth")
    os.mkfifo(ground / "clean/tool")
    assert found(ground, "./tool") == []


def test_git_tells_of_all_checkouts(site):
    (site.folder / "second").parent.mkdir(exist_ok=True)
    site.git("worktree", "add", "-q", "--detach", str(site.folder / "second"))
    others = other_checkouts(site.checkout / ".git", site.checkout)
    assert set(others) == {site.checkout, site.folder / "second"}


pytest_run = f"{sys.executable} -m pytest -q -p no:cacheprovider --junitxml={{report}}"


@pytest.mark.anyio
async def test_a_check_that_passes_only_by_the_users_own_checkout_is_errored(site):
    """As a virtual environment's packages would: by a file that adds the user's folder."""
    site.commit({"src/shop.py": "def total():\n    return 3\n"})
    site.commit(
        {"src/shop.py": "broken\n", "test_shop.py": "import shop\n\n\ndef test_it(): ...\n"}
    )
    put(site.checkout / "src/shop.py", "def total():\n    return 3\n")  # not committed: good
    check = {"run": pytest_run, "report": "junit", "env": {"PYTHONPATH": f"{site.checkout}/src"}}
    verification = await site.verifier().verify(site.request({"unit": check}))
    (result,) = verification.results
    assert result.verdict is Verdict.ERRORED
    assert f"PYTHONPATH leads to {site.checkout}/src" in result.reason


@pytest.mark.anyio
async def test_a_shared_environment_whose_install_leads_home_is_errored_and_never_kept(site):
    put(environment(site.checkout / "out/venv") / "shop.pth", f"{site.checkout}\n")
    worktree = {"share": ["out"]}
    request = site.request({"unit": {"run": "true"}}, worktree=worktree)
    for _ in range(2):
        (result,) = (await site.verifier().verify(request)).results
        assert result.verdict is Verdict.ERRORED
        assert "out/venv/lib/python3.11/site-packages/shop.pth leads to" in result.reason
        assert not result.cached


@pytest.mark.anyio
async def test_recycled_checkouts_leave_no_bytecode_and_write_none(site):
    """Same size, same second: Python would take the old tree's bytecode for the new one's."""
    run = f"{sys.executable} -c 'import shop; assert shop.ANSWER == 1' && ! find . -name '*.pyc' | grep ."
    checks = {"unit": {"run": run}}
    site.commit({"shop.py": "ANSWER = 1\n"})
    verifier = site.verifier()
    assert (await verifier.verify(site.request(checks))).passed
    site.commit({"shop.py": "ANSWER = 2\n"})
    assert not (await verifier.verify(site.request(checks))).passed
