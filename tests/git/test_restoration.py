"""What no session may change, put back in a commit of its own: whatever stands in its place."""

from __future__ import annotations

import os

import pytest

from orchestrator.jobs.restoration import restorable, restored
from orchestrator.readiness import Survey
from orchestrator.records import TaskRecord
from orchestrator.tests_first.rules import Asked

pytestmark = pytest.mark.anyio

ODD = os.fsdecode(b"rules/a \xff\tb\n.md")


class Work:
    """A branch on top of a base, and what is put back in it."""

    def __init__(self, sample, opened) -> None:
        self.sample, self.opened = sample, opened
        self.base = sample.commit({"rules/law.md": "law", ODD: "odd", "check": "sh"}, "base")
        self.record = TaskRecord("p", "t", base=self.base)

    def commit(self, script: str) -> str:
        self.sample.git("-c", 'alias.do=!sh -ec "$SCRIPT"', "do", SCRIPT=script)
        return self.sample.commit({"work.txt": "work"}, "work")

    async def restored(self, head: str, *, tests_head: str = "", **paths):
        survey = Survey(head, tests_head=tests_head, **paths)
        record = TaskRecord("p", "t", base=self.base, tests_head=tests_head)
        tree = await self.opened.objects.tree_of(head)
        return await restored(self.opened, record, survey, tree)

    async def files(self, commit: str) -> dict[str, str]:
        entries = (await self.opened.listings.of(commit)).entries
        return {entry.path: entry.oid for entry in entries}


@pytest.fixture
def work(sample, opened):
    return Work(sample, opened)


async def as_it_must_be(work, found, *beside):
    """The base with the work, and nothing else."""
    base, now = await work.files(work.base), await work.files(found.commit)
    assert set(now) == {*base, "work.txt", *beside}
    assert {path: now[path] for path in base} == base
    assert await work.opened.objects.tree_of(found.commit) == found.tree


@pytest.mark.parametrize(
    ("script", "protected", "displaced"),
    [
        ("echo mine > rules/law.md", ("rules/law.md",), ()),
        ("rm rules/law.md; echo new > rules/new.md", ("rules/law.md", "rules/new.md"), ()),
        ("rm -r rules; echo file > rules", ("rules/law.md", ODD), ("rules",)),
        ("rm -r rules; ln -s dir rules", ("rules/law.md", ODD), ("rules",)),
        ("rm check; mkdir -p check/in; echo x > check/in/x", ("check",), ("check/in/x",)),
        ("rm check; mkdir check; echo x > check/x", ("check", "check/x"), ()),
        ("chmod +x check", ("check",), ()),
    ],
)
async def test_it_is_as_the_base_has_it(work, script, protected, displaced):
    head = work.commit(script)
    found = await work.restored(head, protected=protected)
    assert (found.paths, found.displaced) == (protected, displaced)
    await as_it_must_be(work, found)
    assert (await work.opened.objects.commit(found.commit)).parents == (head,)
    assert await work.restored(head, protected=protected) == found, "made again, the same"


async def test_work_that_keeps_off_it_is_left_alone(work):
    assert await work.restored(work.commit("true"), out_of_scope=("work.txt",)) is None


async def test_locked_tests_are_as_they_were_seen_red_with_what_landed_beside(work):
    sample = work.sample
    lines = "".join(f"{number}\n" for number in range(20))
    work.base = sample.commit({"tests/a": lines}, "tests")
    red = sample.commit_on(work.base, {"tests/a": lines.replace("3\n", "three\n", 1)})
    landed = sample.commit_on(work.base, {"tests/a": f"{lines}beside\n"})
    sample.git("checkout", "-q", "--detach", red)
    sample.git("merge", "-q", "-m", "landed", landed)
    lock = sample.git("rev-parse", "HEAD:tests/a")
    work.base = landed
    head = work.commit("echo weak > tests/a; echo mine > rules/law.md; echo more > tests/b")
    found = await work.restored(
        head, tests_head=red, locked=("tests/a", "tests/b"), protected=("rules/law.md",)
    )
    assert found.paths == ("tests/a", "tests/b", "rules/law.md")
    now = await work.files(found.commit)
    assert now["tests/a"] == lock
    assert "tests/b" not in now
    assert now["rules/law.md"] == (await work.files(landed))["rules/law.md"]


async def test_tests_that_no_longer_merge_with_their_base_are_not_guessed_at(work):
    work.base = work.sample.commit({"tests/a": "one"}, "tests")
    red = work.sample.commit_on(work.base, {"tests/a": "two"})
    work.base = work.sample.commit({"tests/a": "three"}, "landed")
    head = work.commit("echo four > tests/a")
    assert await work.restored(head, tests_head=red, locked=("tests/a",)) is None


def test_of_who_wrote_more_than_tests_nobody_can_tell_what_is_what():
    writes, record = Asked(("tests/**",), ("unit",)), TaskRecord("p", "t")
    breach = Survey("h", protected=("law",), out_of_scope=("law",))
    more = Survey("h", protected=("law",), out_of_scope=("law", "work"))
    assert restorable(breach, record, writes)
    assert not restorable(more, record, writes)
    assert restorable(more, record, None)
    assert restorable(more, TaskRecord("p", "t", tests_head="r"), writes)
    assert not restorable(Survey("h", out_of_scope=("work",)), record, None)
