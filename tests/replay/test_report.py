"""What git alone shows of a replay, and how it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from history_replay.git import GitFailed, git
from history_replay.orders import Wishes
from history_replay.proof import Bench, Proof, altered, differing, lost, steps, values
from history_replay.report import Report, as_data, lines
from history_replay.rounds import Fate, Tally
from history_replay.yard import TARGET, Yard
from replay.history import TEST


def move(yard: Yard, commit: str) -> str:
    """Put the target there by hand."""
    git(yard.clone, "update-ref", f"refs/heads/{TARGET}", commit)
    return git(yard.clone, "rev-parse", commit)


def merged(yard: Yard, tree: str, *parents: str) -> str:
    words = [word for parent in parents for word in ("-p", parent)]
    return git(yard.clone, "commit-tree", tree, *words, "-m", "merged")


def told(yard: Yard, *, fates: list[Fate] | None = None, **parts: object) -> Report:
    tally = Tally({fate.id: fate for fate in fates or []}, seconds=30.0, rounds=1)
    defaults: dict[str, object] = {
        "values": [yard.start],
        "proofs": None,
        "lost": [],
        "altered": [],
        "differing": [],
    }
    return Report(yard, tally, **(defaults | parts))  # type: ignore[arg-type]


def test_a_red_value_is_found_though_a_green_one_followed(yard: Yard, tmp_path: Path) -> None:
    red = git(yard.clone, "merge-tree", "--write-tree", yard.picks[2].commit, yard.picks[3].commit)
    moves = [move(yard, merged(yard, red, yard.start)), move(yard, yard.tip)]
    assert values(yard.clone) == [yard.start, *moves]
    (tmp_path / "bench").mkdir()
    proofs = list(Bench(yard.clone, tmp_path / "bench", Wishes(TEST)).prove(values(yard.clone), 2))
    assert [proof.green for proof in proofs] == [True, False, True]
    assert proofs[1].told == "uses/second: red\n"


def test_commits_between_two_values_are_found(yard: Yard) -> None:
    first = git(yard.clone, "rev-list", "--first-parent", "--reverse", yard.tip).split()
    move(yard, yard.tip)
    assert steps(yard) == first
    assert values(yard.clone) == [first[0], first[-1]]
    proofs = [Proof(commit, green=True, told="") for commit in first]
    report = told(yard, proofs=proofs, values=[first[0], first[-1]])
    assert "Each of the 9 values the target took, and commits between, passes" in "\n".join(
        lines(report)
    )


def test_a_setup_that_fails_is_not_green(yard: Yard, tmp_path: Path) -> None:
    bench = Bench(yard.clone, tmp_path, Wishes("true", setup=("false",)))
    assert [proof.green for proof in bench.prove([yard.start], 1)] == [False]


def test_tests_that_do_not_end_are_not_green(yard: Yard, tmp_path: Path) -> None:
    bench = Bench(yard.clone, tmp_path, Wishes("sleep 1000 & wait", timeout=0.1))
    (proof,) = bench.prove([yard.start], 1)
    assert (proof.green, proof.told) == (False, "stopped after 0.1s\n")


def test_a_log_that_ends_elsewhere_proves_nothing(yard: Yard) -> None:
    (yard.clone / "refs" / "heads" / TARGET).write_text(f"{yard.tip}\n", encoding="ascii")
    with pytest.raises(GitFailed, match="does not end where"):
        values(yard.clone)


def test_a_landing_that_is_gone_is_lost(yard: Yard) -> None:
    assert lost(yard.clone, [yard.start, yard.tip]) == [yard.tip]


def test_a_merge_that_git_would_make_otherwise_is_altered(yard: Yard) -> None:
    one, other = yard.picks[0].commit, yard.picks[2].commit
    tree = git(yard.clone, "merge-tree", "--write-tree", yard.start, one)
    good = merged(yard, tree, yard.start, one)
    move(yard, good)
    assert altered(yard) == []
    bad = move(yard, merged(yard, f"{other}^{{tree}}", good, other))
    assert altered(yard) == [bad]
    conflict = move(yard, merged(yard, tree, good, yard.picks[1].commit))
    assert altered(yard) == [conflict]


def test_what_differs_from_history_is_named(yard: Yard) -> None:
    assert "words" in differing(yard)
    move(yard, yard.tip)
    assert differing(yard) == []


def test_the_promise_is_broken_by_each_thing_git_shows(yard: Yard) -> None:
    red = [Proof("a" * 40, green=False, told="boom")]
    assert told(yard).promise_held
    for parts in ({"proofs": red}, {"lost": ["b"]}, {"altered": ["c"]}):
        assert not told(yard, **parts).promise_held
    text = "\n".join(lines(told(yard, proofs=red, lost=["b"], altered=["c"], differing=["d"])))
    for words in ("RED: the target was aaaaaaa", "boom", "LOST: b", "ALTERED: c", "1 files: d."):
        assert words in text


def test_every_change_is_told_with_its_reasons(yard: Yard) -> None:
    fates = [
        Fate("c01", "merged", landed="x", sessions=2, sent_back=["conflicts with main in words"]),
        Fate("c02", "failed", refused=["tests did not pass\x1b[2J"], sessions=3),
        Fate("c03", "failed", refused=["nothing"], there=True),
    ]
    report = told(yard, fates=fates, proofs=[Proof(yard.start, green=True, told="")])
    text = "\n".join(lines(report))
    assert "landed    c01 Please add-two  (2 sessions)" in text
    assert "sent back: conflicts with main in words" in text
    assert "failed    c02 Please add-three" in text
    assert "there     c03 Please rename" in text
    assert "skipped   c07: submodules are left out: link" in text
    assert "2.0 landed a minute" in text
    assert "Each of the 1 values the target took passes by hand." in text
    assert "\x1b" not in text
    data = as_data(report)
    assert (data["landed"], data["landed_per_minute"], data["promise_held"]) == (1, 2.0, True)
    assert data["changes"][1]["refused"] == ["tests did not pass\x1b[2J"]


def test_an_end_that_is_not_historys_may_be_for_what_was_done_by_hand(yard: Yard) -> None:
    assert list(lines(told(yard)))[-1] == "The target's tree is history's."
    by_hand = "In history these merges were settled or added to by hand: c02, c04."
    assert list(lines(told(yard, differing=["words"])))[-1] == by_hand


def test_what_was_not_proven_is_said_not_to_be(yard: Yard) -> None:
    assert "were not proven by hand" in "\n".join(lines(told(yard)))
