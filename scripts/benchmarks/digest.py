"""A red verification told in few tokens: what real tools wrote, 233 failures, a log of 10 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure, middle
from benchmarks.reductions import reductions
from benchmarks.yard import environment, yard

FAILURES = 233
PASSED = 2000
LOG_BYTES = 10_000_000
BUDGET = 1500

ONCE = Path(__file__).with_name("digest_once.py")


def run(runs: int) -> list[Figure]:
    with yard() as place:
        _write_report(place.home / "unit.xml")
        _write_log(place.home / "unit.log")
        told = [_once(place.home) for _ in range(runs)]
    names = (f"digest of {FAILURES} failures in JUnit", "digest of a 10 MB log")
    figures = []
    for number, name in enumerate(names):
        seconds = middle(measured[number][0] for measured in told)
        tokens = max(measured[number][1] for measured in told)
        figures += [
            Figure(name, seconds, "s", goal="at most 1 s"),
            Figure(f"{name}, tokens", tokens, "", goal=f"at most {BUDGET}"),
        ]
    return [*reductions(BUDGET), *figures]


def _once(home: Path) -> list[list[float]]:
    argv = [sys.executable, str(ONCE), str(home), str(BUDGET)]
    done = subprocess.run(argv, env=environment(), capture_output=True, check=True)
    answer: list[list[float]] = json.loads(done.stdout)
    return answer


def _write_report(path: Path) -> None:
    """As pytest writes it, with long tracebacks; every test fails in a way of its own."""
    frames = "\n".join(f"tests/test_{n}.py:{n}: in helper_{n}\n    call_{n}()" for n in range(400))
    failed = "".join(
        f'<testcase classname="tests.test_{n}" name="test_case_{n}" time="0.01">'
        f'<failure message="AssertionError: expected {n}, got {n + 1}">'
        f"{frames}\ntests/test_{n}.py:{n + 7}: AssertionError: expected {n}, got {n + 1}"
        "</failure></testcase>"
        for n in range(FAILURES)
    )
    passed = "".join(
        f'<testcase classname="tests.ok" name="test_ok_{n}" time="0.01"/>' for n in range(PASSED)
    )
    total = FAILURES + PASSED
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" errors="0" '
        f'failures="{FAILURES}" skipped="0" tests="{total}">{failed}{passed}</testsuite></testsuites>'
    )


def _write_log(path: Path) -> None:
    line = "2026-01-01 12:00:00 INFO worker: request {} answered in 12 ms with nothing of note\n"
    with path.open("w") as log:
        number = 0
        while log.tell() < LOG_BYTES:
            log.write("".join(line.format(number + step) for step in range(1000)))
            number += 1000
        log.write("Traceback (most recent call last):\nAssertionError: expected 3, got 4\n")
