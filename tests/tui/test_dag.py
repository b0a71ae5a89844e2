"""Drawings of dependencies: whatever the plan, tasks stand apart and every line can be followed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.dag import Way, draw

STEPS = {Way.NORTH: (0, -1), Way.EAST: (1, 0), Way.SOUTH: (0, 1), Way.WEST: (-1, 0)}
BACK = {Way.NORTH: Way.SOUTH, Way.SOUTH: Way.NORTH, Way.EAST: Way.WEST, Way.WEST: Way.EAST}


@st.composite
def plans(draw_from, most=30):
    """Tasks, each after some of those before it, in any order."""
    count = draw_from(st.integers(0, most))
    names = [f"task-{n}" for n in range(count)]
    after = {
        name: draw_from(st.lists(st.sampled_from(names[:n]), max_size=4)) if n else []
        for n, name in enumerate(names)
    }
    order = draw_from(st.permutations(names))
    return {name: after[name] for name in order}


def inside(node):
    return {(x, node.y) for x in range(node.x, node.x + node.width)}


def leads(cells, start, end):
    """Whether the line can be followed from one cell to another, each cell leading to the next."""
    seen, ahead = set(), [start]
    while ahead:
        here = ahead.pop()
        if here == end:
            return True
        if here in seen:
            continue
        seen.add(here)
        for way, (dx, dy) in STEPS.items():
            there = (here[0] + dx, here[1] + dy)
            if way in cells[here] and BACK[way] in cells.get(there, Way(0)):
                ahead.append(there)
    return False


@settings(deadline=None, max_examples=60)
@given(plans())
def test_no_two_tasks_overlap_and_all_are_within_the_drawing(after):
    drawing = draw(after)
    assert drawing.nodes.keys() == after.keys()
    taken = [cell for node in drawing.nodes.values() for cell in inside(node)]
    assert len(taken) == len(set(taken))
    assert all(0 <= x < drawing.width and 0 <= y < drawing.height for x, y in taken)


@settings(deadline=None, max_examples=60)
@given(plans())
def test_every_dependency_is_a_line_from_task_to_task(after):
    drawing = draw(after)
    assert set(drawing.edges) == {(other, task) for task, first in after.items() for other in first}
    for (other, task), cells in drawing.edges.items():
        source, target = drawing.nodes[other], drawing.nodes[task]
        start, end = (source.x + source.width, source.y), (target.x - 1, target.y)
        assert Way.WEST in cells[start], "it touches what it comes from"
        assert Way.EAST in cells[end], "and what it leads to"
        assert leads(cells, start, end)


@settings(deadline=None, max_examples=60)
@given(plans())
def test_no_line_runs_through_a_task_and_each_task_stands_right_of_what_it_comes_after(after):
    drawing = draw(after)
    taken = {cell for node in drawing.nodes.values() for cell in inside(node)}
    for (other, task), cells in drawing.edges.items():
        assert not taken & cells.keys()
        assert drawing.nodes[task].x > drawing.nodes[other].x + drawing.nodes[other].width


@settings(deadline=None, max_examples=60)
@given(plans(most=14))
def test_lines_of_tasks_that_share_no_follower_never_run_in_one_another(after):
    """Two lines in one cell only cross there, unless one task is the source or the end of both."""
    drawing = draw(after)
    followers = {name: {t for t, first in after.items() if name in first} for name in after}
    edges = list(drawing.edges.items())
    for n, ((a, _), one) in enumerate(edges):
        for (b, _), two in edges[:n]:
            if a == b or followers[a] & followers[b]:
                continue
            for cell in one.keys() & two.keys():
                assert not one[cell] & two[cell], (cell, a, b)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_a_hundred_tasks_are_readable(seed):
    after = {
        f"t{n}": [f"t{(n * 7 + seed + k) % n}" for k in range(2)] if n else [] for n in range(100)
    }
    drawing = draw(after)
    assert drawing.height <= 220
    assert drawing.width <= 3_000


def test_a_circle_and_a_stranger_are_drawn_all_the_same():
    drawing = draw({"a": ["b"], "b": ["a"], "c": ["nobody"]})
    assert drawing.nodes.keys() == {"a", "b", "c"}
    assert draw({}).nodes == {}


def test_a_chain_is_a_straight_line():
    drawing = draw({"a": [], "b": ["a"], "c": ["b"]})
    assert {node.y for node in drawing.nodes.values()} == {0}
