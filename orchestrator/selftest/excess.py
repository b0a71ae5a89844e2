"""Agents that do not end, leave something behind, or take too much.

Each takes no more than a machine can bear where nothing holds it: that is the difference between
a self-test and an attack.
"""

from __future__ import annotations

from orchestrator.selftest.case import Case, act, one
from orchestrator.selftest.judging import both, bounded, kept_out, landed, nothing_lives
from orchestrator.selftest.last_word import LAST_WORD

LOG_BYTES = 2_000_000
MEMORY_BYTES = 256 << 20

_MOST_LOG = LOG_BYTES + 200_000
_MOST_ENGINE = 400_000_000
_GOOD = "echo good > work/$CLERK_TASK.txt"
_CHATTER = "sh -c 'while :; do echo still at it; sleep 0.2; done' {mark}"

_EAT = """
"$PYTHON" -I -S - {mark} <<'END'
import time
held = []
for _ in range(32):
    held.append(b"x" * (16 << 20))
    time.sleep(0.05)
time.sleep(3)
END
"""

_FORK = """
n=0
while [ $n -lt 600 ]; do sleep {mark} & n=$((n + 1)); done
"""

EXCESS: tuple[Case, ...] = (
    one(
        "lingerer",
        "stays after its last word",
        "it is stopped, and its work counts",
        act(f"{_GOOD}; echo '{LAST_WORD}'; exec sleep {{mark}}", agent="lingerer"),
        both(landed("lingerer"), nothing_lives("lingerer")),
    ),
    one(
        "endless",
        "never ends, and never falls silent",
        "it is stopped when its time is up",
        act(_CHATTER, budget={"wall": "2s"}),
        both(kept_out("endless", "ran out of time"), nothing_lives("endless")),
    ),
    one(
        "stubborn",
        "ignores every signal that can be ignored",
        "it is killed",
        act(f"trap '' TERM INT HUP QUIT; {_CHATTER}", budget={"wall": "2s"}),
        both(kept_out("stubborn", "ran out of time"), nothing_lives("stubborn")),
    ),
    one(
        "silent",
        "falls silent for ever",
        "it is stopped",
        act("exec sleep {mark}", budget={"idle": "2s"}),
        both(kept_out("silent", "fell silent"), nothing_lives("silent")),
    ),
    one(
        "daemon",
        "leaves daemons behind that have left its session",
        "they end with it",
        act(
            f"{_GOOD}; (setsid sh -c 'sleep {{mark}} & sleep {{mark}} & exit' </dev/null >/dev/null 2>&1 &); "
            "(env -i setsid sleep {mark} &); true"
        ),
        both(landed("daemon"), nothing_lives("daemon")),
    ),
    one(
        "flood",
        "prints 100 MB",
        "its log is cut, and the engine does not grow",
        act(f"{_GOOD}; yes $(head -c 4000 /dev/zero | tr '\\0' x) | head -c 100000000"),
        bounded("flood", _MOST_LOG, _MOST_ENGINE),
    ),
    one(
        "long-line",
        "prints one line of 50 MB",
        "its log is cut, and the engine does not grow",
        act(f"{_GOOD}; head -c 50000000 /dev/zero | tr '\\0' x"),
        bounded("long-line", _MOST_LOG, _MOST_ENGINE),
    ),
    one(
        "eater",
        "eats twice the memory it may have",
        "it is ended, and the reason says so",
        act(f"{_EAT} {_GOOD}"),
        both(kept_out("eater", "memory"), nothing_lives("eater")),
    ),
    one(
        "forks",
        "starts processes without end",
        "it comes to a bound, and all of them end",
        act(f"{_FORK} {_GOOD}"),
        both(kept_out("forks"), nothing_lives("forks")),
        confined=True,
    ),
)
