"""What a git command of the engine sees: a complete environment, nothing inherited.

An agent can write its worktree and, unsandboxed, the repository's own hooks and config. So every
setting by which git would run a program, open a connection, prompt or believe a cache is fixed
here, at command scope (``GIT_CONFIG_COUNT``), which outranks every file. An inherited ``GIT_DIR``
or ``GIT_INDEX_FILE`` never gets through. The list is the measured recipe of the trust notes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.environment import owner_environment
from orchestrator.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


ENGINE = Identity("Clerk of Works", "clerk@localhost")
"""Who the engine commits as where the repository names nobody."""

SETTINGS: tuple[tuple[str, str], ...] = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.pager", "cat"),
    ("core.editor", "true"),
    ("sequence.editor", "true"),
    ("core.sshCommand", "false"),
    ("core.askPass", "true"),
    ("credential.helper", ""),
    ("core.alternateRefsCommand", "true"),
    ("diff.external", ""),
    ("interactive.diffFilter", ""),
    ("gpg.program", "false"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("merge.verifySignatures", "false"),
    ("protocol.allow", "never"),
    ("protocol.file.allow", "always"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("diff.submodule", "short"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("safe.bareRepository", "explicit"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("transfer.fsckObjects", "true"),
    # What a work tree holds must follow from the tree alone, and a change must be seen.
    ("core.sparseCheckout", "false"),
    ("core.splitIndex", "false"),
    ("core.ignoreStat", "false"),
    ("core.trustctime", "true"),
    ("core.checkStat", "default"),
    # How a merge comes out must not depend on whose machine it is.
    ("rerere.enabled", "false"),
    ("merge.autoStash", "false"),
    ("merge.conflictStyle", "merge"),
    ("merge.ff", "true"),
    ("merge.renames", "true"),
    ("merge.directoryRenames", "conflict"),
    ("merge.renormalize", "false"),
    ("i18n.commitEncoding", "UTF-8"),
    ("commit.cleanup", "verbatim"),
    ("commit.template", "/dev/null"),
)

_FIXED = {
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "false",
    "GIT_EDITOR": "true",
    "GIT_MERGE_AUTOEDIT": "no",
    "GIT_PAGER": "cat",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": "/dev/null",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "file",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_LITERAL_PATHSPECS": "1",
}


DURABLE = {"GIT_CONFIG_PARAMETERS": "'core.fsync'='all'"}
"""Laid over the environment of what must not be lost once it is said to be done."""


def search_path() -> str:
    """Where programs are looked for; relative entries would depend on the folder and are cut."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if entry.startswith("/")) or os.defpath


def settings_environment(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """``settings`` as environment variables that git reads at command scope."""
    env: dict[str, str] = {}
    count = 0
    for count, (key, value) in enumerate(settings, start=1):
        env[f"GIT_CONFIG_KEY_{count - 1}"] = key
        env[f"GIT_CONFIG_VALUE_{count - 1}"] = value
    return env | {"GIT_CONFIG_COUNT": str(count)}


def git_environment(
    common_dir: Path, identity: Identity, extra: Iterable[tuple[str, str]] = ()
) -> Mapping[str, str]:
    """The complete environment of a git command on the repository at ``common_dir``.

    ``extra`` are further settings, e.g. what silences the drivers found in the configuration.
    """
    return {
        "PATH": search_path(),
        **_FIXED,
        "GIT_COMMON_DIR": str(common_dir),
        **settings_environment((*SETTINGS, *extra)),
        **identity.as_environment(),
    }


EXCHANGE_SETTINGS: tuple[tuple[str, str], ...] = (
    ("core.hooksPath", "/dev/null"),
    ("core.askPass", "true"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.followTags", "false"),
    ("transfer.fsckObjects", "true"),
)


def exchange_environment(objects: Path) -> Mapping[str, str]:
    """For git between a remote and an empty repository that shares the folder ``objects``.

    The one environment with the owner's own logins (their configuration's credential helper and ssh
    command, their agent) and with a network; nobody is there to be asked for a password.
    """
    return {
        **owner_environment(os.environ),
        "PATH": search_path(),
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALLOW_PROTOCOL": "file:https:ssh",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_GRAFT_FILE": "/dev/null",
        **settings_environment(EXCHANGE_SETTINGS),
    }


def discovery_environment() -> dict[str, str]:
    """The user's own environment without a trace of git's, to ask where a repository is.

    The only place where the user's configuration counts: it says which foreign-owned folders
    they trust (``safe.directory``) and who they are.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    fixed = {"LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    return {**env, **fixed, "PATH": search_path()}
