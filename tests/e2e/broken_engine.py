"""The ``clerk`` command line with everything broken that the self-test is there to show.

Run as a program in place of ``python -m orchestrator.cli``; never imported by a test.
"""
# ruff: noqa: PLC0415 - what is broken must be broken before others import it

from __future__ import annotations

import sys

import orchestrator.safe_text


def _raw(value, *, limit=None, one_line=False):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _no_word_is_checked() -> None:
    """Every check is green, no path is protected, nothing is held against a policy."""
    from orchestrator.git import imports, leftovers, policy
    from orchestrator.jobs import survey
    from orchestrator.states import Verdict
    from orchestrator.verification import check_run

    check_run.judge = lambda *_, **__: (Verdict.PASSED, "")
    honest = survey._globs

    class Nothing:
        def matches(self, path):
            return False

    survey._globs = lambda globs: Nothing() if "tests/**" in globs else honest(globs)

    async def let_in(*_, **__):
        return policy.Findings()

    for room in (imports, leftovers):
        room.scan = let_in


def _any_test_will_do() -> None:
    """Whatever is written first is red, and whatever becomes of it is green."""
    from dataclasses import replace

    from orchestrator.jobs import red_proof, second_look, survey
    from orchestrator.merge_queue import candidate_check
    from orchestrator.tests_first.red_judgement import Red

    async def untouched(_history, _candidates, seen, _paths, *, base, tests_head):
        return replace(seen, tests_head=tests_head)

    red_proof.judge_red = lambda after, *_: Red(after)
    survey.survey_tests = untouched
    survey.within = lambda task, *_: task
    second_look.unproven = candidate_check.unproven = lambda *_, **__: ()


def _nothing_is_bounded() -> None:
    """Logs grow, memory is nobody's concern, and what detaches itself is let go."""
    from orchestrator.jobs import tampering
    from orchestrator.supervision import orphans
    from orchestrator.supervision.memory_watch import MemoryWatch
    from orchestrator.supervision.pipes import BoundedLog

    make = BoundedLog.__init__
    BoundedLog.__init__ = lambda self, path, limit: make(self, path, 10**9)
    MemoryWatch.look = lambda self: ""

    async def nobody():
        pass

    orphans.clear = nobody
    tampering._reason = lambda *_: ""


def _nobody_remembers() -> None:
    """A landing that was under way is taken for one that never was."""
    from orchestrator.jobs import recovery
    from orchestrator.merge_queue import queue
    from orchestrator.merge_queue.coupling import Coupler

    async def never(*_):
        return False

    recovery.finish_landing = queue.finish_landing = Coupler._is_there = never


if __name__ == "__main__":
    orchestrator.safe_text.safe_text = _raw
    from orchestrator.cli import obey

    if "run" in sys.argv[1:2]:
        _no_word_is_checked()
        _any_test_will_do()
        _nothing_is_bounded()
        _nobody_remembers()
    sys.exit(obey(sys.argv[1:]))
