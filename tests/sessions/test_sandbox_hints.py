"""What a failure in a sandbox has to do with it, by its last words."""

from __future__ import annotations

import pytest

from orchestrator.sessions.sandbox_hints import hints


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        ("the agent exited with 6: curl: (6) Could not resolve host: example.org", "needs.network"),
        ("urllib.error.URLError: <urlopen error [Errno 111] Connection refused>", "needs.network"),
        ("Error: getaddrinfo EAI_AGAIN registry.npmjs.org", "needs.network"),
        ("the agent exited with 127: sh: 1: mytool: not found", "on your PATH"),
        ("cat: /run/clerk/home/.netrc: No such file or directory", "needs.paths"),
        ("sh: 1: cannot create /usr/x: Read-only file system", "only the worktree"),
    ],
)
def test_last_words_that_a_sandbox_brings_about_name_its_field(words: str, mend: str) -> None:
    (told,) = hints(words)
    assert told.startswith("the sandbox may be why it failed: ")
    assert mend in told


@pytest.mark.parametrize("words", ["", "the agent exited with 1: assert 3 == 4", "out of tokens"])
def test_what_has_nothing_to_do_with_it_is_not_put_on_it(words: str) -> None:
    assert hints(words) == ()
