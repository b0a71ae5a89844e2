"""The queue of one target: looks, decides, lands, and verifies ahead, until nothing is in line.

Each look begins with the facts: who is in line by what is stored, where the target is by git.
``train`` decides from them; here is only what it takes to see and to obey. Of earlier looks
nothing is needed but what saves work: candidates that were built, and verdicts of them, each for
that very commit. So a lost wake-up, a target that moved, an order or a crash in between cost at
most another look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from orchestrator.crash_points import crash_point
from orchestrator.errors import ClerkError, GroundLost, RefMoved, StateLost, StoreDamaged
from orchestrator.git.refs import candidate_ref
from orchestrator.jobs.attestation import keep_evidence
from orchestrator.jobs.recovery import finish_landing
from orchestrator.jobs.target_ground import TargetGround, leave_of
from orchestrator.merge_queue.candidate_check import CandidateCheck, Checked
from orchestrator.merge_queue.coupling import Coupler
from orchestrator.merge_queue.landing_outcomes import Conflicted, Inconclusive
from orchestrator.merge_queue.line_view import held_view, line_view
from orchestrator.merge_queue.look import Ground, QueueLook
from orchestrator.merge_queue.touchdown import Touchdown
from orchestrator.merge_queue.train import Standing, make_up, next_move, refuted
from orchestrator.scheduling.decision import line_of
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from anyio.abc import TaskGroup

    from orchestrator.jobs.target_ground import Leave
    from orchestrator.merge_queue.consequences import Consequences
    from orchestrator.merge_queue.coupling import Built, Made, Member
    from orchestrator.merge_queue.guards import Guard
    from orchestrator.merge_queue.train import Car, Move, Train
    from orchestrator.scheduling.decision import InLine, Snapshot
    from orchestrator.site import Site

LOOK_AGAIN_SECONDS = 5.0
"""How long a wake-up that was lost, or a target that somebody moved, can go unnoticed."""

HUNK_BYTES = 6000

_HOPELESS = (GroundLost, StateLost, StoreDamaged)
"""What waiting does not mend: the engine ends."""


class MergeQueue:
    """Lands what is in line for one target.

    ``facts`` gives all of them; ``broke_down`` is told of a task over which the machine failed.
    """

    def __init__(
        self,
        site: Site,
        target: str,
        consequences: Consequences,
        facts: Callable[[], Snapshot],
        broke_down: Callable[[str, str, str], None],
    ) -> None:
        self._site = site
        self._target = target
        self._consequences = consequences
        self._facts = facts
        self._broke_down = broke_down
        self._ground = TargetGround(site, target)
        self._firm = Ground(self._ground)
        self._check = CandidateCheck(site)
        self._touchdown = Touchdown(site, self._ground, consequences)
        self._built: dict[Built, Made] = {}
        self._checked: dict[str, Checked] = {}
        self._running: dict[str, anyio.CancelScope] = {}
        self._judging: set[str] = set()
        self._news = anyio.Event()
        self._looked_at: tuple[InLine, ...] | None = None
        self._look_again_at = 0.0
        self.landing = anyio.Lock()
        """Held from the last look at what is to land until it is on record."""

    def stir(self) -> None:
        """Something has changed somewhere: see whether it is in line."""
        self._news.set()

    def wake(self) -> None:
        """Something has changed here: look again."""
        self._looked_at = None
        self._news.set()

    async def run(self) -> None:
        """Work until nothing is in line and nothing goes on."""
        self._looked_at = None
        try:
            async with anyio.create_task_group() as jobs:
                self._news = news = anyio.Event()
                while await self._turn(jobs):
                    with anyio.move_on_after(LOOK_AGAIN_SECONDS):
                        await news.wait()
                    self._news = news = anyio.Event()
        finally:
            self._running.clear()
            self._judging.clear()
            lines = self._site.records.activity.lines
            if self._target in lines and not lines[self._target].held:
                del lines[self._target]

    async def _turn(self, jobs: TaskGroup) -> bool:
        """Look where anything is new, and do what it calls for; whether anything may come of it."""
        snapshot = self._facts()
        line = line_of(snapshot, self._target)
        now = anyio.current_time()
        if line and line == self._looked_at and now < self._look_again_at:
            return True
        self._looked_at, self._look_again_at = line, now + LOOK_AGAIN_SECONDS
        self._give_back(snapshot, line)
        if not line:
            self._stop(self._running)
            return bool(self._running or self._judging)
        commit = await self._ground.commit()
        if commit is None:
            gone = f"the target branch {self._target!r} is gone; make it again"
            await self._hold(line, gone)
        elif reason := await self._ground.hindrance(await self._leave(line)):
            await self._hold(line, reason)
        else:
            seen = QueueLook.at(snapshot, line, self._target, commit, self._site)
            await self._obey(jobs, await self._fit(seen))
        return True

    async def _fit(self, seen: QueueLook) -> QueueLook:
        """Without those that a target which was set back must not take in."""
        for record in seen.records:
            if reason := await self._firm.unfit(record, seen.commit):
                await self._consequences.hold(record, reason)
                seen = seen.without(record)
        return seen

    async def _obey(self, jobs: TaskGroup, seen: QueueLook) -> None:
        course = seen.resolved
        coupler = Coupler(self._site, seen.plans, course.mode, self._built)
        train = await self._made_up(seen, coupler)
        if train is None:
            return
        self._forget(coupler)
        self._stop(refuted(train, self._running))
        move = next_move(
            train,
            self._standing_on(seen.commit),
            self._running.keys(),
            mode=seen.course.mode,
            slots=seen.course.slots,
            failure_rate=seen.failure_rate,
            outcomes=seen.outcomes,
        )
        self._show(seen, train)
        await self._send_back(train, coupler)
        if move.refuse is not None:
            self._judge(jobs, move.refuse, coupler)
        elif cars := self._may_land(train.cars[: move.land], coupler, seen.commit):
            await self._land(jobs, seen, cars, coupler)
            return
        self._verify_ahead(jobs, seen, move, coupler, train.cars[: move.land])

    async def _made_up(self, seen: QueueLook, coupler: Coupler) -> Train | None:
        """The train; None where the machine failed over an entry, which is out of line then."""
        try:
            return await make_up(
                seen.commit,
                seen.entries,
                coupler,
                self._standing_on(seen.commit),
                leaves_out_red=seen.resolved.leaves_out_red,
            )
        except _HOPELESS:
            raise
        except (ClerkError, OSError) as error:
            if coupler.at_work is None:
                raise
            self._broke_down(*coupler.at_work.key, str(error))
            self.wake()
            return None

    def _standing_on(self, target: str) -> Callable[[Car], Standing]:
        """What is known of a candidate; what the target holds already is as good as proven."""

        def standing(car: Car) -> Standing:
            if car.commit == target:
                return Standing.PASSED
            checked = self._checked.get(car.commit)
            return checked.standing if checked else Standing.UNKNOWN

        return standing

    def _forget(self, coupler: Coupler) -> None:
        """Keep no more than what this look had a use for."""
        self._built = coupler.used
        wanted = {made.commit for made in coupler.candidates()}
        wanted |= self._running.keys() | self._judging
        self._checked = {c: known for c, known in self._checked.items() if c in wanted}

    # Landing.

    def _may_land(self, cars: Sequence[Car], coupler: Coupler, target: str) -> Sequence[Car]:
        """The longest of these prefixes in which whatever calls itself verified is."""
        standing = self._standing_on(target)
        for count in range(len(cars), 0, -1):
            below = (car for car in cars[: count - 1] if coupler.promises(car.commit))
            passed = standing(cars[count - 1]) is Standing.PASSED
            if passed and all(standing(car) is Standing.PASSED for car in below):
                return cars[:count]
        for car in cars:  # red by itself, and fine with what stands on it: it promised too much
            if coupler.promises(car.commit) and standing(car) is Standing.RED:
                self._built = {k: m for k, m in self._built.items() if not m.is_of(car.commit)}
                self.wake()
        return ()

    async def _land(
        self, jobs: TaskGroup, seen: QueueLook, cars: Sequence[Car], coupler: Coupler
    ) -> None:
        members = coupler.consist(cars[-1].commit).members
        self.wake()
        async with self.landing:
            try:
                held = await self._touchdown.land(
                    seen.commit,
                    members,
                    lambda: self._are_in_line(members),
                    leave=await self._leave(seen.line),
                )
            except RefMoved:
                return
            except _HOPELESS:
                raise
            except (ClerkError, OSError) as error:
                await self._after_fault(members, error)
                return
        if held is not None:
            await self._hold(seen.line, held.reason)
            return
        self._firm.moved(seen.commit, members[-1].candidate.commit)
        jobs.start_soon(self._wrap_up, members)

    async def _wrap_up(self, members: Sequence[Member]) -> None:
        """What may take its time once the tasks have landed."""
        tasks = [self._site.ledger.task(*member.entry.key) for member in members]
        await keep_evidence(self._site, tasks)
        for task in (self._site.ledger.task(*m.entry.key) for m in members if not m.reverts):
            await self._consequences.tidy(task)

    def _are_in_line(self, members: Sequence[Member]) -> bool:
        """Whether all still stand as they did when their candidate was built."""
        now = {(r.plan, r.id): r.head for _, r in line_of(self._facts(), self._target)}
        return all(now.get(m.entry.key) == m.record.head for m in members)

    async def _after_fault(self, members: Sequence[Member], error: Exception) -> None:
        """The machine failed in the middle of it: git says whether the target has moved."""
        tasks = [self._site.ledger.task(*member.entry.key) for member in members]
        landed = [
            task.state is TaskState.MERGED or await finish_landing(self._site, task)
            for task in tasks
        ]
        if not any(landed):
            self._broke_down(*members[-1].entry.key, str(error))

    async def _send_back(self, train: Train, coupler: Coupler) -> None:
        """Back to their agents: those that conflict with the target itself."""
        for entry, clash in train.clashing:
            conflict = coupler.conflicts[entry]
            hunks = await self._site.git.conflicts.hunks(conflict, HUNK_BYTES)
            outcome = Conflicted(train.target, clash.paths, hunks)
            await self._consequences.conclude(self._site.ledger.task(*entry.key), outcome)

    async def _hold(self, line: Sequence[InLine], reason: str) -> None:
        """All wait for a person; nothing is verified meanwhile."""
        self._stop(self._running)
        self._site.records.activity.lines[self._target] = held_view(
            self._target, line, reason, self._site.ledger.clock()
        )
        for _, record in line:
            await self._consequences.hold(self._site.ledger.task(record.plan, record.id), reason)
        self.wake()

    def _give_back(self, snapshot: Snapshot, line: Iterable[InLine]) -> None:
        """Whoever stands as if it were landing, and is in line no more, stands proven again."""
        present = {(record.plan, record.id) for _, record in line}
        for plan in snapshot.plans:
            if plan.record.target != self._target:
                continue
            for record in plan.tasks.values():
                if record.state is TaskState.MERGING and (record.plan, record.id) not in present:
                    self._consequences.stand_back(record, "it is out of the queue")

    # Judging and verifying.

    def _judge(self, jobs: TaskGroup, car: Car, coupler: Coupler) -> None:
        """Find out who is to blame, unless that goes on, or was found out while this look was taken."""
        checked = self._checked.get(car.commit)
        if checked is not None and car.commit not in self._judging:
            self._judging.add(car.commit)
            member = coupler.consist(car.commit).members[-1]
            jobs.start_soon(self._judged, member, checked)

    async def _judged(self, member: Member, checked: Checked) -> None:
        key, commit = member.entry.key, member.candidate.commit
        try:
            outcome = await self._check.blame(member, checked)
            self._checked.pop(commit, None)  # whatever it is, next time it is looked at anew
            if self._are_in_line([member]):
                await self._consequences.conclude(self._site.ledger.task(*key), outcome)
        except _HOPELESS:
            raise
        except (ClerkError, OSError) as error:
            self._broke_down(*key, str(error))
        finally:
            self._judging.discard(commit)
            self.wake()

    def _verify_ahead(
        self,
        jobs: TaskGroup,
        seen: QueueLook,
        move: Move,
        coupler: Coupler,
        waiting_to_land: Sequence[Car],
    ) -> None:
        standing = self._standing_on(seen.commit)
        promised = [car for car in waiting_to_land if coupler.promises(car.commit)]
        for car in (*promised, *move.verify):
            is_open = standing(car) is Standing.UNKNOWN and car.commit not in self._running
            if is_open and len(self._running) < seen.course.slots:
                consist = coupler.consist(car.commit)
                self._running[car.commit] = anyio.CancelScope()
                jobs.start_soon(self._verify, car.commit, consist.members, coupler.guards(consist))

    async def _verify(
        self, commit: str, members: Sequence[Member], guards: Sequence[Guard]
    ) -> None:
        key, scope = members[-1].entry.key, self._running[commit]
        try:
            with scope:
                await self._verified(commit, members, guards)
            if scope.cancelled_caught and self._site.ledger.task(*key).intent == commit:
                reason = "its candidate is overtaken; another one is built"
                self._consequences.stand_back(self._site.ledger.task(*key), reason)
        except _HOPELESS:
            raise
        except (ClerkError, OSError) as error:
            self._broke_down(*key, str(error))
        finally:
            self._running.pop(commit, None)
            self.wake()

    async def _verified(
        self, commit: str, members: Sequence[Member], guards: Sequence[Guard]
    ) -> None:
        last = members[-1]
        await self._site.git.refs.hold(candidate_ref(*last.entry.key), commit)
        crash_point("candidate.held")
        if not self._are_in_line([last]):
            return
        self._consequences.intend(self._site.ledger.task(*last.entry.key), last.candidate)
        self._site.records.activity.of(*last.entry.key).begin_checks(())
        checked = await self._check.of(members, guards)
        if checked.inconclusive:
            record = self._site.ledger.task(*last.entry.key)
            if self._are_in_line([last]):
                await self._consequences.conclude(record, Inconclusive(checked.inconclusive))
            return
        self._checked[commit] = checked

    def _stop(self, commits: Iterable[str]) -> None:
        for commit in tuple(commits):
            self._running[commit].cancel()

    # What is known of it all.

    async def _leave(self, line: Iterable[InLine]) -> Leave:
        """What people allow of their checkouts of the target; one left behind may catch up now."""
        leave = leave_of(self._site, {record.plan for _, record in line})
        if leave.follow and self._site.records.activity.behind.get(self._target):
            await self._ground.look_behind(leave=leave)
        return leave

    def _show(self, seen: QueueLook, train: Train) -> None:
        lines = self._site.records.activity.lines
        passed = {c for c, known in self._checked.items() if known.standing is Standing.PASSED}
        lines[self._target] = line_view(
            seen,
            train,
            passed=passed,
            running=self._running,
            before=lines.get(self._target),
            now=self._site.ledger.clock(),
        )
