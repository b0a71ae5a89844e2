"""The sample shop and the pieces the replayed agents put into it do what the plan says of them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from demo.builders import PATCHES, SCRIPT, THE_PLAN, Site, listed, modules_of
from shop_demo.sample import SHOP

from orchestrator.agents.replay import read_script

CRITERIA = [name for name in THE_PLAN.checks if name not in {"unit", "e2e"}]
AT_ONCE = ["stock", "origin", "currency", "invoice", "search"]


def test_the_shop_is_green_before_any_work(site: Site) -> None:
    assert site.red("unit", "e2e") == set()


def test_every_criterion_is_red_before_any_work(site: Site) -> None:
    journeys = [module for task in CRITERIA for module in modules_of(task)]
    site.junit(*journeys)
    cases = ET.parse(site.report).iter("testcase")
    unsuccessful = {str(case.get("classname")).rpartition(".")[0] for case in cases if len(case)}
    assert unsuccessful == set(journeys)


def test_every_task_has_a_criterion_of_its_own_and_an_agent() -> None:
    tasks = [task.id for task in THE_PLAN.tasks]
    assert sorted(tasks) == sorted(CRITERIA)
    assert all({"unit", "e2e", task.id} <= set(task.done_when) for task in THE_PLAN.tasks)
    assert sorted(SCRIPT) == sorted(tasks)


def test_the_script_is_one_that_the_replay_agent_understands() -> None:
    understood = read_script(SHOP / "replay.yaml").tasks
    assert {task: len(steps) for task, steps in understood.items()} == {
        task: len(entries) for task, entries in SCRIPT.items()
    }


def test_every_patch_is_played_by_somebody() -> None:
    played = " ".join(
        step
        for entries in SCRIPT.values()
        for entry in entries
        for step in listed(entry.get("patch")) + listed(entry.get("run"))
    )
    assert [patch.name for patch in PATCHES.glob("*.patch") if patch.name not in played] == []


def test_no_agent_leaves_its_scope_or_touches_the_criteria(site: Site) -> None:
    for task in ("stock", "origin", "currency", "invoice", "search", "cart-total", "payment"):
        site.build(task)
        changed = site.git("diff", "--name-only", "main").splitlines()
        scope = [glob for glob in THE_PLAN.task(task).touches if "*" not in glob]
        scope += ["shop/web/front.py"] if task == "currency" else []
        assert changed
        assert set(changed) <= set(scope), task


@pytest.mark.parametrize("task", AT_ONCE)
def test_a_first_attempt_meets_its_criterion(site: Site, task: str) -> None:
    site.build(task)
    assert site.red("unit", "e2e", task) == set()


def test_the_first_cart_total_is_green_alone_and_red_end_to_end(site: Site) -> None:
    site.build("cart-total")
    assert site.red("unit", "e2e", "cart-total") == {"cart-total"}
    site.attempt("cart-total", 2)
    assert site.red("unit", "e2e", "cart-total") == set()


def test_shipping_builds_on_the_cart_total(site: Site) -> None:
    site.build("cart-total")
    site.attempt("cart-total", 2)
    site.build("shipping", "cart-total")
    assert site.red("unit", "e2e", "cart-total", "shipping") == set()


def test_payment_bends_its_own_tests_and_stays_red(site: Site) -> None:
    site.build("payment")
    assert site.red("unit", "payment") == {"payment"}
    first = site.report.read_text(encoding="utf-8")
    site.attempt("payment", 2)
    assert site.red("unit", "payment") == {"payment"}
    assert site.report.read_text(encoding="utf-8") != first


def test_gift_wrap_claims_success_and_changes_nothing(site: Site) -> None:
    site.build("gift-wrap")
    assert "complete" in SCRIPT["gift-wrap"][0]["say"][-1]
    assert site.git("diff", "main") == ""


@pytest.mark.parametrize(("first", "second"), [("stock", "origin"), ("origin", "stock")])
def test_whoever_widens_the_table_second_meets_a_conflict_and_keeps_both(
    site: Site, first: str, second: str
) -> None:
    site.build(first)
    site.build(second)
    assert not site.merge(first)
    assert site.git("diff", "--name-only", "--diff-filter=U") == "shop/catalogue.py"
    site.attempt(second, 2)
    assert site.red("unit", "e2e", "stock", "origin") == set()
    site.attempt(second, 2)
    assert site.git("diff", "HEAD^") == ""


@pytest.mark.parametrize(("first", "second"), [("currency", "invoice"), ("invoice", "currency")])
def test_a_new_caller_and_a_new_argument_are_green_alone_and_red_together(
    site: Site, first: str, second: str
) -> None:
    site.build(first)
    site.build(second)
    assert site.merge(first)
    assert "unit" in site.red("unit")
    assert "missing 1 required positional argument: 'currency'" in site.run("unit").stderr
    site.attempt(second, 2)
    assert site.red("unit", "e2e", "currency", "invoice") == set()
    site.attempt(second, 2)
    assert site.git("diff", "HEAD^") == ""


@pytest.mark.parametrize("task", [task for task in SCRIPT if len(SCRIPT[task]) > 1])
def test_a_second_attempt_does_the_whole_work_where_the_first_left_nothing(
    site: Site, task: str
) -> None:
    site.start(task)
    site.attempt(task, 2)
    alone = site.git("rev-parse", "HEAD^{tree}")
    site.git("switch", "--quiet", "--create", "again", "main")
    site.attempt(task, 1)
    site.attempt(task, 2)
    assert site.git("rev-parse", "HEAD^{tree}") == alone
    site.attempt(task, 2)
    assert site.git("rev-parse", "HEAD^{tree}") == alone


@pytest.mark.parametrize("task", [*AT_ONCE, "cart-total", "payment"])
def test_a_first_attempt_played_twice_changes_nothing_more(site: Site, task: str) -> None:
    site.build(task)
    site.attempt(task, 1)
    assert site.git("diff", "HEAD^") == ""


@pytest.mark.parametrize("step", [1, -1])
def test_everything_that_lands_holds_together_in_either_order(site: Site, step: int) -> None:
    site.build("cart-total")
    site.attempt("cart-total", 2)
    for task in AT_ONCE:
        site.build(task)
    site.build("shipping", "cart-total")
    order = [*AT_ONCE, "cart-total", "shipping"]
    for task in order[::step]:
        site.git("switch", "--quiet", task)
        if not site.merge("main") or site.red("unit"):
            site.attempt(task, 2)
        site.land(task)
    journeys = [f"e2e.{task.replace('-', '_')}" for task in order]
    done = site.junit("tests", "e2e.browse", "e2e.order", *journeys)
    assert done.returncode == 0, done.stderr


def test_the_report_names_every_test_and_tells_the_cause_of_a_failure(site: Site) -> None:
    site.run("search")
    suite = ET.parse(site.report).getroot()
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    failure = cases["test_case_does_not_matter"].find("failure")
    assert len(cases) == int(suite.get("tests", "0")) == 3
    assert failure is not None
    assert (failure.get("message") or "").startswith("AssertionError: Lists differ")
    assert "e2e/search.py" in (failure.text or "")


def test_a_shop_that_does_not_open_is_reported_as_an_error(site: Site) -> None:
    (site.folder / "shop" / "server.py").write_text("raise OSError('no room')\n", encoding="utf-8")
    assert site.red("e2e") == {"e2e"}
    errors = [error.get("message") for error in ET.parse(site.report).iter("error")]
    assert set(errors) == {"RuntimeError: the shop did not open; its own words are above"}


def test_no_test_at_all_is_not_a_success(site: Site) -> None:
    for test in (site.folder / "tests").glob("test_*.py"):
        test.unlink()
    assert site.red("unit") == {"unit"}
