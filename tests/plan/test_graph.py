"""Order, levels, reach and circles, against slow and obvious definitions."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan.graph import TaskGraph, check_closure, cycles, topological
from orchestrator.plan.load import parse_plan


def plan_with(edges):
    lines = ["clerk: 1", "name: p", "checks: {c: {run: x}}", "tasks:"]
    lines += [
        f"  - {{id: {name}, title: t, brief: b, done_when: [c], after: [{', '.join(after)}]}}"
        for name, after in edges.items()
    ]
    return parse_plan("\n".join(lines), shown_path="p", agents=["claude"], reports={})


def reach(edges, name):
    found = set()
    ahead = [name]
    while ahead:
        for need in edges.get(ahead.pop(), ()):
            if need not in found:
                found.add(need)
                ahead.append(need)
    return found


@st.composite
def graphs(draw, *, acyclic):
    names = [f"t{n}" for n in range(draw(st.integers(1, 9)))]
    ranked = draw(st.permutations(names))
    return {
        name: draw(
            st.lists(
                st.sampled_from((ranked[: ranked.index(name)] if acyclic else names) or [name]),
                max_size=3,
                unique=True,
            ).map(lambda needs, name=name: [n for n in needs if not acyclic or n != name])
        )
        for name in names
    }


DIAMOND = {"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": [], "e": []}


def test_levels_hold_what_could_run_at_once_in_the_order_of_the_file():
    graph = TaskGraph.of(plan_with(DIAMOND))
    assert graph.levels() == (("a", "e"), ("b", "c"), ("d",))
    assert graph.order == ("a", "b", "c", "d", "e")


def test_reach_goes_both_ways():
    graph = TaskGraph.of(plan_with(DIAMOND))
    assert graph.dependants("a") == ("d", "b", "c")
    assert graph.dependencies("d") == ("b", "c", "a")
    assert graph.dependants("e") == ()


def test_tasks_of_one_chain_are_never_at_the_same_time():
    graph = TaskGraph.of(plan_with(DIAMOND))
    pairs = {frozenset(pair) for pair in graph.concurrent_pairs()}
    assert pairs == {frozenset(pair) for pair in ("bc", "de", "be", "ce", "ae")}


def test_the_checks_of_a_task_come_with_what_they_need_in_order(plan_of, small):
    plan = plan_of(
        small.replace("  e2e", "  lint: {run: x}\n  e2e").replace("[unit, e2e]", "[e2e]")
    )
    assert check_closure(plan.checks, ["e2e"]) == ("unit", "e2e")
    assert check_closure(plan.checks, ["lint", "unit"]) == ("unit", "lint")
    assert check_closure(plan.checks, []) == ()


def test_a_cycle_has_no_order():
    with pytest.raises(ValueError, match="cycle"):
        topological({"a": ["b"], "b": ["a"]})


def test_an_order_is_not_lost_on_doubled_or_foreign_names():
    assert topological({"a": ["b", "b", "zzz"], "b": []}) == ("b", "a")


def test_two_circles_are_both_found():
    assert cycles({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"], "e": ["a"]}) == [
        ("a", "b", "a"),
        ("c", "d", "c"),
    ]


def test_a_chain_of_a_thousand_does_not_recurse():
    chain = {f"t{n}": [f"t{n + 1}"] for n in range(999)} | {"t999": []}
    graph = TaskGraph.of(plan_with(chain))
    assert len(graph.levels()) == 1000
    assert len(graph.dependencies("t0")) == 999
    assert list(graph.concurrent_pairs()) == []
    (circle,) = cycles(chain | {"t999": ["t0"]})
    assert len(circle) == 1001


def test_a_name_is_walked_once_however_many_paths_lead_to_it():
    # 3 ** 60 paths: a search that forgets where it was does not come back.
    layers = {f"t{n}-{k}": [f"t{n + 1}-{j}" for j in range(3)] for n in range(60) for k in range(3)}
    assert cycles(layers) == []


@settings(max_examples=80, deadline=None)
@given(graphs(acyclic=True))
def test_what_is_needed_comes_first_and_reach_is_exact(edges):
    graph = TaskGraph.of(plan_with(edges))
    assert sorted(graph.order) == sorted(edges)
    assert cycles(edges) == []
    level = {name: number for number, row in enumerate(graph.levels()) for name in row}
    for name, needs in edges.items():
        assert set(graph.dependencies(name)) == reach(edges, name)
        assert all(graph.order.index(need) < graph.order.index(name) for need in needs)
        assert level[name] == max((level[need] + 1 for need in needs), default=0)
    apart = {
        frozenset(pair)
        for pair in combinations(edges, 2)
        if pair[0] not in reach(edges, pair[1]) and pair[1] not in reach(edges, pair[0])
    }
    assert {frozenset(pair) for pair in graph.concurrent_pairs()} == apart


@settings(max_examples=80, deadline=None)
@given(graphs(acyclic=False))
def test_a_circle_is_found_wherever_there_is_one_and_is_real(edges):
    found = cycles(edges)
    knotted = {name for name in edges if name in reach(edges, name)}
    assert bool(found) == bool(knotted)
    for circle in found:
        assert circle[0] == circle[-1]
        assert all(after in edges[name] for name, after in pairwise(circle))
    # Every knot of names that reach one another holds a circle that was told.
    for name in knotted:
        knot = {other for other in reach(edges, name) if name in reach(edges, other)}
        assert any(knot.issuperset(circle) for circle in found)
