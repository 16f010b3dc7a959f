"""With 2,000 users nobody reads all accounts: what a question costs in document reads, as Firestore bills them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import next_reset, pacific_day
from shared.cloud.steps import Commit, Write
from shared.errors import QuotaRefused
from shared.quota.ledger import LAPSE
from shared.quota.profile import Priority
from shared.quota.quotes import Work
from shared.quota.reservation import QUIET
from tests.pure.quota.stand import CHANNELS, NOON, THUMBNAIL, UPLOAD, Stand

USERS = 2_000
DEFAULT = f"quota/{pacific_day(NOON).isoformat()}:default"


@pytest.fixture
def stand():
    """2,000 users, all of whom have claimed their share of 3 units today and spent one of them."""
    stand = Stand()
    for number in range(USERS):
        stand.user(f"u{number}")
    ledger = stand.ledger(users_max=USERS)
    ledger.settle(ledger.reserve(method=CHANNELS, account="u0"), sent=True)
    account = dict(stand.store.docs[f"{DEFAULT}/accounts/user:u0"].data)
    assert (account["share"], account["left"]) == (3, 2)
    for number in range(1, USERS):
        stand.store.answer(Commit((Write(f"{DEFAULT}/accounts/user:u{number}", account),)))
    day = stand.store.docs[DEFAULT].data
    pool = {"pool": {"left": 1_000, "share": 0, "lent": 0}}
    assert day["pool"]["left"] == 7_000 - 3
    stand.store.answer(Commit((Write(DEFAULT, pool),)))
    return stand


def reads(stand, call):
    """What a question costs."""
    before = stand.store.reads
    call()
    return stand.store.reads - before


@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("account", ["u5", "new", "system"])
@pytest.mark.parametrize("units", [50, 1_200, 9_000])
def test_a_reservation_costs_at_most_10_whether_it_is_granted_or_refused(stand, priority, account, units):
    ledger = stand.ledger(users_max=USERS)
    ledger.reserve(method=CHANNELS, account="early")  # a process that is at work

    def reserve():
        try:
            ledger.reserve(method=CHANNELS, account=account, priority=priority, count=units, operation_id="op")
        except QuotaRefused as error:
            assert error.reason not in {"ledgerUnavailable", "ledgerContended"}  # noqa: PT017

    assert reads(stand, reserve) <= 10


@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("account", ["u5", "new", "system"])
def test_a_quote_costs_at_most_10(stand, priority, account):
    ledger = stand.ledger(users_max=USERS)
    work = Work(calls={UPLOAD: 1, THUMBNAIL: 1}, times=3, account=account, priority=priority)
    for method in work.calls:
        ledger.check_open(method, account)
    assert reads(stand, lambda: ledger.quote([work])) <= 10


def test_sweeps_of_an_idle_day_cost_at_most_100(stand):
    ledger, now = stand.ledger(users_max=USERS), NOON + timedelta(hours=8)
    assert reads(stand, lambda: [ledger.sweep(now) for _ in range(48)]) <= 100


@pytest.mark.parametrize("busy", [("default",), ("default", "uploads"), "all"])
def test_a_look_at_all_buckets_costs_at_most_60(stand, busy):
    ledger = stand.ledger(users_max=USERS)
    for bucket in ledger.profile.buckets if busy == "all" else busy:
        method = next(each.id for each in ledger.profile.methods.values() if each.bucket == bucket)
        for number in range(20):
            ledger.reserve(method=method, account=f"u{number}", priority=Priority.HIGH)
            with pytest.raises(QuotaRefused):
                ledger.reserve(method=method, account=f"u{number}", count=20_001)
    found = {}
    assert reads(stand, lambda: found.update(ledger.usage())) <= 60
    figures = found["default"]
    assert figures["used"] + figures["reserved"] + figures["left"] == figures["limit"]
    assert figures["by_account"]
    assert figures["loans"]
    assert figures["refusals"]


def test_beginning_a_day_reads_no_user_one_by_one():
    stand = Stand()
    for number in range(USERS):
        stand.user(f"u{number}", **({"quota_share": 2} if number < 500 else {"quota_share": "much"}))
    ledger = stand.ledger(users_max=USERS)
    assert reads(stand, lambda: ledger.check_open(CHANNELS, "u1")) <= 10
    heavy, ordinary = (ledger.reserve(method=CHANNELS, account=user) for user in ("u1", "u1999"))
    shares = [stand.store.docs[f"{DEFAULT}/accounts/user:{user}"].data["share"] for user in ("u1", "u1999")]
    assert shares == [5, 2]
    assert heavy.entry.loans == ordinary.entry.loans == ()


@pytest.mark.fault(20)
def test_a_sweep_charges_the_dead_of_yesterday_and_of_every_bucket_and_nobody_who_may_live():
    stand = Stand()
    ledger = stand.ledger()
    dead = [ledger.reserve(method=method, account="a") for method in (UPLOAD, CHANNELS)]
    stand.now = next_reset(NOON) + timedelta(minutes=5)
    living = ledger.reserve(method=UPLOAD, account="a")
    assert ledger.sweep() == 2
    for held in dead:
        assert ledger.usage(held.day)[held.bucket]["used"] == 1
    assert ledger.usage(living.day)["uploads"]["reserved"] == 1
    stand.now += LAPSE - timedelta(seconds=1)
    assert ledger.sweep() == 0
    stand.now += timedelta(seconds=1)
    assert ledger.sweep() == 1
    assert QUIET < LAPSE
