"""A lively building site: two plans in every state a task can be in, for pictures and tests."""

from __future__ import annotations

from typing import Any

from scripted.engine import ScriptedEngine, a_plan, a_task

from orchestrator.api.models import (
    AttemptView,
    CheckView,
    DiffStatView,
    GateView,
    PlanView,
    TaskView,
    UsageView,
    VerificationView,
)
from orchestrator.states import Outcome, TaskState, Verdict

NOW = 1_000_000.0

_GATES = {
    "verified": ("all 3 checks passed on this tree", "not verified yet"),
    "red proven": ("no tests are asked for first", "the new tests were never red"),
    "in scope": ("everything it touched is in its scope", "it touched package.json"),
    "protected paths": ("protected paths are as they were", "it changed plans/shop.yaml"),
    "merges cleanly": ("merges into main without conflict", "conflicts in src/cart/total.py"),
    "merged result": ("the merged result passed", "the merged result was not verified yet"),
    "dependencies": ("all it depends on is merged", "waits for cart-api to be merged"),
    "approved": ("no approval is asked for", "a person must approve it"),
}


def gates(*closed: str) -> tuple[GateView, ...]:
    return tuple(
        GateView(name=name, open=name not in closed, reason=no if name in closed else yes)
        for name, (yes, no) in _GATES.items()
    )


def check(name: str, verdict: Verdict | None = Verdict.PASSED, **fields: Any) -> CheckView:
    given = {"kind": name, "command": f"make {name}", "seconds": 3.4} | fields
    return CheckView(name=name, verdict=verdict, **given)


def checks(*verdicts: Verdict | None, **fields: Any) -> tuple[CheckView, ...]:
    return tuple(map(lambda name, v: check(name, v, **fields), ("build", "unit", "e2e"), verdicts))


P, F = Verdict.PASSED, Verdict.FAILED


def shop() -> PlanView:
    def task(id: str, state: TaskState, title: str, ago: float = 0, **fields: Any) -> TaskView:  # noqa: A002
        return a_task(id, state, title=title, state_since=NOW - ago, sandbox="none", **fields)

    def used(tokens: int, cost: float) -> UsageView:
        return UsageView(input_tokens=tokens, output_tokens=tokens // 9, cost_usd=cost)

    s = TaskState
    return a_plan(
        task(
            "catalogue-api", s.MERGED, "Serve the catalogue as JSON", 900, agent="claude",
            attempt=1, attempts_used=1, generating_seconds=252, verifying_seconds=38,
            usage=used(61_000, 0.48), checks=checks(P, P, P, cached=True),
            diff=DiffStatView(files=4, insertions=212, deletions=18), gates=gates(),
        ),
        task(
            "cart-total", s.VERIFIED, "The cart shows a running total", 95, merge_ready=True,
            agent="claude", attempt=2, attempts_used=2, generating_seconds=433,
            verifying_seconds=71, usage=used(118_000, 0.93),
            checks=(check("build", P, cached=True), check("unit", P, passed=41), check("e2e", P, passed=12, seconds=9.8)),
            diff=DiffStatView(files=6, insertions=148, deletions=32), gates=gates(),
        ),
        task(
            "cart-discount", s.VERIFIED, "Discount codes are taken off the total", 22, approve=True,
            agent="claude", attempt=1, attempts_used=1, generating_seconds=301, verifying_seconds=40,
            usage=used(74_000, 0.61), checks=checks(P, P, P),
            diff=DiffStatView(files=5, insertions=97, deletions=11), gates=gates("approved"),
        ),
        task(
            "checkout-form", s.RUNNING, "The checkout form validates addresses before it is sent",
            252, agent="claude", attempt=1, attempts_used=1, usage=used(88_000, 0.70),
            activity="Editing src/checkout/form.py", checks=checks(None, None, None),
            diff=DiffStatView(files=3, insertions=64, deletions=9), gates=gates("verified", "merged result"),
            generating_seconds=252,
        ),
        task(
            "search", s.VERIFYING, "Search finds products by part of their name", 31,
            agent="codex", attempt=2, attempts_used=2, usage=used(142_000, 1.10), generating_seconds=512, verifying_seconds=31,
            activity="Running e2e", checks=(check("build", P, cached=True), check("unit", P, passed=57), check("e2e", None, running=True)),
            diff=DiffStatView(files=9, insertions=310, deletions=120), gates=gates("verified", "merged result"),
        ),
        task(
            "payment-webhook", s.NEEDS_INPUT, "The payment provider's webhook is checked and stored",
            410, asks=True, agent="claude", attempt=2, attempts_used=2, usage=used(131_000, 1.02), generating_seconds=366, verifying_seconds=20,
            reason="Which of the two signing keys is the one in use, and may I read it from .env?",
            checks=(check("build", P), check("unit", F, passed=38, failed=2), check("e2e", None, skipped=True)),
            diff=DiffStatView(files=4, insertions=80, deletions=3), gates=gates("verified", "merged result"),
        ),
        task(
            "order-mail", s.RETRY_QUEUED, "A confirmation mail is sent for each order", 14,
            agent="claude", attempt=2, attempts_used=2, usage=used(97_000, 0.77), generating_seconds=280, verifying_seconds=44,
            reason="e2e failed: 1 of 12 tests, test_mail_is_sent",
            checks=(check("build", P), check("unit", P, passed=44), check("e2e", F, passed=11, failed=1, reason="test_mail_is_sent: expected 1 mail, got 0")),
            diff=DiffStatView(files=3, insertions=71, deletions=0), gates=gates("verified", "merged result"),
        ),
        task(
            "invoice-pdf", s.FAILED, "Invoices can be had as PDF", 610, agent="codex",
            attempt=3, attempts_used=3, usage=used(233_000, 1.84), generating_seconds=905, verifying_seconds=133,
            reason="build failed in each of 3 attempts: cannot find module 'pdfkit'",
            checks=(check("build", F), check("unit", None, skipped=True), check("e2e", None, skipped=True)),
            diff=DiffStatView(files=7, insertions=402, deletions=8), gates=gates("verified", "merges cleanly", "merged result"),
        ),
        task("order-history", s.PENDING, "Customers see their past orders", blocked_by=("search",), after=("search",), gates=(), checks=checks(None, None, None)),
        task("stock-level", s.PENDING, "Products show how many are left", ready=True, checks=checks(None, None, None)),
        task("wishlist", s.CANCELLED, "Customers keep a list of wishes", 1200),
        started_at=NOW - 1_504, person_needed=True, path="plans/shop.yaml",
    )  # fmt: skip


def docs() -> PlanView:
    return a_plan(
        a_task("guide", TaskState.MERGING, plan="docs", title="A guide for new developers", state_since=NOW - 6,
               agent="claude", attempt=1, attempts_used=1, merge_requested=True, checks=checks(P, P),
               usage=UsageView(input_tokens=41_000, cost_usd=0.31), gates=gates("merged result"),
               diff=DiffStatView(files=1, insertions=88, deletions=2), reason="verifying the merged result"),
        a_task("api-pages", TaskState.RUNNING, plan="docs", title="Pages for every endpoint, 東京 included", state_since=NOW - 47,
               agent="claude", attempt=1, attempts_used=1, activity="Reading docs/conf.py",
               checks=checks(None, None), usage=UsageView(input_tokens=9_100, cost_usd=0.08)),
        name="docs", started_at=NOW - 300,
    )  # fmt: skip


_TRANSCRIPT = """\
> reading src/cart/total.py
The total is computed once when the page is loaded. It has to follow the quantity fields.

> editing src/cart/total.py (+31 -8)
> running pytest -q tests/unit/test_total.py
..............                                                           [100%]
14 passed in 0.42s

The unit tests pass. The end-to-end test still expects the old label, as it should: it is locked.
> running clerk check e2e
e2e failed: test_total_follows_quantity: expected "EUR 23.00", got "EUR 11.50"

The server rounds each line, the page rounds the sum. I take the server's way.
> editing src/cart/page.js (+12 -4)
> running clerk check e2e
e2e passed, 12 tests
"""

_DIFF = """\
diff --git a/src/cart/total.py b/src/cart/total.py
index 83db48f..bf269f4 100644
--- a/src/cart/total.py
+++ b/src/cart/total.py
@@ -12,9 +12,14 @@ class Cart:
     def total(self) -> Money:
-        return Money(sum(line.price for line in self.lines))
+        return sum((line.total for line in self.lines), Money.zero())
+
+    def with_quantity(self, product: str, quantity: int) -> Cart:
+        lines = [line.but(quantity) if line.product == product else line for line in self.lines]
+        return replace(self, lines=lines)
"""

_DIGEST = """\
e2e failed: 1 of 12 tests
  test_total_follows_quantity  tests/e2e/test_cart.py:31
    expected "EUR 23.00"
    actual   "EUR 11.50"
    in src/cart/page.js:44 render_total
full log: .git/clerk/logs/cart-total/1/e2e.log"""


def a_lively_engine() -> ScriptedEngine:
    """Two plans, and everything about ``cart-total``."""
    engine = ScriptedEngine(shop(), docs())
    engine.write("cart-total", "first try, which failed\n", attempt=1)
    engine.write("cart-total", _TRANSCRIPT, attempt=2)
    engine.diffs["cart-total"] = _DIFF
    engine.briefs["cart-total"] = "The cart shows a running total that follows the quantities.\n"
    engine.attempts["cart-total"] = tuple(
        AttemptView(
            number=number, agent="claude", sandbox="none", counted=True, outcome=Outcome.COMPLETED,
            reason="", message="The total follows the quantities.", exit_code=0,
            usage=UsageView(input_tokens=59_000, cost_usd=0.46), started_at=NOW - 900 / number,
            ended_at=NOW - 900 / number + 216, setup_seconds=1.2, log="", prompt="",
        )
        for number in (1, 2)
    )  # fmt: skip
    engine.verifications["cart-total"] = (
        VerificationView(
            purpose="branch", attempt=1, commit="4f1c9a7be2d8", tree="77aa", verdict=F,
            digest=_DIGEST, checks=(), started_at=NOW - 660, ended_at=NOW - 640,
        ),
    )  # fmt: skip
    return engine
