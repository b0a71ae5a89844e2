"""Tests are written first, seen red, locked, and made green by somebody else; nobody is fooled."""

from __future__ import annotations

import json
import sys

import pytest
from waiting import LIMIT_SECONDS

RUNNER = r"""
import ast, pathlib, sys
from xml.sax.saxutils import quoteattr

skips = pathlib.Path("skip.cfg").read_text().split() if pathlib.Path("skip.cfg").exists() else []
rows, bad = [], 0
for path in sorted(pathlib.Path("tests").glob("*.txt")):
    for line in path.read_text().splitlines():
        name, _, claim = line.partition(":")
        case = f'<testcase classname={quoteattr(str(path))} name={quoteattr(name)}>'
        if name in skips:
            rows.append(case + "<skipped/></testcase>")
            continue
        try:
            holds = eval(claim, {"there": lambda name: pathlib.Path(name).exists()})
        except Exception as error:
            rows.append(case + f"<error message={quoteattr(repr(error))}/></testcase>")
            bad += 1
            continue
        bad += not holds
        failure = "" if holds else f"<failure message={quoteattr(claim.strip() + ' is false')}/>"
        rows.append(case + failure + "</testcase>")
pathlib.Path(sys.argv[1]).write_text(f"<testsuite>{''.join(rows)}</testsuite>")
sys.exit(bool(bad))
"""
FIRST = {"paths": ["tests/**"], "check": "suite"}
WRITE = "mkdir -p tests; echo \"works: there('work.txt')\" > tests/new.txt"
WORK = "echo good > work.txt"


@pytest.fixture
def site(yard):
    """A yard whose check runs claims about the tree, one a line, and reports them by name."""
    yard.write("runner.py", RUNNER)
    yard.write("tests/old.txt", "stands: there('first.txt')\n")
    yard.git("branch", "-f", "main", yard.commit("a runner"))
    return yard


def planned(site, *sessions, attempts=3, more=None, **first):
    task = {
        "do": list(sessions),
        "done_when": ["suite"],
        "tests_first": {**FIRST, **first},
        **(more or {}),
    }
    checks = {"suite": {"run": "python3 runner.py {report}", "report": "junit"}}
    return site.plan({"a": task}, checks=checks, budget={"attempts": attempts})


def run(site, plan, *more, code=0):
    done = site.clerk("run", str(plan), "--merge", "auto", *more, code=code)
    return done.stdout + done.stderr


def purposes(lines):
    """What was verified for the task, in order, by the events of a run."""
    events = map(json.loads, lines.splitlines())
    ended = (event for event in events if event.get("kind") == "verification_ended")
    return [event["data"]["purpose"] for event in ended]


def test_tests_are_seen_red_then_locked_and_another_session_makes_them_green(site):
    run(site, planned(site, WRITE, WORK, attempts=1))
    task = site.status()["a"]
    assert task["state"] == "merged"
    gate = next(gate for gate in task["gates"] if gate["name"] == "red proven")
    assert gate["open"], gate
    tests, work = site.prompt("a", 1), site.prompt("a", 2)
    assert "Write the tests of this task, and nothing else" in tests
    assert "Locked tests" in work
    assert "interrupted" not in work
    body = site.git("log", "-1", "--format=%B", "main")
    red = next(line for line in body.splitlines() if line.startswith("Clerk-Red: suite@"))
    names = site.git("ls-tree", "-r", "--name-only", red.partition("@")[2]).split()
    assert "tests/new.txt" in names
    assert "work.txt" not in names


CAUGHT = {
    "green at once": (
        "mkdir -p tests; echo \"works: there('first.txt')\" > tests/new.txt",
        "prove nothing",
    ),
    "erring": ("echo 'works: nothing.at(all)' > tests/new.txt", "could not run"),
    "beyond its paths": (f"{WRITE}; {WORK}", "outside its scope"),
    "nothing": ("true", "nothing has changed"),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", CAUGHT)
def test_tests_that_prove_nothing_are_sent_back_and_told_why(site, how):
    does, told = CAUGHT[how]
    mended = f"git checkout -q main -- . 2>/dev/null; rm -f work.txt; {WRITE}"
    run(site, planned(site, does, mended, WORK))
    assert told in site.prompt("a", 2)
    assert site.status()["a"]["state"] == "merged"


HIDDEN = {
    "deletes": ("rm tests/new.txt", "changed locked tests"),
    "weakens": ("echo 'works: True' > tests/new.txt", "changed locked tests"),
    "renames": ("mv tests/new.txt tests/renamed.txt", "changed locked tests"),
    "adds": ("echo 'more: True' > tests/more.txt", "changed locked tests"),
    "skips": (
        f"{WORK}; echo works > skip.cfg",
        "did not run, or were skipped: tests/new.txt::works",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", HIDDEN)
def test_a_locked_test_that_is_hidden_is_caught_and_named(site, how):
    does, told = HIDDEN[how]
    run(site, planned(site, WRITE, does, attempts=2), code=1)
    task = site.status()["a"]
    assert task["state"] == "failed"
    assert told in site.prompt("a", 3)
    assert not site.git("log", "--merges", "main")


@pytest.mark.slow
def test_work_that_changes_how_tests_are_run_waits_for_a_person(site):
    run(site, planned(site, WRITE, f"{WORK}; touch conftest.py"), code=3)
    task = site.status()["a"]
    assert task["state"] == "needs_input"
    assert "conftest.py" in task["reason"]
    gate = next(gate for gate in task["gates"] if gate["name"] == "red proven")
    assert not gate["open"]
    assert "conftest.py" in gate["reason"]
    site.clerk("approve", "a")
    site.until("a", "merged")


@pytest.mark.slow
def test_a_person_approves_the_tests_or_sends_them_back(site):
    plan = planned(site, WRITE, WRITE.replace("works", "counts"), WORK, approve=True)
    assert "clerk approve a" in run(site, plan, code=3)
    site.clerk("retry", "a", "--note", "name it counts")
    told = site.until("a", "needs_input")
    assert "name it counts" in site.prompt("a", 2)
    assert told["approve"]
    assert not told["approved"]
    site.clerk("approve", "a")
    site.until("a", "merged")
    assert "counts" in site.git("show", "main:tests/new.txt")


@pytest.mark.slow
def test_given_tests_must_be_red_on_the_target_before_any_session(site):
    yard = site
    given = {"given": True, "paths": ["tests/new.txt"], "check": "suite"}
    plan = planned(site, WORK, **given)
    assert "prove nothing" in run(site, plan, code=3)
    assert "work.txt" not in site.git("ls-tree", "-r", "--name-only", "main")
    yard.write("tests/new.txt", "works: there('work.txt')\n")
    yard.git("branch", "-f", "main", yard.commit("the acceptance test"))
    site.clerk("retry", "a")
    site.until("a", "merged")
    assert "Clerk-Red: suite@" in site.git("log", "-1", "--format=%B", "main")


@pytest.mark.slow
def test_a_lost_database_proves_the_tests_red_again(site):
    plan = planned(site, WRITE, f"{site.waits('work')}; {WORK}")
    running = site.start("run", str(plan), "--merge", "auto")
    site.begun("work")
    running.kill()
    running.wait()
    running.stdout.close()
    for file in site.state.glob("clerk.db*"):
        file.unlink()
    site.gate("work").touch()
    done = site.clerk("run", str(plan), "--merge", "auto", "--json")
    assert purposes(done.stdout)[0] == "red"
    assert site.status()["a"]["state"] == "merged"


PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider --junitxml={{report}}"
TESTS = """\
mkdir -p tests; cat > tests/test_total.py <<'END'
import pytest
IMPORT

@pytest.mark.parametrize("prices", [[], [1, 2]])
def test_adds(prices):
    assert total(prices) == sum(prices)

class TestNothing:
    def test_is_free(self):
        assert total([]) == 0
END
"""
IMPORTING = TESTS.replace("IMPORT", "from shop.total import total")
REACHING = TESTS.replace(
    "IMPORT", "import shop\ntotal = getattr(shop, 'total', lambda prices: None)"
)
HOOK = """\
cat > conftest.py <<'END'
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "free" not in item.name]
END
"""
TOTAL = "echo 'def total(prices): return sum(prices)' > shop/total.py"
SHOWN = "echo 'from shop.total import total' > shop/__init__.py"


@pytest.fixture
def shop(yard):
    """A small package with a test of its own, checked by pytest itself."""
    yard.write("shop/__init__.py", "")
    yard.write("tests/test_shop.py", "def test_stands():\n    import shop\n")
    yard.git("branch", "-f", "main", yard.commit("a shop"))

    def planned(*sessions, **first):
        task = {
            "do": list(sessions),
            "touches": ["shop/**", "conftest.py"],
            "done_when": ["suite"],
            "tests_first": {"paths": ["tests/**"], "check": "suite", **first},
        }
        checks = {"suite": {"run": PYTEST, "report": "junit"}}
        env = {"PYTHONDONTWRITEBYTECODE": "1"}
        return yard.plan({"a": task}, checks=checks, worktree={"env": env})

    return planned


@pytest.mark.slow
def test_pytest_itself_is_neither_fooled_nor_misread(yard, shop):
    """What cannot be imported is not red, and a test that a hook hides is missed by its name."""
    work = f"{TOTAL}; {SHOWN}"
    plan = shop(IMPORTING, REACHING, f"{work}; {HOOK}", "rm conftest.py")
    yard.clerk("run", str(plan), "--merge", "auto")
    assert "No module named 'shop.total'" in yard.prompt("a", 2)
    assert "skipped: tests/test_total.py::TestNothing::test_is_free" in yard.prompt("a", 4)
    assert "seen red at" in yard.clerk("status", "a").stdout


@pytest.mark.slow
def test_what_the_work_is_to_bring_may_be_missing_where_the_plan_allows_it(yard, shop):
    yard.clerk("run", str(shop(IMPORTING, TOTAL, allow_missing=True)), "--merge", "auto")
    (proof,) = (
        line for line in yard.clerk("status", "a").stdout.splitlines() if "seen red" in line
    )
    assert proof.endswith("suite 1 failed, 0 passed")


@pytest.mark.slow
def test_what_lands_beside_locked_tests_is_merged_with_them(site):
    """Another task's tests of the same folder come in with the target, and are nobody's breach."""
    plan = planned(site, WRITE, f"{site.waits('work')}; {WORK}; echo bad > same.txt", WORK)
    running = site.start("run", str(plan), "--merge", "auto")
    site.begun("work")
    site.write("tests/other.txt", "other: there('first.txt')\n")
    site.write("same.txt", "good\n")
    site.git("branch", "-f", "main", site.commit("meanwhile"))
    site.gate("work").touch()
    running.communicate(timeout=LIMIT_SECONDS)
    assert "conflicts" in site.prompt("a", 3)
    assert site.status()["a"]["state"] == "failed", "the conflict was left in the file"
    assert "locked tests" not in site.status()["a"]["reason"]


@pytest.mark.slow
def test_tests_that_the_target_overtakes_are_written_again(site):
    plan = planned(site, WRITE, f"{site.waits('work')}; {WORK}", WRITE, WORK)
    running = site.start("run", str(plan), "--merge", "auto")
    site.begun("work")
    site.write("tests/new.txt", "another: there('first.txt')\n")
    site.git("branch", "-f", "main", site.commit("the same test"))
    site.gate("work").touch()
    running.communicate(timeout=LIMIT_SECONDS)
    again = site.prompt("a", 3)
    assert "changes the same tests, in tests/new.txt" in again
    assert "Write the tests of this task" in again
    assert site.status()["a"]["state"] == "merged"


@pytest.mark.slow
def test_an_edited_plan_has_the_tests_seen_red_again_without_the_work(site):
    plan = planned(site, WRITE, WORK)
    site.clerk("run", str(plan))
    assert site.status()["a"]["state"] == "verified"
    edited = plan.read_text().replace("report: junit", "report: junit\n    timeout: 9m")
    plan.write_text(edited)
    again = site.clerk("run", str(plan), "--accept-changes", "--merge", "auto", "--json")
    assert purposes(again.stdout)[:2] == ["red", "branch"]
    red = site.git("log", "-1", "--format=%(trailers:key=Clerk-Red,valueonly)", "main")
    names = site.git("ls-tree", "-r", "--name-only", red.rpartition("@")[2]).split()
    assert "tests/new.txt" in names
    assert "work.txt" not in names
