"""Pushing and fetching: only task branches, only over what is known, only from an empty repository."""

from __future__ import annotations

import pytest

from orchestrator.errors import GitError, HandoverHeld

pytestmark = pytest.mark.anyio
REF = "refs/heads/clerk/p/t"


@pytest.fixture
def remote(sample, tmp_path, monkeypatch):
    """A bare repository that holds what the sample's main does."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "remote.git"
    sample.git("clone", "-q", "--bare", str(sample.path), str(path))
    return path


def at(sample, remote, ref):
    return sample.git("--git-dir", str(remote), "rev-parse", "-q", "--verify", ref, ok=False)


async def test_a_branch_is_pushed_and_moved_on_with_a_lease(sample, opened, remote):
    url, exchange = str(remote), opened.exchange
    one = sample.commit_on(sample.head, {"a.txt": "one\n"})
    two = sample.commit_on(sample.head, {"a.txt": "two\n"})
    assert await exchange.head_of(url, REF) == ""
    await exchange.push(url, REF, one, over="")
    assert await exchange.head_of(url, REF) == one
    await exchange.push(url, REF, two, over=one)  # another history: nothing of it is lost here
    assert at(sample, remote, REF) == two
    for stale in (one, ""):
        with pytest.raises(HandoverHeld, match="failed to push"):
            await exchange.push(url, REF, one, over=stale)
    assert at(sample, remote, REF) == two
    assert sample.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/clerk/p", "refs/heads/clerkish/x"])
async def test_nothing_but_a_tasks_branch_is_ever_pushed(sample, opened, remote, ref):
    before = at(sample, remote, ref)
    with pytest.raises(GitError, match="nothing else is ever pushed"):
        await opened.exchange.push(str(remote), ref, sample.head, over=before)
    assert at(sample, remote, ref) == before


async def test_what_is_fetched_is_here_and_moves_no_ref(sample, opened, remote):
    refs, tree = sample.git("for-each-ref"), sample.git("rev-parse", "main^{tree}")
    told = ("--git-dir", str(remote), "commit-tree", tree, "-p", "main", "-m", "theirs")
    theirs = sample.git(*told)
    sample.git("--git-dir", str(remote), "update-ref", "refs/heads/main", theirs)
    got = await opened.exchange.fetch(str(remote), "refs/heads/main", known=[sample.head])
    assert got == theirs
    assert await opened.refs.resolve(theirs) == theirs
    assert sample.git("for-each-ref") == refs
    with pytest.raises(HandoverHeld, match="gone"):
        await opened.exchange.fetch(str(remote), "refs/heads/gone", known=[])


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% pwned", "git://localhost/x", "http://localhost/"]
)
async def test_other_protocols_are_refused(opened, remote, url):
    with pytest.raises(HandoverHeld, match="not allowed"):
        await opened.exchange.head_of(url, REF)


async def test_a_token_in_the_url_is_not_told(opened, remote):
    with pytest.raises(HandoverHeld) as told:
        await opened.exchange.head_of("http://ada:s3cret@localhost/ada/shop", REF)
    assert "s3cret" not in str(told.value)


async def test_the_remotes_url_is_read_from_the_configuration(sample, opened):
    assert await opened.exchange.url_of("origin") == ""
    sample.git("remote", "add", "origin", "git@github.com:ada/shop.git")
    assert await opened.exchange.url_of("origin") == "git@github.com:ada/shop.git"
