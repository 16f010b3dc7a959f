"""A share protects its owner: one user asks for everything at midnight, and the others still find theirs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import next_reset
from shared.errors import QuotaRefused
from shared.quota.calendar import SKEW
from shared.quota.decisions import Loan
from shared.quota.profile import Priority
from shared.quota.quotes import Work
from tests.pure.quota.stand import NOON, UPLOAD, Stand

USERS = 50


@pytest.fixture
def midnight():
    """50 users and 100 uploads, right after midnight."""
    stand = Stand(next_reset(NOON) + SKEW)
    for number in range(USERS):
        stand.user(f"u{number}")
    return stand


def uploads(ledger, user, priority=None):
    """How many uploads a user gets before he is refused, and the refusal."""
    for count in range(1_000):
        try:
            ledger.reserve(method=UPLOAD, account=user, priority=priority)
        except QuotaRefused as error:
            return count, error
    raise AssertionError("no end of uploads")


@pytest.mark.case("P20")
def test_who_asks_for_the_whole_day_at_midnight_gets_his_share_and_the_others_keep_theirs(midnight):
    ledger = midnight.ledger(users_max=USERS)
    count, refusal = uploads(ledger, "u0")
    assert count == 2
    assert refusal.reason == "shareSpentNobodyToBorrowFrom"
    assert refusal.retry_at is not None
    assert midnight.now < refusal.retry_at < midnight.now + timedelta(hours=1)
    assert [uploads(ledger, f"u{number}")[0] for number in range(1, USERS)] == [2] * (USERS - 1)


@pytest.mark.case("P20")
def test_more_is_lent_as_the_day_goes_and_all_of_it_is_spendable_by_midnight(midnight):
    ledger = midnight.ledger(users_max=USERS)
    counts = [uploads(ledger, "u0")[0]]
    for hours in (12, 6, 5.9):
        midnight.now += timedelta(hours=hours)
        counts.append(counts[-1] + uploads(ledger, "u0")[0])
    assert counts[0] == 2
    assert 45 <= counts[1] <= 51
    assert 70 <= counts[2] <= 76
    assert counts[3] >= 98
    figures = ledger.usage()["uploads"]
    assert figures["used"] + figures["reserved"] == counts[3]
    assert {loan["lender"] for loan in figures["loans"]} == {"pool"}


def test_critical_work_borrows_at_once_what_normal_work_has_to_wait_for(midnight):
    ledger = midnight.ledger(users_max=USERS)
    assert uploads(ledger, "u0")[0] == 2
    assert uploads(ledger, "u0", Priority.CRITICAL)[0] == 98
    assert uploads(ledger, "u1", Priority.CRITICAL)[1].reason == "bucketSpent"


@pytest.mark.case("P20")
def test_critical_buys_something_in_every_bucket_or_is_refused_because_all_of_it_is_spent(midnight):
    ledger = midnight.ledger(users_max=USERS)
    for bucket in ledger.profile.buckets.values():
        method = next(each for each in ledger.profile.methods.values() if each.bucket == bucket.name)
        high = {"method": method.id, "account": "u0", "priority": Priority.HIGH}
        ledger.reserve(**high, count=(bucket.limit - bucket.reserve) // method.cost)
        more = {**high, "priority": Priority.CRITICAL}
        if bucket.reserve >= method.cost:
            assert ledger.reserve(**more).entry.loans == (Loan("reserve", method.cost),)
        else:
            with pytest.raises(QuotaRefused, match="too little of it is left") as refusal:
                ledger.reserve(**more)
            assert refusal.value.reason == "bucketSpent"


def test_a_new_process_finds_the_leavings_of_everybody_to_the_last_unit(midnight):
    ledger = midnight.ledger(users_max=USERS)
    for number in range(USERS):
        ledger.settle(ledger.reserve(method=UPLOAD, account=f"u{number}"), sent=True)
    assert uploads(midnight.ledger(users_max=USERS), "late", Priority.HIGH)[0] == 50


def test_what_was_promised_to_others_is_put_first_in_a_plan_and_counts(midnight):
    ledger = midnight.ledger(users_max=USERS)
    promised = Work(calls={UPLOAD: 1}, times=2, account="u0")
    mine = Work(calls={UPLOAD: 1}, account="u0")
    assert ledger.quote([mine]).now == 1
    assert ledger.quote([promised, mine]).parts[1].now == 0


def refused_reads(stand, ledger, count):
    """What it costs to refuse so many uploads."""
    before = stand.store.reads
    with pytest.raises(QuotaRefused):
        ledger.reserve(method=UPLOAD, account="a", count=count)
    return stand.store.reads - before


def test_a_remembered_refusal_stands_for_as_much_or_more_and_for_a_moment_only():
    stand = Stand()
    ledger, other = (stand.ledger("current", "uploads=4") for _ in range(2))
    ledger.settle(ledger.reserve(method=UPLOAD, account="a"), sent=True)
    full = refused_reads(stand, ledger, 5)
    # Only whether this operation has its units already.
    assert [refused_reads(stand, ledger, count) for count in (5, 6)] == [1, 1]
    assert refused_reads(stand, ledger, 4) >= full
    held = other.reserve(method=UPLOAD, account="b", count=3)
    refused_reads(stand, ledger, 2)
    other.settle(held, sent=False)
    stand.now += timedelta(seconds=2)  # when it looks at the day again
    assert refused_reads(stand, ledger, 2) == 1 + 1
    stand.now += timedelta(seconds=0.999)
    assert refused_reads(stand, ledger, 2) == 1
    stand.now += timedelta(seconds=0.001)
    assert ledger.reserve(method=UPLOAD, account="a", count=2).cost == 2


def test_a_closing_ends_at_its_end_and_not_a_moment_later():
    stand = Stand()
    ledger = stand.ledger()
    stand.now = next_reset(NOON) + timedelta(minutes=2)
    ledger.reserve(method=UPLOAD, account="a")
    ledger.close_bucket("uploads", reason="quotaExceeded")
    end = next_reset(NOON) + timedelta(minutes=5)
    stand.now = end - timedelta(microseconds=1)
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=UPLOAD, account="a")
    assert refusal.value.retry_at == end
    assert ledger.usage()["uploads"]["closed"]
    stand.now = end
    assert ledger.reserve(method=UPLOAD, account="a").cost == 1
    assert ledger.usage()["uploads"]["closed"] is None


def test_a_plan_waits_for_a_closing_to_end():
    stand = Stand(next_reset(NOON) + timedelta(minutes=2))
    ledger = stand.ledger()
    ledger.close_bucket("uploads", reason="quotaExceeded")
    (later,) = ledger.quote([Work(calls={UPLOAD: 1}, account="a")]).later
    assert (later.at, later.reason) == (next_reset(NOON) + timedelta(minutes=5), "bucketClosedByGoogle")


def test_the_units_of_each_hour_are_known_and_add_up_to_the_day():
    stand = Stand()
    ledger = stand.ledger()
    for units in (3, 0, 2):  # at noon, at one, at two
        for _ in range(units):
            ledger.settle(ledger.reserve(method=UPLOAD, account="a"), sent=True)
        stand.now += timedelta(hours=1)
    assert ledger.usage()["uploads"]["by_hour"][12:16] == [3, 0, 2, 0]
    assert ledger.reserve(method=UPLOAD, account="b").cost == 1
    assert ledger.usage()["uploads"]["by_hour"][12:16] == [3, 0, 2, 1]
    assert sum(ledger.usage()["uploads"]["by_hour"]) == 6


def test_a_quote_counts_on_no_more_than_those_who_have_come_will_hardly_need(midnight):
    ledger = midnight.ledger(users_max=USERS)
    for number in range(USERS):
        ledger.settle(
            ledger.reserve(method=UPLOAD, account=f"u{number}"), sent=False
        )  # each has claimed his share
    answer = ledger.quote([Work(calls={UPLOAD: 1}, times=3, account="u0")])
    assert answer.now == uploads(ledger, "u0")[0] == 2
    assert answer.later[0].reason == "shareSpentNobodyToBorrowFrom"


def test_a_share_that_others_have_borrowed_today_is_its_owner_s_again_at_midnight(midnight):
    ledger = midnight.ledger(users_max=USERS)
    assert uploads(ledger, "u0", Priority.CRITICAL)[0] == 100
    midnight.now += timedelta(hours=3)
    answer = ledger.quote([Work(calls={UPLOAD: 1}, account="u1", priority=Priority.PROMPT)])
    (later,) = answer.later
    assert (answer.now, later.at) == (0, next_reset(midnight.now))
