"""What is proven and what is not, by commit and note alone."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.audit import SOUND, STRICTLY_SOUND, Standing, audit, judged
from orchestrator.evidence import (
    CheckSeen,
    Evidence,
    Seen,
    evidence_of,
    evidence_text,
    newest_results,
    parse_evidence,
)
from orchestrator.git.landings import PastLanding
from orchestrator.git.lineage import Station
from orchestrator.records import AttemptRecord, PlanRecord, TaskRecord
from orchestrator.results import CheckResult, Failure, Report
from orchestrator.states import Outcome, Strategy, Verdict


def oid(word: str) -> str:
    return (word.encode().hex() * 40)[:40]


def check(tree="tree", **more):
    seen = CheckSeen(
        check="unit", kind="unit", command="c0", verdict=Verdict.PASSED, tree=oid(tree), seconds=1.5,
        runs=1, passed=3, failed=0, errored=0, skipped=0, cached=False, tolerated=False,
        flaky_tests=(),
    )  # fmt: skip
    return dataclasses.replace(seen, **more)


def document(name="tip", base="base", tree="tree", strategy=Strategy.MERGE, **more):
    made = Evidence(
        clerk=1, plan="p", task="t", title="T", target="main", plan_hash="f0", strategy=strategy,
        undoes=False, commit=oid(name), base=oid(base), head=oid("head"), tree=oid(tree),
        verified_commit=oid(name), verified_tree=oid(tree), sandbox="bubblewrap",
        checks=(check(tree),), red=(), green=(), approved_head="", approved_tests="", attempts=(),
    )  # fmt: skip
    return dataclasses.replace(made, **more)


def landed(
    name="tip", *, base="base", tree="tree", strategy=Strategy.MERGE, below="base", word="Verified"
):
    trailers = [("Clerk-Task", "t"), ("Clerk-Plan", "p"), (f"Clerk-{word}", f"unit@{oid(tree)}")]
    if strategy is not Strategy.MERGE:
        trailers += [("Clerk-Strategy", str(strategy)), ("Clerk-Base", oid(base))]
        trailers += [("Clerk-Head", oid("head"))]
    parents = (oid(below), oid("head")) if strategy is Strategy.MERGE else (oid(below),)
    return Station(oid(name), oid(tree), parents, "Ada", "T", tuple(trailers))


def plain(name, below="base", **more):
    made = Station(oid(name), oid("tree of it"), (oid(below),), "Eve", "by hand", ())
    return dataclasses.replace(made, **more)


def standings(way, *documents):
    notes = {one.commit: evidence_text(one) for one in documents}
    return [str(one.standing) for one in audit(way, notes)]


@pytest.mark.parametrize("strategy", Strategy)
def test_a_landing_with_its_evidence_is_proven(strategy):
    assert standings([landed(strategy=strategy)], document(strategy=strategy)) == ["proven"]


def test_people_may_put_there_what_they_like_and_claim_nothing():
    merge = plain("two", parents=(oid("base"), oid("other")))
    assert standings([plain("one"), merge]) == ["person", "person"]


def test_a_landing_without_a_note_proves_nothing():
    assert standings([landed()]) == ["missing"]


WRONG = {
    "plan": "q", "task": "u", "strategy": Strategy.SQUASH, "commit": oid("x"), "base": oid("x"),
    "head": oid("x"), "tree": oid("x"), "verified_tree": oid("x"), "checks": (),
}  # fmt: skip


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("field", WRONG)
def test_a_note_that_differs_from_its_commit_in_anything_refutes_it(field, strategy):
    value = Strategy.REBASE if (field, strategy) == ("strategy", Strategy.SQUASH) else WRONG[field]
    told = dataclasses.replace(document(strategy=strategy), **{field: value})
    found = judged(landed(strategy=strategy), evidence_text(told))
    assert found.standing is Standing.REFUTED
    assert found.reason


@pytest.mark.parametrize(
    "seen",
    [
        check(verdict=Verdict.FAILED),
        check(verdict=Verdict.FLAKY),
        check(tree="other"),
        check(check="lint"),
    ],
)
def test_checks_that_do_not_tell_of_this_tree_refute_it(seen):
    assert standings([landed()], document(checks=(seen,))) == ["refuted"]


def test_a_flaky_check_that_the_plan_allows_is_fine():
    seen = check(verdict=Verdict.FLAKY, tolerated=True)
    assert standings([landed()], document(checks=(seen,))) == ["proven"]


@pytest.mark.parametrize(
    "trailers",
    [
        (("Clerk-Task", "t"),),
        (("clerk-task", "t"), ("clerk-plan", "p"), ("clerk-verified", f"unit@{oid('tree')}")),
        (("Clerk-Verified", "unit@f00"),),
        (("Clerk-Anything", ""),),
    ],
)
def test_an_agents_own_trailers_on_its_own_commit_are_refuted(trailers):
    """It comes to stand there where a person fast-forwards the target to the branch."""
    forged = plain("x", trailers=trailers, tree=oid("tree"))
    assert standings([forged]) == ["refuted"]
    assert standings([forged], document("x")) == ["refuted"]


def test_trailers_copied_with_a_message_are_refuted():
    copied = dataclasses.replace(landed("copy"), parents=(oid("base"),), tree=oid("another"))
    assert standings([copied]) == ["refuted"]


def test_a_task_named_twice_is_nobodys():
    twice = landed()
    twice = dataclasses.replace(twice, trailers=(*twice.trailers, ("Clerk-Task", "u")))
    assert standings([twice], document()) == ["refuted"]


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"clerk": 2}', "not JSON", "\udcff"])
def test_a_note_that_is_no_evidence_says_why(note):
    found = judged(landed(), note)
    assert found.standing is Standing.REFUTED
    assert "no evidence" in found.reason


def test_what_landed_with_a_proven_commit_is_covered_and_no_more():
    way = [
        landed("tip", below="mid", base="mid", word="Guarded"),
        landed("mid", tree="other", word="Guarded"),
    ]
    tip = document("tip", base="mid")
    mid = document(
        "mid", tree="other", verified_commit=oid("tip"), verified_tree=oid("tree"),
        checks=(check("tree"),),
    )  # fmt: skip
    assert standings(way, tip, mid) == ["proven", "covered"]
    assert {Standing.COVERED} == SOUND - STRICTLY_SOUND
    assert standings(way, mid) == ["missing", "missing"], "its tip is not proven"
    assert standings(way[1:], tip, mid) == ["missing"], "its tip is not there"
    assert standings(way[::-1], tip, mid) == ["missing", "proven"], "its tip is below it"
    boast = landed("mid", tree="other")
    assert standings([way[0], boast], tip, mid) == ["proven", "refuted"], "it promised more"


def test_what_takes_a_landing_back_is_proven_like_one():
    told = (
        ("Clerk-Reverts", f"t@{oid('landing')}"), ("Clerk-Plan", "p"),
        ("Clerk-Verified", f"unit@{oid('tree')}"),
    )  # fmt: skip
    back = plain("tip", trailers=told, tree=oid("tree"))
    note = document("tip", head=oid("landing"), undoes=True)
    assert standings([back], note) == ["proven"]
    assert standings([back]) == ["missing"]
    assert standings([back], document("tip", head=oid("landing"))) == ["refuted"]
    assert standings([back], dataclasses.replace(note, task="u")) == ["refuted"]
    assert standings([landed()], dataclasses.replace(document(), undoes=True)) == ["refuted"]
    both = dataclasses.replace(back, trailers=(*told, ("Clerk-Task", "t")))
    assert standings([both], note) == ["refuted"]


def test_replayed_commits_stand_and_fall_with_the_last_one():
    last = landed("tip", strategy=Strategy.REBASE, below="two")
    way = [last, plain("two", "one"), plain("one", "base"), plain("base", "older")]
    told = document("tip", strategy=Strategy.REBASE)
    assert standings(way, told) == ["proven", "covered", "covered", "person"]
    assert standings(way) == ["missing", "missing", "missing", "person"]


def test_a_replayed_branch_that_does_not_stand_on_its_base_is_refuted():
    last = landed("tip", strategy=Strategy.REBASE, below="two")
    told = document("tip", strategy=Strategy.REBASE)
    claims = plain("two", trailers=(("Clerk-Task", "t"),))
    assert standings([last, claims], told) == ["refuted", "refuted"]
    merge = plain("two", parents=(oid("base"), oid("x")))
    assert standings([last, merge], told) == ["refuted", "person"]


@given(st.data())
def test_no_other_word_in_the_binding_parts_passes(data):
    """Whatever else a forger writes into the note of a commit that did not land."""
    fields = ["commit", "tree", "base", "head", "plan", "task"]
    words = data.draw(st.dictionaries(st.sampled_from(fields), st.text(max_size=40), min_size=1))
    told = json.loads(evidence_text(document())) | words
    changed = any(told[name] != json.loads(evidence_text(document()))[name] for name in fields)
    found = judged(landed(), json.dumps(told))
    assert (found.standing is Standing.PROVEN) == (not changed)


def test_evidence_is_made_of_what_is_on_record_and_read_as_written():
    red = CheckResult(
        "unit", "unit", "pytest", Verdict.FAILED,
        report=Report(parsed=True, failed=1, failures=(Failure("a::b"),)),
    )  # fmt: skip
    green = dataclasses.replace(
        red, verdict=Verdict.PASSED, cached=True,
        report=Report(parsed=True, passed=2, passed_tests=("a::b", "c::d")),
    )  # fmt: skip
    made = evidence_of(
        PastLanding(oid("tip"), oid("base"), oid("head"), "p", "t"),
        oid("tree"),
        plan=PlanRecord("p", "…", "5a", "p.yaml", "/", "main", "auto", "none"),
        task=TaskRecord("p", "t", approved_head=oid("head"), tests_approved=oid("tests")),
        title="T",
        attempts=[AttemptRecord("p", "t", 1, "sh", "none", outcome=Outcome.COMPLETED)],
        verified=Seen(oid("tip"), oid("tree"), newest_results([[red], [green]])),
        red=Seen(oid("tests"), oid("with tests"), [red]),
    )
    assert parse_evidence(evidence_text(made)) == made
    assert made.plan_hash == "5a"
    assert [(one.verdict, one.cached, one.passed) for one in made.checks] == [("passed", True, 2)]
    assert [(one.tree, one.tests) for one in made.red] == [(oid("with tests"), ("a::b",))]
    assert [(one.tree, one.tests) for one in made.green] == [(oid("tree"), ("a::b",))]
    assert (made.approved_head, made.approved_tests) == (oid("head"), oid("tests"))
    assert [(one.sandbox, one.outcome) for one in made.attempts] == [("none", "completed")]
    assert "pytest" not in evidence_text(made), "a command may hold what is not for everybody"
