"""Verdicts are kept, found again, and never trusted when damaged."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.cache import VerdictCache, cache_key
from orchestrator.results import CheckResult, Failure, Report
from orchestrator.states import Verdict

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
PARTS = {
    "tree": "a" * 40,
    "command": "pytest -q",
    "report": "junit",
    "env": {"A": "1", "B": "2"},
    "setup": ["npm ci", "make"],
    "copied": {".env": "f" * 64},
    "shared": ["node_modules", "vendor"],
    "needs": ["k1", "k2"],
}
KEY = cache_key(**PARTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> VerdictCache:
    return VerdictCache(folder)


def keys(count: int) -> list[str]:
    return [cache_key(**PARTS | {"tree": str(number)}) for number in range(count)]


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
        replace(RESULT, verdict=Verdict.FAILED),
        replace(RESULT, verdict=Verdict.ERRORED),
        replace(RESULT, verdict=Verdict.TIMED_OUT),
        replace(RESULT, verdict=Verdict.FLAKY),
        replace(RESULT, skipped=True),
        replace(RESULT, cached=True),
    ],
    ids=["failed", "errored", "timed out", "flaky", "skipped", "cached"],
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


def test_pruning_removes_what_was_longest_unused(cache: VerdictCache, folder: Path) -> None:
    first, second, third = keys(3)
    for number, key in enumerate((first, second, third)):
        cache.put(key, RESULT)
        os.utime(folder / key[:2] / key[2:], (number, number))
    assert cache.get(first) is not None
    assert cache.prune(2) == 1
    assert cache.get(second) is None
    assert cache.get(first) is not None
    assert cache.get(third) is not None
    assert cache.prune(0) == 2


def test_pruning_sweeps_up_what_a_crash_left(cache: VerdictCache, folder: Path) -> None:
    cache.put(KEY, RESULT)
    leftover = entry_of(folder).with_name("x.new")
    leftover.write_text("half")
    assert cache.prune(10) == 0
    assert not leftover.exists()
    assert cache.get(KEY) is not None


def test_pruning_a_cache_that_is_not_there_does_nothing(cache: VerdictCache) -> None:
    assert cache.prune(10) == 0


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_only_keys_are_looked_up(cache: VerdictCache, key: str) -> None:
    with pytest.raises(ValueError, match="no cache key"):
        cache.get(key)


@pytest.mark.parametrize(
    "change",
    [
        {"tree": "b" * 40},
        {"command": "pytest"},
        {"report": None},
        {"env": {"A": "1"}},
        {"env": {"A": "2", "B": "1"}},
        {"setup": ["make", "npm ci"]},
        {"copied": {".env": "0" * 64}},
        {"copied": {}},
        {"shared": ["node_modules"]},
        {"needs": ["k1"]},
    ],
    ids=str,
)
def test_every_part_counts_in_the_key(change: dict[str, object]) -> None:
    assert cache_key(**PARTS | change) != KEY


def test_order_counts_only_where_it_has_a_meaning() -> None:
    same = {
        "env": {"B": "2", "A": "1"},
        "shared": ["vendor", "node_modules"],
        "needs": ["k2", "k1"],
    }
    assert cache_key(**PARTS | same) == KEY


def test_another_kind_of_machine_has_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.uname()
    fields = [here.sysname, here.nodename, here.release, here.version]
    monkeypatch.setattr(os, "uname", lambda: os.uname_result([*fields, "other"]))
    assert cache_key(**PARTS) != KEY


@given(env=st.dictionaries(st.text(st.characters()), st.text(st.characters()), max_size=3))
@settings(max_examples=30, deadline=None)
def test_any_environment_has_a_key(env: dict[str, str]) -> None:
    assert len(cache_key(**PARTS | {"env": env})) == 64
