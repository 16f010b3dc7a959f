"""Whose videos are read tonight: order, the day's units, and when a first import ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.deployment import deployment
from shared.channels import Askable, VideosRead
from shared.clock import pacific_day
from shared.collection.metadata import CHANNELS_MAX, RUNS, chosen, due, outlook, price
from shared.collection.readings import AGAIN
from shared.quota.calendar import is_off_peak

NOW = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)  # 02:05 Pacific
HOUR = timedelta(hours=1)
READ = st.none() | st.builds(
    VideosRead,
    at=st.none() | st.integers(0, 10**4).map(lambda hours: NOW - hours * HOUR),
    videos=st.integers(0, 20_000),
)
NETWORK = st.lists(READ, max_size=30).map(
    lambda found: [channel(f"UC{number}", each) for number, each in enumerate(found)]
)
UNITS = st.integers(1, 5_000)


def channel(name: str, read: VideosRead | None = None) -> Askable:
    return Askable(channel_id=name, state="connected", videos_read=read)


def read(hours: float | None, videos: int = 200) -> VideosRead:
    return VideosRead(at=None if hours is None else NOW - hours * HOUR, videos=videos)


def test_who_was_never_read_comes_first_then_the_longest_ago_and_the_fresh_not_at_all():
    known = [
        channel("fresh", read(1)),
        channel("b", read(30)),
        channel("begun", read(None)),
        channel("a", read(40)),
        channel("new"),
        channel("due", read(AGAIN / HOUR)),
    ]
    assert [each.channel_id for each in due(known, NOW)] == ["begun", "new", "a", "b", "due"]


@pytest.mark.parametrize(
    ("known", "units"), [(read(30), 6), (read(30, 0), 2), (read(30, 201), 7), (read(None), 9), (read(None, 0), 2)]
)
def test_a_channel_costs_itself_a_page_and_a_unit_for_each_fifty_videos(known, units):
    assert price(channel("a", known)) == units


@given(NETWORK, UNITS)
def test_a_run_takes_the_first_in_order_and_only_the_last_may_be_beyond_its_units(known, units):
    order = due(known, NOW)
    picked = chosen(order, units)
    assert picked == [each.channel_id for each in order[: len(picked)]]
    prices = [price(each) for each in order]
    assert sum(prices[: len(picked) - 1]) < units or not picked
    assert sum(prices[: len(picked)]) >= units or len(picked) == len(order)


def test_a_run_names_no_more_channels_than_a_request_may():
    assert len(chosen([channel(f"UC{number}") for number in range(CHANNELS_MAX + 5)], 10**6)) == CHANNELS_MAX


def test_a_night_of_the_network_that_the_guide_has_fits_the_day():
    network = [channel(f"UC{number}", read(24)) for number in range(250)]
    assert sum(map(price, network)) == 1_500
    assert outlook(network, 2_000, NOW)["days"] == 1


@given(NETWORK, UNITS, st.integers(0, 5_000))
def test_a_first_import_ends_no_later_with_more_units_and_on_the_day_that_its_units_reach_to(known, units, more):
    first = outlook(known, units, NOW)
    unread = [each for each in known if each.videos_read is None or each.videos_read.at is None]
    assert first["unread"] == len(unread)
    if not unread:
        assert first["import_ends"] is None
        return
    days = (date.fromisoformat(first["import_ends"]) - pacific_day(NOW)).days
    assert days * units < sum(map(price, unread)) <= (days + 1) * units
    assert outlook(known, units + more, NOW)["import_ends"] <= first["import_ends"]


def test_who_was_not_verified_for_thirty_days_is_overdue():
    network = [channel("a", read(24 * 30)), channel("b", read(24 * 29)), channel("c")]
    assert outlook(network, 100, NOW)["overdue"] == 1


def test_runs_are_as_many_as_are_scheduled_and_all_in_the_off_peak_hours():
    [schedule] = [each for each in deployment().schedules.values() if each.function == "collect_metadata"]
    minute, hours, *_ = schedule.cron.split()
    assert schedule.zone == "America/Los_Angeles"
    assert len(hours.split(",")) == RUNS
    for hour in hours.split(","):
        assert is_off_peak(NOW.replace(hour=8 + int(hour), minute=int(minute)))  # 8 hours behind in winter
