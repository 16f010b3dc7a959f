"""A rate limit holds in every window; the guide's own counter does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Unavailable
from shared.quota.profile import load
from shared.rate_limits.limiter import RateLimiter
from shared.rate_limits.limits import (
    AHEAD,
    MARGIN,
    Log,
    RateLimit,
    admit,
    book,
    packed,
    unpacked,
)

START = datetime(2026, 11, 22, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rate(calls: int, window: timedelta = timedelta(minutes=1)) -> RateLimit:
    return RateLimit(name="r", methods=("*",), per=("user",), calls=calls, window=int(window.total_seconds()))


class GuidesCounter:
    """The guide's 1.4: INCR, EXPIRE on the first, compare."""

    def __init__(self, limit: int, window: timedelta) -> None:
        self.limit, self.window, self.count, self.ends = limit, window, 0, START

    def admits(self, now: datetime) -> bool:
        if now >= self.ends:
            self.count, self.ends = 0, now + self.window
        self.count += 1
        return self.count <= self.limit


class Ours:
    def __init__(self, limit: int, window: timedelta) -> None:
        self.limit, self.log = rate(limit, window), Log()

    def admits(self, now: datetime, *, skew: timedelta = timedelta(0)) -> bool:
        answer = admit(self.log, self.limit, local=now + skew, server=now)
        if isinstance(answer, Log):
            self.log = unpacked(packed(answer))
        return isinstance(answer, Log)


def worst(admitted: list[datetime], window: timedelta) -> int:
    """The most admissions in any window."""
    return max((sum(t <= s < t + window for s in admitted) for t in admitted), default=0)


def over_an_edge() -> list[datetime]:
    """One early call starts the guide's window; then a rush before its end, and another after it."""
    rush = [START + timedelta(minutes=59, seconds=s / 10) for s in range(200)]
    return [START, *rush, *(at + timedelta(minutes=1, seconds=30) for at in rush)]


def test_the_guides_window_lets_twice_the_limit_through_at_its_edge_and_ours_does_not():
    calls = over_an_edge()
    guide, ours = GuidesCounter(100, HOUR), Ours(100, HOUR)
    assert worst([at for at in calls if guide.admits(at)], HOUR) == 199
    assert worst([at for at in calls if ours.admits(at)], HOUR) == 100


@given(
    gaps=st.lists(st.integers(0, 40_000_000), max_size=80),
    limit=st.integers(1, 6),
    skews=st.lists(st.integers(-61, 61), min_size=1, max_size=5),
)
@pytest.mark.fault(27)
def test_never_more_than_the_limit_in_any_window_whoever_looks_at_whatever_clock(gaps, limit, skews):
    ours, at, admitted = Ours(limit, timedelta(seconds=60)), START, []
    for number, gap in enumerate(gaps):
        at += timedelta(microseconds=gap)
        if ours.admits(at, skew=timedelta(seconds=skews[number % len(skews)])):
            admitted.append(at)
    assert worst(admitted, timedelta(seconds=60)) <= limit


@given(gaps=st.lists(st.integers(1, 3_000_000), min_size=1, max_size=60))
def test_nothing_is_denied_that_fits(gaps):
    ours, at, admitted = Ours(5, timedelta(seconds=10)), START, []
    for gap in gaps:
        at += timedelta(microseconds=gap)
        recent = sum(at - timedelta(seconds=10) < one for one in admitted)
        assert ours.admits(at) == (recent < 5)
        if recent < 5:
            admitted.append(at)


def test_a_denial_says_when_the_next_call_is_admitted():
    ours = Ours(2, HOUR)
    assert ours.admits(START)
    assert ours.admits(START + timedelta(minutes=10))
    at = START + timedelta(minutes=20)
    assert admit(ours.log, ours.limit, local=at, server=at) == timedelta(minutes=40)
    assert not ours.admits(START + timedelta(minutes=59, seconds=59))
    assert ours.admits(START + HOUR)


def test_a_stack_whose_clock_is_set_forward_finds_its_windows_over():
    ours = Ours(1, HOUR)
    assert ours.admits(START)
    assert not ours.admits(START, skew=timedelta(minutes=4))
    assert ours.admits(START, skew=timedelta(days=3))
    assert not ours.admits(START + timedelta(minutes=59), skew=timedelta(days=3))


@pytest.mark.fault(27)
@pytest.mark.parametrize("behind", [59, 60, 61])
@pytest.mark.parametrize("ahead", [59, 60, 61])
@pytest.mark.parametrize("first_is_ahead", [True, False])
def test_a_minute_of_skew_either_way_and_a_slow_answer_let_nothing_more_through(behind, ahead, first_is_ahead):
    window, late = timedelta(minutes=1), timedelta(seconds=3)
    skews = [timedelta(seconds=ahead), timedelta(seconds=-behind)]
    first, second = skews if first_is_ahead else reversed(skews)
    ours = Ours(1, window)
    assert ours.admits(START, skew=first)
    for waited in (timedelta(0), window - timedelta(microseconds=1)):
        assert not ours.admits(START + waited, skew=second + late)
        assert not ours.admits(START + waited, skew=first + late)
    assert ours.admits(START + window, skew=second + late)  # and not a moment is lost
    assert not ours.admits(START + window, skew=first)


def test_a_clock_that_goes_back_admits_nothing_more():
    ours = Ours(1, HOUR)
    assert ours.admits(START, skew=timedelta(days=3))
    assert not ours.admits(START, skew=timedelta(days=-3))


def test_a_key_is_eight_bytes_a_call():
    ours = Ours(1000, timedelta(minutes=1))
    for number in range(1000):
        assert ours.admits(START + timedelta(milliseconds=number))
    assert len(packed(ours.log)["stamps"]) == 8000
    assert not ours.admits(START + timedelta(seconds=1))


class Silent:
    """A Firestore that does not answer."""

    def collection(self, name: str) -> Any:
        return self

    def document(self, name: str) -> Any:
        return self

    def get_all(self, *_asked: Any, **_options: Any) -> Any:
        raise exceptions.ServiceUnavailable("away")


@pytest.mark.parametrize("profile", ["current", "guide"])
def test_while_the_limits_do_not_answer_what_is_free_goes_on_and_the_rest_waits(profile):
    figures = load(profile)
    reporting = RateLimit(name="r", methods=("youtubereporting.*",), per=("project",), calls=1, window=60)
    limiter = RateLimiter(Silent(), (*figures.rate_limits, reporting), lambda: START, free=figures.free_methods)  # type: ignore[arg-type]
    call = {"user": "u"}
    for ask in (limiter.check, limiter.admit):
        ask(method="youtubereporting.media.download", **call)
        with pytest.raises(Unavailable) as refusal:
            ask(method="youtube.videos.insert", **call)
        error = refusal.value.as_json()["error"]
        assert (error["code"], error["reason"]) == (503, "rateLimitsUnavailable")
        assert refusal.value.retry_at == START + timedelta(seconds=30)


# Booking

groups = st.lists(st.integers(1, 60), min_size=1, max_size=8)


def booked(log: Log, asked: list[int], now: datetime, **known: Any) -> tuple[list[datetime], Log]:
    starts, after = book(log, asked, rate(60), local=now, server=now, **known)
    return starts, unpacked(packed(after))


@given(st.lists(st.tuples(groups, st.integers(0, 200)), min_size=1, max_size=6))
def test_calls_made_when_they_were_booked_keep_their_order_and_are_all_admitted(times):
    log, now, made = Log(), START, []
    for asked, seconds in times:
        starts, log = booked(log, asked, now)
        assert all(start >= now for start in starts)
        made += [(start, group) for start, group in zip(starts, asked, strict=True)]
        now += timedelta(seconds=seconds)
    assert [start for start, _ in made] == sorted(start for start, _ in made)
    counted, number = Log(), 0
    for (start, group), (before, _) in zip(made, [(START, 0), *made], strict=False):
        number = number if start == before else 0
        for _ in range(group):
            at = start + MARGIN * number / 61  # making them takes a while
            answer = admit(counted, rate(60), local=at, server=at)
            assert isinstance(answer, Log)
            counted, number = answer, number + 1


@given(st.lists(st.integers(1, 60), min_size=20, max_size=200))
def test_booking_wastes_at_most_half_of_the_time(asked):
    starts, _ = booked(Log(), asked, START)
    assert starts[-1] - START <= 2 * sum(asked) / 60 * (timedelta(minutes=1) + MARGIN)


def test_nothing_is_booked_before_it_may_run_nor_further_ahead_than_a_day():
    later = START + timedelta(minutes=7)
    starts, log = booked(Log(), [1, 1], START, not_before=later)
    assert starts == [later, later]
    starts, _ = booked(log, [60] * 3_000, START)
    assert starts[-1] == START + AHEAD


def test_booking_counts_no_call():
    log = booked(Log(), [60], START)[1]
    assert log.stamps == ()
    admitted = admit(log, rate(60), local=START, server=START)
    assert isinstance(admitted, Log)
    assert (admitted.booked_at, admitted.booked) == (log.booked_at, 60)
