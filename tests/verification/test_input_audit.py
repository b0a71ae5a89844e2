"""A check that reads outside its inputs is found by taking the rest away."""

from __future__ import annotations

import pytest

from orchestrator.errors import GitError
from orchestrator.git.reduction import Reductions
from orchestrator.plan.model import Check
from orchestrator.states import Verdict
from orchestrator.verification.input_audit import declared, named

pytestmark = pytest.mark.anyio

SHOP = {"src/cart.sh": "echo 3\n", "config/rates": "3\n", "docs/cart.md": "The cart.\n"}
READS_CONFIG = {"run": 'test "$(sh src/cart.sh)" = "$(cat config/rates)"', "inputs": ["src/**"]}


async def audited(site, checks, *wanted, **changes):
    request = site.request(checks, *wanted, audit_inputs=True, **changes)
    verification = await site.verifier().verify(request)
    return {result.check: result for result in verification.results}


async def test_a_check_that_reads_outside_its_inputs_is_errored_and_told_what_it_missed(site):
    site.commit(SHOP)
    found = (await audited(site, {"unit": READS_CONFIG}))["unit"]
    assert found.verdict is Verdict.ERRORED
    assert found.reason.startswith("reads outside its inputs: ")
    assert "it names config/rates" in found.reason
    assert site.told[-1] == found


async def test_what_an_audit_did_not_let_pass_is_not_known_afterwards(site):
    site.commit(SHOP)
    counting = {**READS_CONFIG, "run": f"echo x >> {site.folder}/ran; {READS_CONFIG['run']}"}
    await audited(site, {"unit": counting})
    await site.verifier().verify(site.request({"unit": counting}))
    assert len(site.ran()) == 3


async def test_what_fails_for_an_audit_alone_is_never_known_as_failed(site):
    site.commit(SHOP)
    checks = {
        "build": {"run": "cat config/rates", "inputs": ["lib"]},
        "unit": {"run": "true", "inputs": ["src"], "needs": ["build"]},
    }
    found = await audited(site, checks)
    assert {result.verdict for result in found.values()} == {Verdict.ERRORED}
    assert (await site.verifier().verify(site.request(checks, trust_failures=True))).passed


async def test_a_check_that_keeps_to_its_inputs_passes_and_is_audited_once(site):
    site.commit(SHOP)
    run = f"echo x >> {site.folder}/ran; test -e config/rates && sh src/cart.sh"
    honest = {"unit": {"run": run, "inputs": ["src", "config/*"]}}
    assert (await audited(site, honest))["unit"].verdict is Verdict.PASSED
    assert len(site.ran()) == 2
    again = (await audited(site, honest))["unit"]
    assert again.cached
    assert len(site.ran()) == 2


async def test_a_pass_known_from_a_run_without_audit_is_audited_still(site):
    site.commit(SHOP)
    assert (await site.verifier().verify(site.request({"unit": READS_CONFIG}))).passed
    assert (await audited(site, {"unit": READS_CONFIG}))["unit"].verdict is Verdict.ERRORED


async def test_what_a_check_needs_may_read_what_it_declares_itself(site):
    site.commit(SHOP)
    checks = {
        "build": {"run": "mkdir out && cp config/rates out/", "inputs": ["config/**"]},
        "unit": {"run": "cat src/cart.sh out/rates", "inputs": ["src/**"], "needs": ["build"]},
    }
    found = await audited(site, checks)
    assert {result.verdict for result in found.values()} == {Verdict.PASSED}


async def test_tests_that_are_only_skipped_or_not_found_without_the_rest_are_missed(site):
    site.commit(SHOP)
    run = (
        "{ echo '<testsuite>'; for each in src/* config/*; do "
        '[ -e "$each" ] && echo "<testcase name=\\"$each\\"/>"; done; '
        "echo '</testsuite>'; } > {report}; true"
    )
    found = await audited(site, {"unit": {"run": run, "report": "junit", "inputs": ["src"]}})
    assert found["unit"].verdict is Verdict.ERRORED
    assert "1 tests pass and 0 are skipped, not 2 and 0" in found["unit"].reason


async def test_setup_that_reads_outside_the_inputs_is_found_too(site):
    site.commit(SHOP)
    check = {"unit": {"run": "true", "inputs": ["src/**"]}}
    found = (await audited(site, check, worktree={"setup": ["cat config/rates"]}))["unit"]
    assert found.verdict is Verdict.ERRORED
    assert "config/rates" in found.reason


async def test_a_repository_that_cannot_be_read_lets_nothing_pass_an_audit(site, monkeypatch):
    async def broken(*_):
        raise GitError("no")

    site.commit(SHOP)
    monkeypatch.setattr(Reductions, "of", broken)
    found = (await audited(site, {"unit": {"run": "true", "inputs": ["src/**"]}}))["unit"]
    assert found.verdict is Verdict.ERRORED
    assert "could not be audited" in found.reason


async def test_an_audit_leaves_no_mark_in_the_repository(site):
    site.commit(SHOP)
    before = site.git("for-each-ref"), site.git("status", "--porcelain")
    await audited(site, {"unit": {"run": "sh src/cart.sh", "inputs": ["src/**"]}})
    assert (site.git("for-each-ref"), site.git("status", "--porcelain")) == before


def test_a_chain_with_a_check_that_declares_nothing_depends_on_the_whole_tree(site):
    checks = {"a": {"run": "x"}, "b": {"run": "x", "inputs": ["b"], "needs": ["a"]}}
    plan = site.request(checks).plan
    assert declared(plan, "b") == ()
    checks["a"]["inputs"] = ["a", "b"]
    assert declared(site.request(checks).plan, "b") == ("a", "b")
    assert Check(run="x").inputs == ()


def test_paths_are_recognised_as_files_modules_and_mere_names():
    paths = ["lib/money.py", "a/rates.json", "b/other.txt", "c/quiet.txt"]
    output = "No module named 'lib.money'\nopen('/w/.verify/0/a/rates.json')\nsee other.txt."
    assert named(output, paths) == ["lib/money.py", "a/rates.json", "b/other.txt"]
    assert named("cannot open a/rates.json", paths) == ["a/rates.json"]
