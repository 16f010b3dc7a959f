"""Races that random histories meet too seldom, step by step."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.cloud.steps import Commit, Contended, Write
from shared.quota.accounts import Allocation, BucketDay
from shared.quota.decisions import Loan, Moment, Refusal, ReservationRequest
from shared.quota.profile import Method, Priority
from shared.quota.protocol import borrowing, spending
from shared.quota.reservation import Entry, NewEntry, settling, sweeping
from tests.stands.actor import Actor
from tests.stands.firestore_in_memory import FirestoreInMemory

BUCKET_DAY = BucketDay(date(2026, 11, 22), "default")
NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
MOMENT = Moment(day_left=0.5)


def begun(pool: int = 0, reserve: int = 0, **accounts: int) -> FirestoreInMemory:
    """A day with a pool and these users' accounts; user a has 5 units."""
    store = FirestoreInMemory()
    allocation = Allocation(limit=5 + pool + reserve, reserve=reserve, system=0)
    funds = allocation.funds() | {"pool": {"left": pool, "share": 0, "lent": 0}}
    writes = [Write(BUCKET_DAY.path, {"allocation": asdict(allocation), **funds})]
    for name, units in ({"a": 5} | accounts).items():
        zeros = {"spent": 0, "borrowed": 0, "lent": 0}
        writes.append(Write(BUCKET_DAY.account(f"user:{name}"), {"left": units, "share": units} | zeros))
    store.answer(Commit(tuple(writes)))
    return store


def wanted(
    units: int, token: str, entry: str = "", *, account: str = "a", priority: Priority = Priority.NORMAL
) -> NewEntry:
    price = Method(id="m", bucket="default", cost=1)
    return NewEntry(
        bucket_day=BUCKET_DAY,
        request=ReservationRequest(
            account=f"user:{account}", price=price, units=units, least=units, priority=priority
        ),
        id=entry or token,
        token=token,
        at=NOW,
        lapses_at=NOW + timedelta(hours=1),
    )


def spend(units: int, token: str, entry: str = ""):
    return spending(wanted(units, token, entry))


def spent(store: FirestoreInMemory) -> int:
    return int(store.docs[BUCKET_DAY.account("user:a")].data["spent"])


def test_a_grant_that_a_second_delivery_relies_on_is_not_taken_back_by_the_first():
    store = begun()
    early = Actor(store, spend(3, "early")).finish()
    assert isinstance(early, Entry)
    first = Actor(store, spend(4, "first", "op"))
    first.go()  # went too far: 3 + 4 of 5; about to take it back
    Actor(store, settling(early, 0)).finish()  # meanwhile 3 units come back
    second = Actor(store, spend(4, "second", "op")).finish()
    assert isinstance(second, Entry)
    assert second.token == "first"
    again = first.finish()
    assert isinstance(again, Entry)
    assert again.token == "first"
    assert spent(store) == 4


def test_a_second_delivery_waits_while_the_first_is_being_judged():
    store = begun()
    Actor(store, spend(3, "early")).finish()
    first = Actor(store, spend(4, "first", "op"))
    first.go()
    second = Actor(store, spend(4, "second", "op"))
    for _ in range(6):
        second.go()
    assert second.result is None
    assert first.finish() is None
    assert second.finish() is None
    assert spent(store) == 3


def test_an_account_is_mended_only_when_nobody_can_be_about_to_do_it():
    store = begun()
    Actor(store, spend(3, "early")).finish()
    dying = Actor(store, spend(4, "dead"))
    dying.go()
    assert spent(store) == 7
    Actor(store, sweeping(NOW + timedelta(minutes=9))).finish()
    assert spent(store) == 7
    for _ in range(2):
        Actor(store, sweeping(NOW + timedelta(minutes=10))).finish()
        assert spent(store) == 5


@pytest.mark.fault(20)
def test_an_attempt_that_wakes_up_after_the_sweep_takes_nothing_back_a_second_time():
    store = begun()
    Actor(store, spend(3, "early")).finish()
    asleep = Actor(store, spend(4, "late"))
    asleep.go()  # went too far: 3 + 4 of 5; about to take it back
    Actor(store, sweeping(NOW + timedelta(minutes=10))).finish()
    assert asleep.finish() is None
    assert spent(store) == 5
    assert Actor(store, spend(1, "next")).finish() is None


@pytest.mark.fault(20)
def test_a_second_delivery_after_the_sweep_does_not_rely_on_what_was_refused():
    store = begun()
    Actor(store, spend(3, "early")).finish()
    Actor(store, spend(4, "dead", "op")).go()
    Actor(store, sweeping(NOW + timedelta(minutes=10))).finish()
    assert Actor(store, spend(4, "again", "op")).finish() is None
    assert spent(store) == 5


@pytest.mark.fault(20)
def test_two_sweeps_at_once_mend_and_charge_once():
    store = begun()
    Actor(store, spend(3, "early")).finish()
    Actor(store, spend(4, "dead")).go()
    sweeps = [Actor(store, sweeping(NOW + timedelta(hours=2))) for _ in range(2)]
    while any(sweep.result is None for sweep in sweeps):
        for sweep in sweeps:
            if sweep.result is None:
                sweep.go()
    assert spent(store) == 5
    assert sum(sweep.result for sweep in sweeps) == 3  # two attempts charged, one account mended
    charged = [doc.data["charged"] for path, doc in store.docs.items() if path.startswith(BUCKET_DAY.entries)]
    assert sorted(charged) == [3, 4]


@pytest.mark.fault(20)
def test_nothing_is_written_off_that_its_caller_took_back_at_the_last_moment():
    store = begun()
    Actor(store, spend(3, "early")).finish()
    asleep = Actor(store, spend(4, "late"))
    asleep.go()
    sweep = Actor(store, sweeping(NOW + timedelta(minutes=10)))
    for _ in range(2):
        sweep.go()  # it has looked at the account, and not at who could still be at it
    assert asleep.finish() is None
    sweep.finish()
    assert spent(store) == 3


@pytest.mark.fault(20)
def test_who_was_away_until_his_attempt_was_charged_does_not_use_its_name_again():
    store = begun()
    away = Actor(store, spend(2, "away", "op"))
    store.answer(away.step)  # it happened, and its answer was lost
    Actor(store, sweeping(NOW + timedelta(hours=2))).finish()
    with pytest.raises(Contended):
        away.finish()
    assert spent(store) == 2


@pytest.mark.fault(19)
def test_two_who_borrow_the_same_units_at_once_do_not_both_get_them():
    store = begun(a=0, b=5, c=0, d=0)
    borrowers = [
        Actor(store, borrowing(wanted(5, name, account=name, priority=Priority.HIGH), MOMENT))
        for name in ("c", "d")
    ]
    for borrower in borrowers:
        while not isinstance(borrower.step, Commit):
            borrower.go()
    assert [type(borrower.finish()) for borrower in borrowers] == [Entry, Refusal]
    assert store.docs[BUCKET_DAY.account("user:b")].data["lent"] == 5


@pytest.mark.parametrize("used", [0, 2])
def test_a_call_that_was_sent_stays_charged_however_often_and_late_it_is_settled(used):
    store = begun()
    held = Actor(store, spend(2, "sent")).finish()
    assert Actor(store, settling(held, 2)).finish() is True
    assert Actor(store, settling(held, used)).finish() is False
    assert spent(store) == 2


def test_an_addition_whose_answer_was_lost_is_taken_back_by_its_own_caller():
    store = begun()
    Actor(store, spend(3, "early")).finish()
    unlucky = Actor(store, spend(4, "unlucky"))
    store.answer(unlucky.step)  # it happened, nobody heard of it, and the client sends it again
    assert unlucky.finish() is None
    assert spent(store) == 3


def test_a_settlement_of_an_earlier_attempt_does_not_touch_a_later_one():
    store = begun()
    first = Actor(store, spend(2, "first", "op")).finish()
    assert isinstance(first, Entry)
    Actor(store, settling(first, 0)).finish()
    second = Actor(store, spend(2, "second", "op")).finish()
    assert isinstance(second, Entry)
    assert second.token == "second"
    assert Actor(store, settling(replace(first), 0)).finish() is False
    assert spent(store) == 2


def test_what_was_borrowed_last_goes_back_first_so_the_reserve_is_the_first_to_have_its_units_again():
    store = begun(pool=2, reserve=2, a=0, b=3)
    held = Actor(store, borrowing(wanted(6, "all", priority=Priority.CRITICAL), MOMENT)).finish()
    assert isinstance(held, Entry)
    assert held.loans == (Loan("pool", 2), Loan("user:b", 3), Loan("reserve", 1))

    def lent():
        day = store.docs[BUCKET_DAY.path].data
        return [day["pool"]["lent"], store.docs[BUCKET_DAY.account("user:b")].data["lent"], day["reserve"]["lent"]]

    assert lent() == [2, 3, 1]
    assert Actor(store, settling(held, 4)).finish() is True
    assert lent() == [2, 2, 0]
    assert store.docs[BUCKET_DAY.account("user:a")].data["left"] == 0


def test_a_block_of_calls_is_granted_in_part_when_less_is_there():
    store = begun(a=5)
    some = wanted(12, "some")
    some = replace(some, request=replace(some.request, price=replace(some.request.price, cost=2), least=2))
    held = Actor(store, borrowing(some, MOMENT)).finish()
    assert isinstance(held, Entry)
    assert (held.units, held.left) == (4, 1)
    assert isinstance(Actor(store, borrowing(replace(some, id="more", token="more"), MOMENT)).finish(), Refusal)


@pytest.mark.fault(20)
def test_an_account_is_not_mended_while_a_younger_request_may_be_about_to_take_back():
    store = begun()
    Actor(store, spend(3, "early")).finish()
    Actor(store, spend(4, "dead")).go()
    young = Actor(store, spending(replace(wanted(1, "young"), at=NOW + timedelta(minutes=9))))
    young.go()  # below zero already, through no fault of its own; about to take back
    sweep = NOW + timedelta(minutes=10)
    assert Actor(store, sweeping(sweep)).finish() == 0
    assert spent(store) == 8
    assert young.finish() is None
    assert Actor(store, sweeping(sweep)).finish() == 3  # two requests charged, the account mended
    assert spent(store) == 5


@pytest.mark.parametrize("resend", [(), {0}])
def test_a_call_that_is_charged_at_once_counts_once_and_goes_back_once_whatever_answer_is_lost(resend):
    store = begun()
    one = replace(wanted(2, "one"), charged=True)
    entry = Actor(store, borrowing(one, MOMENT), resend).finish()
    assert isinstance(entry, Entry)
    assert (spent(store), store.docs[entry.path].data["state"]) == (2, "settled")
    for _ in range(2):  # it was not sent
        Actor(store, settling(entry, 0), resend).finish()
    assert (spent(store), store.docs[entry.path].data["charged"]) == (0, 0)
