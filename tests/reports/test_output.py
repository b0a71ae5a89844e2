"""What is told of an output of which nothing better is known."""

import os

from orchestrator.reports.output import HEAD_BYTES, LINE_CHARACTERS, TAIL_BYTES, extract


def test_a_short_output_is_told_whole(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"\x1b[31mone\x1b[0m\r\ntwo\n")
    assert extract(log) == "one\ntwo"


def test_a_long_output_keeps_its_head_and_end_and_says_so(tmp_path):
    log = tmp_path / "log"
    log.write_text("first error\n" + "noise\n" * 2_000_000 + "the summary\n")
    told = extract(log)
    assert told.startswith("first error\n")
    assert told.endswith("\nthe summary")
    assert "middle is cut" in told
    assert len(told) < HEAD_BYTES + TAIL_BYTES + 100


def test_many_short_lines_are_cut_too(tmp_path):
    log = tmp_path / "log"
    log.write_text("a\n" * 500)
    assert "lines cut" in extract(log)


def test_one_endless_line_is_bounded(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"x" * 5_000_000)
    lines = extract(log).split("\n")
    assert len(lines) == 3
    assert max(map(len, lines)) <= LINE_CHARACTERS


def test_what_is_no_log_tells_nothing_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert extract(tmp_path / "fifo") == ""
    assert extract(tmp_path / "missing") == ""
