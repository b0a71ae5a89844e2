"""What a pull request says, and what its state means: pure."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from orchestrator.evidence import AttemptSeen, CheckSeen, Evidence, TestsSeen
from orchestrator.handover.pull_request import (
    ChangesRequested,
    Closed,
    Hosted,
    Merged,
    PullRequest,
    Review,
    Update,
    Wait,
    body_of,
    hosted_at,
    next_step,
    pull_at,
    title_of,
)
from orchestrator.states import Strategy, Verdict

HEAD, OTHER, TREE = "a" * 40, "b" * 40, "c" * 40
CHECK = CheckSeen(
    check="unit", kind="unit", command="0" * 8, verdict=Verdict.PASSED, tree=TREE, seconds=3.21,
    runs=1, passed=12, failed=0, errored=0, skipped=1, cached=False, tolerated=False, flaky_tests=(),
)  # fmt: skip
EVIDENCE = Evidence(
    clerk=1, plan="shop", task="cart", title="The cart", target="main", plan_hash="d" * 64,
    strategy=Strategy.MERGE, undoes=False, commit=HEAD, base=OTHER, head=HEAD, tree=TREE,
    verified_commit=HEAD, verified_tree=TREE, sandbox="bubblewrap", checks=(CHECK,), red=(), green=(),
    approved_head="", approved_tests="", attempts=(AttemptSeen(1, "claude", "bubblewrap", "completed", True),),
)  # fmt: skip
OPEN = PullRequest(7, "https://forge.invalid/ada/shop/pull/7", is_open=True, head=HEAD)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/ada/shop",
        "https://github.com/ada/shop.git",
        "https://github.com/ada/shop/",
        "https://token@github.com/ada/shop.git",
        "https://user:secret@github.com/ada/shop.git",
        "git@github.com:ada/shop.git",
        "github.com:ada/shop",
        "ssh://git@github.com/ada/shop.git",
        "ssh://git@github.com:22/ada/shop",
    ],
)
def test_the_hosts_repository_is_read_from_each_form_of_url(url):
    assert hosted_at(url) == Hosted("github.com", "ada", "shop")


@pytest.mark.parametrize(
    "url",
    [
        "", "/srv/shop.git", "../shop", "file:///srv/ada/shop", "http://github.com/ada/shop",
        "ext::sh -c evil ada/shop", "git://github.com/ada/shop", "-oProxyCommand=x:ada/shop",
        "https://github.com/ada/..", "https://github.com/ada/.", "https://github.com/ada/shop/pulls",
        "https://github.com/ada/shop?x=1", "https://-x/ada/shop", "git@github.com:ada/shop\n",
        "--upload-pack=x", "git@github.com:/srv/shop",
    ],
)  # fmt: skip
def test_what_no_host_of_pull_requests_serves_is_none(url):
    assert hosted_at(url) is None


def review(state="CHANGES_REQUESTED", commit=HEAD, author="rev", standing="MEMBER", body="why"):
    return Review(author, state, commit, body, standing)


@pytest.mark.parametrize(
    ("found", "step"),
    [
        (OPEN, Wait()),
        (replace(OPEN, head=OTHER), Update()),
        (replace(OPEN, is_open=False), Closed()),
        (replace(OPEN, is_open=False, merge_commit=OTHER), Merged(OTHER, HEAD)),
        (replace(OPEN, is_open=False, merge_commit=OTHER, head=OTHER), Merged(OTHER, OTHER)),
        (replace(OPEN, is_open=False, is_merged=True), Wait()),
        (replace(OPEN, reviews=[review()]), ChangesRequested("rev", "why")),
        (replace(OPEN, reviews=[review(standing="NONE")]), Wait()),
        (replace(OPEN, reviews=[review(standing="CONTRIBUTOR")]), Wait()),
        (replace(OPEN, reviews=[review(commit=OTHER)]), Wait()),
        (replace(OPEN, reviews=[review(), review("APPROVED")]), Wait()),
        (replace(OPEN, reviews=[review(), review("DISMISSED")]), Wait()),
        (replace(OPEN, reviews=[review(), review("COMMENTED")]), ChangesRequested("rev", "why")),
        (
            replace(OPEN, reviews=[review("APPROVED"), review(author="two")]),
            ChangesRequested("two", "why"),
        ),
        (replace(OPEN, head=OTHER, reviews=[review(commit=OTHER)]), Update()),
    ],
)
def test_what_a_state_over_there_calls_for(found, step):
    assert next_step(HEAD, found) == step


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://github.com/ada/shop/pull/7", (Hosted("github.com", "ada", "shop"), 7)),
        ("https://github.com/ada/shop/pull/x", None),
        ("https://github.com/ada/shop/pull/٣", None),
        ("https://github.com/ada/pull/7", None),
        ("", None),
    ],
)
def test_a_pull_requests_own_address_tells_where_it_is(url, found):
    assert pull_at(url) == found


def test_a_reviewers_words_are_cleaned_and_bounded():
    step = next_step(HEAD, replace(OPEN, reviews=[review(body="\x1b]52;x\x07a" + "b" * 9000)]))
    assert isinstance(step, ChangesRequested)
    assert "\x1b" not in step.words
    assert len(step.words) == 2000


def test_a_body_tells_what_passed_on_which_tree_and_who_worked():
    body = body_of(EVIDENCE, "Make the cart.")
    assert body.startswith("Make the cart.\n")
    assert f"Commit `{HEAD}`, tree `{TREE}`" in body
    assert "| `unit` | passed | 12 passed, 1 skipped | 3.2s |" in body
    assert "what it merges to was not verified here" in body
    assert "- session 1 by `claude`: completed\n" in body
    assert body.endswith("Task `cart` of the plan `shop`.\n")
    assert not re.search(r"^Clerk-", body, re.MULTILINE), "a squash would take it for trailers"
    assert "Seen red" not in body


def test_a_body_tells_red_and_green_flaky_tests_approvals_and_the_lack_of_a_sandbox():
    evidence = replace(
        EVIDENCE,
        checks=(replace(CHECK, verdict=Verdict.FLAKY, flaky_tests=("t::odd",), cached=True),),
        red=(TestsSeen("unit", OTHER, 12, tuple(f"t{n}" for n in range(12))),),
        green=(TestsSeen("unit", TREE, 12, ()),),
        approved_head=HEAD,
        attempts=(AttemptSeen(1, "sh", "none", "timed_out", True),),
    )
    body = body_of(evidence, "x")
    assert f"`unit`: 12 tests failed on tree `{OTHER}`" in body
    assert f"12 of them passed on tree `{TREE}`" in body
    assert "`t9` and 2 more" in body
    assert "Failed once and then passed on this tree: `t::odd`." in body
    assert f"a person approved `{HEAD}`" in body
    assert "timed out, **without a sandbox**" in body
    assert "known before" in body


@pytest.mark.parametrize(
    "name", ["`` @everyone", "a`\n\n# b", "x | y", "[l](javascript:0)`", "\x1b[31m`<img>"]
)
def test_a_name_that_an_agent_chose_cannot_leave_its_code_span(name):
    body = body_of(
        replace(EVIDENCE, red=(TestsSeen("unit", OTHER, 1, (name,)),), green=()), "brief"
    )
    [line] = [line for line in body.splitlines() if line.startswith("  (")]
    assert line.count("`") == 2
    assert line.startswith("  (`")
    assert line.endswith("`)")
    assert "|" not in line
    assert "\x1b" not in body


def test_a_brief_and_a_title_are_bounded_and_clean():
    assert len(body_of(EVIDENCE, "b" * 100_000)) < 4_000
    assert title_of("a\x1b[31m\nb\u202ec" + "d" * 300).startswith("a b\N{REPLACEMENT CHARACTER}c")
    assert len(title_of("d" * 300)) == 200
