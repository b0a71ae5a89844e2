"""What a history's changes are, what they were made on, and how they are made ready."""

from __future__ import annotations

from pathlib import Path

import pytest
from history_replay.changes import Change, direct, last_changes, with_bases
from history_replay.git import git
from history_replay.proof import values
from history_replay.yard import TARGET, NothingToReplay, Yard, make_yard
from replay.history import COUNT, History


def changes_of(history: History, *, last: int = COUNT, together: int = 8) -> dict[str, Change]:
    found = last_changes(history.folder, "main", last)
    return {change.id: change for change in with_bases(history.folder, found, together)}


def test_a_merge_brings_its_branch_and_a_single_commit_itself(history: History) -> None:
    changes = changes_of(history)
    assert [change.title for change in changes.values()] == [
        *("Please add-two", "Please add-three", "Please rename", "Please use"),
        *("files of every kind", "Please later", "a link and a file", "unlink"),
    ]
    assert [id_ for id_, change in changes.items() if not change.is_merge] == ["c05", "c07", "c08"]
    start = changes["c01"].parent
    assert [change.base for change in changes.values()][:4] == [start] * 4
    assert changes["c05"].base == changes["c05"].parent == changes["c04"].commit
    assert changes["c06"].base == changes["c03"].commit


def test_a_change_builds_on_what_its_base_held(history: History) -> None:
    changes = changes_of(history)
    assert changes["c04"].builds_on == changes["c08"].builds_on == frozenset()
    assert changes["c06"].builds_on == {"c01", "c02", "c03"}
    assert direct(changes["c06"], changes.values()) == ["c01", "c02", "c03"]


def test_no_more_are_open_at_once_than_told(history: History) -> None:
    changes = changes_of(history, together=2)
    assert changes["c05"].builds_on == {"c01", "c02", "c03"}
    assert direct(changes["c05"], changes.values()) == ["c02", "c03"]
    one_by_one = changes_of(history, together=1)
    assert direct(one_by_one["c05"], one_by_one.values()) == ["c04"]


def test_only_the_last_ones_are_taken(history: History) -> None:
    changes = changes_of(history, last=3)
    assert [change.title for change in changes.values()] == [
        *("Please later", "a link and a file", "unlink")
    ]
    assert changes["c01"].base == git(history.folder, "rev-parse", "main~5")
    assert changes["c01"].builds_on == frozenset()


def test_what_came_before_everything_is_no_change(history: History) -> None:
    assert len(changes_of(history, last=1000)) == COUNT


def test_an_ancestry_that_tells_nothing_is_the_commit_before(history: History) -> None:
    """Branches that were merged into each other, an octopus, and a history of its own."""
    history.git("branch", "left", "main")
    history.branch("right", "main", r="1")
    history.git("switch", "--quiet", "left")
    history.write("l", "1")
    history.commit("l")
    for ours, theirs in (("left", "right~0"), ("right", "left~1")):
        history.git("switch", "--quiet", ours)
        history.git("merge", "--quiet", "--no-ff", "--no-edit", theirs)
    history.git("switch", "--quiet", "--orphan", "stranger")
    history.write("s", "1")
    history.commit("s")
    history.git("switch", "--quiet", "left")
    history.git("merge", "--quiet", "--no-edit", "right")
    history.git("merge", "--quiet", "--no-edit", "--allow-unrelated-histories", "stranger")
    history.git("branch", "--force", "x", history.git("commit-tree", "main^{tree}", "-p", "main"))
    history.git("branch", "--force", "y", history.git("commit-tree", "main^{tree}", "-p", "x"))
    octopus = ("commit-tree", "left^{tree}", "-p", "left", "-p", "x", "-p", "y")
    found = last_changes(history.folder, history.git(*octopus), 3)
    assert [change.is_merge for change in found] == [False, False, False]
    assert [change.base for change in found] == [change.parent for change in found]


def test_links_to_repositories_are_left_out_and_told(yard: Yard) -> None:
    assert [pick.change.id for pick in yard.picks] == [f"c0{number}" for number in range(1, 8)]
    assert yard.skipped == (
        "c07: submodules are left out: link",
        "c08: submodules are left out: link",
        "c08 is no task: it changes nothing else (unlink)",
    )
    linked = yard.picks[-1]
    assert linked.paths == ("beside",)
    names = ("diff-tree", "-r", "--name-only", f"{linked.commit}^", linked.commit)
    assert git(yard.clone, *names) == "beside"


def test_a_pick_is_the_change_on_its_real_base(yard: Yard) -> None:
    for pick in yard.picks[:-1]:
        assert git(yard.clone, "rev-parse", f"{pick.commit}^") == pick.change.base
        trees = (f"{pick.commit}^{{tree}}", f"{pick.change.head}^{{tree}}")
        assert len({git(yard.clone, "rev-parse", tree) for tree in trees}) == 1
    assert yard.picks[2].paths == ("has/new", "has/old", "uses/first")


def test_merges_that_somebody_had_a_hand_in_are_known(yard: Yard) -> None:
    """A conflict in c02, and in c04 what else would have been red."""
    assert [pick.change.id for pick in yard.picks if pick.by_hand] == ["c02", "c04"]


def test_the_target_starts_before_the_first_change(yard: Yard) -> None:
    assert git(yard.clone, "for-each-ref", "--format=%(refname)", "refs/heads") == (
        f"refs/heads/{TARGET}"
    )
    assert values(yard.clone) == [yard.start]
    assert git(yard.clone, "show", "-s", "--format=%s", yard.start) == "start"


def test_another_branch_may_be_replayed(history: History, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    yard = make_yard(str(history.folder), "use", tmp_path / "other", last=5, together=8)
    assert [change.title for change in yard.changes()] == ["work on use"]


def test_a_history_of_one_commit_has_nothing_to_replay(tmp_path: Path) -> None:
    folder = tmp_path / "young"
    folder.mkdir()
    git(folder, "init", "--quiet", "--template=")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=first")
    with pytest.raises(NothingToReplay):
        make_yard(str(folder), "", tmp_path, last=5, together=8)
