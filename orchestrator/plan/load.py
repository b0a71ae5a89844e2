"""The door through which a plan comes in: wholly right, or not at all.

Shapes, names and what comes later are judged side by side, so that one reading tells every
mistake. ``agents`` are the names of the built-in agent types, ``reports`` the built-in formats of
reports, each with whether a command may print it; both are given by the caller: this floor does
not know them. Nothing is started, written or looked up elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.plan.diagnostics import Problem, refusal
from orchestrator.plan.later import later_problems
from orchestrator.plan.references import reference_problems
from orchestrator.plan.shape import modelled
from orchestrator.plan.source import read_source
from orchestrator.plan.yaml_nodes import read_document

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from orchestrator.plan.model import Plan


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """A plan with where it came from.

    ``source`` is the file's text without a byte order mark, ``source_hash`` the SHA-256 of its
    UTF-8 bytes in hexadecimal, ``path`` absolute.
    """

    plan: Plan
    source: str
    source_hash: str
    path: Path


def load_plan(path: Path, *, agents: Collection[str], reports: Mapping[str, bool]) -> LoadedPlan:
    """The plan in a file; raises PlanError with every problem of it."""
    source = read_source(path)
    if isinstance(source, Problem):
        raise refusal([source], shown_path=str(path))
    plan = parse_plan(source, shown_path=str(path), agents=agents, reports=reports)
    digest = hashlib.sha256(source.encode()).hexdigest()
    return LoadedPlan(plan, source, digest, path.absolute())


def parse_plan(
    source: str, *, shown_path: str, agents: Collection[str], reports: Mapping[str, bool]
) -> Plan:
    """The plan in a text; raises PlanError with every problem, each led by ``shown_path``."""
    root = read_document(source)
    if isinstance(root, Problem):
        raise refusal([root], shown_path=shown_path)
    plan, problems = modelled(root)
    problems += reference_problems(root, agents=agents, reports=reports)
    problems += later_problems(root)
    if problems or plan is None:
        raise refusal(problems, shown_path=shown_path)
    return plan
