"""Every mistake is told at once, with its place, its subject and its mend."""

from __future__ import annotations

import pytest

from orchestrator.errors import PlanError
from orchestrator.plan.diagnostics import MOST_TOLD
from orchestrator.plan.later import LATER
from orchestrator.plan.load import parse_plan


def changed(small, old, new):
    assert old in small
    return small.replace(old, new, 1)


def test_mistakes_of_every_kind_are_told_together_in_order(problems_of, small):
    source = (
        small.replace("name: shop", "name: Shop").replace("[unit]", "[unti]")
        + "    after: [crt]\n    titel: x\n"
        + "  - {id: cart-api, title: no, brief: b, done_when: [unit], after: [cart], agents: [x]}\n"
    )
    places = [line.split(": ", 1)[0] for line in problems_of(source)]
    assert places == [f"p.yaml:{p}" for p in ("2:7", "5:45", "11:13", "12:5", "13:27", "13:83")]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("clerk: 1", "clerk: 2", "1:8: clerk is 2; it must be 1"),
        ("clerk: 1\n", "", "1:1: clerk is missing; add it"),
        (
            "name: shop",
            "name: shop\nparalel: 2",
            "3:1: unknown field 'paralel'; did you mean 'parallel'?",
        ),
        ("name: shop", "name: shop\nmerge: autoo", "3:8: merge is 'autoo'; did you mean 'auto'?"),
        ("kind: e2e", "kind: e3e", "5:15: check 'e2e': kind is 'e3e'; did you mean 'e2e'?"),
        (
            "name: shop",
            "name: shop\nbudget: {wall: 45 minutes}",
            "3:16: budget.wall: '45 minutes' is not a duration; write 500ms, 20s, 45m or 2h",
        ),
        (
            "name: shop",
            "name: shop\nagent: {type: claude}",
            "3:8: agent is a mapping; give that a name in 'agents', and write the name here",
        ),
        (
            "name: shop",
            "name: shop\nbudget: {attempts: 0}",
            "3:20: budget.attempts is 0; it must be at least 1",
        ),
        (
            "The cart",
            "",
            "8:11: task 'cart': title is empty; it must be text",
        ),
        (
            "[unit, e2e]",
            "unit",
            "10:16: task 'cart': done_when is the text 'unit'; it must be a list, like [a, b]",
        ),
        (
            "[unit, e2e]",
            "[unit, e3e]",
            "10:23: task 'cart': done_when names 'e3e'; did you mean 'e2e'?",
        ),
        (
            "[unit, e2e]",
            "[unit, unit]",
            "10:23: task 'cart': done_when names 'unit' twice; remove one",
        ),
        ("[unit]", "[e2e]", "5:45: check 'e2e': needs names the check itself; remove it"),
        (
            "[unit]",
            "[zzz]",
            "5:45: check 'e2e': needs names 'zzz'; there is no such check",
        ),
        (
            "brief: Make it.",
            "brief: b\n    touches: [/abs]",
            "10:15: task 'cart': touches: '/abs' is absolute; globs begin at the repository's root, without '/'",
        ),
        (
            "The cart",
            '"a\\nb"',
            "8:12: task 'cart': title: must be one line of text; longer words belong in the brief",
        ),
        (
            "name: shop",
            "name: shop\nworktree: {env: {PORT: 3000}}",
            '3:24: worktree.env.PORT is written 3000 without quotes and YAML reads it as the number 3000; quote it: "3000"',
        ),
        (
            "name: shop",
            "name: shop\nworktree: {copy: [../x]}",
            "3:19: worktree.copy: '../x' leaves the repository; write a path below its root",
        ),
        (
            "name: shop",
            "name: shop\nworktree: {needs: {env: [A B]}}",
            "3:26: worktree.needs.env names 'A B'; use letters, digits and '_', no digit first",
        ),
    ],
)
def test_a_mistake_names_the_thing_and_the_mend(problems_of, small, old, new, told):
    assert problems_of(changed(small, old, new)) == [f"p.yaml:{told}"]


@pytest.mark.parametrize(
    ("line", "column"), [("    done_when: []\n", 16), ("    done_when:\n", 15)]
)
def test_a_task_without_criteria_is_refused_with_the_reason(problems_of, small, line, column):
    (told,) = problems_of(changed(small, "    done_when: [unit, e2e]\n", line))
    assert told == (
        f"p.yaml:10:{column}: task 'cart': done_when is empty;"
        " a task without strict success criteria is never merge-ready"
    )


def test_a_task_that_never_speaks_of_criteria_is_refused(problems_of, small):
    (told,) = problems_of(changed(small, "    done_when: [unit, e2e]\n", ""))
    assert told.startswith("p.yaml:7:5: task 'cart': done_when is missing; a task without strict")


def test_a_wrong_element_does_not_make_its_list_empty(problems_of, small):
    lines = problems_of(changed(small, "    title: The cart\n", ""))
    assert lines == ["p.yaml:7:5: task 'cart': title is missing; add it"]


@pytest.mark.parametrize(
    "name", ["Cart", "a..b", "a.lock", "a.", "-rf", "../x", "@", "a b", "x" * 64, "a/b"]
)
def test_a_name_that_git_or_a_shell_would_misread_is_refused(problems_of, small, name):
    lines = problems_of(changed(small, "id: cart", f'id: "{name}"'))
    assert len(lines) == 1
    assert "is no name" in lines[0]


@pytest.mark.parametrize(
    "target", ["-x", "a..b", "a b", "refs/heads/x", "x.lock", "a//b", "@", ".x", "a/.b"]
)
def test_a_target_that_is_no_branch_is_refused(problems_of, small, target):
    (line,) = problems_of(changed(small, "name: shop", f'name: shop\ntarget: "{target}"'))
    assert "cannot be a branch" in line


def test_a_second_task_of_the_same_name_is_told_with_the_first_line(problems_of, small):
    (line,) = problems_of(small + "  - {id: cart, title: t, brief: b, done_when: [unit]}\n")
    assert line == "p.yaml:11:10: task 'cart' is defined twice; the first is on line 7"


def test_a_circle_of_tasks_is_named(problems_of, small):
    source = small.replace("done_when", "after: [b]\n    done_when") + (
        "  - {id: b, title: t, brief: b, done_when: [unit], after: [c]}\n"
        "  - {id: c, title: t, brief: b, done_when: [unit], after: [cart]}\n"
    )
    assert problems_of(source) == [
        "p.yaml:10:12: task 'cart': after leads in a circle, cart -> b -> c -> cart; remove one"
    ]


def test_a_circle_of_checks_is_named(problems_of, small):
    (line,) = problems_of(changed(small, "{run: pytest}", "{run: pytest, needs: [e2e]}"))
    assert "needs leads in a circle, unit -> e2e -> unit" in line


def test_a_near_miss_is_never_the_task_itself(problems_of, small):
    source = small + "    after: [crt]\n  - {id: cart-api, title: t, brief: b, done_when: [unit]}\n"
    assert problems_of(source) == [
        "p.yaml:11:13: task 'cart': after names 'crt'; did you mean 'cart-api'?"
    ]


@pytest.mark.parametrize(
    ("agents", "agent", "told"),
    [
        ("{}", "claud", "agent is 'claud'; did you mean 'claude'?"),
        ("{}", "zzz", "agent is 'zzz'; there are: claude"),
        ("{}", "command", "agent 'command' needs a profile; add one to agents, with 'run'"),
        ("{}", "replay", "agent 'replay' needs a profile; add one to agents, with 'script'"),
        ("{m: {type: command}}", "m", "agent 'm': an agent of type 'command' needs 'run'; add it"),
        ("{m: {type: cluade}}", "m", "agent 'm': type is 'cluade'; did you mean 'claude'?"),
        ("{m: {type: zzz}}", "m", "any package.module:Class"),
        ("{}", "codex", "agent 'codex' comes with a later version"),
        ("{m: {type: acp}}", "m", "agent 'm': type 'acp' comes with a later version"),
    ],
)
def test_an_agent_that_cannot_be_reached_is_refused(problems_of, small, agents, agent, told):
    (line,) = problems_of(small.replace("checks:", f"agents: {agents}\nagent: {agent}\nchecks:"))
    assert told in line


def test_a_profile_may_take_a_built_in_or_later_name(problems_of, small):
    profile = "agents: {codex: {type: claude}, claude: {type: command, run: x}}\nagent: codex\n"
    assert problems_of(small.replace("checks:", profile + "checks:")) == []


def test_the_usual_agent_must_exist_only_when_it_is_used(small):
    own = small.replace("checks:", "agents: {m: {type: command, run: x}}\nchecks:")
    with pytest.raises(PlanError, match="agent is 'claude'"):
        parse_plan(own, shown_path="p", agents=["command"], reports={})
    assert parse_plan(own + "    agent: m\n", shown_path="p", agents=["command"], reports={})


USES = {
    "tasks.*.variants": ("brief:", "variants: 2\n    brief:"),
    "tasks.*.agents": ("brief:", "agents: [claude]\n    brief:"),
    "agents.*.type": ("checks:", "agents: {m: {type: codex}}\nchecks:"),
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("report: tapp", "report is 'tapp'; did you mean 'tap'?"),
        ("report: mocha", "report is 'mocha'; there are: junit, tap, or any package.module:Class"),
        ("report: junit", "read from a file; have the command write it to {report}"),
    ],
)
def test_a_report_that_nothing_can_read_is_refused_with_the_mend(problems_of, small, change, told):
    (line,) = problems_of(small.replace("run: pytest}", f"run: pytest, {change}}}"))
    assert line.startswith("p.yaml:4:31: check 'unit': report is")
    assert told in line


@pytest.mark.parametrize(
    "check",
    [
        'run: "pytest --junitxml={report}", report: junit',
        "run: ./junit.sh $CLERK_REPORT, report: junit",
        "run: bats, report: tap",
        'run: "bats > {report}", report: tap',
        'run: mine, report: "my.parsers:Mine"',
    ],
)
def test_a_report_is_read_from_the_named_file_or_from_what_is_printed(problems_of, small, check):
    assert problems_of(small.replace("run: pytest}", check + "}")) == []


@pytest.mark.parametrize("later", LATER, ids=lambda later: ".".join(later.path))
def test_what_comes_later_is_refused_and_never_ignored(problems_of, small, later):
    (line,) = problems_of(changed(small, *USES[".".join(later.path)]))
    assert "comes with a later version; " in line
    assert later.mend in line


def test_what_comes_later_may_be_written_with_its_usual_value(problems_of, small):
    source = small.replace("run: pytest}", "run: pytest, inputs: [], report: tap}")
    source = source.replace("brief:", "variants: 1\n    agents: []\n    brief:")
    assert problems_of("services: {}\n" + source) == []


def test_a_number_that_is_none_is_told_as_it_was_written(problems_of, small):
    (line,) = problems_of(small.replace("run: pytest}", "run: pytest, rerun: often}"))
    assert "rerun is the text 'often'; it must be a whole number" in line


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("{paths: [t], check: unti}", "names check 'unti'; did you mean 'unit'?"),
        ("{paths: [t], check: idle}", "names check 'idle', which is not in done_when; add it"),
        ("{paths: [t], check: unit, given: true, approve: true}", "remove approve"),
        ("{paths: [], check: unit}", "paths"),
        ("given", "is given, but the plan protects no paths"),
    ],
)
def test_tests_first_that_nobody_could_see_red_and_green_are_refused(
    problems_of, small, first, told
):
    source = small.replace("  e2e:", "  idle: {run: x}\n  e2e:")
    (line,) = problems_of(source.replace("brief:", f"tests_first: {first}\n    brief:"))
    assert told in line


def test_a_flood_of_mistakes_is_counted_not_told(problems_of, small):
    many = ", ".join(f"x{n}" for n in range(5000))
    lines = problems_of(small.replace("[unit, e2e]", f"[{many}]"))
    assert len(lines) == MOST_TOLD + 1
    assert lines[-1] == f"p.yaml: and {5000 - MOST_TOLD} more problems"


def test_long_foreign_text_is_cut_in_a_message(problems_of, small):
    (line,) = problems_of(small.replace("id: cart", f'id: "{"X" * 100_000}"'))
    assert len(line) < 400
