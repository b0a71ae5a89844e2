"""A site on which every text a stranger could have written is hostile; runnable in a terminal.

Names that the plan's rules would refuse (of tasks, checks, plans) are hostile here, too: the
dashboard must not depend on them.
"""

from __future__ import annotations

import re

from scripted.building_site import NOW, check, gates
from scripted.engine import ScriptedEngine, a_plan, a_task

from orchestrator.api.conflict_views import ConflictsView, ForecastView, InFlightView, PairView
from orchestrator.api.models import (
    AttemptView,
    DiffStatView,
    NoteView,
    QueueEntryView,
    QueueView,
    UsageView,
    VerificationView,
)
from orchestrator.api.timing_views import CheckTimingView, TimingView
from orchestrator.states import Outcome, QueueMode, TaskState, Verdict
from tui.app import ClerkApp

SIGN = "[@click=app.quit()]"
"""Stands in every hostile text, and may be seen as it is."""

NASTY = (
    f"x {SIGN}q[/] [/foo] [a=1,b='x'] [$bogus]"
    "\x1b]52;c;ZXZpbA==\x07"  # writes the clipboard
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\"
    "\x1b[31mR\x1b[2J\u202egnp \u200b\x9b2J\x9d52;c;eA==\x9c\x00\x7f\U000e0041"
)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b\U000e0000-\U000e0fff]")
"""What must never be painted."""

LONG = "L" * 2_000_000
DIFF = f"""\
diff --git a/{NASTY}.py b/{NASTY}.py
index 1..2 100644
--- a/{NASTY}.py
+++ b/{NASTY}.py
@@ -1,2 +1,3 @@ {NASTY}
 {NASTY}
-{NASTY}
+def {NASTY}
+{LONG}
"""


def a_hostile_engine() -> ScriptedEngine:
    """One task, and all that can be known of it."""
    failed = check(
        NASTY, Verdict.FAILED, reason=NASTY, command=NASTY, log="x", flaky_tests=(NASTY,)
    )
    task = a_task(
        "cart", TaskState.NEEDS_INPUT, title=NASTY, reason=NASTY, held=NASTY, agent=NASTY,
        activity=NASTY, attempt=1, blocked_by=(NASTY,), approve=True, branch=NASTY, worktree=NASTY,
        checks=(failed,), gates=gates("verified"), diff=DiffStatView(files=1, insertions=2, deletions=1),
        generating_seconds=10.0,
    )  # fmt: skip
    other = a_task(NASTY, after=("cart",), title=NASTY, queueing_seconds=5.0)
    engine = ScriptedEngine(a_plan(task, other, warnings=(NASTY,), target=NASTY))
    engine.queues = (
        QueueView(
            target=NASTY, commit="5be1c0ffee", mode=QueueMode.STRICT, slots=1, failure_rate=0.0, held=NASTY,
            entries=(QueueEntryView(plan="shop", task="cart", title=NASTY, position=1, standing=NASTY,
                                    reason=NASTY, candidate=NASTY, on=(NASTY,)),),
        ),
    )  # fmt: skip
    engine.timings = {
        "shop": TimingView(
            plan="shop", advice=NASTY, checks=(CheckTimingView(name=NASTY, kind="e2e"),)
        )
    }
    branch = InFlightView(plan="shop", task=NASTY, title=NASTY, state=TaskState.RUNNING, head="1", files=1, against_target=(NASTY,))  # fmt: skip
    engine.forecast = ConflictsView(
        forecasts=(ForecastView(target=NASTY, commit=NASTY, branches=(branch, branch), pairs=(PairView(one=0, other=1, paths=(NASTY,)),)),)
    )  # fmt: skip
    stamp = "2026-11-30T11:00:00Z"
    engine.write(
        "cart",
        f"{stamp} says {NASTY}\n    {NASTY}\n{stamp} calls {NASTY}\n{stamp} calls {NASTY}\n"
        f"{stamp} asks {NASTY}\n{NASTY}\n{LONG}\n{stamp} says {NASTY}\n",
    )
    engine.raw_logs["cart", 1] = f"{LONG}\n{NASTY}\n"
    engine.check_logs["cart", NASTY] = f"{NASTY}\n"
    engine.diffs["cart"] = DIFF
    engine.briefs["cart"] = NASTY
    engine.refusals["cart"] = NASTY
    engine.notes["cart"] = (NoteView(attempt=1, at=NOW, text=NASTY),)
    engine.attempts["cart"] = (
        AttemptView(
            number=1, agent=NASTY, sandbox=NASTY, counted=True, outcome=Outcome.ASKED, reason=NASTY,
            message=NASTY, exit_code=0, usage=UsageView(), started_at=NOW - 90, ended_at=NOW - 30,
            setup_seconds=1.0, log="", prompt="",
        ),
    )  # fmt: skip
    engine.verifications["cart"] = (
        VerificationView(
            id=1, purpose=NASTY, attempt=1, commit=NASTY, tree=NASTY, verdict=Verdict.FAILED,
            digest=f"{NASTY}\n{LONG}", checks=(failed,), started_at=NOW - 20, ended_at=NOW - 10,
        ),
    )  # fmt: skip
    return engine


if __name__ == "__main__":
    hostile = a_hostile_engine()
    ClerkApp(lambda: hostile, clock=lambda: NOW).run()
