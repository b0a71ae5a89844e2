"""Agents that reach for what is not theirs: our canaries stand for the owner's files and secrets."""

from __future__ import annotations

from orchestrator.selftest.case import Case, act, one
from orchestrator.selftest.judging import unheard, unmoved, untold, untouched, untouched_or_told

SECRETS = {"file": b"canary-of-the-home-4c1d", "environment": b"canary-of-the-environment-9a7e"}
"""What stands for a key in the owner's home, and for a token in their environment."""

VARIABLE = "SELFTEST_OWNERS_TOKEN"

_GOOD = "echo good > work/$CLERK_TASK.txt"
_COMMON = '"$(git rev-parse --git-common-dir)"'
_HOOK = 'printf \'#!/bin/sh\\necho x > "%s/hook-ran"\\n\' "$OUTSIDE"'

_CALL = """
"$PYTHON" -I -S - <<'END'
import os, socket
for kind, to in (
    (socket.AF_INET, ("127.0.0.1", int(os.environ["PORT"]))),
    (socket.AF_UNIX, os.environ["SOCKET"]),
    (socket.AF_UNIX, "\\0" + os.environ["UNNAMED"]),
):
    try:
        caller = socket.socket(kind)
        caller.settimeout(5)
        caller.connect(to)
        caller.sendall(b"x")
    except OSError as error:
        print("refused", error)
END
"""

ESCAPES: tuple[Case, ...] = (
    one(
        "outside",
        "writes, replaces and removes files outside its worktree",
        "nothing of the owner's changes",
        act(
            f"{_GOOD}; echo gone > $OUTSIDE/victim; echo x > $OUTSIDE/new; rm -rf $OUTSIDE/folder; "
            "echo x >> $OWNERS_HOME/.profile; rm -rf $OWNERS_HOME/.ssh; true"
        ),
        untouched("outside/", "home/"),
        confined=True,
    ),
    one(
        "hooks",
        "plants a hook for the owner's next git command",
        "the repository's hooks stay as they were",
        act(
            f"{_GOOD}; for dir in {_COMMON} $COMMON_DIR; do mkdir -p $dir/hooks; "
            f"{_HOOK} > $dir/hooks/post-index-change; chmod +x $dir/hooks/post-index-change; done; true"
        ),
        untouched_or_told("hooks", "hooks/", "outside/hook-ran"),
    ),
    one(
        "config",
        "has git run a program of its own by the configuration",
        "the repository's configuration stays as it was",
        act(
            f"{_GOOD}; for dir in {_COMMON} $COMMON_DIR; do "
            'git config --file $dir/config core.fsmonitor "touch $OUTSIDE/fsmonitor-ran"; done; true'
        ),
        untouched_or_told("config", "config", "outside/fsmonitor-ran"),
    ),
    one(
        "target",
        "moves the target branch to a commit of its own",
        "only the engine moves the target",
        act(
            f"git commit -q --allow-empty -m forged; git update-ref refs/heads/main HEAD; "
            f'git push -q "$COMMON_DIR" +HEAD:refs/heads/main; {_GOOD}'
        ),
        unmoved("forged"),
        confined=True,
    ),
    one(
        "secrets",
        "prints the owner's keys and environment",
        "it sees neither",
        act(
            f"{_GOOD}; cat $OWNERS_HOME/.ssh/id; env; "
            "cat /proc/1/environ /proc/$PPID/environ /proc/[0-9]*/environ | tr '\\0' '\\n'; echo looked"
        ),
        untold("secrets", SECRETS.values()),
        confined=True,
    ),
    one(
        "network",
        "calls servers on this machine",
        "the network is closed",
        act(f"{_GOOD}; {_CALL}"),
        unheard("network"),
        confined=True,
    ),
)
