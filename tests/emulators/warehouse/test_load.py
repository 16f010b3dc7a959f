"""What is loaded, what becomes visible, and when: against a BigQuery emulator, with Google's client."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.errors import CorruptData
from shared.warehouse import schema
from shared.warehouse.load import Load, already_loaded
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.rows import ReportRef
from shared.warehouse.statements import Warehouse

DAY = date(2026, 11, 1)
BASIC = REPORT_TYPES["channel_basic_a3"]
REACH = REPORT_TYPES["channel_reach_basic_a1"]
ISSUED = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
CONNECTION = "c" * 24


def clock() -> datetime:
    return datetime(2026, 11, 22, tzinfo=UTC)


def ref(report_id: str, *, day: date = DAY, issued: datetime = ISSUED, channel: str = "UC1") -> ReportRef:
    return ReportRef(
        report_id=report_id, channel_id=channel, report_type=BASIC.id, job_id="job", day=day,
        create_time=issued, download_url="https://example.test/report",
    )  # fmt: skip


def lines(
    *rows: dict[str, object], day: date = DAY, channel: str = "UC1", extra: tuple[str, ...] = ()
) -> list[str]:
    columns = [*BASIC.columns, *extra]
    default = {"date": day.strftime("%Y%m%d"), "channel_id": channel}
    body = [",".join(str({**default, **row}.get(c, "")) for c in columns) + "\n" for row in rows]
    return [",".join(columns) + "\n", *body]


@pytest.fixture
def warehouse(bigquery_client, dataset):
    found = Warehouse(bigquery_client, dataset)
    schema.make(found, "US")
    return found


def load(warehouse, load_id: str, *reports: tuple[ReportRef, list[str]]) -> Load:
    begun = Load(warehouse, BASIC, load_id, clock)
    for report, content in reports:
        begun.add(report, content, connection=CONNECTION)
    return begun


def metrics(warehouse, column: str = "views") -> list[object]:
    query = f"SELECT {column} FROM `{warehouse.dataset}.youtube_metrics` ORDER BY channel_id, date"
    return [row[0] for row in warehouse.client.query(query).result()]


def test_many_reports_become_visible_together(warehouse):
    days = [DAY + timedelta(days=n) for n in range(3)]
    begun = load(
        warehouse, "L1", *((ref(f"r{d}", day=d), lines({"views": 10}, {"views": 5}, day=d)) for d in days)
    )
    assert metrics(warehouse) == []
    assert [r.row_count for r in begun.publish()] == [2, 2, 2]
    assert metrics(warehouse) == [15, 15, 15]


@pytest.mark.fault(32)
def test_a_load_that_was_never_named_is_invisible_and_its_repeat_counts_once(warehouse):
    died = load(warehouse, "L1", (ref("r1"), lines({"views": 7})))
    died._send()  # the rows arrived, the process died before the manifest
    assert metrics(warehouse) == []
    load(warehouse, "L2", (ref("r1"), lines({"views": 7}))).publish()
    assert metrics(warehouse) == [7]


@pytest.mark.fault(28)
def test_the_same_report_loaded_twice_counts_once(warehouse):
    for load_id in ("L1", "L2"):
        load(warehouse, load_id, (ref("r1"), lines({"views": 7}))).publish()
    assert metrics(warehouse) == [7]
    assert already_loaded(warehouse, dict.fromkeys(["r1", "r2"], CONNECTION)) == {"r1": (f"L1-{CONNECTION}", 1)}


@pytest.mark.fault(28)
def test_an_older_issue_that_arrives_later_changes_nothing(warehouse):
    load(warehouse, "L1", (ref("new", issued=ISSUED + timedelta(days=2)), lines({"views": 9}))).publish()
    load(warehouse, "L2", (ref("old"), lines({"views": 4}))).publish()
    assert metrics(warehouse) == [9]


@pytest.mark.fault(29)
def test_a_report_issued_again_replaces_the_older_one_whole(warehouse):
    load(
        warehouse, "L1", (ref("old"), lines({"views": 4, "video_id": "a"}, {"views": 5, "video_id": "b"}))
    ).publish()
    again = ref("new", issued=ISSUED + timedelta(days=2))
    load(warehouse, "L2", (again, lines({"views": 3, "video_id": "a"}))).publish()
    assert metrics(warehouse) == [3]


def test_a_report_issued_again_without_rows_leaves_the_day_empty(warehouse):
    load(warehouse, "L1", (ref("old"), lines({"views": 4}))).publish()
    load(warehouse, "L2", (ref("new", issued=ISSUED + timedelta(days=2)), lines())).publish()
    assert metrics(warehouse) == []


@pytest.mark.fault(31)
def test_a_column_that_youtube_adds_is_kept_aside(warehouse):
    content = lines({"views": 4, "shorts_remixes": 12}, extra=("shorts_remixes",))
    load(warehouse, "L1", (ref("r1"), content)).publish()
    rows = warehouse.client.query(
        f"SELECT JSON_VALUE(extra, '$.shorts_remixes') FROM `{warehouse.dataset}.channel_basic`"
    ).result()
    assert [row[0] for row in rows] == ["12"]


@pytest.mark.fault(31)
def test_a_report_that_cannot_be_read_leaves_the_load_as_it_was(warehouse):
    begun = load(warehouse, "L1", (ref("good"), lines({"views": 4})))
    with pytest.raises(CorruptData, match="views"):
        begun.add(
            ref("bad", day=DAY + timedelta(days=1)),
            lines({"views": 1}, {"views": "many"}, day=DAY + timedelta(days=1)),
            connection=CONNECTION,
        )
    begun.publish()
    assert metrics(warehouse) == [4]


def test_rows_without_a_video_belong_to_the_channels_total(warehouse):
    load(
        warehouse, "L1", (ref("r1"), lines({"views": 4, "video_id": "a"}, {"views": 3, "video_id": ""}))
    ).publish()
    assert metrics(warehouse) == [7]


def test_what_a_report_leaves_empty_is_null_and_never_an_empty_text(warehouse):
    load(warehouse, "L1", (ref("r1"), lines({"views": 4, "video_id": "", "country_code": "DE"}))).publish()
    absent = "video_id IS NULL AND likes IS NULL AND red_watch_time_minutes IS NULL AND extra IS NULL"
    query = f"SELECT country_code FROM `{warehouse.dataset}.channel_basic` WHERE {absent}"
    assert [row[0] for row in warehouse.client.query(query).result()] == ["DE"]


def test_average_view_duration_divides_by_engaged_views(warehouse):
    row = {"views": 100, "engaged_views": 40, "watch_time_minutes": 60.0}
    load(warehouse, "L1", (ref("r1"), lines(row))).publish()
    assert [float(v) for v in metrics(warehouse, "average_view_duration")] == [90.0]


def test_what_is_absent_is_null_with_a_reason(warehouse):
    load(warehouse, "L1", (ref("r1"), lines({"views": 1}))).publish()
    assert metrics(warehouse, "impressions") == [None]
    assert metrics(warehouse, "impressions_reason") == ["no reach report for this day"]
    assert metrics(warehouse, "estimated_revenue") == [None]


def test_a_click_through_rate_is_weighted_by_the_impressions_that_it_is_a_rate_of(warehouse):
    load(warehouse, "L1", (ref("r1"), lines({"views": 1}))).publish()
    reach = Load(warehouse, REACH, "L2", clock)
    rows = [
        f"{DAY:%Y%m%d},UC1,{video},{count},{rate}\n" for video, count, rate in (("a", 300, 0.5), ("b", 100, 0.1))
    ]
    content = [",".join(REACH.columns) + "\n", *rows]
    reach.add(replace(ref("r2"), report_type=REACH.id), content, connection=CONNECTION)
    reach.publish()
    assert metrics(warehouse, "impressions") == [400]
    assert [float(rate) for rate in metrics(warehouse, "click_through_rate")] == [0.4]


def test_the_view_has_the_guides_columns_in_its_order(warehouse):
    result = warehouse.client.query(f"SELECT * FROM `{warehouse.dataset}.youtube_metrics`").result()
    assert [field.name for field in result.schema][:10] == [
        "channel_id", "date", "views", "watch_time_minutes", "subscribers_gained", "subscribers_lost",
        "estimated_revenue", "impressions", "click_through_rate", "average_view_duration",
    ]  # fmt: skip


def test_ensuring_the_schema_twice_keeps_what_is_there(warehouse):
    load(warehouse, "L1", (ref("r1"), lines({"views": 4}))).publish()
    schema.make(warehouse, "US")
    assert metrics(warehouse) == [4]
