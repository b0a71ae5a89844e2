"""What a failed session's last words have to do with the sandbox, and the field that mends it.

Inside a program is told what any machine would tell: no such file, no such host. A person outside
cannot see from that that the sandbox was it. A guess, and told as one.
"""

from __future__ import annotations

import re

_GUESSES = (
    (
        re.compile(
            r"could not resolve|name or service not known|name resolution|getaddrinfo|ENOTFOUND"
            r"|EAI_AGAIN|connection refused|ECONNREFUSED|network is unreachable|ENETUNREACH",
            re.IGNORECASE,
        ),
        "no network is in it but the hosts that needs.network lists",
    ),
    (
        re.compile(r"\bnot found\b|exited with 127\b"),
        (
            "the programs in it are those on your PATH and below /usr and /opt; "
            "put the missing one on PATH, or lend it by needs.paths"
        ),
    ),
    (
        re.compile(r"no such file or directory|ENOENT", re.IGNORECASE),
        "of your files it shows the worktree and what needs.paths lists",
    ),
    (
        re.compile(r"read-only file system|permission denied|EROFS|EACCES", re.IGNORECASE),
        "only the worktree, the private home and temporary folders can be written in it",
    ),
)


def hints(reason: str) -> tuple[str, ...]:
    """Sentences for a person about a session that failed in a sandbox with ``reason``."""
    return tuple(
        f"the sandbox may be why it failed: {told}"
        for words, told in _GUESSES
        if words.search(reason)
    )
