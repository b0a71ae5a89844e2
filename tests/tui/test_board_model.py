from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from scripted.building_site import NOW, docs, shop
from scripted.engine import a_plan, a_task

from orchestrator.api.models import BehindView, EngineView, StatusView, UsageView
from orchestrator.safe_text import safe_text
from orchestrator.states import TaskState
from tui.board_model import Order, PlanRow, Sieve, TaskRow, find_task, fold, merge_ready, tally
from tui.columns import Name, lay_out
from tui.fit import cut, fit, wrap
from tui.groups import Group, group_of
from tui.marks import LEGEND, task_mark
from tui.row_line import heading_line, plan_line, task_line
from tui.site_header import progress_bar


def status(*plans):
    return StatusView(engine=EngineView(running=True), plans=plans)


def ids(rows):
    return [row.task.id for row in rows if isinstance(row, TaskRow)]


def test_each_plan_heads_its_tasks_in_the_order_of_the_plan() -> None:
    rows = fold(status(a_plan(a_task("b"), a_task("a")), a_plan(a_task("c", plan="x"), name="x")))
    assert [row.plan.name if isinstance(row, PlanRow) else row.task.id for row in rows] == [
        "shop", "b", "a", "x", "c",
    ]  # fmt: skip


def test_every_word_of_the_filter_must_match_something() -> None:
    plan = a_plan(
        a_task("cart", TaskState.FAILED, agent="codex"),
        a_task("cart-two", TaskState.RUNNING, agent="claude"),
        a_task("mail", reason="waits for the CART"),
    )
    assert ids(fold(status(plan), Sieve("cart"))) == ["cart", "cart-two", "mail"]
    assert ids(fold(status(plan), Sieve(" CART  codex "))) == ["cart"]
    assert ids(fold(status(plan), Sieve("running"))) == ["cart-two"]
    assert fold(status(plan), Sieve("nothing like it")) == ()


def test_what_needs_a_person_comes_first_when_asked_for() -> None:
    plan = a_plan(
        a_task("done", TaskState.MERGED),
        a_task("busy", TaskState.RUNNING),
        a_task("proven", TaskState.VERIFIED),
        a_task("ready", TaskState.VERIFIED, merge_ready=True),
        a_task("asks", TaskState.NEEDS_INPUT),
        a_task("broken", TaskState.FAILED),
    )
    assert ids(fold(status(plan), order=Order.ATTENTION)) == [
        "asks", "broken", "ready", "proven", "busy", "done",
    ]  # fmt: skip


def test_the_plan_that_needs_a_person_comes_first_and_rank_decides_among_equals() -> None:
    calm = a_plan(a_task("a", TaskState.RUNNING), a_task("b", TaskState.RUNNING, rank=1))
    urgent = a_plan(a_task("c", TaskState.FAILED, plan="docs"), name="docs")
    assert ids(fold(status(calm, urgent), order=Order.ATTENTION)) == ["c", "b", "a"]
    assert ids(fold(status(calm, urgent))) == ["a", "b", "c"]


def test_a_sieve_of_a_group_and_of_a_plan() -> None:
    told = status(
        a_plan(a_task("a", TaskState.FAILED), a_task("b", TaskState.RUNNING)),
        a_plan(a_task("c", TaskState.RUNNING, plan="docs"), name="docs"),
    )
    assert ids(fold(told, Sieve(group=Group.RUNNING))) == ["b", "c"]
    assert ids(fold(told, Sieve(group=Group.RUNNING, plan="docs"))) == ["c"]
    assert fold(told, Sieve("b", group=Group.NEEDS_YOU)) == ()


@pytest.mark.parametrize(
    ("fields", "group"),
    [
        ({"state": TaskState.NEEDS_INPUT}, Group.NEEDS_YOU),
        ({"state": TaskState.FAILED}, Group.NEEDS_YOU),
        ({"state": TaskState.VERIFIED, "approve": True, "merge_ready": True}, Group.NEEDS_YOU),
        ({"state": TaskState.VERIFIED, "merge_ready": True}, Group.READY),
        ({"state": TaskState.VERIFIED, "merge_requested": True}, Group.LANDING),
        ({"state": TaskState.VERIFIED, "merge_requested": True, "withdrawn": True}, Group.WAITING),
        ({"state": TaskState.VERIFIED}, Group.WAITING),
        ({"state": TaskState.MERGING}, Group.LANDING),
        ({"state": TaskState.RETRY_QUEUED}, Group.WAITING),
        ({"state": TaskState.MERGED}, Group.LANDED),
        ({"state": TaskState.MERGED, "revert_requested": True}, Group.LANDING),
        ({"state": TaskState.MERGED, "reverted_commit": "r"}, Group.REVERTED),
    ],
)
def test_each_task_is_in_the_one_group_a_person_counts_it_in(fields, group) -> None:
    assert group_of(a_task("a", **fields)) is group


def test_the_groups_count_every_task_once() -> None:
    sums = tally([shop(), docs()])
    assert sum(count for _, count in sums.groups) == sums.tasks
    assert [group for group, _ in sums.groups] == [g for g in Group if g in dict(sums.groups)]


def test_the_tally_sums_over_all_plans() -> None:
    sums = tally([shop(), docs()])
    assert (sums.tasks, sums.merged) == (13, 1)
    assert sum(count for _, count in sums.marks) == 13
    assert sums.started_at == NOW - 1_504
    assert sums.ended_at == 0.0


def test_the_clock_of_the_tally_stands_still_once_all_plans_are_settled() -> None:
    plans = [a_plan(settled=True, settled_at=90.0), a_plan(settled=True, settled_at=70.0)]
    assert tally(plans).ended_at == 90.0
    assert tally([*plans, a_plan()]).ended_at == 0.0
    assert tally([]).started_at == 0.0


def test_tokens_and_cost_add_up() -> None:
    used = UsageView(input_tokens=10, output_tokens=5, cost_usd=0.5)
    sums = tally([a_plan(a_task("a", usage=used), a_task("b", usage=used))])
    assert (sums.tokens, sums.cost_usd) == (30, 1.0)


def test_only_what_was_not_ordered_yet_is_offered_for_merging() -> None:
    plan = a_plan(
        a_task("ready", TaskState.VERIFIED, merge_ready=True),
        a_task("ordered", TaskState.VERIFIED, merge_ready=True, merge_requested=True),
        a_task("closed", TaskState.VERIFIED),
    )
    assert [task.id for task in merge_ready(status(plan))] == ["ready"]
    assert merge_ready(None) == ()


def test_a_task_that_is_gone_is_not_found() -> None:
    told = status(a_plan(a_task("a")))
    assert find_task(told, ("shop", "a")) is not None
    assert find_task(told, ("shop", "b")) is None
    assert find_task(told, ("x", "a")) is None
    assert find_task(told, None) is None


def test_every_state_has_a_mark_of_one_cell_in_the_legend() -> None:
    for state in TaskState:
        assert task_mark(a_task("a", state)) in LEGEND
    assert all(cell_len(mark.sign) == 1 for mark in LEGEND)
    assert len({(mark.sign, mark.word) for mark in LEGEND}) == len(LEGEND)


def test_pending_tasks_say_what_they_wait_for() -> None:
    assert task_mark(a_task("a")).word == "pending"
    assert task_mark(a_task("a", ready=True)).word == "queued"
    assert task_mark(a_task("a", blocked_by=("b",))).word == "blocked"
    assert task_mark(a_task("a", ready=True, paused=True)).word == "paused"


TASKS = [*shop().tasks, *docs().tasks]


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=78, max_value=220))
def test_lines_are_exactly_as_wide_as_the_board(width: int) -> None:
    columns = lay_out(width, TASKS)
    for line in (heading_line(columns), *(task_line(task, columns, NOW) for task in TASKS)):
        assert sum(cell_len(text) for text, _ in line) == width
    for plan in (shop(), docs()):
        line = plan_line(PlanRow(plan, 3), width)
        assert sum(cell_len(text) for text, _ in line) <= width


def test_a_checkout_that_stayed_behind_is_on_its_plans_line() -> None:
    left = BehindView(path="/home/ada/shop", command="git …", reason="/home/ada/shop stayed behind")
    line = plan_line(PlanRow(shop().model_copy(update={"behind": (left,)}), 3), 200)
    told = "".join(text for text, _ in line)
    assert "needs you" in told
    assert "/home/ada/shop stayed behind" in told


def test_columns_come_with_room_and_the_title_never_starves() -> None:
    names = [{column.name for column in lay_out(width, TASKS)} for width in (80, 120, 180)]
    assert names[0] < names[1] < names[2]
    assert Name.WHY in names[2]
    assert {Name.STATE, Name.ID, Name.TITLE, Name.CHECKS, Name.GATES, Name.TIME} <= names[0]


TEXT = st.text(alphabet=st.sampled_from("ab 東\u0301\x1b[é\t\n-"), max_size=80)


@settings(max_examples=150, deadline=None)
@given(TEXT, st.integers(min_value=0, max_value=30), st.booleans())
def test_fitted_text_has_exactly_the_width(text: str, width: int, right: bool) -> None:  # noqa: FBT001
    assert cell_len(fit(text, width, right=right)) == width
    assert cell_len(cut(text, width)) <= width
    assert fit(text, width).isprintable()


@settings(max_examples=150, deadline=None)
@given(TEXT, st.integers(min_value=2, max_value=30))
def test_wrapped_rows_fit_and_lose_no_letter(text: str, width: int) -> None:
    rows = wrap(text, width)
    assert rows
    assert all(cell_len(row) <= width for row in rows)
    assert "".join(rows).count("a") == safe_text(text).count("a")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(TaskState), min_size=1, max_size=60), st.integers(10, 40))
def test_the_bar_has_its_width_and_shows_every_kind(states, width: int) -> None:
    sums = tally([a_plan(*(a_task(f"t{n}", state) for n, state in enumerate(states)))])
    bar = progress_bar(sums, width)
    assert sum(cell_len(text) for text, _ in bar) == width
    assert (TaskState.FAILED in states) == any("failed" in ink for text, ink in bar if text)
