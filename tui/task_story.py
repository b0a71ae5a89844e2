"""The panes of a task's screen in lines: its checks, its gates with their evidence, its attempts.

Pure: views in, lines out. What has a log of its own leads to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.api.log_views import LogName
from orchestrator.states import Outcome, TaskState, Verdict
from tui.figures import plural, show_clock, show_cost, show_seconds, show_tokens
from tui.ink import Ink
from tui.line import BLANK, FOLDED, UNFOLDED, Fold, Line
from tui.marks import BY_VERDICT, check_mark, gate_mark, outcome_mark, task_mark
from tui.story import check_result, dotted
from tui.timeline import Stretch, bars, legend, scale_line, stretches, waited

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from orchestrator.api.models import (
        AttemptView,
        CheckView,
        GateView,
        TaskDetail,
        TaskView,
        VerificationView,
    )
    from tui.marks import Mark

_PURPOSES = {
    "branch": "its branch",
    "restored": "with what it may not change put back",
    "candidate": "the merged result",
    "asked": "asked for by its agent",
    "red": "its tests, without the work",
}
_PROVEN_BY = {
    "verified": ("branch",),
    "red proven": ("red",),
    "merged result verified": ("candidate",),
}
"""Which verifications are the evidence of a gate."""

_TO_LOG = f"log {FOLDED.strip()}"

_DIGEST_SHOWN = 12
"""Lines of a digest that say what is wrong; the rest is details of it."""

_BAR_LEAD = "        "
_LEAST_BAR = 10


def checks_lines(detail: TaskDetail, unfolded: Container[object]) -> list[Line]:
    """The checks as they are now, then every verification, the newest first and unfolded."""
    if not detail.task.checks and not detail.verifications:
        return [Line("Nothing has been checked yet.", Ink.DIM)]
    lines = _now_lines(detail.task)
    newest = list(reversed(detail.verifications))
    for number, verification in enumerate(newest):
        told = (number == 0) != (verification.id in unfolded)
        lines += [BLANK] if number < 2 else []
        lines += _verification_lines(verification, told=told)
    return lines


def _now_lines(task: TaskView) -> list[Line]:
    width = max((len(check.name) for check in task.checks), default=0)
    lines = []
    for check in task.checks:
        mark = check_mark(check)
        lead = f"{mark.sign} {check.name:<{width}}  "
        log = LogName(check=check.name) if check.running else None
        text = f"{check_result(check)}   {_TO_LOG}" if log else check_result(check)
        lines.append(Line(text, Ink.DIM, lead, mark.ink, target=log))
        lines.append(Line(f"$ {check.command}", Ink.FAINT, " " * len(lead)))
    return lines


def _verification_lines(verification: VerificationView, *, told: bool) -> list[Line]:
    mark = BY_VERDICT[verification.verdict]
    head = Line(
        _about(verification),
        Ink.STRONG if told else Ink.DIM,
        f"{UNFOLDED if told else FOLDED}{mark.sign} ",
        mark.ink,
        target=Fold(verification.id),
    )
    if not told:
        return [head]
    width = max((len(check.name) for check in verification.checks), default=0)
    lines = [_log_line(verification, check, width) for check in verification.checks]
    if verification.verdict is not Verdict.PASSED:
        lines += [Line(text, Ink.PLAIN, "    ") for text in verification.digest.split("\n")]
    return [head, *lines]


def _about(verification: VerificationView) -> str:
    took = show_seconds(verification.ended_at - verification.started_at)
    purpose = _PURPOSES.get(verification.purpose, verification.purpose)
    return (
        f"{verification.verdict.value.replace('_', ' ')} in {took}: {purpose} at "
        f"{verification.commit[:9]}, attempt {verification.attempt}, "
        f"{show_clock(verification.ended_at)}"
    )


def _log_line(verification: VerificationView, check: CheckView, width: int) -> Line:
    """A check, and the way to its log."""
    mark = check_mark(check)
    log = (
        LogName(verification=verification.id, check=check.name)
        if check.log and verification.id
        else None
    )
    text = f"{check_result(check)}   {_TO_LOG}" if log else check_result(check)
    return Line(text, Ink.DIM, f"    {mark.sign} {check.name:<{width}}  ", mark.ink, target=log)


def failure_lines(detail: TaskDetail) -> list[Line]:
    """Why a task failed, in short, before whatever else is told of it; nothing where it did not."""
    task = detail.task
    if task.state is not TaskState.FAILED:
        return []
    mark = task_mark(task)
    lines = [Line(task.reason, Ink.STRONG, f"{mark.sign} why it failed: ", mark.ink)]
    red = [one for one in detail.verifications if one.verdict is not Verdict.PASSED and one.digest]
    if red:
        told = red[-1].digest.split("\n")
        lines += [Line(text, Ink.PLAIN, "    ") for text in told[:_DIGEST_SHOWN]]
        if len(told) > _DIGEST_SHOWN:
            more = plural(len(told) - _DIGEST_SHOWN, "more line")
            lines.append(Line(f"{more} among the checks (2)", Ink.DIM, "    "))
    retried = Line("What its agent would be told, were it retried (r):", Ink.HEADING)
    return [*lines, BLANK, retried, BLANK]


def readiness_lines(task: TaskView, detail: TaskDetail | None) -> list[Line]:
    """Every gate with its name and sentence, and below it what proves it."""
    if not task.gates:
        return [Line("No gate has been looked at yet: there is nothing to land.", Ink.DIM)]
    lines: list[Line] = []
    for gate in task.gates:
        lines.append(_gate_line(gate))
        lines += _evidence(gate, detail) if detail and gate.asked else []
    return [_gates_in_all(task.gates), BLANK, *lines]


def _gates_in_all(gates: Sequence[GateView]) -> Line:
    opened, refused = (sum(one) for one in ((g.open for g in gates), (g.refused for g in gates)))
    told = f"{opened} of {len(gates)} gates are open"
    return Line(f"{told}, {refused} refused" if refused else told, Ink.STRONG)


def _gate_line(gate: GateView) -> Line:
    mark = gate_mark(gate)
    ink = Ink.PLAIN if gate.refused else Ink.DIM
    lead = f"{mark.sign} {gate.name:<25} "
    return Line(gate.reason, ink if gate.asked else Ink.FAINT, lead, mark.ink)


def _evidence(gate: GateView, detail: TaskDetail) -> list[Line]:
    """The newest verification for this gate, and what was compared with what."""
    if gate.name in _PROVEN_BY:
        known = [one for one in detail.verifications if _is_proof(one, gate, detail.task)]
        return _proof(known[-1]) if known else []
    said = {
        "in scope": f"may touch {', '.join(detail.touches)}" if detail.touches else "",
        "dependencies merged": f"after {', '.join(detail.task.after)}" if detail.task.after else "",
    }.get(gate.name, "")
    return [Line(said, Ink.FAINT, "    ")] if said else []


def _is_proof(verification: VerificationView, gate: GateView, task: TaskView) -> bool:
    """What was verified before it landed as another commit proves nothing of that one."""
    if verification.purpose not in _PROVEN_BY[gate.name]:
        return False
    landed = {task.merged_commit, task.reverted_commit}
    return verification.purpose != "candidate" or landed == {""} or verification.commit in landed


def _proof(verification: VerificationView) -> list[Line]:
    tree = f"commit {verification.commit[:9]}, tree {verification.tree[:9]}"
    lines = [Line(f"{tree}, {show_clock(verification.ended_at)}", Ink.FAINT, "    ")]
    return lines + [_log_line(verification, check, 0) for check in verification.checks]


def timeline_lines(detail: TaskDetail, now: float, width: int) -> list[Line]:
    """Every attempt as a bar on one scale, with how it ended; the newest last."""
    if not detail.attempts:
        return [Line("No agent has worked on this yet.", Ink.DIM)]
    room = max(_LEAST_BAR, width - len(_BAR_LEAD))
    drawn = bars(detail, now, room)
    lines = [legend(), scale_line(detail, now, room, _BAR_LEAD)]
    for attempt in detail.attempts:
        mark = _mark_of(detail, attempt)
        lead = f"{mark.sign} {attempt.number:<{len(_BAR_LEAD) - 2}}"
        lines.append(Line(lead=lead, lead_ink=mark.ink, spans=drawn[attempt.number]))
    following = [*(one.started_at for one in detail.attempts[1:]), now]
    for attempt, until in zip(detail.attempts, following, strict=True):
        lines += [BLANK, *_attempt_lines(detail, attempt, until)]
    for note in (*detail.warnings, *detail.notes):
        lines.append(Line(note.text, Ink.UNSURE, f"attempt {note.attempt} noted: ", Ink.DIM))
    return lines


def _attempt_lines(detail: TaskDetail, attempt: AttemptView, until: float) -> Iterable[Line]:
    mark = _mark_of(detail, attempt)
    raw = LogName(attempt=attempt.number, raw=True)
    lead = f"{FOLDED}{mark.sign} attempt {attempt.number}  "
    yield Line(_figures(attempt), Ink.DIM, lead, mark.ink, target=raw)
    for sentence in (attempt.reason, attempt.message):
        if sentence:
            yield Line(sentence, Ink.PLAIN, "    ")
    for verification in _after(detail, attempt):
        verdict = BY_VERDICT[verification.verdict]
        yield Line(_about(verification), Ink.DIM, f"    {verdict.sign} ", verdict.ink)
    yield Line(_spent(stretches(detail, attempt, until), attempt, until), Ink.DIM, "    ")


def _after(detail: TaskDetail, attempt: AttemptView) -> list[VerificationView]:
    return [one for one in detail.verifications if one.attempt == attempt.number]


def _mark_of(detail: TaskDetail, attempt: AttemptView) -> Mark:
    """How an attempt ended: by the last verdict on what it made, if its session ended well."""
    verified = _after(detail, attempt)
    if verified and attempt.outcome is Outcome.COMPLETED:
        return BY_VERDICT[verified[-1].verdict]
    return outcome_mark(attempt.outcome)


def _spent(parts: Sequence[Stretch], attempt: AttemptView, until: float) -> str:
    """How long each thing took, where it took any time."""
    session, *verified = parts
    whole = Stretch(attempt.started_at, until, "", Ink.PLAIN)
    verifying = sum(part.seconds for part in verified)
    spans = (
        ("generating", session.seconds),
        ("of it setting up", attempt.setup_seconds),
        ("verifying", verifying),
        ("waiting", waited(whole, parts)),
    )
    return dotted(f"{what} {show_seconds(spent)}" for what, spent in spans if spent >= 1)


def _figures(attempt: AttemptView) -> str:
    parts = (
        outcome_mark(attempt.outcome).word,
        show_clock(attempt.started_at),
        attempt.agent,
        f"{show_tokens(attempt.usage.tokens)} tokens" if attempt.usage.tokens else "",
        show_cost(attempt.usage.cost_usd),
        f"exit {attempt.exit_code}" if attempt.exit_code else "",
        "" if attempt.counted else "not counted",
        f"sandbox {attempt.sandbox}" if attempt.sandbox else "",
    )
    return dotted(parts)
