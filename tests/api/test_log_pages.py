"""Pages of logs: nothing is lost between them, nothing but logs is opened, little is read."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.api import log_pages
from orchestrator.api.log_pages import opened, read_page, search
from orchestrator.api.log_views import LogPlace, LogSearch
from orchestrator.errors import UsageError


@pytest.fixture
def logs(tmp_path):
    """A folder of logs, and outside it what no request may reach."""
    (tmp_path / "secret").write_text("do not show")
    folder = tmp_path / "logs"
    (folder / "p/t/1").mkdir(parents=True)
    return folder


def place(**where) -> LogPlace:
    return LogPlace(attempt=1, **where)


def page_of(log, **where):
    with opened(str(log), log.parent) as descriptor:
        return read_page(descriptor, place(**where))


def found_in(log, text, at=0, *, backwards=False):
    with opened(str(log), log.parent) as descriptor:
        return search(descriptor, LogSearch(attempt=1, text=text, at=at, backwards=backwards))


TEXTS = st.text(alphabet="ab\n\n é東𝄞", max_size=300)


@given(text=TEXTS, most=st.integers(16, 64))
def test_pages_onwards_hold_every_byte_once(tmp_path_factory, text, most):
    log = tmp_path_factory.mktemp("logs") / "a.log"
    log.write_text(text, "utf-8", newline="")
    at, told = 0, []
    while True:
        page = page_of(log, at=at, most=most)
        assert page.start == at
        assert "\ufffd" not in page.text, "no character is cut"
        told.append(page.text)
        if page.end == page.size:
            break
        assert page.end > at, "it goes on"
        at = page.end
    assert "".join(told) == text


@given(text=TEXTS, most=st.integers(16, 64))
def test_pages_backwards_hold_every_byte_once(tmp_path_factory, text, most):
    log = tmp_path_factory.mktemp("logs") / "a.log"
    log.write_text(text, "utf-8", newline="")
    page = page_of(log, most=most)
    told = [page.text]
    while page.start:
        before = page.start
        page = page_of(log, before=before, most=most)
        assert page.start < page.end == before
        told.insert(0, page.text)
    assert "".join(told) == text


def test_a_page_begins_and_ends_between_lines(logs):
    log = logs / "a.log"
    log.write_text("".join(f"line {n:03}\n" for n in range(100)))
    assert page_of(log, at=0, most=50).text.endswith("line 004\n")
    last = page_of(log, most=50)
    assert last.text.startswith("line 095\n")
    assert (last.end, last.size) == (900, 900)
    assert page_of(log, at=10_000).text == "", "beyond the end there is nothing"
    assert page_of(log, before=10_000, most=50) == last


def test_what_is_no_text_is_still_shown(logs):
    log = logs / "a.log"
    log.write_bytes(b"\x80" * 100 + b"\xff" * 100)
    at = 0
    while at < 200:
        page = page_of(log, at=at, most=16)
        assert page.end > at
        at = page.end
    while at:
        page = page_of(log, before=at, most=16)
        assert page.start < at
        at = page.start


def test_a_page_of_a_huge_log_reads_a_page_only(logs, monkeypatch):
    log = logs / "huge.log"
    with log.open("wb") as file:
        file.truncate(100 * 1024**3)  # a hole: more than any memory holds
    asked = []
    pread = os.pread
    monkeypatch.setattr(
        log_pages.os, "pread", lambda fd, n, at: asked.append(n) or pread(fd, n, at)
    )
    for where in ({}, {"at": 50 * 1024**3}, {"before": 70 * 1024**3}):
        page = page_of(log, **where)
        assert page.end - page.start <= 64 * 1024
    assert found_in(log, "x").next == log_pages.SEARCHED_AT_ONCE
    assert sum(asked) <= 3 * 64 * 1024 + log_pages.SEARCHED_AT_ONCE


def test_searching_goes_on_from_part_to_part_in_both_directions(logs, monkeypatch):
    monkeypatch.setattr(log_pages, "SEARCHED_AT_ONCE", 32)
    log = logs / "a.log"
    log.write_text("." * 62 + "Needle" + "." * 90 + "needle" + "." * 40)

    def look(text, at, *, backwards=False):
        while True:
            found = found_in(log, text, at, backwards=backwards)
            if found.at is not None or found.next is None:
                return found.at
            at = found.next

    assert look("needle", 0) == 62, "also where it lies across two parts"
    assert look("needle", 63) == 158
    assert look("Needle", 63) is None
    assert look("needle", 204, backwards=True) == 158
    assert look("needle", 158, backwards=True) == 62
    assert look("needle", 62, backwards=True) is None
    assert look("absent", 0) is None


@pytest.mark.parametrize(
    "path", ["", "../secret", "p/../../secret", "p/link", "p/far/secret", "p/pipe", "p/t"]
)
def test_only_regular_files_below_the_logs_are_opened(logs, path):
    (logs / "p/link").symlink_to(logs.parent / "secret")
    (logs / "p/far").symlink_to(logs.parent)
    os.mkfifo(logs / "p/pipe")
    with pytest.raises(UsageError), opened(path and str(logs / path), logs) as log:
        raise AssertionError(os.read(log, 100))


def test_a_link_within_the_logs_is_no_log(logs):
    (logs / "real.log").write_text("x")
    (logs / "p/link.log").symlink_to(logs / "real.log")
    with pytest.raises(UsageError), opened(str(logs / "p/link.log"), logs):
        pass


@pytest.mark.parametrize(
    "name",
    [
        {},
        {"check": "unit", "raw": True},
        {"verification": 1},
        {"attempt": 1, "check": "unit"},
        {"attempt": 1, "verification": 1, "check": "unit"},
        {"verification": 1, "check": "unit", "raw": True},
        {"attempt": 0},
        {"attempt": 1, "path": "/etc/passwd"},
        {"attempt": 1, "most": 1_000_000},
    ],
)
def test_a_request_names_one_log_and_no_path(name):
    with pytest.raises(ValidationError):
        LogPlace(**name)
