"""Days pass, clocks are wrong by a minute, holders die, Google has its own count: it never has to refuse us."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.clock import next_reset, pacific_day, pacific_day_bounds, pacific_midnight
from shared.errors import QuotaRefused
from shared.quota.calendar import DOUBT, FAST, days_at, hour_of, is_off_peak, next_off_peak
from shared.quota.days import FRESH
from shared.quota.leases import Lease
from shared.quota.profile import Priority
from tests.pure.quota.stand import CHANNELS, UPDATE, Stand

LIMIT, RESERVE = 120, 12
COSTS = {CHANNELS: 1, UPDATE: 50}
SKEWS = (timedelta(seconds=-61), timedelta(0), timedelta(seconds=61))
DAYS = {
    "the day of 23 hours": datetime(2026, 3, 8, 7, 58, tzinfo=UTC),
    "the day of 25 hours": datetime(2026, 11, 1, 6, 58, tzinfo=UTC),
    "an ordinary day": datetime(2026, 11, 22, 7, 58, tzinfo=UTC),
}


class Google:
    """Google's own count, on Google's own clock and calendar."""

    def __init__(self) -> None:
        self.used: Counter[date] = Counter()
        self.closed: dict[date, datetime] = {}

    def day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo("America/Los_Angeles")).date()

    def call(self, method: str, at: datetime) -> None:
        day = self.day(at)
        self.used[day] += COSTS[method]
        assert self.used[day] <= LIMIT, "Google would have refused this"

    def close(self, at: datetime) -> None:
        """Somebody else spends from the same project; from now on Google refuses everything."""
        self.closed.setdefault(self.day(at), at)

    def surely_closed(self, at: datetime) -> bool:
        """Whether every instance must know: not in the doubt after a midnight, nor a minute before one."""
        closed = self.closed.get(self.day(at))
        if closed is None or at < closed + FRESH or self.day(at + FAST) != self.day(at):
            return False
        return self.day(closed - DOUBT - FAST) == self.day(at)


class Clocks(RuleBasedStateMachine):
    """Three instances, of which one is a minute slow and one a minute fast."""

    @initialize(start=st.sampled_from(sorted(DAYS.values())))
    def begin(self, start):
        self.stand = Stand(start)
        self.stand.user("a")
        self.stand.user("b", quota_share=2)
        self.google = Google()
        self.ledgers = [self.stand.ledger("current", f"default={LIMIT}", skew=skew) for skew in SKEWS]
        self.attempts = itertools.count()
        self.leases: dict[int, Lease] = {}
        self.plain: Counter[Any] = Counter()

    @rule(
        who=st.integers(0, 2),
        method=st.sampled_from([CHANNELS, UPDATE]),
        account=st.sampled_from(["a", "b", "system", "new"]),
        priority=st.sampled_from(Priority),
        times=st.integers(1, 30),
        late=st.integers(0, 29),
    )
    def call(self, who, method, account, priority, times, late):  # noqa: PLR0917
        for _ in range(times):
            try:
                held = self.ledgers[who].reserve(method=method, account=account, priority=priority)
            except QuotaRefused:
                return
            self._send(method, held.priority, late)
            self.ledgers[who].settle(held, sent=True)

    @rule(who=st.integers(0, 2))
    def spend_everything(self, who):
        self.call(who, UPDATE, "a", Priority.CRITICAL, 3, 0)
        self.call(who, CHANNELS, "a", Priority.CRITICAL, LIMIT, 0)

    @rule()
    def another_calendar_turns_its_day(self):
        """Midnight in Greenwich: whoever counted days there would begin to spend anew."""
        self.stand.now = (self.stand.now + timedelta(days=1)).replace(hour=0, minute=5)

    def _send(self, method: str, priority: Priority, late: int) -> None:
        assert not self.google.surely_closed(self.stand.now)
        at = self.stand.now + timedelta(seconds=late)
        self.google.call(method, at)
        if priority != Priority.CRITICAL:
            self.plain[self.google.day(at)] += COSTS[method]

    @rule(who=st.integers(0, 2))
    def google_says_that_it_is_spent(self, who):
        self.google.close(self.stand.now)
        self.ledgers[who].close_bucket("default", reason="quotaExceeded")

    @rule(who=st.integers(0, 2), account=st.sampled_from(["a", "b"]))
    def reserve_and_die(self, who, account):
        """The answer to the first asking was lost; the second one finds the same units, and sends."""
        attempt = f"op/{next(self.attempts)}"
        try:
            first, held = (
                self.ledgers[who].reserve(method=CHANNELS, account=account, operation_id=attempt) for _ in range(2)
            )
        except QuotaRefused:
            return
        assert [hold.token for hold in first.holds] == [hold.token for hold in held.holds]
        self._send(CHANNELS, held.priority, 0)

    @rule(who=st.integers(0, 2), account=st.sampled_from(["a", "b"]))
    def reserve_and_give_back(self, who, account):
        try:
            held = self.ledgers[who].reserve(method=UPDATE, account=account)
        except QuotaRefused:
            return
        self.ledgers[who].settle(held, sent=False)
        self.ledgers[who].settle(held, sent=False)

    @rule(who=st.integers(0, 2), upto=st.integers(1, 20), times=st.integers(1, 25))
    def lease(self, who, upto, times):
        lease = self.leases.setdefault(who, Lease(self.ledgers[who], CHANNELS, "system", upto=upto))
        for number in range(times):
            try:
                held = lease.reserve(method=CHANNELS)
            except QuotaRefused:
                return
            if number % 5 != 4:
                self._send(CHANNELS, held.priority, 20)
            lease.settle(held, sent=number % 5 != 4)

    @rule(who=st.integers(0, 2), dies=st.booleans())
    def end_lease(self, who, dies):
        lease = self.leases.pop(who, None)
        if lease and not dies:
            lease.close()

    @rule(minutes=st.sampled_from([0.2, 1, 2, 7, 61]))
    def time_passes(self, minutes):
        self.stand.now += timedelta(minutes=minutes)

    @rule(seconds=st.integers(-130, 130))
    def midnight_comes(self, seconds):
        self.stand.now = max(self.stand.now, next_reset(self.stand.now) + timedelta(seconds=seconds))

    @rule(who=st.integers(0, 2))
    def sweep(self, who):
        self.ledgers[who].sweep()

    @invariant()
    def critical_work_alone_enters_the_reserve(self):
        assert all(units <= LIMIT - RESERVE for units in getattr(self, "plain", {}).values())


TestClocks = pytest.mark.fault(27)(pytest.mark.fault(21)(Clocks.TestCase))
TestClocks.settings = settings(max_examples=60, stateful_step_count=40)


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    ("start", "hours"), [(start, h) for start, h in zip(DAYS.values(), (23, 25, 24), strict=True)]
)
def test_a_bucket_is_full_again_at_pacific_midnight_however_long_the_day_was(start, hours):
    midnight = next_reset(start)
    stand = Stand(midnight + timedelta(minutes=10))
    ledger = stand.ledger("current", "uploads=1")
    upload = {"method": "youtube.videos.insert", "account": "a"}
    ledger.reserve(**upload)
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(**upload)
    assert refusal.value.retry_at == midnight + timedelta(hours=hours)
    stand.now = refusal.value.retry_at - timedelta(minutes=5)
    with pytest.raises(QuotaRefused):
        ledger.reserve(**upload)
    stand.now = refusal.value.retry_at + timedelta(minutes=2)
    assert ledger.reserve(**upload).day == pacific_day(stand.now)


def test_around_midnight_both_days_pay():
    midnight = next_reset(Stand().now)
    today, tomorrow = pacific_day(midnight - timedelta(hours=1)), pacific_day(midnight)
    assert days_at(midnight - timedelta(seconds=91)) == (today,)
    assert days_at(midnight - timedelta(seconds=90)) == (today, tomorrow)
    assert days_at(midnight + timedelta(seconds=89)) == (today, tomorrow)
    assert days_at(midnight + timedelta(seconds=90)) == (tomorrow,)
    stand = Stand(midnight)
    ledger = stand.ledger("current", "uploads=1")
    ledger.reserve(method="youtube.videos.insert", account="a")
    assert [ledger.usage(day)["uploads"]["left"] for day in (today, tomorrow)] == [0, 0]


def test_what_one_of_two_days_grants_goes_back_when_the_other_refuses():
    stand = Stand()
    ledger = stand.ledger("current", "uploads=1")
    ledger.reserve(method="youtube.videos.insert", account="a")
    stand.now = next_reset(stand.now)
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method="youtube.videos.insert", account="a")
    stand.now = refusal.value.retry_at  # the end of the doubt: the midnight itself is past
    assert ledger.usage()["uploads"]["left"] == 1
    assert ledger.reserve(method="youtube.videos.insert", account="a").cost == 1


def test_hours_are_counted_from_the_days_own_midnight():
    for start, hours in zip(DAYS.values(), (23, 25, 24), strict=True):
        day = pacific_day(next_reset(start))
        begin, end = pacific_day_bounds(day)
        assert hour_of(day, begin) == 0
        assert hour_of(day, end - timedelta(seconds=1)) == hours - 1
        assert hour_of(day, begin - timedelta(minutes=1)) == 0
        assert hour_of(day, end + timedelta(minutes=1)) == hours - 1


def test_off_peak_is_two_to_six_in_california():
    day = pacific_day(Stand().now)
    midnight = pacific_midnight(day)
    assert not is_off_peak(midnight + timedelta(minutes=119))
    assert is_off_peak(midnight + timedelta(hours=2))
    assert not is_off_peak(midnight + timedelta(hours=6))
    assert next_off_peak(midnight + timedelta(hours=1)) == midnight + timedelta(hours=2)
    assert next_off_peak(midnight + timedelta(hours=7)) == midnight + timedelta(hours=26)
