"""What stacked work stands on: laid the same each time, and taken out when it is another."""

from __future__ import annotations

import pytest

from orchestrator.git.grounds import Clash, Ground
from orchestrator.identity import Identity

pytestmark = pytest.mark.anyio

WHO = {"of": "p/c", "author": Identity("Ada", "ada@example.org"), "date": 1000}


@pytest.fixture
def heads(sample):
    base = sample.head
    a = sample.commit_on(base, {"new.txt": "a\n"})
    b = sample.commit_on(base, {"dir/b.txt": "b\n"})
    return base, f"a@{a}", f"b@{b}"


async def test_a_ground_is_the_target_with_the_heads_and_says_so(sample, opened, heads):
    base, a, b = heads
    ground = await opened.grounds.lay(base, (a, b), **WHO)
    assert await opened.grounds.lay(base, (a, b), **WHO) == ground
    assert sample.git("show", f"{ground}:new.txt") == "a"
    assert sample.git("show", f"{ground}:dir/b.txt") == "b"
    assert await opened.grounds.read(ground) == Ground(ground, base, f"{a} {b}")
    assert await opened.grounds.read(base) is None
    assert await opened.grounds.lay(base, (), **WHO) == base


async def test_heads_that_conflict_give_no_ground(sample, opened, heads):
    base, a, _ = heads
    rival = sample.commit_on(base, {"new.txt": "rival\n"})
    clash = await opened.grounds.lay(base, (a, f"r@{rival}"), **WHO)
    assert clash == Clash(f"r@{rival}", ("new.txt",), f"{a} r@{rival}")


async def test_a_ground_laid_over_another_takes_the_old_one_out(sample, opened, heads):
    base, a, b = heads
    old = await opened.grounds.lay(base, (a, b), **WHO)
    own = sample.commit_on(old, {"own.txt": "own\n"})
    anew = sample.commit_on(base, {"other.txt": "done anew\n"})
    words = (f"a@{anew}",)
    new = await opened.grounds.lay(base, words, **WHO)
    over = await opened.grounds.lay_over(old, new, target=base, words=words, **WHO)
    merged = await opened.candidates.merge(own, over)
    told = sample.git("ls-tree", "-r", "--name-only", merged.tree).splitlines()
    assert told == [".gitignore", "a.txt", "dir/b.txt", "other.txt", "own.txt"]
    assert sample.git("show", f"{merged.tree}:dir/b.txt") == "two"
    assert await opened.grounds.read(over) == Ground(over, base, words[0])


async def test_the_newest_ground_of_a_task_is_found_and_no_one_elses(sample, opened, heads):
    base, a, _ = heads
    below = await opened.grounds.lay(base, (a,), **(WHO | {"of": "p/cc"}))
    first = await opened.grounds.lay(base, (f"cc@{below}",), **WHO)
    own = sample.commit_on(first, {"own.txt": "own\n"})
    assert await opened.grounds.newest("p/c", base, own) == Ground(first, base, f"cc@{below}")
    assert await opened.grounds.newest("p/cc", base, own) == Ground(below, base, a)
    assert await opened.grounds.newest("p/c", first, own) is None
    assert await opened.grounds.newest("p/b", base, own) is None
