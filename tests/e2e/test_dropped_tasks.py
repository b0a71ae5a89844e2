"""A task that an edit took out of the plan is history: it stands in nobody's way."""

from __future__ import annotations


def test_a_task_dropped_after_it_was_worked_on_stops_neither_engine_nor_status_nor_orders(yard):
    plan = yard.plan({"a": "echo good > a.txt", "b": "echo good > b.txt"})
    yard.clerk("run", str(plan))
    yard.plan({"a": "echo good > a.txt"})
    yard.clerk("run", str(plan), "--accept-changes")
    assert "merge-ready" in yard.clerk("status").stdout
    assert yard.clerk("merge", "--all").stdout == "p/a: landed\n"
    assert list(yard.status()) == ["a"]
