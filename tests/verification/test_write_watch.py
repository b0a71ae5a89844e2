"""Checks that change the tree they are to test: told, and nothing of it is kept as known."""

from __future__ import annotations

import anyio
import pytest

from orchestrator.states import Verdict
from orchestrator.verification import write_watch
from orchestrator.verification.write_watch import WriteWatch

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True, params=[write_watch.LOOKED_THROUGH, 1], ids=["small", "large"])
def _size(request, monkeypatch):
    """Checkouts beyond a size are left to git alone, and it is all the same."""
    monkeypatch.setattr(write_watch, "LOOKED_THROUGH", request.param)


async def verified(site, checks, **changes):
    done = await site.verifier().verify(site.request(checks, **changes))
    return {result.check: result for result in done.results}


async def test_a_check_that_changes_the_tree_is_told_and_never_known(site):
    checks = {"unit": {"run": f"echo ran >> {site.folder}/ran; echo more >> README; rm .gitignore"}}
    for _ in range(2):
        unit = (await verified(site, checks))["unit"]
        assert (unit.verdict, unit.cached) == (Verdict.PASSED, False)
        assert unit.written == (".gitignore", "README")
    assert site.ran() == ["ran", "ran"]


async def test_each_change_is_told_of_the_check_that_made_it(site):
    checks = {
        "a": {"run": "echo a >> README"},
        "b": {"run": "echo b >> README; echo b >> .gitignore", "needs": ["a"]},
        "c": {"run": "true", "needs": ["b"]},
    }
    told = await verified(site, checks)
    assert [told[name].written for name in "abc"] == [("README",), (".gitignore",), ()]


async def test_what_a_check_makes_beside_the_trees_files_is_its_own(site):
    checks = {"unit": {"run": "mkdir out && echo made > out/a && echo new > new.txt; touch README"}}
    assert (await verified(site, checks))["unit"].written == ()
    assert (await verified(site, checks))["unit"].cached


async def test_what_runs_after_it_on_the_same_checkout_is_not_known_either(site):
    checks = {
        "format": {"kind": "build", "run": "echo neat > README"},
        "lint": {"run": "grep neat README", "needs": ["format"]},
    }
    first = await verified(site, checks)
    assert (first["format"].written, first["lint"].written) == (("README",), ())
    assert first["lint"].verdict is Verdict.PASSED
    assert not any(result.cached for result in (await verified(site, checks)).values())


async def test_who_runs_beside_it_is_told_too_since_nobody_knows_who_it_was(site):
    meet = f"mkfifo {site.folder}/meet 2>/dev/null; "
    checks = {
        "a": {"run": f"{meet} echo a >> README; echo > {site.folder}/meet"},
        "b": {"run": f"{meet} cat {site.folder}/meet"},
    }
    told = await verified(site, checks)
    assert told["a"].written == ("README",)
    assert told["b"].written in {("README",), ()}, "it may have ended a moment before"


async def test_two_that_end_at_once_are_both_told(site):
    """Whoever looks first has not told yet what it found when the other looks."""
    looking, ending = anyio.Event(), anyio.Event()

    async def look() -> frozenset[str]:
        if watch.is_watching:
            looking.set()
            await ending.wait()
        return frozenset({"README"} if watch.is_watching else ())

    class Watch(WriteWatch):
        is_watching = False

    watch, told = Watch(site.checkout, look), {}
    await watch.begin()
    watch.is_watching = True
    watch.starts("a")
    watch.starts("b")
    (site.checkout / "README").write_text("changed\n")

    async def end(name: str) -> None:
        told[name] = await watch.ended(name)
        watch.stopped(name)

    async with anyio.create_task_group() as ends:
        ends.start_soon(end, "b")
        await looking.wait()
        ends.start_soon(end, "a")
        await anyio.wait_all_tasks_blocked()
        ending.set()
    assert told == {"a": ("README",), "b": ("README",)}


async def test_what_setup_changes_is_no_checks_doing(site):
    worktree = {"setup": ["echo set up > README"]}
    unit = (await verified(site, {"unit": {"run": "grep up README"}}, worktree=worktree))["unit"]
    assert (unit.verdict, unit.written) == (Verdict.PASSED, ())
    again = await verified(site, {"unit": {"run": "grep up README"}}, worktree=worktree)
    assert again["unit"].cached


async def test_a_check_that_takes_the_checkout_apart_hides_nothing(site):
    """Whatever it leaves, the next verification has a whole checkout."""
    unit = (await verified(site, {"unit": {"run": "rm -rf .git README"}}))["unit"]
    assert (unit.verdict, unit.written) == (Verdict.PASSED, ("README",))
    assert (await verified(site, {"next": {"run": "cat README"}}))["next"].written == ()
