"""What decides which tests are run, and how, besides the tests themselves.

A change of it may be part of honest work (a dependency more) or hide a test that fails (a marker
that deselects it). A machine cannot tell, so it is told to a person. Only of files that hold much
else are the parts looked at that runners read; what cannot be read counts as changed. Pure.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from orchestrator.plan.globs import PathGlobs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WHOLE = PathGlobs(
    f"**/{name}"
    for name in (
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "setup.cfg",
        "tox.ini",
        "noxfile.py",
        "sitecustomize.py",
        "usercustomize.py",
        "jest.config.*",
        "vitest.config.*",
        "vitest.workspace.*",
        "vite.config.*",
        "playwright.config.*",
        "karma.conf.*",
        ".mocharc*",
        "ava.config.*",
        ".config/nextest.toml",
        ".cargo/config*",
        "phpunit.xml*",
    )
)
_PACKAGE_PARTS = ("scripts", "jest", "vitest", "mocha", "ava", "workspaces", "type")


def is_runner_config(path: str) -> bool:
    """Whether a file may decide which tests are run."""
    return _WHOLE.matches(path) or _name(path) in _PARTS


def is_reconfigured(path: str, before: bytes | None, after: bytes | None) -> bool:
    """Whether a change of that file, None for no file, may change which tests are run."""
    read = _PARTS.get(_name(path))
    if read is None:
        return before != after
    try:
        return bool(_part(read, before) != _part(read, after))
    except (ValueError, RecursionError):
        return before != after


def _part(read: Callable[[str], Any], raw: bytes | None) -> Any:
    found = read(raw.decode()) if raw is not None else None
    return found or None


def _pyproject(text: str) -> Any:
    """The tables of runners, and the entry points by which pytest loads plug-ins."""
    whole = tomllib.loads(text)
    tools = _table(whole, "tool")
    kept = {name: part for name, part in tools.items() if name.startswith(("pytest", "tox", "nox"))}
    kept |= {
        "hatch": _table(tools, "hatch").get("envs"),
        "poetry": _table(tools, "poetry").get("plugins"),
        "project": _table(whole, "project").get("entry-points"),
    }
    return {name: part for name, part in kept.items() if part}


def _package(text: str) -> Any:
    whole = json.loads(text)
    if not isinstance(whole, dict):
        return whole
    return {name: whole[name] for name in _PACKAGE_PARTS if name in whole}


def _table(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


_PARTS: Mapping[str, Callable[[str], Any]] = {
    "pyproject.toml": _pyproject,
    "package.json": _package,
}


def _name(path: str) -> str:
    return path.rpartition("/")[2]
