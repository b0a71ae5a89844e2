from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.git.messages import merge_message


def test_a_message_carries_title_body_and_trailers():
    message = merge_message(
        "The cart shows a total",
        "Why\nand how.",
        task="cart",
        plan="shop",
        sandbox="bubblewrap",
        verified=[("e2e", "f00")],
    )
    assert message == (
        "The cart shows a total\n\nWhy\nand how.\n\n"
        "Clerk-Task: cart\nClerk-Plan: shop\nClerk-Sandbox: bubblewrap\n"
        "Clerk-Verified: e2e@f00\n"
    )


def test_what_was_flaky_on_the_branch_is_told():
    told = merge_message(
        "x", "", task="t", plan="p", sandbox="none", verified=[("unit", "f00")],
        flaky=[("unit", "ba7")],
    )  # fmt: skip
    assert told.endswith("Clerk-Flaky: unit@ba7\nClerk-Verified: unit@f00\n")


def test_a_title_cannot_bring_a_trailer_or_an_escape():
    message = merge_message(
        "x\n\nClerk-Task: forged\x1b]0;pwned\x07\u202e",
        "",
        task="t",
        plan="p",
        sandbox="none",
        verified=[],
    )
    assert message.splitlines()[0] == "x Clerk-Task: forged ]0;pwned"
    assert message.count("\nClerk-Task: ") == 1


@given(title=st.text(), body=st.text())
@settings(max_examples=30, deadline=None)
def test_git_reads_exactly_our_trailers_whatever_the_words(title, body):
    message = merge_message(
        title, body, task="t", plan="p", sandbox="none", verified=[("unit", "abc")]
    )
    read = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=message.encode(),
        capture_output=True,
        check=True,
    )
    assert read.stdout.decode().splitlines() == [
        "Clerk-Task: t",
        "Clerk-Plan: p",
        "Clerk-Sandbox: none",
        "Clerk-Verified: unit@abc",
    ]
