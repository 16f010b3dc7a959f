"""The Reporting and Analytics APIs, typed, against the simulator."""

from datetime import timedelta
from io import BytesIO

import httpx
import pytest

from shared.clock import last_full_day
from shared.errors import CorruptData, Forbidden, InvalidRequest, Unavailable
from shared.youtube import analytics, reporting


class Kept(BytesIO):
    """What a report is written to."""

    def restart(self):
        self.seek(0)
        self.truncate()


@pytest.fixture
def reported(stand):
    """A job whose 30 days of history have come."""
    job = reporting.create_job(stand.caller(), "channel_basic_a3")
    stand.advance(days=4)
    return job


def test_ordering_a_report_twice_is_one_order(stand):
    caller = stand.caller()
    assert reporting.list_jobs(caller) == ()
    job = reporting.create_job(caller, "channel_basic_a3")
    assert reporting.create_job(caller, "channel_basic_a3").id == job.id
    assert [found.report_type for found in reporting.list_jobs(caller)] == ["channel_basic_a3"]
    assert "channel_basic_a3" in {kind.id for kind in reporting.report_types(caller)}


def test_reports_are_listed_by_creation_and_downloaded_whole(stand, reported):
    caller = stand.caller()
    reports = reporting.list_reports(caller, reported.id)
    assert len(reports) >= 30
    assert list(reports) == sorted(reports, key=lambda report: (report.created_at, report.id))
    later = reporting.list_reports(
        caller, reported.id, created_after=reports[-1].created_at - timedelta(seconds=1)
    )
    assert 0 < len(later) < len(reports)
    into = Kept()
    written = reporting.download(caller, reports[0].download_url, into)
    assert into.getvalue().startswith(b"date,channel_id,")
    assert written == len(into.getvalue())
    assert stand.ours()["reporting"] == stand.googles()["reporting"]
    assert stand.ours()["default"] == 0


@pytest.mark.fault(30)
@pytest.mark.parametrize("kind", ["cut", "damaged_gzip", "truncated"])
def test_a_download_that_is_cut_or_damaged_leaves_nothing_behind(stand, reported, kind):
    caller = stand.caller()
    url = max(reporting.list_reports(caller, reported.id), key=lambda found: found.start).download_url
    stand.inject(method="youtubereporting.media.download", kind=kind, times=1)
    into = Kept()
    with pytest.raises(Unavailable) as met:
        reporting.download(caller, url, into)
    assert met.value.reason in {"damagedDownload", "connectionLost"}
    assert into.getvalue() == b""
    reporting.download(caller, url, into)
    assert into.getvalue().startswith(b"date,")


def test_a_token_goes_to_no_foreign_download_address(stand):
    with pytest.raises(CorruptData):
        reporting.download(stand.caller(), "https://evil.example/v1/media/x?alt=media", Kept())
    assert stand.calls == []


def test_a_query_is_a_table(stand):
    caller = stand.caller()
    end = last_full_day(stand.clock()) - timedelta(days=4)
    table = analytics.query(
        caller,
        start=end - timedelta(days=6),
        end=end,
        metrics=["views", "estimatedMinutesWatched"],
        dimensions=["day"],
    )
    assert table.columns == ("day", "views", "estimatedMinutesWatched")
    assert len(table.rows) == 7
    assert not table.truncated
    assert table.records()[0]["day"] == (end - timedelta(days=6)).isoformat()


@pytest.mark.parametrize("no_rows", ["absent", "empty", "null"])
def test_days_without_numbers_are_not_there_and_whole_numbers_are_whole(stand, no_rows):
    written = {"whole_numbers": "float", "no_rows": no_rows}
    httpx.post(f"{stand.simulator.root}/control/analytics", json=written).raise_for_status()
    today, asked = stand.clock().date(), {"metrics": ["views"], "dimensions": ["day"]}
    assert analytics.query(stand.caller(), start=today, end=today, **asked).records() == []
    earlier = analytics.query(stand.caller(), start=today - timedelta(days=9), end=today, **asked)
    assert earlier.rows
    assert all(isinstance(row[1], int) for row in earlier.rows)


@pytest.mark.fault(34)
def test_an_answer_as_long_as_was_asked_for_is_flagged_as_truncated(stand):
    end = last_full_day(stand.clock()) - timedelta(days=4)
    table = analytics.query(
        stand.caller(),
        start=end - timedelta(days=20),
        end=end,
        metrics=["views"],
        dimensions=["day"],
        max_results=5,
    )
    assert len(table.rows) == 5
    assert table.truncated


def test_revenue_that_youtube_does_not_give_is_about_the_channel_and_not_about_the_grant(stand):
    end = last_full_day(stand.clock()) - timedelta(days=4)
    stand.inject(method="youtubeAnalytics.reports.query", kind="forbidden", times=1)
    with pytest.raises(Forbidden) as refused:
        analytics.query(stand.caller(), start=end, end=end, metrics=["estimatedRevenue"], dimensions=["day"])
    assert refused.value.reason == "monetaryForbidden"


def test_a_combination_that_youtube_does_not_have_is_a_defect_of_ours(stand):
    end = last_full_day(stand.clock())
    with pytest.raises(InvalidRequest):
        analytics.query(stand.caller(), start=end, end=end, metrics=["noSuchMetric"])
