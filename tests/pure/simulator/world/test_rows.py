"""What stands in the report files, against the truth of the day."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.simulator.world import World
from infra.local.simulator.world.codes import codes
from infra.local.simulator.world.files import PLAIN, Dialect, column_sums, csv_text, summed
from infra.local.simulator.world.report_types import REPORT_TYPES
from infra.local.simulator.world.rows import Draft, Row, draft_of, rows
from infra.local.simulator.world.tally import total

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WORLD = World.generate(5, 10, 5, NOW)
CHANNELS = WORLD.channels()
BUSY = max(CHANNELS, key=lambda one: WORLD.channel_day(one.id, date(2026, 11, 10)).views)
CURRENT = [kind for kind in REPORT_TYPES.values() if kind.retired is None]
ALL_COUNTRIES = [kind for kind in CURRENT if "province_code" not in kind.extra]
EVERY_VIEW = [
    kind for kind in ALL_COUNTRIES if kind.shape != "playlist" and {"views", "red_views"} <= set(kind.metrics)
]
PLAYLISTS = [kind for kind in ALL_COUNTRIES if kind.shape == "playlist"]

channels = st.sampled_from(CHANNELS)
days = st.dates(date(2026, 9, 1), date(2027, 3, 20))


def report(channel, day, type_id="channel_basic_a3", draft=None, as_of=NOW) -> list[Row]:
    videos = WORLD.all_videos_of(channel.id, day)
    return rows(channel, videos, day.toordinal(), REPORT_TYPES[type_id], draft=draft, as_of=as_of.timestamp())


@given(channels, days)
@settings(max_examples=200)
def test_a_final_report_adds_up_to_the_truth_of_the_day(channel, day):
    assert total(row.tally for row in report(channel, day)) == WORLD.channel_day(channel.id, day)


@given(channels, days, st.sampled_from(EVERY_VIEW))
@settings(max_examples=150)
def test_every_split_of_a_day_has_the_same_totals(channel, day, kind):
    mine = total(row.tally for row in report(channel, day, kind.id))
    basic = total(row.tally for row in report(channel, day))
    assert mine._replace(subscribers_gained=0, subscribers_lost=0, length=0) == basic._replace(
        subscribers_gained=0, subscribers_lost=0, length=0
    )


@pytest.mark.parametrize(
    ("type_id", "counts"),
    [
        ("channel_sharing_service_a1", ["shares"]),
        ("channel_cards_a1", ["card_impressions", "card_clicks"]),
        ("channel_reach_basic_a1", ["impressions", "impression_clicks"]),
        ("channel_reach_combined_a1", ["impressions", "impression_clicks"]),
    ],
)
@given(channels, days)
@settings(max_examples=40)
def test_a_report_about_one_thing_has_all_of_it(type_id, counts, channel, day):
    mine = total(row.tally for row in report(channel, day, type_id))
    truth = WORLD.channel_day(channel.id, day)
    assert [getattr(mine, name) for name in counts] == [getattr(truth, name) for name in counts]


@given(channels, days, st.sampled_from(PLAYLISTS))
@settings(max_examples=100)
def test_every_split_of_what_was_watched_in_playlists_has_the_same_totals(channel, day, kind):
    mine, basic = (
        total(row.tally for row in report(channel, day, type_id)) for type_id in (kind.id, "playlist_basic_a2")
    )
    assert mine == basic


@given(channels, days)
@settings(max_examples=60)
def test_the_report_by_province_has_the_viewers_in_the_united_states(channel, day):
    found = report(channel, day, "channel_province_a3")
    american = [row for row in report(channel, day) if row.country == "US" and row.tally.views]
    mine, truth = total(row.tally for row in found), total(row.tally for row in american)
    # Who subscribes without watching stands in the basic report alone.
    assert mine._replace(subscribers_gained=0, subscribers_lost=0) == truth._replace(
        subscribers_gained=0, subscribers_lost=0
    )
    assert all(row.country == "US" and row.extra[0].startswith("US-") for row in found)


@given(channels, days, st.sampled_from(CURRENT), st.sampled_from([None, *Draft]))
@settings(max_examples=200)
def test_no_two_rows_of_a_file_have_the_same_dimensions(channel, day, kind, draft):
    found = [row.dimensions for row in report(channel, day, kind.id, draft)]
    assert len(set(found)) == len(found)


def test_a_draft_is_lower_or_longer_or_empty_and_about_one_day_in_twenty_five_has_one():
    channel = BUSY
    day = date(2026, 11, 10)
    final = report(channel, day)
    assert report(channel, day, draft=Draft.EMPTY) == []
    assert total(r.tally for r in report(channel, day, draft=Draft.LOWER)).views < sum(
        r.tally.views for r in final
    )
    surplus = report(channel, day, draft=Draft.SURPLUS)
    vanished = {row.dimensions for row in surplus} - {row.dimensions for row in final}
    assert any(country == "ZZ" for _, _, _, country in vanished)
    drafts = [draft_of(one, day.toordinal() + n) for one in CHANNELS for n in range(100)]
    assert 0.03 < sum(draft is not None for draft in drafts) / len(drafts) < 0.05
    assert {draft for draft in drafts if draft} == set(Draft)


def test_some_rows_name_no_video_or_no_country_and_they_count():
    found = [row for channel in CHANNELS for row in report(channel, date(2026, 11, 12))]
    assert any(not row.video_id and row.tally.views for row in found)
    assert any(not row.video_id and row.tally.subscribers_lost and not row.tally.views for row in found)
    assert any(row.video_id and not row.country for row in found)
    assert {row.subscribed for row in found} == {"subscribed", "unsubscribed"}
    assert {row.live for row in found} == {"live", "on_demand"}


def test_a_deleted_video_loses_its_name_in_what_is_issued_afterwards():
    world = World.generate(5, 1, 1, NOW)
    channel = world.channels()[0]
    day = date(2026, 11, 20)
    video = max(world.videos_of(channel.id, NOW), key=lambda one: world.counters(one, NOW).views)
    world.delete_video(video, NOW)
    kind = REPORT_TYPES["channel_basic_a3"]

    def issued(at: datetime) -> list[Row]:
        every = world.all_videos_of(channel.id, day)
        return rows(channel, every, day.toordinal(), kind, draft=None, as_of=at.timestamp())

    before, after = issued(NOW - timedelta(hours=1)), issued(NOW)
    assert video.id in {row.video_id for row in before}
    assert video.id not in {row.video_id for row in after}
    assert total(row.tally for row in before) == total(row.tally for row in after)


def test_a_file_has_the_header_of_real_files_and_one_line_a_row():
    channel = BUSY
    day = date(2026, 11, 10)
    found = report(channel, day)
    text = csv_text(channel, day.toordinal(), REPORT_TYPES["channel_basic_a3"], found)
    lines = list(csv.DictReader(io.StringIO(text)))
    assert text.startswith(
        "date,channel_id,video_id,live_or_on_demand,subscribed_status,country_code,views,engaged_views,comments,"
    )
    assert len(lines) == len(found)
    assert {line["date"] for line in lines} == {"20261110"}
    kind = REPORT_TYPES["channel_basic_a3"]
    for name, right in (summed(kind, found) | column_sums(kind, found)).items():
        assert sum(float(line[name]) for line in lines) == pytest.approx(right)
    truth = WORLD.channel_day(channel.id, day)
    assert sum(int(line["views"]) for line in lines) == truth.views
    assert round(sum(float(line["watch_time_minutes"]) for line in lines), 4) == truth.watch_minutes
    assert summed(kind, found)["watch_time_minutes"] == truth.watch_minutes


def test_the_weighted_click_through_rate_of_a_reach_report_is_the_true_one():
    channel = BUSY
    day = date(2026, 11, 10)
    kind = REPORT_TYPES["channel_reach_basic_a1"]
    found = report(channel, day, kind.id)
    lines = list(csv.DictReader(io.StringIO(csv_text(channel, day.toordinal(), kind, found))))
    shown = sum(int(line["video_thumbnail_impressions"]) for line in lines)
    clicks = sum(
        int(line["video_thumbnail_impressions"]) * float(line["video_thumbnail_impressions_ctr"]) for line in lines
    )
    truth = WORLD.channel_day(channel.id, day)
    assert shown == truth.impressions
    assert clicks / shown == pytest.approx(truth.impression_clicks / truth.impressions)
    assert 0 < clicks / shown < 1


@pytest.mark.parametrize("kind", CURRENT, ids=lambda kind: kind.id)
def test_every_report_type_fills_its_header(kind):
    day = date(2026, 11, 10)
    longest = 0
    for channel in [BUSY, *CHANNELS[:5]]:
        text = csv_text(channel, day.toordinal(), kind, report(channel, day, kind.id))
        lines = list(csv.reader(io.StringIO(text)))
        assert lines[0] == list(kind.header)
        assert all(len(line) == len(kind.header) for line in lines)
        longest = max(longest, len(lines))
    assert longest > 1 or kind.id.startswith("channel_annotations_")


@pytest.mark.parametrize("kind", CURRENT, ids=lambda kind: kind.id)
def test_every_code_in_a_file_is_one_that_public_connectors_know(kind):
    day = date(2026, 11, 10)
    lines = [
        line
        for channel in CHANNELS[:10]
        for line in csv.DictReader(
            io.StringIO(csv_text(channel, day.toordinal(), kind, report(channel, day, kind.id)))
        )
    ]
    coded = codes().keys() & set(kind.header)
    assert {(name, line[name]) for line in lines for name in coded} <= {
        (name, code) for name in coded for code in codes()[name]
    }


def test_shares_of_viewers_make_a_hundred_in_every_group():
    channel = BUSY
    groups: dict[tuple[str, ...], float] = {}
    for row in report(channel, date(2026, 11, 10), "channel_demographics_a1"):
        group = row.dimensions[:4]
        groups[group] = groups.get(group, 0.0) + row.share
    assert groups
    assert all(share == pytest.approx(100) for share in groups.values())


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (Dialect(date_format="YYYY-MM-DD"), "2026-11-10,"),
        (Dialect(added_column="mystery"), ",mystery\n"),
        (Dialect(new_value="HOLOGRAM"), ",HOLOGRAM,"),
    ],
    ids=["date format", "added column", "new value"],
)
def test_files_can_be_written_as_nobody_expects(dialect, expected):
    channel = BUSY
    kind = REPORT_TYPES["channel_basic_a3"]
    found = report(channel, date(2026, 11, 10))
    ordinal = date(2026, 11, 10).toordinal()
    assert expected not in csv_text(channel, ordinal, kind, found, PLAIN)
    assert expected in csv_text(channel, ordinal, kind, found, dialect)


def test_a_column_can_be_missing():
    channel = CHANNELS[0]
    kind = REPORT_TYPES["channel_basic_a3"]
    day = date(2026, 11, 10)
    text = csv_text(channel, day.toordinal(), kind, report(channel, day), Dialect(missing_column="likes"))
    header, *lines = csv.reader(io.StringIO(text))
    assert header == [name for name in kind.header if name != "likes"]
    assert all(len(line) == len(header) for line in lines)


def test_a_day_of_fifty_channels_is_modest():
    sizes = sorted(len(report(channel, date(2026, 11, 10))) for channel in CHANNELS[:50])
    assert 5 <= sizes[25] <= 30
