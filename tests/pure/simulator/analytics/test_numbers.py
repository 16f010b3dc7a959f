"""The numbers of the simulated Analytics API, against the report files of the same day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from infra.local.simulator.analytics import numbers, rules
from infra.local.simulator.world import World
from infra.local.simulator.world.codes import codes
from infra.local.simulator.world.report_types import REPORT_TYPES
from infra.local.simulator.world.rows import Row, rows

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 11, 10)
WORLD = World.generate(5, 2, 3, NOW)
BUSY = max(WORLD.channels(), key=lambda one: WORLD.channel_day(one.id, DAY).views)


def gathered(**asked: Any) -> dict[tuple[str, ...], numbers.Cell]:
    span = {"startDate": DAY.isoformat(), "endDate": DAY.isoformat()}
    return numbers.gather(WORLD, BUSY, rules.parse({**span, "metrics": "views", **asked}), NOW.timestamp())


def filed(type_id: str) -> list[Row]:
    videos = WORLD.all_videos_of(BUSY.id, DAY)
    return rows(BUSY, videos, DAY.toordinal(), REPORT_TYPES[type_id], draft=None, as_of=NOW.timestamp())


@pytest.mark.parametrize(
    ("dimension", "type_id", "column"),
    [
        ("insightTrafficSourceType", "channel_traffic_source_a3", "traffic_source_type"),
        ("insightPlaybackLocationType", "channel_playback_location_a3", "playback_location_type"),
        ("deviceType", "channel_device_os_a3", "device_type"),
        ("operatingSystem", "channel_device_os_a3", "operating_system"),
        ("liveOrOnDemand", "channel_basic_a3", "live_or_on_demand"),
        ("subscribedStatus", "channel_basic_a3", "subscribed_status"),
    ],
)
def test_both_apis_tell_the_same_views_in_their_own_words(dimension: str, type_id: str, column: str):
    told: Counter[str] = Counter()
    place = [*REPORT_TYPES[type_id].header].index(column) - 2  # after the date and the channel
    for row in filed(type_id):
        told[codes()[column][row.dimensions[place]]] += row.tally.views
    assert {name: cell.tally.views for (name,), cell in gathered(dimensions=dimension).items()} == +told


def test_shares_by_service_are_those_of_the_report():
    told: Counter[str] = Counter()
    for row in filed("channel_sharing_service_a1"):
        told[codes()["sharing_service"][row.extra[0]]] += row.tally.shares
    found = gathered(dimensions="sharingService", metrics="shares")
    assert +Counter({name: cell.tally.shares for (name,), cell in found.items()}) == told


def test_a_filter_leaves_what_a_dimension_shows():
    by_status = gathered(dimensions="subscribedStatus")
    for (status,), cell in by_status.items():
        assert gathered(filters=f"subscribedStatus=={status}") == {(): cell}
    by_source = gathered(dimensions="insightTrafficSourceType")
    details = gathered(
        dimensions="insightTrafficSourceDetail",
        filters="insightTrafficSourceType==EXT_URL",
        sort="-views",
        maxResults=25,
    )
    assert sum(cell.tally.views for cell in details.values()) == by_source["EXT_URL",].tally.views


def test_every_kind_of_content_is_told_apart():
    kinds = {video.id: video for video in WORLD.all_videos_of(BUSY.id, DAY)}
    found = gathered(dimensions="video,creatorContentType", sort="-views", maxResults=200)
    assert len(found) == len({video for video, _ in found})
    for video, kind in found:
        short, live = kinds[video].is_short, kinds[video].live
        assert kind == ("SHORTS" if short else "LIVE_STREAM" if live else "VIDEO_ON_DEMAND")
