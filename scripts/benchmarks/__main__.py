"""``scripts/bench [NAME...] [--runs N] [--json]``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING

from benchmarks.figures import as_json, table
from benchmarks.yard import place

if TYPE_CHECKING:
    from benchmarks.figures import Figure

NAMES = (
    "tasks",
    "growth",
    "latency",
    "queue",
    "cache",
    "cli",
    "digest",
    "restart",
    "memory",
    "sandbox",
    "dashboard",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--runs", type=int, default=3, help="medians over so many (default 3)")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    told = parser.parse_args()
    if unknown := set(told.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    _say(f"in {place()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    figures: list[Figure] = []
    for name in told.names or NAMES:
        _say(f"{name} ...")
        figures += importlib.import_module(f"benchmarks.{name}").run(told.runs)
    print(as_json(figures) if told.json else table(figures))


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr)


if __name__ == "__main__":
    main()
