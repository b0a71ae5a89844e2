"""What is told of an output of which nothing better is known."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.reports.folding import LINE_CHARACTERS
from orchestrator.reports.output import MOST_BYTES, MOST_LINES, SCANNED_BYTES, extract, extract_of

NOISE = b"".join(b"12:00:%02d worker: request %d answered\n" % (n % 60, n) for n in range(20_000))
NOTES = 6
"""Lines at most that tell how much is left out."""


def told(text):
    return extract_of(text.encode()).split("\n")


def test_a_short_output_is_told_whole(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"\x1b[31mone\x1b[0m\r\n\r\ntwo\n")
    assert extract(log) == "one\ntwo"


def test_a_long_output_keeps_its_head_and_end_and_says_how_much_is_left_out():
    lines = extract_of(b"first error\n" + NOISE + b"the summary\n").split("\n")
    assert lines[0] == "first error"
    assert lines[-1] == "the summary"
    (gap,) = [line for line in lines if "left out" in line]
    count, kib = (int(word) for word in gap.split() if word.isdigit())
    assert 16_000 < count < 20_000
    assert 600 < kib < len(NOISE) // 1024


def test_an_error_amid_a_long_output_is_told_with_what_stands_around_it():
    fell = b'  File "shop/cart.py", line 3, in total\n    prices[0]\nIndexError: no price\nafter\n'
    lines = extract_of(NOISE + fell + NOISE).split("\n")
    at = lines.index("IndexError: no price")
    assert lines[at - 2 : at + 2] == [
        '  File "shop/cart.py", line 3, in total',
        "    prices[0]",
        "IndexError: no price",
        "after",
    ]
    assert sum("left out" in line for line in lines) == 2


def test_of_many_errors_the_first_and_the_last_are_told():
    many = b"".join(b"a.c:%d: error: no good\n" % n + NOISE[:4000] for n in range(1000))
    text = extract_of(NOISE + many + NOISE)
    assert "a.c:0: error" in text
    assert "a.c:999: error" in text
    assert "a.c:500: error" not in text


def test_what_says_that_there_were_no_errors_is_no_error():
    text = extract_of(NOISE + b"done with 0 errors, 0 failed\n" + NOISE + b"bye\n")
    assert "0 errors" not in text


def test_the_same_line_over_and_over_is_told_once():
    assert told("a\n" + "retrying\n" * 200 + "b\n") == [
        "a",
        "retrying",
        "[… the same line 199 times more …]",
        "b",
    ]


def test_lines_that_differ_only_in_numbers_are_told_by_the_first_and_the_last():
    lines = told("".join(f"downloaded {n} of 90 MB\n" for n in range(90)) + "failed\n")
    assert lines == [
        "downloaded 0 of 90 MB",
        "[… 88 lines like these …]",
        "downloaded 89 of 90 MB",
        "failed",
    ]


def test_errors_that_differ_only_in_numbers_are_all_told():
    errors = [f"a.c:{n}: error: no" for n in range(20)]
    assert told("\n".join(errors)) == errors


def test_of_a_progress_bar_its_last_state_is_told():
    bar = "".join(f"\r\x1b[2K{n}% ####" for n in range(101))
    assert told(f"begin\n{bar}\nend\n") == ["begin", "100% ####", "end"]


def test_one_endless_line_is_bounded():
    lines = extract_of(b"x" * 5_000_000).split("\n")
    assert len(lines) == 3
    assert "4755 KiB left out" in lines[1]
    assert max(map(len, lines)) <= LINE_CHARACTERS


def test_of_what_is_far_too_big_both_ends_are_looked_at(tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.write(b"first\n")
        file.seek(3 * SCANNED_BYTES)
        file.write(b"\nlast\n")
    lines = extract(log).split("\n")
    assert (lines[0], lines[-1]) == ("first", "last")


def test_what_is_no_log_tells_nothing_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert [extract(tmp_path / name) for name in ("fifo", "missing", "link")] == ["", "", ""]


PIECES = st.sampled_from(
    [b"a\n", b"\n", b"\r", b"ValueError: x\n", b"x" * 300, b"\x1b[31m", b"\xff\n", NOISE[:3000]]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PIECES, st.integers(1, 400)), max_size=8))
def test_an_extract_is_within_its_bounds_whatever_it_is_of(pieces):
    text = extract_of(b"".join(piece * times for piece, times in pieces))
    lines = text.split("\n")
    assert len(lines) <= MOST_LINES + NOTES
    assert len(text.encode()) <= MOST_BYTES + 60 * NOTES
    assert max(map(len, lines)) <= LINE_CHARACTERS


@pytest.mark.parametrize("size", [60_000, 65_536, 65_540, 70_000, 200_000])
def test_nothing_is_told_twice_and_nothing_lost_at_the_seams(size):
    lines = [f"{'abcdefghij'[n % 10] * (n % 7 + 1)}{chr(97 + n // 10 % 26)}" for n in range(60)]
    filler = ["z" * (n % 50 + 1) for n in range(size // 26)]
    text = "\n".join([*lines[:5], *filler, *lines[5:10]])
    shown = told(text)
    assert shown[:5] == lines[:5]
    assert shown[-5:] == lines[5:10]
    assert sum("left out" in line for line in shown) == 1


def test_what_stands_before_an_error_is_not_told_again():
    first = [f"{'abcdefghijklm'[n] * 9}" for n in range(13)]
    shown = extract_of("\n".join([*first, "Error: no", ""]).encode() + NOISE).split("\n")
    assert shown[:14] == [*first, "Error: no"]


def test_no_line_is_told_from_its_middle():
    long = [f"begin {'abcdefghij'[n % 10]}" + "x" * 7_000 for n in range(40)]
    assert all(line.startswith(("begin", "[…")) for line in told("\n".join(long)))
