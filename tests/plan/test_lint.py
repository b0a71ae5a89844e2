"""Findings: what is allowed and still unwise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan.globs import PathGlobs
from orchestrator.plan.lint import BRIEF_TOKENS, Severity, lint
from orchestrator.plan.overlap import Overlap, TrackedFiles

FILES = ["src/cart/a.py", "src/cart/b.py", "src/api.py", "docs/x.md", ".env"]


def found(plan, rule, files=FILES):
    return [f"{f.subject}: {f.sentence}" for f in lint(plan, files=files) if f.rule == rule]


def test_a_sound_plan_has_no_findings(tasks_of):
    plan = tasks_of(a={"touches": "[src/cart]"}, b={"touches": "[src/api.py]"})
    assert lint(plan, files=FILES) == ()


def test_tasks_at_the_same_time_on_the_same_file_are_forecast(tasks_of):
    plan = tasks_of(a={"touches": '["src/*/a.py"]'}, b={"touches": '["**/[a]*"]'})
    (line,) = found(plan, "overlap")
    assert line == (
        "task 'a': may run at the same time as 'b' and touches the same paths, like"
        " 'src/cart/a.py'; let one come after the other"
    )
    assert found(plan, "overlap", files=None) == []


def test_tasks_one_after_the_other_do_not_conflict(tasks_of):
    plan = tasks_of(
        a={"touches": "[src]"},
        b={"touches": "[src]", "after": "[a]"},
        c={"touches": "[src]", "after": "[b]"},
    )
    assert found(plan, "overlap") == []


def test_what_does_not_exist_yet_is_judged_by_its_folder(tasks_of):
    plan = tasks_of(
        a={"touches": '["new/**"]'}, b={"touches": '["new/x/*.py"]'}, c={"touches": '["newer/**"]'}
    )
    (line,) = found(plan, "overlap")
    assert line.startswith("task 'a': may run at the same time as 'b' and")
    assert "'new/x/*.py'" in line


def test_a_crowd_on_one_folder_is_one_finding_a_task(tasks_of):
    plan = tasks_of(**{f"t{n}": {"touches": '["src/**"]'} for n in range(40)})
    lines = found(plan, "overlap")
    assert len(lines) == 39
    assert "'t1', 't2', 't3' and 36 more" in lines[0]


def test_tasks_without_scope_are_one_hint(tasks_of):
    plan = tasks_of(**{f"t{n}": {} for n in range(300)})
    (finding,) = lint(plan, files=FILES)
    assert (finding.severity, finding.rule) == (Severity.HINT, "no-scope")
    assert "'t0', 't1', 't2' and 297 more" in finding.sentence
    assert lint(tasks_of(only={}), files=FILES) == ()


def test_a_thousand_tasks_on_distinct_globs_are_linted(tasks_of):
    plan = tasks_of(
        **{f"t{n}": {"touches": f'["src/p{n % 500}/**", "**/x{n}.py"]'} for n in range(1000)}
    )
    lines = found(plan, "overlap", files=[f"src/p{n}/x{n + 1}.py" for n in range(500)])
    assert len(lines) > 500


def test_globs_that_match_nothing_are_told_when_the_files_are_known(tasks_of, plan_of, small):
    plan = tasks_of(a={"touches": '["src/none/**", src]'})
    assert found(plan, "empty-glob") == [
        "task 'a': touches 'src/none/**', where no file is tracked yet"
    ]
    assert found(plan, "empty-glob", files=None) == []
    assert found(plan, "empty-glob", files=[]) != []
    protecting = plan_of(small + 'protect: ["ci/**", docs]\n')
    (warning,) = [f for f in lint(protecting, files=FILES) if f.subject == "protect"]
    assert warning.severity is Severity.WARNING
    assert "'ci/**'" in warning.sentence


def test_inputs_that_match_nothing_are_a_warning(plan_of, small):
    plan = plan_of(small.replace("run: pytest}", 'run: pytest, inputs: [src, "lib/**"]}'))
    assert found(plan, "empty-glob") == [
        "check 'unit': inputs 'lib/**' match no tracked file, so no change there runs it again"
    ]
    assert lint(plan, files=FILES)[0].severity is Severity.WARNING


def test_inputs_that_spare_no_run_since_a_need_has_none_are_told(plan_of, small):
    checks = "  build: {run: make}\n  fast: {run: x, inputs: [src], needs: [build]}\ntasks:"
    plan = plan_of(small.replace("tasks:", checks).replace("[unit, e2e]", "[fast, e2e]"))
    assert found(plan, "inputs-in-vain") == [
        "check 'fast': its inputs spare no run, as it needs 'build', which has none"
    ]
    declared = plan_of(
        small.replace("tasks:", checks.replace("run: make", "run: make, inputs: [lib]"))
    )
    assert found(declared, "inputs-in-vain") == []


def test_a_brief_over_its_budget_is_told(plan_of, small):
    assert found(plan_of(small.replace("Make it.", "x" * 3 * BRIEF_TOKENS)), "long-brief") == []
    (line,) = found(plan_of(small.replace("Make it.", "x" * 4 * BRIEF_TOKENS)), "long-brief")
    assert "more than 4,000; split the task" in line


def test_a_plan_without_e2e_is_told(plan_of, small):
    assert found(plan_of(small), "no-e2e") == []
    (line,) = found(plan_of(small.replace("kind: e2e", "kind: unit")), "no-e2e")
    assert "none is of kind e2e" in line


def test_a_check_nobody_asks_for_is_told_but_not_one_that_is_needed(plan_of, small):
    plan = plan_of(
        small.replace("[unit, e2e]", "[e2e]").replace("tasks:", "  idle: {run: x}\ntasks:")
    )
    assert found(plan, "idle-check") == [
        "check 'idle': no task's done_when asks for it, so it never runs"
    ]


def test_a_service_nobody_asks_for_is_told_but_not_one_that_is_needed(plan_of, small):
    services = "services: {web: {run: x, needs: [db]}, db: {run: x}, idle: {run: x}}\n"
    plan = plan_of(services + small.replace("pytest e2e,", "pytest e2e, services: [web],"))
    assert found(plan, "idle-service") == [
        "service 'idle': no check that runs asks for it, so it never starts"
    ]


def test_warnings_stand_before_hints(plan_of, small):
    plan = plan_of(small.replace("tasks:", "  idle: {run: x}\ntasks:") + 'protect: ["none"]\n')
    assert [f.severity for f in lint(plan, files=FILES)] == [Severity.WARNING, Severity.HINT]


GLOBS = st.sampled_from(
    [
        "**",
        "src",
        "src/**",
        "src/*",
        "src/cart",
        "src/cart/**",
        "**/*.py",
        "docs/*.md",
        "new/x",
        "src/cart/a.py",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(GLOBS, max_size=3), min_size=2, max_size=5), st.sets(st.sampled_from(FILES))
)
def test_overlap_is_mutual_and_misses_no_shared_file(scopes, files):
    overlap = Overlap(scopes, TrackedFiles(files))
    for one in range(len(scopes)):
        assert not overlap.shares[one] >> one & 1
        for other in range(len(scopes)):
            if one == other:
                continue
            shares = bool(overlap.shares[one] >> other & 1)
            assert shares == bool(overlap.shares[other] >> one & 1)
            assert shares == bool(overlap.example(one, other))
            covers = PathGlobs(scopes[one]).matches, PathGlobs(scopes[other]).matches
            if any(covers[0](path) and covers[1](path) for path in files):
                assert shares


FIRST = "{paths: [spec/**], check: c, given: %s}"


def test_tests_first_that_cannot_be_written_or_told_are_found(tasks_of):
    def told(first, protect=(), **more):
        plan = tasks_of(a={"tests_first": first, **more})
        reported = {n: c.model_copy(update={"report": "junit"}) for n, c in plan.checks.items()}
        plan = plan.model_copy(update={"protect": protect, "checks": reported})
        return " ".join(found(plan, "tests-first"))

    assert told(FIRST % "false", touches="[spec, src]") == ""
    assert "protect covers them, like 'spec/**'" in told(FIRST % "false", ("spec/**",))
    assert told(FIRST % "true", ("spec/**",)).endswith("'spec/**' matches no tracked file")
    assert "touches does not cover 'spec/**'" in told(FIRST % "false", touches="[src]")


def test_tests_first_without_a_report_are_told_by_the_exit_code(tasks_of):
    (line,) = found(tasks_of(a={"tests_first": FIRST % "false"}), "tests-first")
    assert line.startswith("task 'a': check 'c' has no report")


def test_a_stack_on_nothing_is_told(tasks_of):
    plan = tasks_of(
        a={"touches": "[src/cart]", "stack": "true"},
        b={"touches": "[src/api.py]", "stack": "true", "after": "[a]"},
    )
    (line,) = found(plan, "idle-stack")
    assert line.startswith("task 'a': stack says nothing without after")
