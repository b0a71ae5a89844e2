from __future__ import annotations

import anyio
import pytest

from orchestrator.errors import GitError, RefMoved
from orchestrator.git import refs as refs_module
from orchestrator.git.refs import Move, keep_ref

pytestmark = pytest.mark.anyio


async def test_a_ref_moves_only_from_the_value_it_was_expected_to_hold(sample, opened):
    one = sample.head
    two = sample.commit_on(one, {"a.txt": "2"})
    await opened.refs.move("refs/heads/x", one, "", "create")
    with pytest.raises(RefMoved, match="refs/heads/x is at"):
        await opened.refs.move("refs/heads/x", two, two, "wrong")
    with pytest.raises(RefMoved):
        await opened.refs.move("refs/heads/x", two, "", "already there")
    await opened.refs.move("refs/heads/x", two, one, "right")
    assert await opened.refs.resolve("refs/heads/x") == two
    await opened.refs.delete("refs/heads/x", two)
    assert await opened.refs.resolve("refs/heads/x") is None


async def test_of_many_movers_exactly_one_wins(sample, opened):
    start = sample.head
    rivals = [sample.commit_on(start, {"a.txt": str(number)}) for number in range(8)]
    await opened.refs.move("refs/heads/x", start, "", "create")
    outcomes = []

    async def mover(oid):
        try:
            await opened.refs.move("refs/heads/x", oid, start, "race")
            outcomes.append(oid)
        except RefMoved:
            pass

    async with anyio.create_task_group() as group:
        for oid in rivals:
            group.start_soon(mover, oid)
    assert outcomes == [await opened.refs.resolve("refs/heads/x")]


async def test_a_transaction_moves_all_or_nothing(sample, opened):
    one = sample.head
    with pytest.raises(RefMoved):
        await opened.refs.move_all(
            [Move("refs/heads/new", one, ""), Move("refs/heads/main", one, "1" * 40)], "both"
        )
    assert await opened.refs.resolve("refs/heads/new") is None


async def test_a_lock_that_is_let_go_is_waited_for(sample, opened):
    lock = sample.path / ".git" / "refs" / "heads" / "x.lock"
    lock.touch()
    attempts = 0
    attempt = opened.refs._attempt

    async def counted(*args):
        nonlocal attempts
        attempts += 1
        if attempts == 3:
            lock.unlink()
        await attempt(*args)

    opened.refs._attempt = counted
    await opened.refs.move("refs/heads/x", sample.head, "", "patience")
    assert attempts == 3


async def test_a_lock_that_stays_is_an_error_and_no_lost_race(sample, opened, monkeypatch):
    monkeypatch.setattr(refs_module, "LOCK_PATIENCE_SECONDS", 0.05)
    (sample.path / ".git" / "refs" / "heads" / "x.lock").touch()
    with pytest.raises(GitError, match=r"remove its \.lock file") as caught:
        await opened.refs.move("refs/heads/x", sample.head, "", "stuck")
    assert not isinstance(caught.value, RefMoved)


async def test_a_branch_made_a_pointer_does_not_drag_the_target_along(sample, opened):
    base = sample.head
    other = sample.commit_on(base, {"a.txt": "2"})
    sample.git("symbolic-ref", "refs/heads/clerk/p/t", "refs/heads/main")
    await opened.refs.move("refs/heads/clerk/p/t", other, base, "import")
    assert sample.git("rev-parse", "main") == base
    assert await opened.refs.resolve("refs/heads/clerk/p/t") == other


async def test_listing_takes_whole_components_only(sample, opened):
    await opened.refs.move(keep_ref("p", "t", 1), sample.head, "", "keep")
    await opened.refs.move(keep_ref("p", "tt", 1), sample.head, "", "keep")
    assert list(await opened.refs.list("refs/clerk/keep/p/t")) == ["refs/clerk/keep/p/t/1"]


async def test_a_ref_is_looked_up_anew_each_time_without_a_process(sample, opened):
    one = sample.head
    assert await opened.refs.resolve("refs/heads/main") == one
    ran = []
    opened.git.run = lambda *args, **_: ran.append(args)
    two = sample.commit({"a.txt": "2"})
    assert await opened.refs.resolve("refs/heads/main") == two
    sample.git("pack-refs", "--all")
    sample.git("gc", "-q", "--prune=now")
    assert await opened.refs.resolve("refs/heads/main") == two
    sample.git("update-ref", "refs/heads/main", one)
    assert await opened.refs.resolve("refs/heads/main") == one
    assert not ran


async def test_odd_names_of_revisions_do_not_confuse_the_reader(sample, opened):
    assert await opened.refs.resolve(f"refs/heads/nothing\n{sample.head}") is None
    assert await opened.refs.resolve("refs/heads/ma in") is None
    assert await opened.refs.resolve("refs/heads/main") == sample.head
