"""Which checks must run, and in which order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan.model import Check
from orchestrator.results import CheckResult
from orchestrator.states import Verdict
from orchestrator.verification.check_graph import chart, run_order


def checks(**needs):
    return {name: Check(run="true", needs=tuple(n)) for name, n in needs.items()}


def result(name, verdict):
    return CheckResult(name, "unit", "true", verdict)


def test_needs_come_first_and_only_what_is_wanted_comes():
    graph = checks(a="", b="a", c="b", d="")
    assert run_order(graph, ["c"]) == ("a", "b", "c")


def test_the_cheaper_kinds_come_first_among_equals():
    graph = {k: Check(run="true", kind=k) for k in ("e2e", "unit", "build", "types")}
    assert run_order(graph, graph) == ("build", "types", "unit", "e2e")


@st.composite
def graphs(draw):
    """A graph without cycles, and what is known of some checks of it."""
    names = [f"c{number}" for number in range(draw(st.integers(1, 7)))]
    graph = {}
    for number, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:number]))) if number else set()
        graph[name] = Check(run="true", needs=tuple(sorted(needs)))
    known = draw(st.sets(st.sampled_from(names)))
    verdicts = st.sampled_from([Verdict.PASSED, Verdict.FAILED])
    return graph, {name: result(name, draw(verdicts)) for name in sorted(known)}


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_every_check_gets_exactly_one_fate_and_needs_of_a_run_run_too(case):
    graph, known = case
    order = run_order(graph, graph)
    course = chart(graph, order, known)
    fates = [*course.reused, *course.left_out, *course.to_run]
    assert sorted(fates) == sorted(graph)
    assert list(course.to_run) == [name for name in order if name in course.to_run]
    for name in course.to_run:
        assert set(graph[name].needs) <= set(course.to_run)
    for name in course.reused:
        assert name in known


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_what_is_known_to_fail_never_runs_and_bars_all_that_needs_it(case):
    graph, known = case
    course = chart(graph, run_order(graph, graph), known)
    red = {name for name, found in known.items() if found.verdict is Verdict.FAILED}
    assert not red & set(course.to_run)
    barred = red | set(course.left_out)
    assert {name for name in graph if barred & set(graph[name].needs)} == set(course.left_out)
    for name, need in course.left_out.items():
        assert need in graph[name].needs
        assert need in barred


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_nothing_runs_when_everything_is_known(case):
    graph, _ = case
    known = {name: result(name, Verdict.PASSED) for name in graph}
    assert chart(graph, run_order(graph, graph), known).to_run == ()
