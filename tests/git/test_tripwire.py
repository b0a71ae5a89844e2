"""What jobs without a sandbox do to the repository is seen, and told apart from the engine's own."""

from __future__ import annotations

import os
from types import SimpleNamespace

import anyio
import pytest

from orchestrator.git.tripwire import refs_moved
from orchestrator.identity import Identity
from orchestrator.jobs.tampering import watched

pytestmark = pytest.mark.anyio


async def seen(opened, act):
    """What the tripwire tells of ``act``."""
    await opened.tripwire.begin("job")
    act()
    return await opened.tripwire.end("job", of="t")


def hook(sample, name="post-commit", text="#!/bin/sh\n"):
    path = sample.path / ".git/hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def admin_file(sample, name, text):
    entry = next((sample.path / ".git/worktrees").iterdir())
    (entry / name).write_text(text)


TAMPERING = {
    "a hook": (hook, ".git/hooks/post-commit was added; remove it"),
    "hooks elsewhere": (
        lambda s: s.git("config", "core.hooksPath", "x\x1b[2J"),
        "config sets core.hookspath to 'x'; put it back, or: git config --unset core.hookspath",
    ),
    "a filter": (
        lambda s: s.git("config", "filter.x.clean", "evil"),
        "config sets filter.x.clean to 'evil'",
    ),
    "an include": (lambda s: s.git("config", "include.path", "/x"), "config sets include.path"),
    "nonsense": (
        lambda s: (s.path / ".git/config").write_text("[["),
        "the repository's config cannot be read any more",
    ),
    "no config": (lambda s: (s.path / ".git/config").unlink(), ".git/config is gone"),
    "attributes": (
        lambda s: s.write(".git/info/attributes", "* filter=x\n"),
        ".git/info/attributes was added",
    ),
    "borrowed objects": (
        lambda s: s.write(".git/objects/info/alternates", "/tmp/evil\n"),
        ".git/objects/info/alternates was added",
    ),
    "another common directory": (
        lambda s: s.write(".git/commondir", "/tmp/evil\n"),
        ".git/commondir was added",
    ),
    "a worktree's common directory": (
        lambda s: admin_file(s, "commondir", "/tmp/evil\n"),
        "/commondir was changed",
    ),
    "a worktree's own config": (
        lambda s: admin_file(s, "config.worktree", "[core]\n"),
        "/config.worktree was added",
    ),
    "a person's worktree led away": (
        lambda s: admin_file(s, "gitdir", "/tmp/evil/.git\n"),
        "/gitdir was changed",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_tampering_is_told_in_a_sentence_until_it_is_put_back(sample, opened, tmp_path, name):
    act, told = TAMPERING[name]
    sample.git("worktree", "add", "-q", "--detach", str(tmp_path / "mine"))
    before = {
        path: path.read_bytes() for path in (sample.path / ".git").rglob("*") if path.is_file()
    }
    changes = await seen(opened, lambda: act(sample))
    assert len(changes.tampered) == 1
    assert told in changes.tampered[0]
    assert not changes.moved
    assert await opened.tripwire.standing() == changes.tampered
    for path in (sample.path / ".git").rglob("*"):
        if path.is_file() and path not in before:
            path.unlink()
    for path, content in before.items():
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)
    assert await opened.tripwire.standing() == ()


async def test_a_changed_hook_is_tampering_also_when_its_size_stays(sample, opened):
    hook(sample, text="#!/bin/sh\ntrue\n")
    changes = await seen(opened, lambda: hook(sample, text="#!/bin/sh\nevil\n"))
    assert changes.tampered == (".git/hooks/post-commit was changed; put it back",)


async def test_a_case_is_settled_by_a_persons_word(sample, opened):
    await seen(opened, lambda: hook(sample))
    assert await opened.tripwire.standing()
    opened.tripwire.accept("t")
    assert await opened.tripwire.standing() == ()


async def test_a_job_that_still_runs_is_watched_too(sample, opened):
    await opened.tripwire.begin("job")
    assert await opened.tripwire.standing() == ()
    hook(sample)
    assert await opened.tripwire.standing()


async def test_settings_agents_write_in_good_faith_are_only_told(sample, opened):
    changes = await seen(opened, lambda: sample.git("config", "user.name", "Bot"))
    assert changes.tampered == ()
    assert "config sets user.name to 'Bot'" in changes.moved[0]


async def test_refs_that_move_are_told_with_both_values(sample, opened):
    old = sample.head

    def act():
        sample.commit({"a.txt": "mine\n"})
        sample.git("tag", "v1", old)
        sample.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")

    changes = await seen(opened, act)
    assert changes.tampered == ()
    assert changes.moved == (
        "refs/heads/alias moved from nothing to a pointer at refs/heads/main",
        f"refs/heads/main moved from {old[:12]} to {sample.head[:12]}",
        f"refs/tags/v1 moved from nothing to {old[:12]}",
    )


async def test_packing_refs_moves_none(sample, opened):
    assert not (await seen(opened, lambda: sample.git("pack-refs", "--all"))).moved


async def test_what_the_engine_does_meanwhile_is_its_own(sample, opened):
    base = sample.head
    rival = sample.commit_on(base, {"b.txt": "b\n"})
    sample.git("checkout", "-q", "--detach")
    await opened.tripwire.begin("job")
    tree = await opened.worktrees.create("p", "t", base)
    (tree.path / "new.txt").write_text("new\n")
    await opened.leftovers.collect(tree, branch="clerk/p/t", base=base, message="work")
    async with opened.pool.acquire(base):
        pass
    merged = await opened.candidates.merge(base, rival)
    built = await opened.candidates.commit(merged, message="m", author=Identity("a", "b"), date=1)
    await opened.refs.hold("refs/clerk/keep/p/t/1", built.commit)
    await opened.landing.land("refs/heads/main", built, base)
    await opened.worktrees.remove("p", "t")
    changes = await opened.tripwire.end("job", of="t")
    assert changes == type(changes)()


async def test_a_move_before_the_engines_own_is_not_hidden_by_it(sample, opened):
    own = {("refs/heads/main", "b"): "c"}
    told = list(refs_moved({"refs/heads/main": "a"}, {"refs/heads/main": "c"}, own))
    assert told == ["refs/heads/main moved from a to c"]
    assert not list(refs_moved({"refs/heads/main": "b"}, {"refs/heads/main": "c"}, own))


def test_refs_stand_where_git_says_that_they_do(sample, opened):
    sample.git("tag", "-a", "v1", "-m", "annotated")
    sample.git("branch", "packed")
    sample.git("branch", "clerk/p/t")
    sample.git("update-ref", "refs/clerk/keep/p/t/1", "HEAD")
    sample.git("pack-refs", "--all")
    sample.commit({"a.txt": "more\n"})
    sample.git("branch", "deep/er")
    sample.git("symbolic-ref", "refs/heads/alias", "refs/heads/packed")
    listing = sample.git("for-each-ref", "--format=%(refname) %(objectname) %(symref)")
    rows = [line.split(" ") for line in listing.splitlines()]
    told = {ref: f"ref:{to}" if to else oid for ref, oid, to in rows if "clerk" not in ref}
    assert len(told) == 5
    for _ in range(2):
        assert dict(opened.tripwire.look().refs) == told


async def test_a_ref_that_was_written_in_place_has_moved(sample, opened):
    rival = sample.commit_on(sample.head, {"b.txt": "b\n"})
    ref = sample.path / ".git/refs/heads/main"
    changes = await seen(opened, lambda: ref.write_text(f"{rival}\n"))
    assert changes.moved == (
        f"refs/heads/main moved from {sample.git('rev-parse', 'main~')[:12]} to {rival[:12]}",
    )


async def test_what_is_no_ref_is_told_and_never_waited_for(sample, opened):
    top = sample.path / ".git/refs/heads"

    def act():
        os.mkfifo(top / "pipe")
        (top / "text").write_text("\x1b[2J" * 10_000)
        (top / "link").symlink_to("main")

    with anyio.fail_after(10):
        changes = await seen(opened, act)
    assert changes.moved == (
        "refs/heads/link moved from nothing to a pointer at main",
        "refs/heads/pipe moved from nothing to something that is no ref",
        "refs/heads/text moved from nothing to something that is no ref",
    )


async def test_the_same_job_may_be_watched_again_before_its_former_watch_has_ended(opened):
    """A candidate that is overtaken still ends while its successor is verified."""
    book = SimpleNamespace(record=lambda _: SimpleNamespace(sandbox="none"))
    site = SimpleNamespace(git=opened, records=SimpleNamespace(book=book))
    landing = ("p", "t", "landing")
    async with watched(site, *landing) as first, watched(site, *landing) as second:
        pass
    assert (first.tampered, second.tampered) == ("", "")
