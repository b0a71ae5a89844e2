"""SARIF as its specification has it, beyond what the fixtures' tools make use of."""

import json

import pytest

from orchestrator.reports.sarif import SarifParser

RULES = [
    {"id": "deaf", "messageStrings": {"why": {"text": "'{0}' hears not '{1}'"}}},
    {"id": "grave", "defaultConfiguration": {"level": "error"}},
]


def result(**changes):
    return {"ruleId": "grave", "level": "error", "message": {"text": "no"}} | changes


def parsed(tmp_path, *results, **run):
    runs = [{"tool": {"driver": {"name": "lint", "rules": RULES}}, "results": results} | run]
    path = tmp_path / "report.sarif"
    path.write_text(json.dumps({"version": "2.1.0", "runs": runs}))
    return SarifParser().parse(path, tmp_path)


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, (1, 0)),
        ({"level": None}, (1, 0)),
        ({"level": None, "ruleId": "deaf"}, (0, 1)),
        ({"level": None, "ruleId": "deaf", "ruleIndex": 1}, (1, 0)),
        ({"level": None, "ruleId": "", "rule": {"index": 1}}, (1, 0)),
        ({"level": None, "ruleId": "unheard of"}, (0, 1)),
        ({"level": "warning"}, (0, 1)),
        ({"level": "note"}, (0, 0)),
        ({"level": "none"}, (0, 0)),
        ({"kind": "pass"}, (0, 0)),
        ({"kind": "open"}, (1, 0)),
        ({"suppressions": [{"kind": "inSource"}]}, (0, 0)),
        ({"suppressions": [{"kind": "external", "status": "rejected"}]}, (1, 0)),
        ({"suppressions": []}, (1, 0)),
        ({"baselineState": "absent"}, (0, 0)),
        ({"baselineState": "unchanged"}, (1, 0)),
    ],
)
def test_what_counts_as_an_error_or_a_warning(tmp_path, changes, counts):
    report = parsed(tmp_path, result(**changes))
    assert (report.failed, report.warnings) == counts


def test_a_run_without_results_is_in_doubt(tmp_path):
    assert parsed(tmp_path, results=None).errored == 1
    assert parsed(tmp_path).errored == 0


def test_an_execution_that_failed_without_a_word_is_in_doubt(tmp_path):
    report = parsed(tmp_path, invocations=[{"executionSuccessful": False}])
    assert report.failures[0].message == "lint says that it did not succeed"


def test_a_message_may_be_a_rules_own_with_arguments(tmp_path):
    told = {"id": "why", "arguments": ["wall", "words"]}
    report = parsed(tmp_path, result(ruleId="deaf", message=told))
    assert report.failures[0].message == "deaf: 'wall' hears not 'words'"


@pytest.mark.parametrize(
    "artifact",
    [
        {"uri": "src/a%20b.c"},
        {"uri": "file://{root}/src/a%20b.c"},
        {"index": 1},
    ],
)
def test_a_place_is_relative_to_the_checkout_however_it_is_written(tmp_path, artifact):
    artifact = {k: v.format(root=tmp_path) if k == "uri" else v for k, v in artifact.items()}
    physical = {"artifactLocation": artifact, "region": {"startLine": 7}}
    known = [{}, {"location": {"uri": "src/a%20b.c"}}]
    told = result(locations=[{"physicalLocation": physical}])
    (failure,) = parsed(tmp_path, told, artifacts=known).failures
    assert (failure.path, failure.line) == ("src/a b.c", 7)
