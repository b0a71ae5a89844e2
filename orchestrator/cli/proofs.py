"""What git holds of landings, for commands that need neither engine nor database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.audit import audit
from orchestrator.errors import UsageError
from orchestrator.evidence import parse_evidence
from orchestrator.git.command import run_as_user
from orchestrator.git.lineage import lineage
from orchestrator.git.opening import OpenRepository
from orchestrator.git.refs import branch_ref
from orchestrator.git.repository import Repository

if TYPE_CHECKING:
    from orchestrator.audit import Finding
    from orchestrator.evidence import Evidence

FETCH = "git fetch origin refs/notes/clerk:refs/notes/clerk"


@dataclass(frozen=True, slots=True)
class Audited:
    """``of`` names what was looked at, in the user's words or ours."""

    of: str
    findings: tuple[Finding, ...]


async def audited(repo: str | None, revisions: str | None) -> Audited:
    """The audit of a range, or of the target since the first landing on it."""
    start = Path(repo) if repo else Path.cwd()
    with OpenRepository(Repository.discover(start)) as opened:
        if revisions is not None:
            tips = _tips(revisions, start)
            return Audited(revisions, await _findings(opened, tips))
        target = await _target(opened)
        tips = _tips(branch_ref(target) if target else "HEAD", start)
        return Audited(target or "HEAD", _since_first_landing(await _findings(opened, tips)))


async def _findings(opened: OpenRepository, tips: list[str]) -> tuple[Finding, ...]:
    way = await lineage(opened.git, tips)
    return audit(way, await opened.notes.read([station.oid for station in way]))


def _since_first_landing(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Without the commits from before there was a clerk here."""
    ours = [at for at, one in enumerate(findings) if one.standing != "person"]
    return findings[: ours[-1] + 1] if ours else ()


def _tips(revisions: str, start: Path) -> list[str]:
    """A range in a person's words as oids, those that are left out with a ``^``."""
    if not revisions.startswith("-"):
        told = run_as_user("rev-parse", "--revs-only", revisions, "--", start=start)
        if told.code == 0 and told.text:
            return told.text.split()
    raise UsageError(f"{revisions!r} names no commits here; write e.g. main, or v1.0..main")


async def _target(opened: OpenRepository) -> str:
    """The branch that evidence names; empty for none, since nothing is noted yet."""
    told = {one.target for one in await all_evidence(opened)}
    there = [name for name in sorted(told) if await opened.refs.resolve(branch_ref(name))]
    if len(there) > 1:
        raise UsageError(f"tasks landed on {', '.join(there)}; name the one to audit")
    return there[0] if there else ""


async def all_evidence(opened: OpenRepository) -> list[Evidence]:
    """Every note that is evidence; others are the audit's affair."""
    noted = await opened.notes.noted()
    found = []
    for text in (await opened.notes.read(list(noted))).values():
        try:
            found.append(parse_evidence(text))
        except ValueError:
            continue
    return found


async def evidence_for(repo: str | None, task: str, plan: str | None) -> Finding:
    """The newest landing of a task, as its note and its commit tell it.

    Raises UsageError where none is noted, with a way on.
    """
    if plan is None and "/" in task:
        plan, _, task = task.partition("/")
    start = Path(repo) if repo else Path.cwd()
    with OpenRepository(Repository.discover(start)) as opened:
        known = await all_evidence(opened)
        mine = [one for one in known if one.task == task and plan in {None, one.plan}]
        if len(plans := sorted({one.plan for one in mine})) > 1:
            raise UsageError(f"task {task!r} is in plans {', '.join(plans)}; name one with --plan")
        landed = [one for one in mine if await opened.refs.resolve(one.commit)]
        if not landed:
            raise UsageError(await _nothing_noted(opened, task, plan))
        return await _judged(opened, [one.commit for one in landed])


async def _judged(opened: OpenRepository, commits: list[str]) -> Finding:
    """The newest of some commits, with those that landed with it for its proof."""
    newest = await opened.git.run("rev-list", "--topo-order", "--max-count=1", *commits, "--")
    (station,) = await lineage(opened.git, [newest.text], limit=1)
    notes = await opened.notes.read([station.oid])
    (finding,) = audit((station,), notes)
    told = finding.evidence
    if told is None or told.is_its_own:
        return finding
    way = await lineage(opened.git, [told.verified_commit, *(f"^{p}" for p in station.parents)])
    found = audit(way, await opened.notes.read([one.oid for one in way]))
    return next((one for one in found if one.station.oid == station.oid), finding)


async def _nothing_noted(opened: OpenRepository, task: str, plan: str | None) -> str:
    """Why there is nothing to show: it landed without a note, or it did not land."""
    heads, agents = await opened.refs.list(branch_ref("")), branch_ref("clerk/")
    tips = {oid for ref, oid in heads.items() if not ref.startswith(agents)}
    for station in await lineage(opened.git, sorted(tips)) if tips else ():
        named = station.only("Clerk-Task") == task
        if named and plan in {None, station.only("Clerk-Plan")}:
            return (
                f"{station.oid[:9]} says that {task!r} landed, but no evidence is noted on it; "
                f"where this is a clone, try: {FETCH}"
            )
    return f"no landing of {task!r} is noted here; clerk status tells where tasks stand"
