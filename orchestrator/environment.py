"""The complete environments of children: pure functions from the user's own to theirs.

Two policies where nothing is confined. A *session* is the user's agent: it needs the user's logins and tools, so it
inherits everything but what would mislead it. A *check* is a measurement: it gets a short list
of names, so that the same tree gives the same verdict on every day. In a sandbox both get a list
shorter still, and what the plan has them lent by name. Nothing here reads
``os.environ``; the caller hands it in.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.identity import Identity

_MISLEADING_PREFIXES = ("GIT_", "CLERK_")
"""GIT_*: left by a hook or a wrapper they would turn the agent's git on another repository.
CLERK_*: another engine's tokens and cookie."""

_MISLEADING = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CLAUDECODE", "OLDPWD", "PWD"})
"""Python's: our own installation, or the user's checkout, would be imported instead of the
worktree. CLAUDECODE: Claude Code refuses to start inside itself. The folders are the caller's."""

_KEPT_FOR_CHECKS = frozenset(
    {
        # who and where
        *("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LANGUAGE", "TZ"),
        # where toolchains live that were not installed system-wide
        *("JAVA_HOME", "CARGO_HOME", "RUSTUP_HOME", "GOPATH", "GOROOT", "NVM_DIR", "PYENV_ROOT"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "PLAYWRIGHT_BROWSERS_PATH"),
        # how this machine reaches the network
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    }
)

_KEPT_WHEN_CONFINED = frozenset(
    {
        "HOME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "JAVA_HOME",
        "GOROOT",
        "NVM_DIR",
        "RUSTUP_HOME",
        "PYENV_ROOT",
    }
)
"""Who the user is, what they are logged in to and how they reach the network stays outside."""

_CONFINED = {"USER": "agent", "LOGNAME": "agent", "SHELL": "/bin/sh"}

_HEADLESS = {
    "GIT_TERMINAL_PROMPT": "0",  # nobody is there to type a password
    "GIT_EDITOR": "true",  # nor to write a message: take the one proposed
    "NO_COLOR": "1",  # escape sequences cost tokens in digests
}

_LOGINS = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
        *("XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"),
        *("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"),
        *("GH_CONFIG_DIR", "GH_HOST", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    }
)
"""Where the owner is logged in, and how the network is reached."""

_MEASURED = {
    "CI": "1",  # watch modes off, no questions
    "TERM": "dumb",
    "GIT_OPTIONAL_LOCKS": "0",  # a check that asks for the status must not lock the index
    "PYTHONDONTWRITEBYTECODE": "1",  # worktrees are used again: no stale bytecode
}


def session_environment(
    base: Mapping[str, str],
    *,
    identity: Identity | None = None,
    plan_env: Mapping[str, str] | None = None,
    profile_env: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The environment of an agent: the user's (``base``) without what would mislead it.

    Later parameters win: ``identity``, the plan's, the agent profile's, and ``extra``, which is
    the engine's own word (socket, token).
    """
    kept = {name: value for name, value in base.items() if not _is_misleading(name)}
    return {
        **kept,
        "PATH": _clean_path(base),
        **_HEADLESS,
        **(identity.as_environment() if identity else {}),
        **(plan_env or {}),
        **(profile_env or {}),
        **(extra or {}),
    }


def check_environment(
    base: Mapping[str, str],
    *,
    lent: Iterable[str] = (),
    plan_env: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The environment of setup commands, checks and services: a short list, the plan's, ``extra``.

    ``lent`` names more of the user's own.
    """
    kept = {name: value for name, value in base.items() if _is_kept(name)}
    return {
        **kept,
        "PATH": _clean_path(base),
        **_HEADLESS,
        **_MEASURED,
        **{name: base[name] for name in lent if name in base},
        **(plan_env or {}),
        **(extra or {}),
    }


def owner_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The environment of the owner's own tools that the engine runs for them: their logins, no more.

    Never a session's or a check's: with these one is the owner, wherever they are logged in.
    """
    kept = {name: value for name, value in base.items() if name in _LOGINS}
    return {**kept, "PATH": _clean_path(base), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def confined_environment(
    base: Mapping[str, str],
    *,
    lent: Iterable[str] = (),
    identity: Identity | None = None,
    plan_env: Mapping[str, str] | None = None,
    profile_env: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
    measured: bool = False,
) -> dict[str, str]:
    """The environment of a job in a sandbox: where programs are, and what is ``lent`` by name.

    HOME is the user's own, by which a sandbox finds programs installed there; what the job gets
    instead is the sandbox's affair. ``measured`` for setup commands and checks.
    """
    kept = {name: value for name, value in base.items() if _is_harmless(name)}
    return {
        **kept,
        "PATH": _clean_path(base),
        **_CONFINED,
        **_HEADLESS,
        **(_MEASURED if measured else {}),
        **{name: base[name] for name in lent if name in base},
        **(identity.as_environment() if identity else {}),
        **(plan_env or {}),
        **(profile_env or {}),
        **(extra or {}),
    }


def _is_harmless(name: str) -> bool:
    return name in _KEPT_WHEN_CONFINED or name.startswith("LC_")


def _is_misleading(name: str) -> bool:
    return name in _MISLEADING or name.startswith(_MISLEADING_PREFIXES)


def _is_kept(name: str) -> bool:
    return name in _KEPT_FOR_CHECKS or name.startswith("LC_")


def _clean_path(base: Mapping[str, str]) -> str:
    """The search path without our own virtual environment: its python is not the project's."""
    path = base.get("PATH") or "/usr/local/bin:/usr/bin:/bin"
    if sys.prefix == sys.base_prefix:
        return path
    own = Path(sys.prefix, "bin")
    return ":".join(part for part in path.split(":") if not part or Path(part) != own)
