"""Cutting output into lines and bounding logs, for every way the chunks may fall."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.supervision.pipes import LINE_BYTES, BoundedLog, Lines


def told(chunks: list[bytes]) -> list[str]:
    lines: list[str] = []
    cutter = Lines(lines.append)
    for chunk in chunks:
        cutter.feed(chunk)
    cutter.close()
    return lines


def expected(raw: bytes) -> list[str]:
    parts = raw.split(b"\n")
    kept = parts if parts[-1] else parts[:-1]
    return [part.decode("utf-8", "replace").removesuffix("\r") for part in kept]


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\n", b"\r\n", "ü".encode()[:1]])))
@settings(max_examples=150)
def test_lines_do_not_depend_on_where_chunks_end(chunks: list[bytes]) -> None:
    assert told(chunks) == expected(b"".join(chunks))


def test_a_line_of_any_length_is_held_within_its_cap() -> None:
    lines = told([b"x" * 100_000] * 50 + [b"tail\nnext\n"])
    assert [len(lines[0]), *lines[1:]] == [LINE_BYTES, "next"]


@given(
    chunks=st.lists(st.binary(max_size=300), max_size=30),
    limit=st.integers(min_value=200, max_value=2_000),
)
@settings(max_examples=100)
def test_a_log_is_whole_or_bounded_with_both_ends(
    tmp_path_factory: object, chunks: list[bytes], limit: int
) -> None:
    path = Path(tmp_path_factory.mktemp("log"), "log")  # type: ignore[attr-defined]
    with BoundedLog(path, limit) as log:
        for chunk in chunks:
            log.write(chunk)
    whole, kept = b"".join(chunks), path.read_bytes()
    if log.truncated:
        assert len(kept) <= limit
        assert whole.endswith(kept.rpartition(b" ...]\n")[2])
        assert whole.startswith(kept.partition(b"\n[... ")[0])
    else:
        assert kept == whole
