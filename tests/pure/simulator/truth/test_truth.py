"""What tables ought to say, against what the simulated APIs answer: report files and Analytics' tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.simulator.analytics.handlers import query_reports
from infra.local.simulator.data.library import Library
from infra.local.simulator.grants import Client, Grant
from infra.local.simulator.reporting.jobs import Jobs
from infra.local.simulator.state import Plan, Simulator
from infra.local.simulator.truth.cells import ANALYTICS_SCOPE, MONETARY_SCOPE, Cell, counting
from infra.local.simulator.truth.channel_days import BASIC, REACH, channel_days
from infra.local.simulator.truth.videos import counts, videos
from infra.local.simulator.world.model import Channel
from shared.clock import last_full_day, pacific_day, parse_instant

NOON = datetime(2026, 7, 8, 19, tzinfo=UTC)
CLIENT = Client(client_id="client-1", client_secret="", redirect_uris=("https://app.example.test/back",))
BOTH = frozenset({ANALYTICS_SCOPE, MONETARY_SCOPE})


@dataclass
class Network:
    """A small world; its channels have reporting jobs from the first day on."""

    simulator: Simulator

    @property
    def jobs(self) -> Jobs:
        return self.simulator.room(Jobs)

    def allow(self, channel: Channel, scopes: frozenset[str] = BOTH) -> None:
        owner = self.simulator.world.owner(channel.id)
        assert owner is not None
        grants, back = self.simulator.grants, CLIENT.redirect_uris[0]
        grant = Grant(client_id=CLIENT.client_id, account=owner, channel_id=channel.id, scopes=scopes)
        code = grants.issue_code(
            grant, redirect_uri=back, challenge=None, plain=False, offline=True, nonce=None, lifetime=None
        )
        grants.exchange(code, client=CLIENT, redirect_uri=back, verifier=None)

    def advance(self, **span: float) -> None:
        self.simulator.timepiece.advance(timedelta(**span).total_seconds())

    def days(self, channel: Channel, back: int = 45) -> dict[date, dict[str, Cell]]:
        last = last_full_day(self.simulator.clock())
        found = channel_days(self.simulator, channel, last - timedelta(days=back), last)
        return {date.fromisoformat(day): cells for day, cells in found.items()}

    def ask(self, channel: Channel, **asked: Any) -> list[dict[str, Any]]:
        """What Analytics answers."""
        grant = SimpleNamespace(channel_id=channel.id, scopes=BOTH)
        last = last_full_day(self.simulator.clock())
        span = {"startDate": (last - timedelta(days=45)).isoformat(), "endDate": last.isoformat()}
        call: Any = SimpleNamespace(params={"ids": "channel==MINE", **span, **asked}, grant=grant)
        answer: Any = query_reports(self.simulator, call)
        names = [header["name"] for header in answer["columnHeaders"]]
        return [dict(zip(names, row, strict=True)) for row in answer.get("rows", ())]

    def files(self, channel: Channel, kind: str) -> Iterator[tuple[date, list[Mapping[str, str]]]]:
        """The newest report of each day, as it is downloaded."""
        for ordinal, (job, issue) in counting(self.jobs, channel, kind).items():
            text = self.jobs.text(job, issue)
            yield date.fromordinal(ordinal), list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def network() -> Network:
    """Ten days after everybody has connected."""
    plan = Plan(root="", users=2, channels_per_user=3, starts_at=NOON, clients=(CLIENT,))
    made = Network(Simulator(plan))
    for channel in made.simulator.world.channels():
        made.allow(channel)
        for kind in (BASIC, REACH):
            assert made.jobs.create(channel.id, kind, "n")
    made.advance(days=10)
    return made


@pytest.fixture
def channel(network: Network) -> Channel:
    """One that earns money, and is watched."""
    earning = [each for each in network.simulator.world.channels()[:6] if each.monetised]
    return max(earning, key=lambda each: each.popularity)


def added(rows: list[Mapping[str, str]], name: str) -> float:
    return sum(float(row[name]) for row in rows)


def test_a_day_with_a_report_says_what_its_newest_file_adds_up_to(network: Network):
    compared = 0
    for channel in network.simulator.world.channels()[:6]:
        days = network.days(channel)
        for day, rows in network.files(channel, BASIC):
            cells = days[day]
            for name in ("views", "engaged_views", "subscribers_gained", "subscribers_lost"):
                assert cells[name] == {"value": added(rows, name), "by": "report"}
            minutes, engaged = added(rows, "watch_time_minutes"), added(rows, "engaged_views")
            assert cells["watch_time_minutes"]["value"] == pytest.approx(minutes)
            average = (
                {"value": pytest.approx(60 * minutes / engaged, abs=1e-5), "by": "report"}
                if engaged
                else {"reason": "noEngagedViews"}
            )
            assert cells["average_view_duration"] == average
            compared += 1
    assert compared > 6 * 30


def test_impressions_and_their_rate_are_the_reach_report_s(network: Network):
    for channel in network.simulator.world.channels()[:6]:
        days = network.days(channel)
        for day, rows in network.files(channel, REACH):
            shown = added(rows, "video_thumbnail_impressions")
            clicked = sum(
                float(row["video_thumbnail_impressions"]) * float(row["video_thumbnail_impressions_ctr"])
                for row in rows
            )
            assert days[day]["impressions"] == {"value": shown, "by": "report"}
            rate = days[day]["click_through_rate"]
            assert rate == (
                {"value": pytest.approx(clicked / shown), "by": "report"} if shown else {"reason": "noImpressions"}
            )


def test_a_day_without_a_report_says_what_analytics_answers(network: Network, channel: Channel):
    missing = last_full_day(NOON) - timedelta(days=5)
    network.jobs.make_odd(channel.id, BASIC, missing.toordinal(), None)
    names = {
        "views": "views",
        "engagedViews": "engaged_views",
        "estimatedMinutesWatched": "watch_time_minutes",
        "averageViewDuration": "average_view_duration",
        "subscribersGained": "subscribers_gained",
        "subscribersLost": "subscribers_lost",
    }
    days, found = network.days(channel), {}
    for row in network.ask(channel, metrics=",".join(names), dimensions="day"):
        day = date.fromisoformat(row["day"])
        cells = {name: days[day][name] for name in names.values()}
        if all(cell.get("by") == "analytics" for cell in cells.values()):
            found[day] = {cell["unasked"] for cell in cells.values()}
            assert {name: cell["value"] for name, cell in cells.items()} == {
                column: row[metric] for metric, column in names.items()
            }
    assert found[missing] == {"neverIssued"}
    assert {reason for day, (reason,) in found.items() if day < pacific_day(NOON) - timedelta(days=30)} == {
        "beforeReports"
    }


def test_revenue_is_told_in_steps_the_last_of_which_is_final(network: Network, channel: Channel):
    day = pacific_day(NOON)
    network.advance(days=20)  # every figure of that day is final
    steps = network.days(channel)[day]["estimated_revenue"]["value"]
    assert len(steps) > 2
    asked = {"startDate": day.isoformat(), "endDate": day.isoformat(), "metrics": "estimatedRevenue"}
    for since, dollars in steps:
        network.simulator.timepiece.set(parse_instant(since))
        network.advance(seconds=1)
        [row] = network.ask(channel, **asked, dimensions="day")
        assert row["estimatedRevenue"] == pytest.approx(dollars, abs=0.001)


def test_a_day_is_awaited_for_72_hours_and_then_never_issued(network: Network, channel: Channel):
    cells = network.days(channel)[last_full_day(network.simulator.clock())]
    assert {cell["reason"] for cell in cells.values()} == {"notYet"}
    day = pacific_day(NOON)
    for kind in (BASIC, REACH):
        network.jobs.make_odd(channel.id, kind, day.toordinal(), None)
    cells = network.days(channel)[day]
    assert cells["impressions"] == {"reason": "neverIssued"}
    assert cells["views"]["unasked"] == "neverIssued"
    network.simulator.grants.revoke_account(network.simulator.world.owner(channel.id).id)  # type: ignore[union-attr]
    assert network.days(channel)[day]["views"] == {"reason": "neverIssued"}


def test_revenue_that_cannot_be_known_says_why(network: Network, channel: Channel):
    day = pacific_day(NOON)

    def reason(of: Channel) -> str:
        return str(network.days(of)[day]["estimated_revenue"]["reason"])

    channel.monetised = False
    assert reason(channel) == "notMonetised"
    channel.monetised = True
    channel.state = "suspended"
    assert reason(channel) == "notPermitted"
    channel.state = "ok"
    network.simulator.grants.revoke_account(network.simulator.world.owner(channel.id).id)  # type: ignore[union-attr]
    assert reason(channel) == "notPermitted"
    network.allow(channel, frozenset({ANALYTICS_SCOPE}))
    assert reason(channel) == "notPermitted"
    network.allow(channel)
    assert network.days(channel)[day]["estimated_revenue"]["by"] == "analytics"


def test_a_video_counts_what_all_reports_say_of_it(network: Network, channel: Channel):
    uploaded = network.simulator.world.videos_of(channel.id, network.simulator.clock())
    deleted = uploaded[-1]
    network.simulator.world.delete_video(deleted, network.simulator.clock())
    network.advance(days=4)  # what is issued from now on does not name it
    told = videos(network.simulator, channel)
    rows = [row for _, rows in network.files(channel, BASIC) for row in rows]
    for video_id, cells in told.items():
        own = [row for row in rows if row["video_id"] == video_id]
        for name in ("views", "engaged_views", "likes", "dislikes", "comments", "shares", "watch_time_minutes"):
            counted = (
                {"value": pytest.approx(added(own, name)), "by": "report"} if own else {"reason": "notReported"}
            )
            assert cells[name] == counted
    assert told[deleted.id]["published_at"] == told[deleted.id]["retention_data"] == {"reason": "gone"}
    published = told[uploaded[0].id]["published_at"]["value"]
    assert parse_instant(published) == uploaded[0].published_at


def test_a_video_has_the_curve_that_analytics_gives_or_too_few_views(network: Network, channel: Channel):
    fresh = network.simulator.world.insert_video(channel.id, title="t", now=network.simulator.clock())
    network.advance(hours=80)
    told = videos(network.simulator, channel)
    asked = {"metrics": "audienceWatchRatio,relativeRetentionPerformance", "dimensions": "elapsedVideoTimeRatio"}
    kinds = set()
    for video in network.simulator.world.videos_of(channel.id, network.simulator.clock()):
        since = {"startDate": pacific_day(video.published_at).isoformat(), "filters": f"video=={video.id}"}
        points = [list(row.values()) for row in network.ask(channel, **asked, **since)]
        cell = told[video.id]["retention_data"]
        assert cell.get("value", []) == points
        kinds.add(cell.get("reason", "curve"))
    assert fresh.id in told
    assert "curve" in kinds


def test_the_counts_of_an_instant_are_those_that_youtube_told_then_and_what_is_hidden_is_none(
    network: Network, channel: Channel
):
    library, asked_at = network.simulator.room(Library), network.simulator.clock()
    hidden, *others = library.uploads(channel.id, channel.id)
    library.hidden_counts[hidden.id] = frozenset({"likeCount"})
    told = {video.id: library.shown(video, channel.id).counters for video in (hidden, *others)}
    network.advance(hours=5)
    found = counts(network.simulator, channel, asked_at)
    for video in others:
        assert {**found[video.id], "dislikes": told[video.id].dislikes} == vars(told[video.id])
    assert found[hidden.id]["likes"] is None
    assert found[hidden.id]["views"] == told[hidden.id].views
