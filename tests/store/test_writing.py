"""What the write door promises, on every kind of database."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from orchestrator.errors import IllegalTransition, StoreError
from orchestrator.events import Event, EventKind
from orchestrator.records import AttemptRecord, PlanRecord, TaskRecord, VerificationRecord
from orchestrator.results import Usage
from orchestrator.states import Outcome, TaskState
from orchestrator.store import Store


class Refusal(Exception):
    """Raised in the middle of a transaction."""


def attempt(number: int, **facts: object) -> AttemptRecord:
    return AttemptRecord("shop", "cart", number, agent="replay", sandbox="none", **facts)


def verification(purpose: str, commit: str) -> VerificationRecord:
    return VerificationRecord(
        "shop", "cart", 1, purpose, commit, "t" * 40, "passed", "2 passed", "[]", 1.0, 2.0
    )


def test_what_was_written_is_there_after_reopening(store: Store, url: str) -> None:
    cart = store.task("shop", "cart")
    usage = Usage(3_000_000_000, 7, 0.25, None)
    moved = replace(cart, state=TaskState.RUNNING, approved_head="a" * 40, usage=usage)
    with store.write() as tx:
        tx.update_task(cart, moved)
        tx.add_attempt(attempt(1, outcome=Outcome.TIMED_OUT, counted=False, exit_code=-9))
        kept = tx.add_verification(verification("branch", "c" * 40))
        event = tx.append(Event(EventKind.TASK_CHANGED, "shop", "cart", data={"n": [1, {"a": 2}]}))
    store.close()
    with Store.open(url) as again:
        assert again.tasks("shop") == (moved, TaskRecord("shop", "till", position=1))
        assert again.attempts("shop", "cart") == (
            attempt(1, outcome=Outcome.TIMED_OUT, counted=False, exit_code=-9),
        )
        assert again.verifications("shop", "cart") == (kept,)
        assert again.events() == (event,)
        assert again.last_seq() == event.seq > 0
        assert event.at > 0


def test_an_exception_undoes_everything_in_the_database_and_in_memory(
    store: Store, url: str
) -> None:
    told: list[Event] = []
    store.on_commit = told.extend
    before = store.tasks("shop")
    cart = store.task("shop", "cart")

    def fail_halfway() -> None:
        with store.write() as tx:
            tx.update_task(cart, replace(cart, state=TaskState.RUNNING))
            tx.add_task(TaskRecord("shop", "new"))
            tx.add_attempt(attempt(1))
            tx.append(Event(EventKind.TASK_CHANGED, "shop", "cart"))
            raise Refusal

    with pytest.raises(Refusal):
        fail_halfway()
    assert store.tasks("shop") == before
    assert store.attempts("shop", "cart") == ()
    assert store.last_seq() == 0
    assert told == []
    with Store.open_readonly(url) as reader:
        assert reader.tasks("shop") == before
        assert reader.events() == ()


def test_reads_within_a_transaction_show_what_was_committed_before(store: Store) -> None:
    cart = store.task("shop", "cart")
    with store.write() as tx:
        moved = tx.update_task(cart, replace(cart, note="try again"))
        assert store.task("shop", "cart") is cart
        tx.update_task(moved, replace(moved, note="and again"))
        tx.append(Event(EventKind.TASK_NOTED, "shop", "cart"))
        assert store.events() == ()
    assert store.task("shop", "cart").note == "and again"


def test_one_who_holds_an_old_record_cannot_overwrite_a_newer_one(store: Store) -> None:
    cart = store.task("shop", "cart")
    with store.write() as tx:
        tx.update_task(cart, replace(cart, sessions=1))
    with (
        pytest.raises(StoreError, match=r"task 'shop/cart' was changed meanwhile"),
        store.write() as tx,
    ):
        tx.update_task(cart, replace(cart, note="mine"))
    assert store.task("shop", "cart").sessions == 1


def test_the_loser_of_a_race_between_stores_is_told_and_sees_what_won(
    store: Store, url: str
) -> None:
    with Store.open(url) as other:
        cart = other.task("shop", "cart")
        with other.write() as tx:
            tx.update_task(cart, replace(cart, sessions=1))

    def write_too_late() -> None:
        with store.write() as tx:
            tx.append(Event(EventKind.TASK_CHANGED, "shop", "cart"))
            tx.update_task(cart, replace(cart, sessions=7))

    with pytest.raises(StoreError, match="changed meanwhile"):
        write_too_late()
    assert store.task("shop", "cart").sessions == 1
    assert store.events() == ()


def test_a_task_moves_only_as_the_table_allows(store: Store) -> None:
    cart = store.task("shop", "cart")
    with (
        pytest.raises(IllegalTransition, match=r"task 'shop/cart' cannot go from pending"),
        store.write() as tx,
    ):
        tx.update_task(cart, replace(cart, state=TaskState.MERGED))
    assert store.task("shop", "cart").state is TaskState.PENDING


def test_a_name_can_be_taken_only_once(store: Store) -> None:
    with (
        pytest.raises(StoreError, match="task 'shop/cart' is already stored"),
        store.write() as tx,
    ):
        tx.add_task(TaskRecord("shop", "cart"))
    with pytest.raises(StoreError, match="plan 'shop' is already stored"), store.write() as tx:
        tx.add_plan(store.plan("shop"))


def test_nothing_can_be_kept_for_a_task_or_plan_that_is_not_there(store: Store) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"), store.write() as tx:
        tx.add_task(TaskRecord("nowhere", "cart"))
    with pytest.raises(StoreError, match=r"(?i)foreign key"), store.write() as tx:
        tx.add_attempt(replace(attempt(1), task="nothing"))
    with (
        pytest.raises(StoreError, match="attempt 'shop/cart/1' is not stored"),
        store.write() as tx,
    ):
        tx.update_attempt(attempt(1))
    assert store.tasks("nowhere") == ()
    with pytest.raises(KeyError):
        store.task("shop", "nothing")
    with pytest.raises(KeyError):
        store.plan("nowhere")


def test_a_record_cannot_be_renamed_by_an_update(store: Store) -> None:
    cart = store.task("shop", "cart")
    with pytest.raises(StoreError, match="cannot take the place"), store.write() as tx:
        tx.update_task(cart, replace(cart, id="other"))


def test_plans_and_tasks_stand_in_order_of_their_position(
    store: Store, url: str, plan_record: PlanRecord
) -> None:
    with store.write() as tx:
        other = tx.add_plan(plan_record)
        tx.add_task(TaskRecord("shop", "first", position=-1))
    assert [task.id for task in store.tasks("shop")] == ["first", "cart", "till"]
    with store.write() as tx:
        tx.update_plan(other, replace(other, position=-5, paused=True))
    assert [plan.name for plan in store.plans()] == ["other", "shop"]
    with Store.open_readonly(url) as reader:
        assert reader.plans() == store.plans()
        assert reader.tasks("shop") == store.tasks("shop")


def test_a_removed_task_takes_its_history_along_but_not_its_events(store: Store, url: str) -> None:
    with store.write() as tx:
        tx.add_attempt(attempt(1))
        tx.add_verification(verification("branch", "c" * 40))
        event = tx.append(Event(EventKind.SESSION_PROGRESSED, "shop", "cart", attempt=1))
    with store.write() as tx:
        tx.add_attempt(attempt(2))
        tx.remove_task("shop", "cart")
    for seen in (store, Store.open_readonly(url)):
        assert [task.id for task in seen.tasks("shop")] == ["till"]
        assert seen.attempts("shop", "cart") == ()
        assert seen.verifications("shop", "cart") == ()
        assert seen.events() == (event,)
        seen.close()


def test_a_removed_task_may_come_back_in_the_same_transaction(store: Store) -> None:
    fresh = TaskRecord("shop", "cart", position=9, note="anew")
    with store.write() as tx:
        tx.remove_task("shop", "cart")
        tx.add_task(fresh)
    assert [task.id for task in store.tasks("shop")] == ["till", "cart"]
    assert store.task("shop", "cart") == fresh


def test_attempts_are_listed_by_number_and_can_be_completed(store: Store) -> None:
    with store.write() as tx:
        for number in (10, 9, 1):
            tx.add_attempt(attempt(number))
        tx.update_attempt(attempt(10, outcome=Outcome.COMPLETED))
    assert [a.number for a in store.attempts("shop", "cart")] == [1, 9, 10]
    assert store.attempts("shop", "cart")[-1].outcome is Outcome.COMPLETED


def test_the_last_verification_is_the_newest_of_its_purpose(store: Store) -> None:
    with store.write() as tx:
        tx.add_verification(verification("branch", "a" * 40))
        newest = tx.add_verification(verification("branch", "b" * 40))
        tx.add_verification(verification("candidate", "c" * 40))
    assert store.last_verification("shop", "cart", "branch") == newest
    assert store.last_verification("shop", "cart", "baseline") is None
    assert [v.commit[0] for v in store.verifications("shop", "cart")] == ["a", "b", "c"]


def test_the_newest_verification_is_known_as_it_is_committed(store: Store, url: str) -> None:
    assert store.newest_verification("shop", "cart") is None
    with store.write() as tx:
        first = tx.add_verification(verification("branch", "a" * 40))
        assert store.last_verification("shop", "cart", "branch") is None
    with store.write() as tx:
        second = tx.add_verification(verification("candidate", "b" * 40))
    assert store.newest_verification("shop", "cart") == second
    with contextlib.suppress(Refusal), store.write() as tx:
        tx.add_verification(verification("candidate", "c" * 40))
        raise Refusal
    with store.write() as tx:
        third = tx.add_verification(verification("branch", "d" * 40))
    with Store.open_readonly(url) as reader:
        for one in (store, reader):
            assert one.newest_verification("shop", "cart") == third
            assert one.last_verification("shop", "cart", "candidate") == second
            assert one.last_verification("shop", "till", "branch") is None
    assert first.commit != third.commit


def test_what_is_forgotten_is_no_newest_verification_any_more(store: Store) -> None:
    with store.write() as tx:
        tx.add_verification(verification("branch", "a" * 40))
    assert store.last_verification("shop", "cart", "branch")
    with store.write() as tx:
        tx.add_verification(verification("branch", "b" * 40))
        tx.remove_task("shop", "cart")
        tx.add_task(TaskRecord("shop", "cart", position=9))
        kept = tx.add_verification(verification("candidate", "c" * 40))
    assert store.last_verification("shop", "cart", "branch") is None
    assert store.newest_verification("shop", "cart") == kept
    with store.write() as tx:
        tx.remove_plan("shop")
    assert store.newest_verification("shop", "cart") is None


def test_events_are_read_from_where_one_left_off_and_by_subject(store: Store) -> None:
    subjects = [("shop", "cart"), ("shop", "till"), ("", ""), ("shop", "cart"), ("shop", "")]
    with store.write() as tx:
        sent = [tx.append(Event(EventKind.WARNING, plan, task)) for plan, task in subjects]
    assert store.events() == tuple(sent)
    assert store.events(after=sent[1].seq) == tuple(sent[2:])
    assert store.events(plan="shop", task="cart") == (sent[0], sent[3])
    assert store.events(plan="shop", limit=2) == tuple(sent[:2])
    assert store.events(after=store.last_seq()) == ()


def test_observers_get_the_events_of_a_commit_after_it(store: Store) -> None:
    heard: list[tuple[str, TaskState]] = []

    def listen(events: object) -> None:
        heard.extend((e.message, store.task("shop", "cart").state) for e in events)

    store.on_commit = listen
    cart = store.task("shop", "cart")
    with store.write() as tx:
        tx.append(Event(EventKind.TASK_CHANGED, message="one"))
        tx.append(Event(EventKind.TASK_CHANGED, message="two"))
        tx.update_task(cart, replace(cart, state=TaskState.RUNNING))
        assert heard == []
    assert heard == [("one", TaskState.RUNNING), ("two", TaskState.RUNNING)]


def test_text_no_database_can_hold_is_kept_legible(store: Store, url: str) -> None:
    cart = store.task("shop", "cart")
    foul = replace(cart, note="a\0b\udcffc\ud800 \U0001f600")
    with store.write() as tx:
        kept = tx.update_task(cart, foul)
    assert kept.note == "a\ufffdb\ufffdc\ufffd \U0001f600"
    with Store.open_readonly(url) as reader:
        assert reader.task("shop", "cart") == kept == store.task("shop", "cart")
    with store.write() as tx:
        tx.update_task(foul, replace(foul, sessions=1))


def test_a_number_no_column_can_hold_is_refused(store: Store) -> None:
    cart = store.task("shop", "cart")
    with pytest.raises(StoreError), store.write() as tx:
        tx.update_task(cart, replace(cart, usage=Usage(input_tokens=10**30)))
    assert store.task("shop", "cart") == cart


def test_an_engine_that_was_superseded_can_write_no_more(store: Store, url: str) -> None:
    with Store.open(url) as successor:
        first = successor.claim()
        with pytest.raises(StoreError, match="another engine has taken over"), store.write() as tx:
            tx.append(Event(EventKind.WARNING))
        with successor.write() as tx:
            tx.append(Event(EventKind.WARNING))
        assert successor.claim() == first + 1


def test_a_claim_reads_what_the_predecessor_wrote_last(store: Store, url: str) -> None:
    with Store.open(url) as successor:
        with store.write() as tx:
            tx.add_task(TaskRecord("shop", "late"))
        successor.claim()
        assert successor.task("shop", "late") == store.task("shop", "late")


def test_one_transaction_does_not_open_inside_another(store: Store) -> None:
    with pytest.raises(StoreError), store.write(), store.write():
        pass
    with store.write() as tx:
        tx.append(Event(EventKind.WARNING))
    assert store.last_seq() > 0


def test_the_newest_events_are_told_from_memory_as_they_are_stored(store: Store, url: str) -> None:
    for number in range(5):
        with store.write() as tx:
            tx.append(Event(EventKind.WARNING, "shop", message=str(number), data={"n": number}))
            tx.append(Event(EventKind.TASK_NOTED, "shop", "cart"))
    last = store.last_seq()
    with Store.open_readonly(url) as other:
        for after in range(last - 10, last + 1):
            assert store.events(after) == other.events(after)
        assert store.events(last - 7, limit=3) == other.events(last - 7, limit=3)


def test_an_event_that_somebody_else_wrote_is_not_missed(store: Store, url: str) -> None:
    with store.write() as tx:
        first = tx.append(Event(EventKind.WARNING, "shop"))
    with Store.open(url) as other, other.write() as tx:
        theirs = tx.append(Event(EventKind.WARNING, "shop"))
    with store.write() as tx:
        ours = tx.append(Event(EventKind.WARNING, "shop"))
    assert store.events(first.seq) == (theirs, ours)
