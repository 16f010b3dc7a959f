"""Races that random histories meet too seldom, step by step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.cloud.steps import Commit
from shared.quota.accounts import Opening
from shared.quota.decisions import Ask, Moment, Refusal
from shared.quota.profile import Priority
from shared.quota.protocol import Contended, Hold, Place, Want, borrowing, settling, spending, sweeping
from tests.stands.firestore_in_memory import Shelf

PLACE = Place(date(2026, 11, 22), "default")
OPENING = Opening(limit=5, reserve=0, accounts={"user:a": 5})
NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)


def want(units: int, token: str, entry: str = "") -> Want:
    return Want(
        ask=Ask(account="user:a", cost=1, units=units, least=units, priority=Priority.NORMAL),
        moment=Moment(day_left=0.5),
        method="m",
        token=token,
        entry=entry or token,
        hour=3,
        at=NOW,
        lapses_at=NOW + timedelta(hours=1),
        expires_at=NOW,
    )


class Actor:
    """One protocol, taken step by step."""

    def __init__(self, shelf: Shelf, steps) -> None:
        self.shelf, self.steps, self.result = shelf, steps, None
        self.step = next(steps)

    def go(self, until_commit: bool = False) -> object:
        """One step; or up to the next commit, not carried out yet; the result at the end."""
        while True:
            try:
                self.step = self.steps.send(self.shelf.answer(self.step))
            except StopIteration as done:
                self.result = done.value
                return self.result
            if not until_commit or isinstance(self.step, Commit):
                return self.step

    def finish(self) -> object:
        while self.result is None:
            try:
                self.step = self.steps.send(self.shelf.answer(self.step))
            except StopIteration as done:
                self.result = done.value
                break
        return self.result


def spent(shelf: Shelf) -> int:
    return int(shelf.docs[PLACE.account("user:a")].data["spent"])


def test_a_grant_that_a_second_delivery_relies_on_is_not_taken_back_by_the_first():
    shelf = Shelf()
    early = Actor(shelf, spending(PLACE, OPENING, want(3, "early"))).finish()
    assert isinstance(early, Hold)
    first = Actor(shelf, spending(PLACE, OPENING, want(4, "first", "op")))
    first.go()  # went too far: 3 + 4 of 5; about to take it back
    Actor(shelf, settling(early, 0)).finish()  # meanwhile 3 units come back
    second = Actor(shelf, spending(PLACE, OPENING, want(4, "second", "op"))).finish()
    assert isinstance(second, Hold)
    assert second.token == "first"
    again = first.finish()
    assert isinstance(again, Hold)
    assert again.token == "first"
    assert spent(shelf) == 4


def test_a_second_delivery_waits_while_the_first_is_being_judged():
    shelf = Shelf()
    Actor(shelf, spending(PLACE, OPENING, want(3, "early"))).finish()
    first = Actor(shelf, spending(PLACE, OPENING, want(4, "first", "op")))
    first.go()
    second = Actor(shelf, spending(PLACE, OPENING, want(4, "second", "op")))
    for _ in range(6):
        second.go()
    assert second.result is None
    assert first.finish() is None
    assert second.finish() is None
    assert spent(shelf) == 3


def test_an_account_is_mended_only_when_nobody_can_be_about_to_do_it():
    shelf = Shelf()
    Actor(shelf, spending(PLACE, OPENING, want(3, "early"))).finish()
    dying = Actor(shelf, spending(PLACE, OPENING, want(4, "dead")))
    dying.go()
    assert spent(shelf) == 7
    Actor(shelf, sweeping(PLACE, OPENING, NOW + timedelta(minutes=9))).finish()
    assert spent(shelf) == 7
    for _ in range(2):
        Actor(shelf, sweeping(PLACE, OPENING, NOW + timedelta(minutes=10))).finish()
        assert spent(shelf) == 5


@pytest.mark.fault(20)
def test_an_attempt_that_wakes_up_after_the_sweep_takes_nothing_back_a_second_time():
    shelf = Shelf()
    Actor(shelf, spending(PLACE, OPENING, want(3, "early"))).finish()
    asleep = Actor(shelf, spending(PLACE, OPENING, want(4, "late")))
    asleep.go()  # went too far: 3 + 4 of 5; about to take it back
    Actor(shelf, sweeping(PLACE, OPENING, NOW + timedelta(minutes=10))).finish()
    assert asleep.finish() is None
    assert spent(shelf) == 5
    assert Actor(shelf, spending(PLACE, OPENING, want(1, "next"))).finish() is None


@pytest.mark.fault(20)
def test_a_second_delivery_after_the_sweep_does_not_rely_on_what_was_refused():
    shelf = Shelf()
    Actor(shelf, spending(PLACE, OPENING, want(3, "early"))).finish()
    Actor(shelf, spending(PLACE, OPENING, want(4, "dead", "op"))).go()
    Actor(shelf, sweeping(PLACE, OPENING, NOW + timedelta(minutes=10))).finish()
    assert Actor(shelf, spending(PLACE, OPENING, want(4, "again", "op"))).finish() is None
    assert spent(shelf) == 5


@pytest.mark.fault(20)
def test_two_sweeps_at_once_mend_and_charge_once():
    shelf = Shelf()
    Actor(shelf, spending(PLACE, OPENING, want(3, "early"))).finish()
    Actor(shelf, spending(PLACE, OPENING, want(4, "dead"))).go()
    sweeps = [Actor(shelf, sweeping(PLACE, OPENING, NOW + timedelta(hours=2))) for _ in range(2)]
    while any(sweep.result is None for sweep in sweeps):
        for sweep in sweeps:
            if sweep.result is None:
                sweep.go()
    assert spent(shelf) == 5
    assert sum(sweep.result for sweep in sweeps) == 3  # two attempts charged, one account mended
    charged = [doc.data["charged"] for path, doc in shelf.docs.items() if path.startswith(PLACE.entries)]
    assert sorted(charged) == [3, 4]


@pytest.mark.fault(20)
def test_nothing_is_written_off_that_its_caller_took_back_at_the_last_moment():
    shelf = Shelf()
    Actor(shelf, spending(PLACE, OPENING, want(3, "early"))).finish()
    asleep = Actor(shelf, spending(PLACE, OPENING, want(4, "late")))
    asleep.go()
    sweep = Actor(shelf, sweeping(PLACE, OPENING, NOW + timedelta(minutes=10)))
    for _ in range(2):
        sweep.go()  # it has looked at the account, and not at who could still be at it
    assert asleep.finish() is None
    sweep.finish()
    assert spent(shelf) == 3


@pytest.mark.fault(20)
def test_who_was_away_until_his_attempt_was_charged_does_not_use_its_name_again():
    shelf = Shelf()
    away = Actor(shelf, spending(PLACE, OPENING, want(2, "away", "op")))
    shelf.answer(away.step)  # it happened, and its answer was lost
    Actor(shelf, sweeping(PLACE, OPENING, NOW + timedelta(hours=2))).finish()
    with pytest.raises(Contended):
        away.finish()
    assert spent(shelf) == 2


@pytest.mark.fault(19)
def test_two_who_borrow_the_same_units_at_once_do_not_both_get_them():
    shelf, opening = Shelf(), Opening(limit=5, reserve=0, accounts={"user:b": 5})
    asks = [replace(want(5, name).ask, account=f"user:{name}", priority=Priority.HIGH) for name in ("c", "d")]
    borrowers = [Actor(shelf, borrowing(PLACE, opening, replace(want(5, ask.account), ask=ask))) for ask in asks]
    for borrower in borrowers:
        borrower.go(until_commit=True)
    assert [type(borrower.finish()) for borrower in borrowers] == [Hold, Refusal]
    assert shelf.docs[PLACE.account("user:b")].data["lent"] == 5


@pytest.mark.parametrize("used", [0, 2])
def test_a_call_that_was_sent_stays_charged_however_often_and_late_it_is_settled(used):
    shelf = Shelf()
    held = Actor(shelf, spending(PLACE, OPENING, want(2, "sent"))).finish()
    assert Actor(shelf, settling(held, 2)).finish() is True
    assert Actor(shelf, settling(held, used)).finish() is False
    assert spent(shelf) == 2


def test_an_addition_whose_answer_was_lost_is_taken_back_by_its_own_caller():
    shelf = Shelf()
    Actor(shelf, spending(PLACE, OPENING, want(3, "early"))).finish()
    unlucky = Actor(shelf, spending(PLACE, OPENING, want(4, "unlucky")))
    shelf.answer(unlucky.step)  # it happened, nobody heard of it, and the client sends it again
    assert unlucky.finish() is None
    assert spent(shelf) == 3


def test_a_settlement_of_an_earlier_attempt_does_not_touch_a_later_one():
    shelf = Shelf()
    first = Actor(shelf, spending(PLACE, OPENING, want(2, "first", "op"))).finish()
    assert isinstance(first, Hold)
    Actor(shelf, settling(first, 0)).finish()
    second = Actor(shelf, spending(PLACE, OPENING, want(2, "second", "op"))).finish()
    assert isinstance(second, Hold)
    assert second.token == "second"
    assert Actor(shelf, settling(replace(first), 0)).finish() is False
    assert spent(shelf) == 2
