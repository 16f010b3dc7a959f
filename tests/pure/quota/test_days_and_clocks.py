"""Days pass, clocks are wrong by a minute, holders die, Google has its own count: it never has to refuse us."""

from __future__ import annotations

import contextlib
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
from shared.errors import QuotaRefused, Transient
from shared.quota.blocks import Block
from shared.quota.calendar import DOUBT, SKEW, day_change_ends, hour_of, is_off_peak, next_off_peak
from shared.quota.days import FRESH
from shared.quota.profile import Priority
from tests.pure.quota.stand import CHANNELS, NOON, UPDATE, Stand

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
        if closed is None or at < closed + FRESH or self.day(at + SKEW) != self.day(at):
            return False
        return self.day(closed - DOUBT - SKEW) == self.day(at)


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
        self.blocks: dict[int, Block] = {}
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
            self._send(method, priority, late)
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
        assert first.entry
        assert held.entry
        assert first.entry.token == held.entry.token
        self._send(CHANNELS, Priority.NORMAL, 0)

    @rule(who=st.integers(0, 2), account=st.sampled_from(["a", "b"]))
    def reserve_and_give_back(self, who, account):
        try:
            held = self.ledgers[who].reserve(method=UPDATE, account=account)
        except QuotaRefused:
            return
        self.ledgers[who].settle(held, sent=False)
        self.ledgers[who].settle(held, sent=False)

    @rule(who=st.integers(0, 2), upto=st.integers(1, 20), times=st.integers(1, 25))
    def block(self, who, upto, times):
        block = self.blocks.setdefault(who, Block(self.ledgers[who], CHANNELS, "system", upto=upto))
        for number in range(times):
            try:
                held = block.reserve(method=CHANNELS)
            except QuotaRefused:
                return
            if number % 5 != 4:
                self._send(CHANNELS, Priority.NORMAL, 20)
            block.settle(held, sent=number % 5 != 4)

    @rule(who=st.integers(0, 2), dies=st.booleans())
    def end_block(self, who, dies):
        block = self.blocks.pop(who, None)
        if block and not dies:
            block.close()

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
TestClocks.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=40)


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


@pytest.mark.fault(27)
def test_around_midnight_nothing_is_reserved_because_nobody_can_say_which_day_pays():
    midnight = next_reset(NOON)
    assert day_change_ends(midnight - timedelta(seconds=91)) is None
    assert day_change_ends(midnight - timedelta(seconds=90)) == midnight + SKEW
    assert day_change_ends(midnight + timedelta(seconds=89)) == midnight + SKEW
    assert day_change_ends(midnight + timedelta(seconds=90)) is None
    stand = Stand(midnight)
    ledger = stand.ledger()
    block = Block(ledger, CHANNELS, "system")
    for refuses in (lambda: ledger.reserve(method=CHANNELS, account="a"), lambda: block.reserve(method=CHANNELS)):
        with pytest.raises(QuotaRefused) as refusal:
            refuses()
        assert (refusal.value.reason, refusal.value.retry_at) == ("dayChanging", midnight + SKEW)
        assert isinstance(refusal.value, Transient)
    stand.now = refusal.value.retry_at
    assert ledger.reserve(method=CHANNELS, account="a").day == pacific_day(midnight)


@pytest.mark.fault(27)
@pytest.mark.parametrize("skew", [-61, -60, -59, 0, 59, 60, 61])
@pytest.mark.parametrize("late", [0, 29])
def test_a_call_is_charged_to_the_day_on_which_it_arrives_however_wrong_the_clock(skew, late):
    midnight, granted = next_reset(NOON), 0
    stand = Stand()
    ledger = stand.ledger(skew=timedelta(seconds=skew))
    for second in range(-200, 201):
        stand.now = midnight + timedelta(seconds=second)
        with contextlib.suppress(QuotaRefused):
            day = ledger.reserve(method=CHANNELS, account="a").day
            assert day == pacific_day(stand.now + timedelta(seconds=late))
            granted += 1
    assert granted == 401 - 180


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
