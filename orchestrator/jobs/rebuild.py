"""Building up from git what was known before the database was lost, or fell behind.

Git holds what counts: the target's own history says what has landed, branches and keep refs what
was worked. So nothing lands twice and no branch is lost; what cannot be known any more (attempts,
costs, approvals) starts anew, and work whose verdict is gone is verified again, not done again.

Level-triggered like all else: a task is brought up wherever git is found to know more of it, so a
crash in between is mended by looking again. Never while a job of the plan is in hand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.events import EventKind
from orchestrator.git.imports import refusal_sentence
from orchestrator.git.landings import landing_of, landings, undoing_of
from orchestrator.git.policy import scan
from orchestrator.git.refs import branch_ref, keep_ref, task_branch
from orchestrator.jobs.recovery import save_leftovers
from orchestrator.states import Strategy, TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from orchestrator.git.landings import PastLanding
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site

REBUILT = "rebuilt from git"

TAKEN_IN = (
    "the target holds all of its branch, perhaps taken in by hand, which git cannot tell from no"
    " work at all; it begins anew. If it is done, remove it from the plan file and run that with"
    " --accept-changes"
)


@dataclass(frozen=True, slots=True)
class Traces:
    """What git holds of one task: its branch, and the head that each session left."""

    branch: str = ""
    kept: Mapping[int, str] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The last session that left a head; 0 for none."""
        return max(self.kept, default=0)

    @property
    def heads(self) -> frozenset[str]:
        return frozenset((self.branch, *self.kept.values())) - {""}

    def tells_more(self, task: TaskRecord) -> bool:
        """Whether the record of ``task`` is missing sessions: each is on record before it leaves."""
        return self.newest > task.sessions or (not task.sessions and bool(self.branch))


async def is_known_to_git(site: Site, plan: str) -> bool:
    """Whether sessions of a plan were here, whatever is stored of it."""
    return bool(await _traces(site, plan))


async def catch_up(site: Site, plans: Iterable[str]) -> None:
    """Bring up every task of which git knows more than what is stored."""
    for name in plans:
        target = await site.git.refs.resolve(branch_ref(site.target(name)))
        if target is not None:
            await _catch_up(site, name, target)


async def _catch_up(site: Site, plan: str, target: str) -> None:
    traces = await _traces(site, plan)
    tasks = [
        task
        for task in site.records.book.snapshot(plan).tasks.values()
        if task.state is not TaskState.MERGED and task.id in traces
    ]
    behind = [task for task in tasks if traces[task.id].tells_more(task)]
    there = [task for task in tasks if await _is_there(site, task, traces[task.id], target)]
    unseen = tasks if site.records.book.plan(plan).strategy is not Strategy.MERGE else ()
    if not (behind or there or unseen):
        return
    past = await landings(site.git.git, target)
    moved = Counter[str]()
    for task in tasks:
        heads = traces[task.id].heads
        if unseen and task not in (*behind, *there):  # only its newest head can be meant
            heads &= {traces[task.id].kept.get(task.sessions, "")}
        new = await _landed(site, task, past, heads)
        if new is None and task in behind:
            new = await _taken_up(site, task, traces[task.id], past, target)
        if new is not None:
            now = site.ledger.clock()
            site.ledger.restore(task, replace(new, changed_at=now), REBUILT)
            moved[new.state] += 1
    if moved:
        told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in moved.items())
        message = f"what was stored of it was lost or older than git; {REBUILT}: {told}"
        site.ledger.change_plan(plan, EventKind.WARNING, message, rebuilt_at=site.ledger.clock())


async def _traces(site: Site, plan: str) -> Mapping[str, Traces]:
    """What there is of each task of a plan, by its id; no entry for none."""
    branches, keeps = branch_ref(task_branch(plan, "")), f"refs/clerk/keep/{plan}/"
    kept: dict[str, dict[int, str]] = defaultdict(dict)
    for ref, oid in (await site.git.refs.list(keeps)).items():
        task, _, number = ref.removeprefix(keeps).partition("/")
        if number.isdigit() and len(number) < len(oid):  # strays bear their own id
            kept[task][int(number)] = oid
    found = {task: Traces(kept=heads) for task, heads in kept.items()}
    for ref, oid in (await site.git.refs.list(branches)).items():
        task = ref.removeprefix(branches)
        found[task] = replace(found.get(task, Traces()), branch=oid)
    return found


async def _is_there(site: Site, task: TaskRecord, traces: Traces, target: str) -> bool:
    """Whether the target holds work of a task that is not stored as landed: perhaps it did."""
    head = traces.kept.get(task.sessions, "")
    return head not in {"", task.base} and await site.git.history.is_ancestor(head, target)


async def _landed(
    site: Site, task: TaskRecord, found: Iterable[PastLanding], heads: Collection[str]
) -> TaskRecord | None:
    """The task as it landed, and was taken back where it was; None where it did not land."""
    objects, candidates, reverting = site.git.objects, site.git.candidates, site.git.reverting
    past = await landing_of(found, task.plan, task.id, heads, by=(objects, candidates))
    if past is None:
        return None
    undoing = await undoing_of(found, past, by=(objects, reverting))
    return replace(
        task,
        state=TaskState.MERGED,
        reason=REBUILT,
        base=past.base,
        head=past.head,
        intent=past.commit,
        intent_base=past.base,
        merged_commit=past.commit,
        reverted_commit=undoing.commit if undoing is not None else "",
        sessions=max(task.sessions, 1),
        held="",
        settled_by="",
        retry_at=0.0,
    )


async def _taken_up(
    site: Site, task: TaskRecord, traces: Traces, past: Iterable[PastLanding], target: str
) -> TaskRecord:
    """A branch with work on it is verified again; without, the next session starts anew."""
    known = replace(task, sessions=max(task.sessions, traces.newest), stacked_on="")
    base, words = await _base(site, task, traces, past, target)
    if not base:
        return replace(known, base="", head="")
    saved = replace(known, base=base, sessions=traces.newest + 1)
    head = traces.branch
    if site.git.worktrees.stands(task.plan, task.id):
        head = await save_leftovers(site, saved) or head
    if head not in traces.kept.values():
        known = saved
        await site.git.refs.hold(keep_ref(task.plan, task.id, known.sessions), head)
    if await site.git.objects.tree_of(head) == await site.git.objects.tree_of(base):
        if head == base and traces.kept:
            site.ledger.tell(EventKind.WARNING, TAKEN_IN, plan=task.plan, task=task.id)
        return replace(known, base="", head="")
    told = await _objection(site, head, base)
    budget = site.records.book.plan(task.plan).budget_of(site.records.book.task(task.plan, task.id))
    return replace(
        known,
        state=TaskState.RETRY_QUEUED if told else TaskState.VERIFYING,
        reason=told or REBUILT,
        feedback=told,
        base=base,
        head=head,
        stacked_on=words,
        verified_head="",
        approved_head="",
        intent="",
        session_id="",
        merge_requested=False,
        held="",
        settled_by="",
        attempts_used=max(task.attempts_used, min(known.sessions, budget.attempts - 1)),
        retry_at=0.0,
    )


async def _objection(site: Site, head: str, base: str) -> str:
    """Why work cannot even be verified, as is asked after every session; empty for no reason."""
    findings = await scan(site.git.git, base, head)
    if refused := refusal_sentence([finding.sentence for finding in findings.refusals]):
        return f"the work cannot be taken: {refused}; mend that"
    markers = await site.git.conflicts.left(head, base)
    return f"conflict markers are left in {', '.join(markers)}; resolve them" if markers else ""


async def _base(
    site: Site, task: TaskRecord, traces: Traces, past: Iterable[PastLanding], target: str
) -> tuple[str, str]:
    """What a branch's work is to be measured against, and what it was stacked on; empty without one.

    Where a person merged it by hand the target holds all of it: then, what that merge was made on.
    """
    if not traces.branch:
        return "", ""
    merges = (one for one in past if one.head == traces.branch and not one.undoes)
    by_hand = next((merge.base for merge in merges), "")
    if by_hand:
        return by_hand, ""
    of = f"{task.plan}/{task.id}"
    if (ground := await site.git.grounds.newest(of, target, traces.branch)) is not None:
        return ground.commit, ground.words
    return await site.git.history.merge_base(target, traces.branch) or "", ""
