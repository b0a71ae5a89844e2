"""Verdicts are kept, found again, and never trusted when damaged."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.results import CheckResult, Failure, Report
from orchestrator.states import Verdict
from orchestrator.verification.cache import Bounds, VerdictCache, cache_key

FAILURE = Failure("tests/test_a.py::test_b", "assert 1 == 2", "E  assert", "tests/test_a.py", 7)
RESULT = CheckResult(
    "unit",
    "unit",
    "pytest -q",
    Verdict.PASSED,
    Report(parsed=True, passed=3, failed=1, failures=(FAILURE,), tail="1 failed ä\n"),
    exit_code=1,
    seconds=2.5,
    reason="1 of 4 tests failed",
    log="/logs/1",
)
KEY = cache_key({"tree": "a" * 40})
FAILED = replace(RESULT, verdict=Verdict.FAILED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> VerdictCache:
    return VerdictCache(folder)


def keys(count: int) -> list[str]:
    return [cache_key({"tree": str(number)}) for number in range(count)]


def entry_of(folder: Path) -> Path:
    (entry,) = folder.glob("??/*")
    return entry


def test_a_verdict_comes_back_whole_and_marked_as_cached(cache: VerdictCache, folder: Path) -> None:
    assert cache.get(KEY) is None
    assert cache.put(KEY, RESULT)
    assert VerdictCache(folder).get(KEY) == replace(RESULT, cached=True)


@pytest.mark.parametrize(
    "result",
    [
        replace(RESULT, verdict=Verdict.ERRORED),
        replace(RESULT, verdict=Verdict.TIMED_OUT),
        replace(RESULT, verdict=Verdict.FLAKY),
        replace(RESULT, skipped=True),
        replace(RESULT, cached=True),
        replace(FAILED, overloaded=True),
        replace(FAILED, exit_code=139),
        replace(FAILED, exit_code=-11),
        replace(FAILED, exit_code=None),
    ],
    ids=[
        *("errored", "timed out", "flaky", "skipped", "cached"),
        *("overloaded", "crashed in a shell", "crashed", "nobody knows how"),
    ],
)
def test_what_says_nothing_about_the_tree_is_not_kept(
    cache: VerdictCache, folder: Path, result: CheckResult
) -> None:
    assert not cache.put(KEY, result)
    assert cache.get(KEY) is None
    assert not folder.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 300,
        b"{}",
        b'{"key": "x"',
        b'{"key": "%s", "result": null}' % KEY.encode(),
        b"\xff\xfe",
    ],
)
def test_a_damaged_entry_is_a_miss_and_removed(
    cache: VerdictCache, folder: Path, content: bytes
) -> None:
    cache.put(KEY, RESULT)
    entry_of(folder).write_bytes(content)
    assert cache.get(KEY) is None
    assert list(folder.glob("??/*")) == []
    cache.put(KEY, RESULT)
    assert cache.get(KEY) is not None


def test_an_entry_cut_at_any_byte_is_a_miss(cache: VerdictCache, folder: Path) -> None:
    cache.put(KEY, RESULT)
    entry = entry_of(folder)
    whole = entry.read_bytes()
    for length in range(len(whole)):
        entry.write_bytes(whole[:length])
        assert cache.get(KEY) is None


def test_an_entry_in_the_place_of_another_is_a_miss(cache: VerdictCache, folder: Path) -> None:
    mine, other = keys(2)
    cache.put(other, RESULT)
    content = entry_of(folder).read_bytes()
    cache.put(mine, RESULT)
    (folder / mine[:2] / mine[2:]).write_bytes(content)
    assert cache.get(mine) is None
    assert cache.get(other) is not None


def test_an_entry_with_a_verdict_that_is_never_kept_is_a_miss(
    cache: VerdictCache, folder: Path
) -> None:
    cache.put(KEY, RESULT)
    entry = entry_of(folder)
    entry.write_bytes(entry.read_bytes().replace(b'"passed"', b'"flaky"', 1))
    assert b'"verdict":"flaky"' in entry.read_bytes()
    assert cache.get(KEY) is None


def test_files_are_private_and_nothing_is_left_beside_them(
    cache: VerdictCache, folder: Path
) -> None:
    cache.put(KEY, RESULT)
    cache.put(KEY, RESULT)
    entry = entry_of(folder)
    assert entry.stat().st_mode & 0o777 == 0o600
    assert entry.parent.stat().st_mode & 0o777 == 0o700


def test_a_failure_is_kept_and_a_later_word_replaces_it(cache: VerdictCache) -> None:
    assert cache.put(KEY, FAILED)
    assert cache.get(KEY) == replace(FAILED, cached=True)
    assert cache.put(KEY, RESULT)
    assert cache.get(KEY) == replace(RESULT, cached=True)


def test_a_flaky_run_takes_back_what_was_kept(cache: VerdictCache) -> None:
    cache.put(KEY, RESULT)
    cache.put(KEY, replace(RESULT, verdict=Verdict.FLAKY))
    assert cache.get(KEY) is None


def test_an_audit_is_remembered_until_the_check_runs_again(cache: VerdictCache) -> None:
    cache.mark_audited(KEY)
    assert not cache.is_audited(KEY)
    cache.put(KEY, RESULT)
    cache.mark_audited(KEY)
    assert cache.is_audited(KEY)
    assert cache.get(KEY) == replace(RESULT, cached=True)
    cache.put(KEY, RESULT)
    assert not cache.is_audited(KEY)


def kept(folder: Path, count: int) -> list[str]:
    """The keys of entries put one after the other, each used later than the one before."""
    cache = VerdictCache(folder)
    for number, key in enumerate(keys(count)):
        cache.put(key, RESULT)
        os.utime(folder / key[:2] / key[2:], (number, number))
    return keys(count)


def test_pruning_removes_what_was_longest_unused(folder: Path) -> None:
    first, second, third = kept(folder, 3)
    cache = VerdictCache(folder, Bounds(entries=2))
    assert cache.get(first) is not None  # used now, so the second is the oldest
    assert cache.prune() == 1
    assert cache.get(second) is None
    assert cache.get(first) is not None
    assert cache.get(third) is not None


def test_pruning_bounds_the_bytes_too(folder: Path) -> None:
    first, second, third = kept(folder, 3)
    size = (folder / first[:2] / first[2:]).stat().st_size
    cache = VerdictCache(folder, Bounds(bytes=2 * size))
    assert cache.prune() == 1
    assert cache.get(first) is None
    assert cache.get(second) is not None
    assert cache.get(third) is not None


@pytest.mark.parametrize("bounds", [Bounds(entries=20), Bounds(bytes=10_000)], ids=str)
def test_pruning_is_due_again_after_a_tenth_of_what_may_be_kept(
    folder: Path, bounds: Bounds
) -> None:
    cache = VerdictCache(folder, bounds)
    first, second, third = keys(3)
    cache.put(first, RESULT)
    assert not cache.is_overdue
    cache.put(second, RESULT)
    cache.put(third, RESULT)
    assert cache.is_overdue
    cache.prune()
    assert not cache.is_overdue


def test_pruning_leaves_what_is_being_written_and_sweeping_removes_it(
    cache: VerdictCache, folder: Path
) -> None:
    cache.put(KEY, RESULT)
    half = entry_of(folder).with_name("x.new")
    half.write_text("half")
    assert cache.prune() == 0
    assert half.exists()
    cache.sweep()
    assert not half.exists()
    assert cache.get(KEY) is not None


def test_pruning_a_cache_that_is_not_there_does_nothing(cache: VerdictCache) -> None:
    assert cache.prune() == 0


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_only_keys_are_looked_up(cache: VerdictCache, key: str) -> None:
    with pytest.raises(ValueError, match="no cache key"):
        cache.get(key)
