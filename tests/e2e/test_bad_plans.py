"""A plan that is wrong starts nothing, leaves no trace, and is told wholly."""

from __future__ import annotations

BAD = """\
clerk: 1
name: p
agnet: sh
agents:
  sh: {type: command, run: "true"}
checks:
  unit: {run: "true", rerun: 20}
  e2e: {run: "true", needs: [unti]}
tasks:
  - id: a
    title: A
    brief: Do a.
    after: [b]
    done_when: [unit]
  - id: b
    title: B
    brief: Do b.
    after: [a]
  - id: b
    title: 12:30
    brief: Do b again.
    done_when: [e2e]
    variants: 2
"""

PROBLEMS = {
    ":3:1: ": "did you mean 'agent'",
    ":7:": "rerun is 20",
    ":8:": "did you mean 'unit'",
    ":13:": "",
    ":15:": "done_when",
    ":19:": "",
    ":20:": "",
    ":23:": "later version",
}


def test_every_problem_is_told_at_once_with_its_place_and_nothing_is_started(yard):
    plan = yard.home / "bad.yaml"
    plan.write_text(BAD)
    checked = yard.clerk("plan", "check", str(plan), code=2)
    ran = yard.clerk("run", str(plan), "--json", code=2)
    assert ran.stderr == checked.stderr
    assert ran.stdout == checked.stdout == ""
    lines = ran.stderr.splitlines()
    for place, words in PROBLEMS.items():
        assert any(place in line and words in line for line in lines), (place, ran.stderr)
    assert not (yard.path / ".git/clerk").exists()
    assert yard.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert [path.name for path in yard.home.glob("*.worktrees")] == []


def test_a_plan_that_is_no_plan_at_all_is_one_clear_error(yard):
    for name, content, words in (
        ("absent", None, "absent.yaml"),
        ("binary", b"\xff\xfe\x00clerk", "UTF-8"),
        ("huge", b"#" * 1_100_000, "1 MB"),
    ):
        plan = yard.home / f"{name}.yaml"
        if content is not None:
            plan.write_bytes(content)
        done = yard.clerk("run", str(plan), code=2)
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (yard.path / ".git/clerk").exists()


def test_an_agent_that_cannot_be_is_told_by_check_and_run_alike(yard):
    """What ``plan check`` lets pass, ``run`` takes."""
    quoted = {"type": "command", "run": "echo '{task}'"}
    plan = yard.plan({"a": "true"}, agents={"sh": quoted})
    for command in (("plan", "check"), ("run",)):
        told = yard.clerk(*command, str(plan), code=2).stderr
        assert "agent 'sh': run: {task} is quoted already" in told
    assert not yard.state.exists() or not yard.git("for-each-ref", "refs/heads/clerk")
