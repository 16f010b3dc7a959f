"""Which jobs the daily audit doubts, and which report types are told as ending."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.collection.audit import lacks
from shared.collection.offers import retiring
from shared.youtube.reporting import ReportType
from tests.pure.console.network import NOW, job

SINCE = date(2026, 10, 20)


@pytest.mark.parametrize(
    ("october", "november", "doubted"), [(12, 18, False), (13, 19, False), (11, 18, True), (12, 17, True)]
)
def test_a_job_is_doubted_when_a_month_has_fewer_days_in_the_warehouse_than_count_as_loaded(
    october, november, doubted
):
    named = {("UC1", "channel_basic_a3", "2026-10"): october, ("UC1", "channel_basic_a3", "2026-11"): november}
    assert lacks(job(), named, since=SINCE, now=NOW) is doubted


def test_days_that_count_as_missing_raise_no_doubt():
    assert not lacks(job(seen_at=None), {}, since=SINCE, now=NOW)
    assert lacks(job(), {}, since=SINCE, now=NOW)


@pytest.mark.fault(62)
def test_a_report_type_that_youtube_ends_or_no_longer_has_is_told():
    ends = NOW + timedelta(days=90)
    offered = [
        ReportType(id="stays", deprecated_at=None),
        ReportType(id="ends", deprecated_at=ends),
    ]
    assert retiring(["stays", "ends", "gone"], offered) == {"ends": ends, "gone": None}
