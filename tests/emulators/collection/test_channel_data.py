"""A channel's numbers by four levels, each with its provenance: warehouse, cache, Analytics and the Data API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from infra.local.simulator.data.library import Library
from infra.local.simulator.data.studio import Studio
from shared import channels
from shared.clock import last_full_day, to_the_second
from shared.collection import week_answers
from shared.collection.cache import Look, invalidate
from shared.collection.channel_data import ChannelData
from shared.collection.numbers import asked_for
from shared.errors import NotFound, QuotaRefused, Unavailable
from shared.quota.profile import Priority
from shared.warehouse.append import append
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import REPORT_LOADS, TABLES, VIDEO_METADATA
from shared.youtube.client import Caller
from tests.emulators.collection.reading import KIND, Reading
from tests.emulators.youtube.stand import Stand, standing
from tests.pure.interface.test_openapi import holds

DAY = timedelta(days=1)
PAID, FREE = (2, 0), (1, 1)
HIGH = Priority.HIGH
EVERYTHING = ("analytics", "revenue", "publish")


@dataclass
class Numbers:
    """Two connected channels, one of them in the Partner Program, and who answers about them."""

    stand: Stand
    warehouse: Warehouse | None

    def __post_init__(self) -> None:
        self.reading = Reading(self.stand)
        self.paid, self.free = (self.reading.connect(*place, granted=EVERYTHING) for place in (PAID, FREE))

    @property
    def days(self) -> list[date]:
        """The guide's seven."""
        last = last_full_day(self.stand.clock())
        return [last - number * DAY for number in range(6, -1, -1)]

    def answer(self, channel_id: str, **asked: Any) -> dict[str, Any]:
        clock = self.stand.clock
        room = ChannelData(
            client=self.stand.firestore,
            warehouse=self.made,
            caller_for=self.caller,
            clock=clock,
        )
        found = room.answer(asked_for({"channel_id": channel_id, **asked}, clock()))
        holds("Numbers", found)
        return found

    def made(self) -> Warehouse:
        if self.warehouse is None:
            raise Unavailable("BigQuery does not answer.", reason="warehouseUnavailable")
        return self.warehouse

    def caller(self, channel: channels.Channel) -> Caller:
        caller = self.reading.callers[channel.channel_id]
        return replace(caller, context=replace(caller.context, account=channel.user_id))

    def report(self, channel_id: str, day: date, views: int, at: datetime) -> None:
        """A bulk report of a day, loaded."""
        known = {"report_id": f"r{day}", "load_id": f"l{day}", "channel_id": channel_id}
        load = {"report_type": KIND, "job_id": "j", "day": day.isoformat(), "create_time": at.isoformat(),
                "row_count": 1, "checksum": "c", "loaded_at": at.isoformat()}  # fmt: skip
        counts = {"views": views, "engaged_views": views, "watch_time_minutes": 3.5, "likes": 1, "dislikes": 0,
                  "comments": 2, "shares": 0, "subscribers_gained": 1, "subscribers_lost": 0}  # fmt: skip
        row = {**known, "date": day.isoformat(), "video_id": self.video(channel_id).id, **counts}
        append(self.made(), REPORT_LOADS, [{**known, **load}], self.stand.clock)
        [table] = [each for each in TABLES if each.name == REPORT_TYPES[KIND].table]
        append(self.made(), table, [row], self.stand.clock)

    def read_by_night(self, video_id: str, *, published: datetime, read: datetime) -> None:
        """What the nightly reading noted of a video of the first channel's."""
        row = {"load_id": f"l{read}", "channel_id": self.paid, "video_id": video_id, "as_of": read.isoformat(),
               "gone": False, "title": "T", "published_at": published.isoformat(), "views": 77}  # fmt: skip
        append(self.made(), VIDEO_METADATA, [row], self.stand.clock)

    def kept_videos(self) -> set[str]:
        """The first channel's videos of which the cache has what reports tell."""
        kept = Look(self.stand.firestore, self.paid, self.stand.clock).entries.entries
        return {key.partition(":")[2] for key in kept if key.startswith("reports:") and key.count(":") == 1}

    def video(self, channel_id: str) -> Any:
        return next(iter(self.stand.simulator.room(Library).uploads(channel_id, channel_id)))

    def calls(self) -> list[str]:
        found = [call.endpoint for call in self.stand.calls]
        self.stand.calls.clear()
        return found

    def spend(self, bucket_method: str, units: int) -> None:
        """Have somebody spend units that count against the alert threshold."""
        ledger = self.stand.ledger
        for _ in range(units // 1_000):
            held = ledger.reserve(method=bucket_method, account="system", priority=HIGH, count=1_000)
            ledger.settle(held, sent=True)


@pytest.fixture
def numbers(firestore_client, warehouse) -> Iterator[Numbers]:
    with standing(firestore_client) as stand:
        yield Numbers(stand, warehouse)


def levels(told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: each["level"] for name, each in told.items()}


def test_each_number_comes_from_the_first_level_that_has_it_and_is_asked_once(numbers: Numbers):
    first, at = numbers.days[0], numbers.stand.clock() - 2 * DAY
    numbers.report(numbers.paid, first, 41, at)
    video = numbers.video(numbers.paid).id
    answer = numbers.answer(numbers.paid, videos=[video])
    assert (answer["price"], answer["retry_at"]) == ({"analytics": 2, "default": 2}, None)
    assert sorted(numbers.calls()) == [
        "youtube.channels.list",
        "youtube.videos.list",
        *["youtubeAnalytics.reports.query"] * 2,
    ]
    reported = answer["days"][first.isoformat()]
    assert (reported["views"]["value"], reported["views"]["state"]) == (41, "final")
    assert (reported["views"]["source"], reported["views"]["age_seconds"] // 3600) == ("reports", 48)
    assert levels(reported) == {
        **dict.fromkeys(("views", "engaged_views", "watch_time_minutes", "average_view_duration"), 1),
        **dict.fromkeys(("subscribers_gained", "subscribers_lost"), 1),
        **dict.fromkeys(("impressions", "click_through_rate")),
        "estimated_revenue": 3,
    }
    told = answer["days"][numbers.days[1].isoformat()]
    assert (told["views"]["level"], told["views"]["state"]) == (3, "provisional")
    assert told["views"]["age_seconds"] < 600
    assert told["views"]["value"] is not None
    assert told["impressions"] == {**told["impressions"], "value": None, "level": None}
    newest = answer["days"][numbers.days[-1].isoformat()]["views"]
    assert (newest["value"], newest["why"]) == (None, "asked, and not told yet")
    seen = answer["videos"][video]
    assert (seen["views"]["value"], seen["views"]["level"], seen["lifetime_views"]["level"]) == (41, 1, 4)
    assert answer["channel"]["subscribers"]["level"] == 4
    numbers.stand.advance(minutes=15)
    again = numbers.answer(numbers.paid, videos=[video])
    assert (again["price"], numbers.calls()) == ({}, [])
    assert again["channel"]["subscribers"] == {
        **answer["channel"]["subscribers"],
        "level": 2,
        "age_seconds": again["channel"]["subscribers"]["age_seconds"],
        "why": "it was read less than 1 day, 0:00:00 ago",
    }
    assert again["channel"]["subscribers"]["age_seconds"] >= 15 * 60
    newest = again["days"][numbers.days[-1].isoformat()]["views"]
    assert (newest["value"], newest["why"]) == (None, "it was asked less than 0:30:00 ago, and not told yet")


def test_the_user_of_the_channel_pays_and_what_is_shown_again_costs_nothing(numbers: Numbers):
    for _ in range(3):
        numbers.answer(numbers.paid, numbers=["subscribers"])
    assert [call.user_id for call in numbers.stand.calls] == ["u2"]
    assert numbers.stand.ours()["default"] == 1


@pytest.mark.parametrize("changed", [True, False])
def test_a_notification_has_videos_and_channel_read_again_at_once(numbers: Numbers, changed: bool):
    video = numbers.video(numbers.paid)
    asked = {"videos": [video.id], "numbers": ["lifetime_views", "subscribers", "estimated_revenue"]}
    numbers.answer(numbers.paid, **asked)
    numbers.calls()
    numbers.stand.advance(minutes=10)
    if changed:
        invalidate(numbers.stand.firestore, numbers.paid)
    numbers.answer(numbers.paid, **asked)
    assert sorted(numbers.calls()) == (["youtube.channels.list", "youtube.videos.list"] if changed else [])


def test_past_the_alert_threshold_what_was_read_last_is_told_with_its_age_and_when_newer_can_be_had(
    numbers: Numbers,
):
    numbers.warehouse = None
    before = numbers.answer(numbers.paid, numbers=["subscribers"])["channel"]["subscribers"]
    numbers.stand.advance(hours=30)
    numbers.spend("youtube.videos.list", 8_000)
    answer = numbers.answer(numbers.paid, numbers=["subscribers"])
    stale = answer["channel"]["subscribers"]
    assert (stale["value"], stale["as_of"], stale["level"]) == (before["value"], before["as_of"], 2)
    assert stale["age_seconds"] // 3600 == 30
    assert stale["why"].startswith("nothing newer can be had")
    assert answer["retry_at"] is not None
    with pytest.raises(QuotaRefused) as refused:
        numbers.answer(numbers.free, numbers=["subscribers"])
    assert (refused.value.reason, refused.value.code) == ("cacheOnly", 429)
    assert refused.value.retry_at is not None


def test_a_warehouse_that_does_not_answer_leaves_the_other_levels(numbers: Numbers):
    numbers.warehouse = None
    day = numbers.days[1].isoformat()
    answer = numbers.answer(numbers.paid, start=day, end=day, numbers=["views", "impressions"])
    assert levels(answer["days"][day]) == {"views": 3, "impressions": None}
    assert answer["days"][day]["impressions"]["why"] == "BigQuery does not answer."
    with pytest.raises(Unavailable) as silent:
        numbers.answer(numbers.paid, start=day, end=day, numbers=["impressions"])
    assert silent.value.reason == "warehouseUnavailable"


def test_money_of_a_channel_that_earns_none_is_unknown_and_nothing_else_is(numbers: Numbers):
    day = numbers.days[1].isoformat()
    told = numbers.answer(numbers.free, start=day, end=day)["days"][day]
    assert told["estimated_revenue"]["value"] is None
    assert "Partner Program" in told["estimated_revenue"]["why"]
    assert told["views"]["level"] == 3


def test_what_the_owner_did_not_permit_is_not_asked(numbers: Numbers):
    channel = numbers.reading.connect(*PAID, granted=("analytics",))
    day = numbers.days[1].isoformat()
    told = numbers.answer(channel, start=day, end=day, numbers=["estimated_revenue"])["days"][day]
    assert told["estimated_revenue"]["why"] == "refused: the permission was not given"
    assert numbers.calls() == []


def test_a_video_that_is_gone_or_somebody_elses_is_nobodys_number(numbers: Numbers):
    gone, others = numbers.video(numbers.paid), numbers.video(numbers.free)
    numbers.stand.simulator.room(Studio).delete(gone)
    answer = numbers.answer(numbers.paid, videos=[gone.id, others.id], numbers=["lifetime_views"])
    for each in (gone.id, others.id):
        told = answer["videos"][each]["lifetime_views"]
        assert (told["value"], told["why"]) == (None, "gone: YouTube does not find it")


def test_what_the_nightly_reading_had_is_told_where_youtube_cannot_be_asked(numbers: Numbers):
    video, at = numbers.video(numbers.paid), numbers.stand.clock() - timedelta(hours=9)
    numbers.read_by_night(video.id, published=at, read=at)
    refused = channels.Refusal(reason="channelSuspended", since=at, until=None)
    channels.set_refusal(numbers.stand.firestore, numbers.paid, "youtube", refused)
    told = numbers.answer(numbers.paid, videos=[video.id], numbers=["lifetime_views"])["videos"][video.id]
    assert (told["lifetime_views"]["value"], told["lifetime_views"]["level"]) == (77, 2)
    assert told["lifetime_views"]["why"] == "nothing newer can be had: not asked: channelSuspended"


def test_a_channel_that_is_not_connected_is_not_found(numbers: Numbers):
    with pytest.raises(NotFound) as missing:
        numbers.answer("UC" + "z" * 22)
    assert missing.value.reason == "notConnected"


def test_one_question_answers_the_week_of_all_who_are_looked_at_and_of_nobody_else(numbers: Numbers):
    def asked() -> int:
        return week_answers.ask(numbers.stand.firestore, numbers.made(), numbers.stand.clock)

    kept = numbers.stand.firestore.document("cache", numbers.paid)
    assert (asked(), kept.get().exists) == (0, False)
    numbers.answer(numbers.paid)
    until = kept.get().get("expires_at")
    numbers.stand.advance(hours=14)  # the page's own answer counts no more
    at, day = numbers.stand.clock(), numbers.days[0].isoformat()
    numbers.report(numbers.paid, numbers.days[0], 41, at)
    new, known = numbers.video(numbers.paid).id, "v" * 11
    numbers.read_by_night(new, published=at - 6 * DAY, read=at - DAY)
    for hours in (24 * 20, 1):  # it was private when it was read first
        numbers.read_by_night(known, published=at - 6 * DAY, read=at - timedelta(hours=hours))
    before = numbers.stand.clock()
    assert (asked(), kept.get().get("expires_at")) == (1, until)
    after = numbers.stand.clock()
    assert numbers.kept_videos() == {new}
    assert not numbers.stand.firestore.document("cache", numbers.free).get().exists
    numbers.warehouse = None  # nobody can ask it now
    numbers.stand.advance(hours=8)
    answer = numbers.answer(numbers.paid, start=day, end=numbers.days[-1].isoformat(), numbers=["views"])
    assert (answer["days"][day]["views"]["value"], answer["days"][day]["views"]["level"]) == (41, 1)
    assert to_the_second(before) <= answer["reports_as_of"] <= to_the_second(after)  # of the question
    of_video = numbers.answer(numbers.paid, videos=[new], numbers=["views", "comments"])["videos"][new]
    assert {name: (each["value"], each["level"]) for name, each in of_video.items()} == {
        "views": (41, 1),
        "comments": (2, 1),
    }


def test_of_a_video_of_today_the_warehouse_is_not_asked(numbers: Numbers):
    video, numbers.warehouse = numbers.video(numbers.paid), None
    video.published_at = numbers.stand.clock()
    told = numbers.answer(numbers.paid, videos=[video.id], numbers=["views", "published_at"])["videos"][video.id]
    assert (told["published_at"]["level"], told["views"]["value"]) == (4, None)
    assert told["views"]["why"] == "not yet: no report tells of the video"
