"""What of a connection is probed, and when a month is verified again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.endpoints import endpoints
from shared.access.features import FEATURES
from shared.channels import Capability, Channel
from shared.collection.probing import PROBES, to_ask
from shared.collection.verifying import Difference, Part, Verified, next_due, told
from shared.quota.profile import load

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)


def channel(**reasons: str) -> Channel:
    found = {name: Capability(have=reason == "granted", reason=reason) for name, reason in reasons.items()}
    return Channel(
        channel_id="UC1", user_id="u", title="t", state="connected", state_since=NOW, connected_at=NOW,
        capabilities=found,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("capabilities", "answered", "asked"),
    [
        ({}, [], [""]),
        ({"analytics": "granted", "captions": "notAsked"}, [], ["", "analytics", "analytics"]),
        ({"analytics": "granted"}, ["youtube.videos.list", "youtubeAnalytics.reports.query"], ["analytics"]),
        ({"revenue": "granted"}, ["youtube.videos.list", "youtubeAnalytics.reports.query"], ["revenue"]),
        ({"captions": "granted"}, ["youtube.captions.update"], []),
        ({"captions": "insufficientPermissions"}, ["youtube.captions.update"], ["captions"]),
    ],
)  # fmt: skip
def test_only_what_was_given_and_nobody_used_for_a_week_is_probed_and_what_is_lost_always(
    capabilities, answered, asked
):
    assert [each.needs for each in to_ask(channel(**capabilities), answered)] == asked


def test_every_feature_but_publishing_has_a_probe_of_one_unit():
    assert {each.needs for each in PROBES} == {"", *FEATURES} - {"publish"}
    sent = ("youtube.channels.list", "youtubeAnalytics.reports.query", "youtube.commentThreads.list")
    for method in (*sent, "youtubereporting.reportTypes.list"):
        assert load("current").method(method).cost == 1
        assert method in endpoints()


def verified(month: str, *differing: Difference) -> Verified:
    return Verified(channel_id="UC1", month=month, value="v", days=30, waiting=0, differing=differing)


def test_a_month_is_verified_the_less_often_the_older_it_is_and_daily_while_it_differs():
    days = [(next_due(verified(month), NOW) - NOW).days for month in ("2026-11", "2026-10", "2026-08", "2024-01")]
    assert days == [21, 52, 113, 180]
    assert next_due(verified("2026-11"), NOW.replace(day=2)) == NOW.replace(day=2) + timedelta(days=14)
    wrong = [
        Difference(part=Part.ROWS, says="x" * size, report_type=kind, day="2026-10-30")
        for size, kind in ((9, "channel_basic_a3"), (1_000, None))
    ]  # fmt: skip
    assert next_due(verified("2026-10", *wrong), NOW) < NOW + timedelta(days=1)
    assert told(verified("2026-10", *wrong)) == (
        "UC1 2026-10, channel_basic_a3 2026-10-30: rows: xxxxxxxxx and 1 more"
    )
    assert len(told(verified("2026-10", wrong[1]))) == 300
    assert told(verified("2026-10")) == ""
