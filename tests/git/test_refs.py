from __future__ import annotations

import os
import signal

import anyio
import pytest

from orchestrator.errors import GitError, RefMoved
from orchestrator.git import refs as refs_module
from orchestrator.git.refs import Move, keep_ref
from orchestrator.supervision.companion import Companion

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


OWN = "refs/heads/clerk/p/t"


def writer_of(opened):
    return opened.refs._writer


async def test_refs_of_our_own_are_written_by_one_git_that_stays(sample, opened, monkeypatch):
    await opened.refs.hold("refs/clerk/a", sample.head)
    monkeypatch.setattr(opened.git, "run", None)
    monkeypatch.setattr(opened.git, "companion", None)
    await opened.refs.hold("refs/clerk/b", sample.head)
    await opened.refs.let_go("refs/clerk/a")
    await opened.refs.let_go("refs/clerk/nothing")
    await opened.refs.move(OWN, sample.head, "", "create")
    monkeypatch.undo()
    assert set(await opened.refs.list("refs/clerk")) == {"refs/clerk/b"}
    assert await opened.refs.list(OWN) == {OWN: sample.head}


async def test_what_people_may_move_tells_why_it_did(sample, opened):
    await opened.refs.move("refs/heads/x", sample.head, "", "clerk: the reason")
    assert "clerk: the reason" in sample.git("reflog", "show", "refs/heads/x")


async def test_a_refused_order_is_told_and_the_next_is_obeyed(sample, opened):
    with pytest.raises(GitError, match=r"update-ref failed.*refs/clerk/a"):
        await opened.refs.hold("refs/clerk/a", "1" * 40)
    await opened.refs.hold("refs/clerk/a", sample.head)
    rival = sample.commit_on(sample.head, {"a.txt": "2"})
    await opened.refs.move(OWN, sample.head, "", "create")
    with pytest.raises(RefMoved):
        await opened.refs.move(OWN, rival, rival, "wrong")
    await opened.refs.move(OWN, rival, sample.head, "right")
    assert await opened.refs.resolve(OWN) == rival


async def test_a_writer_that_was_killed_is_replaced(sample, opened):
    await opened.refs.hold("refs/clerk/a", sample.head)
    child = writer_of(opened)._writer._child
    child.signal_group(signal.SIGKILL)
    await child.exited()
    await opened.refs.hold("refs/clerk/b", sample.head)
    assert len(await opened.refs.list("refs/clerk")) == 2


async def test_a_writer_serves_for_a_while_and_under_one_configuration(sample, opened, monkeypatch):
    monkeypatch.setattr("orchestrator.git.ref_writer.ORDERS_KEPT", 2)
    served = []
    for number in range(4):
        await opened.refs.hold(f"refs/clerk/{number}", sample.head)
        served.append(writer_of(opened)._writer)
    sample.git("config", "core.logAllRefUpdates", "always")
    await opened.refs.hold("refs/clerk/logged", sample.head)
    assert [served.index(one) for one in served] == [0, 0, 2, 2]
    assert writer_of(opened)._writer is not served[-1]
    assert sample.git("reflog", "show", "refs/clerk/logged")


async def test_an_order_is_done_though_its_caller_is_cancelled(sample, opened, monkeypatch):
    """Broken off it would leave its locks."""
    await opened.refs.hold("refs/clerk/a", sample.head)
    with anyio.CancelScope() as scope:
        tell = Companion._tell

        async def cancelled_meanwhile(companion, question):
            scope.cancel()
            await tell(companion, question)

        monkeypatch.setattr(Companion, "_tell", cancelled_meanwhile)
        await opened.refs.hold("refs/clerk/b", sample.head)
    assert await opened.refs.list("refs/clerk/b")
    await opened.refs.hold("refs/clerk/c", sample.head)
    assert not list(sample.path.rglob("*.lock"))


async def test_a_writer_goes_with_its_repository(sample, opened):
    await opened.refs.hold("refs/clerk/a", sample.head)
    pid = writer_of(opened)._writer._child.pid
    opened.__exit__(None, None, None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_orders_at_once_are_done_one_after_the_other(sample, opened):
    async with anyio.create_task_group() as group:
        for number in range(32):
            group.start_soon(opened.refs.hold, f"refs/clerk/{number}", sample.head)
    assert len(await opened.refs.list("refs/clerk")) == 32


async def test_what_is_held_is_flushed_before_it_counts_as_done(sample, opened, monkeypatch):
    companion, env = opened.git.companion, {}

    async def seen(*args, **more):
        env.update(more["env"])
        return await companion(*args, **more)

    monkeypatch.setattr(opened.git, "companion", seen)
    await opened.refs.hold("refs/clerk/a", sample.head)
    assert "core.fsync" in str(env)


async def test_a_git_that_does_not_answer_is_given_up(sample, opened, monkeypatch):
    monkeypatch.setattr("orchestrator.git.ref_writer.PATIENCE_SECONDS", 0.05)
    await opened.refs.hold("refs/clerk/a", sample.head)
    child = writer_of(opened)._writer._child
    child.signal_group(signal.SIGSTOP)
    with pytest.raises(GitError, match="gave no answer"):
        await opened.refs.hold("refs/clerk/b", sample.head)
    monkeypatch.undo()
    await opened.refs.hold("refs/clerk/b", sample.head)


async def test_where_a_ref_stands_is_read_from_its_file(sample, opened, monkeypatch):
    one = sample.head
    two = sample.commit({"a.txt": "2"})
    for commit in (one, two):
        await opened.objects.tree_of(commit)
    monkeypatch.setattr(opened.objects, "named", None)
    assert await opened.refs.resolve("refs/heads/main") == two
    sample.git("update-ref", "refs/heads/main", one)
    assert await opened.refs.resolve("refs/heads/main") == one


async def test_what_a_refs_file_does_not_tell_is_asked_for(sample, opened):
    await opened.objects.tree_of(sample.head)
    heads = sample.path / ".git/refs/heads"
    sample.git("branch", "packed")
    sample.git("pack-refs", "--all")
    sample.git("symbolic-ref", "refs/heads/alias", "refs/heads/packed")
    sample.git("tag", "-a", "v1", "-m", "annotated")
    (heads / "gone").write_text(f"{'1' * 40}\n")
    (heads / "garbled").write_text("no ref\n")
    found = {
        name: await opened.refs.resolve(f"refs/heads/{name}")
        for name in ("packed", "alias", "gone", "garbled", "nothing")
    }
    assert found == {
        "packed": sample.head, "alias": sample.head, "gone": None, "garbled": None, "nothing": None
    }  # fmt: skip
    assert await opened.refs.resolve("refs/tags/v1") == sample.head
