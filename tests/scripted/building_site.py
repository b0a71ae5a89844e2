"""A lively building site: two plans in every state a task can be in, for pictures and tests."""

from __future__ import annotations

from typing import Any

from scripted.engine import ScriptedEngine, a_plan, a_task

from orchestrator.api.conflict_views import ConflictsView, ForecastView, InFlightView, PairView
from orchestrator.api.models import (
    AttemptView,
    CheckView,
    DiffStatView,
    GateView,
    PlanView,
    QueueEntryView,
    QueueView,
    TaskView,
    UsageView,
    VerificationView,
)
from orchestrator.api.timing_views import CheckTimingView, TimingView
from orchestrator.states import Outcome, QueueMode, TaskState, Verdict

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


def gates(*closed: str, refused: tuple[str, ...] = ()) -> tuple[GateView, ...]:
    return tuple(
        GateView(
            name=name,
            open=name not in closed + refused,
            reason=no if name in closed + refused else yes,
            refused=name in refused,
        )
        for name, (yes, no) in _GATES.items()
    )


def check(name: str, verdict: Verdict | None = Verdict.PASSED, **fields: Any) -> CheckView:
    given = {"kind": name, "command": f"make {name}", "seconds": 3.4} | fields
    return CheckView(name=name, verdict=verdict, **given)


def checks(*verdicts: Verdict | None, **fields: Any) -> tuple[CheckView, ...]:
    return tuple(map(lambda name, v: check(name, v, **fields), ("build", "unit", "e2e"), verdicts))


P, F = Verdict.PASSED, Verdict.FAILED


_AFTER = {
    "cart-total": ("catalogue-api",),
    "cart-discount": ("cart-total",),
    "checkout-form": ("cart-total",),
    "search": ("catalogue-api",),
    "payment-webhook": ("checkout-form", "catalogue-api"),
    "order-mail": ("checkout-form",),
    "invoice-pdf": ("order-mail", "payment-webhook"),
    "stock-level": ("catalogue-api",),
}
_WAITED = {"cart-total": 95.0, "cart-discount": 22.0, "payment-webhook": 410.0}


def shop() -> PlanView:
    def task(id: str, state: TaskState, title: str, ago: float = 0, **fields: Any) -> TaskView:  # noqa: A002
        waited = {"queueing_seconds": 12.0, "waiting_seconds": _WAITED.get(id, 0.0)}
        budget = {"tokens_allowed": 400_000, "cost_allowed_usd": 2.0}
        given = waited | budget | {"after": _AFTER.get(id, ())} | fields
        return a_task(id, state, title=title, state_since=NOW - ago, sandbox="none", **given)

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
            diff=DiffStatView(files=7, insertions=402, deletions=8), gates=gates("merged result", refused=("verified", "merges cleanly")),
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
2026-11-30T11:02:11Z started 7c0c1a52
2026-11-30T11:02:19Z calls Read src/cart/total.py
2026-11-30T11:02:21Z calls Grep render_total
2026-11-30T11:02:24Z calls Read src/cart/page.js
2026-11-30T11:02:24Z used 11894 tokens, 0.0714 USD
2026-11-30T11:02:41Z says The total is computed once, when the page is loaded. It has to follow the quantity fields:
    - the server keeps one total a line;
    - the page asks for it when a quantity changes.
2026-11-30T11:03:02Z calls Edit src/cart/total.py
2026-11-30T11:03:20Z calls Edit src/cart/page.js
2026-11-30T11:03:37Z calls Bash pytest -q tests/unit/test_total.py
2026-11-30T11:03:39Z used 24010 tokens, 0.1482 USD
2026-11-30T11:03:46Z says The unit tests pass. The end-to-end test still expects the old label, as it should: it is locked.
2026-11-30T11:03:52Z calls Bash clerk check e2e
2026-11-30T11:04:20Z says The server rounds each line, the page rounds the sum. I take the server's way.
2026-11-30T11:04:33Z calls Edit src/cart/page.js
2026-11-30T11:04:41Z calls Bash clerk check e2e
2026-11-30T11:05:12Z finished The total follows the quantities: e2e passed, 12 tests.
2026-11-30T11:05:12Z ended completed
2026-11-30T11:05:12Z all that it printed is in /shop/.git/clerk/logs/shop/cart-total/2/session.log
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
+        \"\"\"The same cart with another number of a product.\"\"\"
+        lines = [line.but(quantity) if line.product == product else line for line in self.lines]
+        return replace(self, lines=lines)
diff --git a/src/cart/page.js b/src/cart/page.js
index 1f0a3c2..9b77d10 100644
--- a/src/cart/page.js
+++ b/src/cart/page.js
@@ -40,6 +40,12 @@ function renderCart(cart) {
   const total = page.querySelector(".total");
-  total.textContent = round(sum(cart.lines)); // once
+  async function renderTotal() {
+    const answer = await fetch(`/cart/${cart.id}/total`);
+    total.textContent = await answer.text();
+  }
+  fields.forEach((field) => field.addEventListener("change", renderTotal));
 }
diff --git a/tests/unit/test_total.py b/tests/unit/test_total.py
new file mode 100644
index 0000000..4d2f1aa
--- /dev/null
+++ b/tests/unit/test_total.py
@@ -0,0 +1,3 @@
+def test_the_total_follows_the_quantity():
+    cart = Cart.of("tea", price="11.50").with_quantity("tea", 2)
+    assert cart.total() == Money("23.00")
"""

_DIGEST = """\
e2e failed: 1 of 12 tests
  test_total_follows_quantity  tests/e2e/test_cart.py:31
    expected "EUR 23.00"
    actual   "EUR 11.50"
    in src/cart/page.js:44 render_total
full log: .git/clerk/logs/cart-total/1/e2e.log"""


def _verified(
    number: int, commit: str, verdict: Verdict, ago: float, *told: CheckView
) -> VerificationView:
    return VerificationView(
        id=number, purpose="branch", attempt=number, commit=commit, tree=f"77aa{commit}", verdict=verdict,
        digest=_DIGEST if verdict is F else "", checks=told, started_at=NOW - ago, ended_at=NOW - ago + 20,
    )  # fmt: skip


def _attempt(number: int, began: float, lasted: float, message: str) -> AttemptView:
    return AttemptView(
        number=number, agent="claude", sandbox="none", counted=True, outcome=Outcome.COMPLETED,
        reason="", message=message, exit_code=0, usage=UsageView(input_tokens=59_000, cost_usd=0.46),
        started_at=NOW - began, ended_at=NOW - began + lasted, setup_seconds=1.2, log="", prompt="",
    )  # fmt: skip


def a_queue() -> QueueView:
    def entry(task: str, standing: str, **fields: Any) -> QueueEntryView:
        given = {"plan": "shop", "title": f"Title of {task}", "since": NOW - 31} | fields
        return QueueEntryView(task=task, standing=standing, **given)

    return QueueView(
        target="main", commit="5be1c0ffee" * 4, mode=QueueMode.STRICT, slots=3, failure_rate=0.12,
        entries=(
            entry("guide", "verifying", plan="docs", position=1, candidate="0a1b2c3d4e",
                  title="A guide for new developers", reason="verifying the merged result: e2e runs"),
            entry("cart-total", "verifying", position=2, candidate="77f00d5eed", on=("guide",),
                  title="The cart shows a running total", reason="unit has passed, e2e runs"),
            entry("cart-discount", "held", position=3, since=NOW - 22, on=(),
                  title="Discount codes are taken off the total", reason="a person must approve it"),
            entry("wishlist", "conflict", position=4, since=NOW - 5,
                  title="Customers keep a list of wishes", reason="conflicts with cart-total in src/cart/page.js; waits until that has landed"),
        ),
    )  # fmt: skip


def a_forecast() -> ConflictsView:
    def branch(task: str, state: TaskState, *against: str) -> InFlightView:
        return InFlightView(plan="shop", task=task, title="", state=state, head="1f", files=3, against_target=against)  # fmt: skip

    s = TaskState
    branches = (branch("cart-total", s.VERIFIED), branch("cart-discount", s.VERIFIED), branch("checkout-form", s.RUNNING), branch("invoice-pdf", s.FAILED, "src/app.py"))  # fmt: skip
    pairs = (
        PairView(one=0, other=1, paths=()),
        PairView(one=0, other=2, paths=("src/cart/page.js",)),
        PairView(one=1, other=2),
    )
    return ConflictsView(forecasts=(ForecastView(target="main", commit="5be1c0ffee", branches=branches, pairs=pairs),))  # fmt: skip


def a_timing() -> TimingView:
    def one(name: str, p50: float, p95: float, **counts: int) -> CheckTimingView:
        return CheckTimingView(name=name, kind=name, p50_seconds=p50, p95_seconds=p95, **counts)

    return TimingView(
        plan="shop", verdicts=17, to_verdict_p50_seconds=21.4, to_verdict_p95_seconds=58.0, dominant="e2e",
        checks=(one("build", 2.1, 3.0, runs=9, cached=24, not_green=1), one("unit", 4.4, 7.9, runs=25, cached=8, not_green=4), one("e2e", 14.2, 47.5, runs=21, cached=3, not_green=5)),
        advice="e2e takes 68 % of a verification: give it inputs, so that it is cached where they are unchanged",
    )  # fmt: skip


def a_lively_engine() -> ScriptedEngine:
    """Two plans, and everything about ``cart-total``."""
    engine = ScriptedEngine(shop(), docs())
    engine.timings = {"shop": a_timing()}
    engine.write("cart-total", "first try, which failed\n", attempt=1)
    engine.write("cart-total", _TRANSCRIPT, attempt=2)
    engine.raw_logs["cart-total", 2] = "".join(f"raw line {n}\n" for n in range(200_000))
    engine.check_logs["cart-total", "e2e"] = "12 passed in 9.8s\n"
    engine.diffs["cart-total"] = _DIFF
    engine.briefs["cart-total"] = "The cart shows a running total that follows the quantities.\n"
    engine.attempts["cart-total"] = (
        _attempt(1, 900, 216, "The total is computed by the server."),
        _attempt(2, 640, 500, "The total follows the quantities: e2e passed, 12 tests."),
    )
    engine.verifications["cart-total"] = (
        _verified(1, "4f1c9a7be2d8", F, 680, check("build"), check("unit", passed=41),
                  check("e2e", F, passed=11, failed=1, reason="test_total_follows_quantity", log="e2e.log")),
        _verified(2, "9d3e51c07a44", P, 135, check("build", cached=True), check("unit", passed=41),
                  check("e2e", passed=12, seconds=9.8, log="e2e.log")),
    )  # fmt: skip
    return engine
