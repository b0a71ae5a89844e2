"""Work that changes what no session may: verified with that put back, told so, and never landed."""

from __future__ import annotations

import json

import pytest
from e2e.test_sandboxed import Enclosed
from e2e.test_tests_first import FIRST, RUNNER, WORK, WRITE

PROTECT = ["rules/**", "check.sh"]
SED = r"s/.*`\(git restore -SW -s [0-9a-f]*\) -- PATHS`.*/\1/p"
BY_PROMPT = {
    "sh": {"type": "command", "run": "sh $CLERK_SCRIPTS/{task}.{attempt}.sh {prompt_file}"}
}


def taking_back(*paths):
    """A shell line that does what the prompt says, word for word."""
    return f"$(sed -n '{SED}' \"$1\") -- {' '.join(paths)}"


def lawful(yard):
    yard.write("rules/law.md", "the law\n")
    yard.write("check.sh", 'echo ran >> "$GATES/ran"; ! grep -L good *.txt | grep .\n')
    yard.git("branch", "-f", "main", yard.commit("rules"))
    return yard


def planned(yard, *sessions, attempts=3, **more):
    task = {"do": list(sessions), **more.pop("task", {})}
    return yard.plan(
        {"a": task}, protect=PROTECT, agents=BY_PROMPT, budget={"attempts": attempts}, **more
    )


def told_of(yard, task="a"):
    """Purpose, verdict and tree of each verification on record."""
    detail = json.loads(yard.clerk("status", task, "--json").stdout)
    return [(one["purpose"], one["verdict"], one["tree"]) for one in detail["verifications"]]


def gates_of(task):
    return {gate["name"]: gate["reason"] for gate in task["gates"] if not gate["open"]}


def test_green_without_the_breach_costs_one_short_round_and_no_second_run(yard):
    lawful(yard)
    breaks = "echo good > b.txt; echo mine > rules/law.md; echo new > rules/new.md"
    mends = taking_back("rules/law.md", "rules/new.md")
    plan = planned(yard, breaks, mends)
    yard.clerk("run", str(plan), "--merge", "auto")
    task, prompt = yard.status()["a"], yard.prompt("a", 2)
    assert (task["state"], task["attempts_used"]) == ("merged", 2)
    assert "changed paths that no session may change: rules/law.md, rules/new.md." in prompt
    assert "With that put back your work passes its checks: change nothing else" in prompt
    restored, branch = told_of(yard)[:2]
    assert (restored[:2], branch[:2]) == (("restored", "passed"), ("branch", "passed"))
    assert restored[2] == branch[2], "what the agent made of it is what was verified"
    assert yard.gate("ran").read_text() == "ran\nran\n", "the target, the work; nothing twice"
    assert yard.git("show", "main:rules/law.md") == "the law"
    assert "1970" not in yard.git("log", "--format=%ad", "main"), "no commit of ours came along"


def test_a_check_that_was_bent_is_asked_without_that_and_both_are_told_at_once(yard):
    lawful(yard)
    plan = planned(
        yard,
        "echo bad > b.txt; echo true > check.sh",
        f"{taking_back('check.sh')}; echo good > b.txt",
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    task, prompt = yard.status()["a"], yard.prompt("a", 2)
    assert (task["state"], task["attempts_used"]) == ("merged", 2)
    assert "no session may change: check.sh." in prompt
    assert "With that put back your work was verified on a clean checkout, and did not" in prompt
    assert "FAIL unit" in prompt
    assert "b.txt" in prompt
    assert [told[:2] for told in told_of(yard)[:2]] == [
        ("restored", "failed"),
        ("branch", "passed"),
    ]


def test_what_its_session_has_asked_already_is_known_green_or_red(yard):
    lawful(yard)
    asks = "clerk check >> $GATES/told || true"
    plan = planned(
        yard,
        f"echo bad > b.txt; echo mine > rules/law.md; {asks}",
        f"echo good > b.txt; {asks}",
        taking_back("rules/law.md"),
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.status()["a"]["attempts_used"] == 3
    told = [one[:2] for one in told_of(yard)[:5]]
    asked, restored = ("asked", "restored")
    red, green = ("failed", "passed")
    assert told == [
        (asked, red),
        (restored, red),
        (asked, green),
        (restored, green),
        ("branch", green),
    ]
    assert yard.gate("ran").read_text().count("ran") == 3, "the target, and what was asked"


def test_it_stays_closed_whatever_is_ordered_and_says_why(yard):
    """The branch is as its agent left it, and no engine need run to tell what was found out."""
    lawful(yard)
    plan = planned(yard, "echo good > b.txt; echo mine > rules/law.md", attempts=1)
    yard.clerk("run", str(plan), "--merge", "auto", code=1)
    task = yard.status()["a"]
    assert task["state"] == "failed"
    assert task["reason"] == (
        "changed paths that no session may change: rules/law.md; passes with that put back, "
        "after 1 attempt"
    )
    closed = gates_of(task)
    assert closed["protected paths untouched"] == "changes protected paths: rules/law.md"
    assert closed["verified"] == (
        "unit passed only with rules/law.md put back; the branch itself is not verified"
    )
    head = yard.git("rev-parse", "clerk/p/a")
    assert yard.git("show", f"{head}:rules/law.md") == "mine"
    ((purpose, verdict, tree),) = told_of(yard)
    assert (purpose, verdict) == ("restored", "passed")
    assert tree != yard.git("rev-parse", f"{head}^{{tree}}")
    assert "checks, with what it may not change put back" in yard.clerk("status", "a").stdout
    yard.clerk("start", str(plan))
    for order in ("merge", "approve"):
        assert "only what is verified can" in yard.clerk(order, "a", code=3).stderr
    yard.clerk("retry", "a")
    again = yard.until("a", "failed")
    assert again["attempt"] == 2, "verified again before a session, then sent back to one"
    assert "With that put back your work passes" in yard.prompt("a", 2)
    detail = json.loads(yard.clerk("status", "a", "--json").stdout)
    assert detail["attempts"][-1]["outcome"] == "no_change", "a head that was looked at"
    assert "the law" in yard.git("show", "main:rules/law.md")


def test_what_was_found_out_is_not_known_of_the_branch(yard):
    """Allowed by an edited plan, the very same head is verified for the first time."""
    lawful(yard)
    plan = planned(yard, "echo good > b.txt; echo 'exit 1' > check.sh", attempts=1)
    yard.clerk("run", str(plan), code=1)
    assert told_of(yard)[-1][:2] == ("restored", "passed")
    head = yard.status()["a"]["head"]
    edited = plan.read_text().replace("- check.sh\n", "")
    assert edited != plan.read_text()
    plan.write_text(edited)
    yard.clerk("start", str(plan), "--accept-changes")
    yard.clerk("retry", "a")
    yard.until("a", "failed")
    assert told_of(yard)[1] == ("branch", "failed", yard.git("rev-parse", f"{head}^{{tree}}"))


PLACES = {
    "gone": ("rm rules/law.md", "rules/law.md"),
    "renamed": ("git mv rules/law.md law.md", "rules/law.md"),
    "a folder becomes a file": ("rm -r rules; echo good > rules", "rules/law.md"),
    "a folder becomes a link": ("rm -r rules; ln -s first.txt rules", "rules/law.md"),
    "a file becomes a folder": (
        "rm check.sh; mkdir check.sh; echo true > check.sh/run",
        "check.sh",
    ),
    "a mode": ("chmod +x check.sh", "check.sh"),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", PLACES)
def test_whatever_stands_where_it_was_gives_way(yard, how):
    does, path = PLACES[how]
    lawful(yard)
    plan = planned(yard, f"echo good > b.txt; {does}", taking_back(path))
    yard.clerk("run", str(plan), "--merge", "auto")
    task = yard.status()["a"]
    assert (task["state"], task["attempts_used"]) == ("merged", 2)
    assert "your work passes its checks" in yard.prompt("a", 2)
    kept = yard.git("ls-tree", "-r", "main", "rules", "check.sh")
    assert kept == yard.git("ls-tree", "-r", "main~1", "rules", "check.sh")


def test_work_that_is_nothing_else_is_not_said_to_pass(yard):
    lawful(yard)
    plan = planned(
        yard,
        "echo mine > rules/law.md",
        f"{taking_back('rules/law.md')}; echo good > b.txt",
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    prompt = yard.prompt("a", 2)
    assert "Nothing of your work is left without that: do the task, or ask." in prompt
    assert "passes" not in prompt
    assert told_of(yard)[0][0] == "branch"
    assert yard.status()["a"]["attempts_used"] == 2


def test_what_is_out_of_scope_too_is_told_in_the_same_round(yard):
    lawful(yard)
    plan = planned(
        yard,
        "echo good > b.txt; echo good > other.txt; echo mine > rules/law.md",
        f"{taking_back('rules/law.md')}; rm other.txt",
        task={"touches": ["b.txt"]},
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.status()["a"]["attempts_used"] == 2
    prompt = yard.prompt("a", 2)
    assert "It also changed paths outside its scope: other.txt. Undo that part." in prompt
    assert "With rules/law.md put back your work passes its checks" in prompt


@pytest.mark.parametrize("point", ["verification.done:1", "verification.recorded:1"])
def test_killed_in_between_the_same_is_told_once(yard, point):
    lawful(yard)
    plan = planned(yard, "echo good > b.txt; echo mine > rules/law.md", taking_back("rules/law.md"))
    yard.clerk("run", str(plan), "--merge", "auto", code=None, CLERK_CRASH=f"kill {point}")
    assert yard.status()["a"]["state"] == "verifying"
    assert "verified" in gates_of(yard.status()["a"])
    yard.clerk("run", str(plan), "--merge", "auto")
    task = yard.status()["a"]
    assert (task["state"], task["attempt"], task["attempts_used"]) == ("merged", 2, 2)
    assert "your work passes its checks" in yard.prompt("a", 2)
    told = told_of(yard)
    assert {tree for purpose, _, tree in told if purpose == "restored"} == {told[-2][2]}
    assert yard.gate("ran").read_text().count("ran") == 2


def test_in_the_sandbox_the_agent_can_take_it_back_as_it_is_told(tmp_path):
    yard = lawful(Enclosed.make(tmp_path / "ein Hof"))
    yard.write("check.sh", "! grep -L good *.txt | grep .\n")
    yard.git("branch", "-f", "main", yard.commit("no gates in there"))
    plan = planned(yard, "echo good > b.txt; echo mine > rules/law.md", taking_back("rules/law.md"))
    yard.clerk("run", str(plan), "--merge", "auto")
    task = yard.status()["a"]
    assert (task["state"], task["attempts_used"]) == ("merged", 2)
    assert [told[0] for told in told_of(yard)[:2]] == ["restored", "branch"]


def first(yard, *sessions, attempts=3, **more):
    """A plan whose tests come first, in a yard that runs claims about the tree."""
    yard.write("rules/law.md", "the law\n")
    yard.write("runner.py", RUNNER)
    yard.write("tests/old.txt", "stands: there('first.txt')\n")
    yard.git("branch", "-f", "main", yard.commit("a runner"))
    return yard.plan(
        {"a": {"do": list(sessions), "done_when": ["suite"], "tests_first": FIRST, **more}},
        checks={"suite": {"run": "python3 runner.py {report}", "report": "junit"}},
        agents=BY_PROMPT,
        protect=["rules/**"],
        budget={"attempts": attempts},
    )


BENT = {
    "deletes": ("rm tests/new.txt", "tests/new.txt"),
    "weakens": ("echo 'works: True' > tests/new.txt", "tests/new.txt"),
    "renames": (
        "mv tests/new.txt tests/renamed.txt",
        "tests/new.txt, tests/renamed.txt",
    ),
    "moves out": ("git mv tests/new.txt new.md", "tests/new.txt"),
    "adds": ("echo 'more: True' > tests/more.txt", "tests/more.txt"),
    "makes a folder": (
        "rm tests/new.txt; mkdir tests/new.txt; echo 'works: True' > tests/new.txt/a.txt",
        "tests/new.txt, tests/new.txt/a.txt",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", BENT)
def test_a_locked_test_is_put_back_and_the_work_judged_by_it(yard, how):
    does, named = BENT[how]
    path = named.partition(",")[0] if "folder" in how else named.replace(",", "")
    plan = first(yard, WRITE, f"{WORK}; {does}", taking_back(path), attempts=2)
    yard.clerk("run", str(plan), "--merge", "auto")
    task, prompt = yard.status()["a"], yard.prompt("a", 3)
    assert f"changed locked tests: {named}." in prompt
    assert "With that put back your work passes its checks" in prompt
    assert (task["state"], task["attempt"]) == ("merged", 3)
    assert "there('work.txt')" in yard.git("show", "main:tests/new.txt")


def test_a_weakened_test_is_told_with_what_fails_and_one_that_is_skipped_by_name(yard):
    plan = first(
        yard,
        WRITE,
        "echo 'works: True' > tests/new.txt",
        f"{WORK}; echo works > skip.cfg",
        f"{taking_back('tests/new.txt')}; rm skip.cfg",
        attempts=3,
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    failed, skipped = yard.prompt("a", 3), yard.prompt("a", 4)
    for prompt in (failed, skipped):
        assert "changed locked tests: tests/new.txt." in prompt
    assert "there('work.txt') is false" in failed
    assert "not by the locked tests. These did not run, or were skipped: tests/new.txt::" in skipped
    assert yard.status()["a"]["state"] == "merged"


def test_who_writes_the_tests_hears_what_they_are_worth_and_locks_nothing_yet(yard):
    plan = first(
        yard,
        f"{WRITE}; echo mine > rules/law.md",
        taking_back("rules/law.md"),
        WORK,
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    told, work = yard.prompt("a", 2), yard.prompt("a", 3)
    assert "no session may change: rules/law.md." in told
    assert "With that put back your tests fail as they must: change nothing else" in told
    assert "Locked tests" not in told
    assert "Locked tests" in work
    assert [one[0] for one in told_of(yard)[:3]] == ["restored", "red", "branch"]
    task = yard.status()["a"]
    assert (task["state"], task["attempt"]) == ("merged", 3)


@pytest.mark.slow
def test_tests_that_prove_nothing_are_told_so_in_the_same_round(yard):
    green = "mkdir -p tests; echo \"works: there('first.txt')\" > tests/new.txt"
    plan = first(
        yard,
        f"{green}; echo mine > rules/law.md",
        f"{taking_back('rules/law.md')}; {WRITE}",
        WORK,
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    assert "With that put back: Your tests pass without the work" in yard.prompt("a", 2)
    assert yard.status()["a"]["attempt"] == 3


@pytest.mark.slow
def test_given_tests_that_are_protected_too_are_named_once(yard):
    yard.write("rules/new.txt", "test -e work.txt\n")
    plan = first(
        yard,
        f"{WORK}; echo true > rules/new.txt",
        taking_back("rules/new.txt"),
        done_when=["given"],
        tests_first={"given": True, "paths": ["rules/*.txt"], "check": "given"},
    )
    document = plan.read_text().replace("checks:\n", "checks:\n  given: {run: sh rules/new.txt}\n")
    plan.write_text(document)
    yard.clerk("run", str(plan), "--merge", "auto")
    prompt = yard.prompt("a", 2)
    assert prompt.count("rules/new.txt.") == 1
    assert "changed locked tests: rules/new.txt. Take that back: `git restore" in prompt
    assert yard.status()["a"]["state"] == "merged"
