"""Whether a task costs the same in a plan of ten and of a thousand.

Told from the event log, from the first session's start to the last landing, so that starting up,
which every plan pays once, is left out. Every task changes a file that is there, in a repository
of one size: else git's own work would grow, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Figure, middle
from benchmarks.tasks import bare_loop, instant_plan, require_landed
from benchmarks.yard import yard

if TYPE_CHECKING:
    from benchmarks.yard import Yard

COUNTS = (10, 100, 1000)
FILES = COUNTS[-1]
AGENT = "n=${task#t}; echo changed >> src$((n % 4))/file$n.txt"


def run(runs: int) -> list[Figure]:
    ours, bare = {}, {}
    for count in COUNTS:
        times = runs if count < COUNTS[-1] else 1
        bare[count] = (
            middle(bare_loop(count, files=FILES, agent=AGENT).seconds for _ in range(times))
            / count
            * 1000
        )
        ours[count] = middle(_landing_all(count) for _ in range(times)) / count * 1000
    figures = [Figure(f"a task of {n}", ours[n], "ms", bare[n]) for n in COUNTS]
    least, most = ours[COUNTS[0]], ours[COUNTS[-1]]
    return [
        *figures,
        Figure(
            f"a task of {COUNTS[-1]} to one of {COUNTS[0]}", most / least, "x", goal="at most 1.3"
        ),
        Figure(
            f"a task of {COUNTS[-1]} to one of {COUNTS[1]}",
            most / ours[COUNTS[1]],
            "x",
            goal="at most 1.3",
        ),
    ]


def _landing_all(count: int) -> float:
    with yard(FILES) as place:
        plan = instant_plan(place, count, agent=AGENT)
        place.clerk("run", str(plan), "--merge", "auto")
        require_landed(place, count)
        return span(place)


def span(place: Yard) -> float:
    """Seconds from the first session's start to the last landing."""
    events = place.events()
    started = min(e["at"] for e in events if e["data"].get("to") == "running")
    landed = max(e["at"] for e in events if e["kind"] == "task_merged")
    return float(landed - started)
