"""Two engines, one answer: Google's reference evaluator and the BigQuery emulator on the same small tables."""

from __future__ import annotations

import datetime as dt

import pytest

from infra.judges.googlesql import GoogleSQL, literal
from infra.judges.warehouse import tables
from shared.warehouse.schema import make
from shared.warehouse.statements import VIEWS, Warehouse, view_text
from shared.warehouse.tables import REPORT_LOADS

BASIC, REACH = "report_channel_basic_a3", "report_channel_reach_basic_a1"
DAY, NEXT = dt.date(2026, 11, 20), dt.date(2026, 11, 21)


def named(report, load, day=DAY, *, issued=1, kind="channel_basic_a3", channel="UC1", rows=1):
    at = dt.datetime(2026, 11, 24, issued, tzinfo=dt.UTC)
    return {
        "report_id": report,
        "load_id": load,
        "channel_id": channel,
        "report_type": kind,
        "job_id": "j",
        "day": day,
        "create_time": at,
        "row_count": rows,
        "checksum": "c",
        "loaded_at": at,
    }


def counted(report, load, day=DAY, *, channel="UC1", video="v1", views=10, **more):
    row = {"report_id": report, "load_id": load, "date": day, "channel_id": channel, "video_id": video}
    return {
        **row,
        "views": views,
        "engaged_views": 7,
        "watch_time_minutes": 12.345,
        "subscribers_gained": 1,
        **more,
    }


ROWS = {
    REPORT_LOADS.name: [
        named("old", "l1"),
        named("new", "l2", issued=2),
        named("new", "l3", issued=2),  # two deliveries named it at once
        named("next", "l4", NEXT),
        named("reach", "l5", kind="channel_reach_basic_a1"),
        named("other", "l6", channel="UC2"),
    ],
    BASIC: [
        counted("old", "l1", views=99),
        counted("new", "l2", views=10),
        counted("new", "l2", video="", views=3, country_code="", engaged_views=None),
        counted("new", "l3", views=10),
        counted("next", "l4", NEXT, watch_time_minutes=0.005),
        counted("never named", "l9", views=1_000),
        counted("other", "l6", channel="UC2", views=2**40),
    ],
    REACH: [
        {
            "report_id": "reach",
            "load_id": "l5",
            "date": DAY,
            "channel_id": "UC1",
            "video_id": "v1",
            "video_thumbnail_impressions": 400,
            "video_thumbnail_impressions_ctr": 0.05,
        }
    ],
}


@pytest.fixture(scope="module")
def reference():
    judge = GoogleSQL(tables())
    for name in VIEWS:
        judge.add_view(name, view_text(name))
    return judge


@pytest.fixture
def filled(bigquery_client, dataset):
    warehouse = Warehouse(bigquery_client, dataset)
    make(warehouse, "US")
    for table, rows in ROWS.items():
        columns = tables()[table]
        values = ",".join(
            "(" + ",".join(literal(row.get(name), kind) for name, kind in columns.items()) + ")" for row in rows
        )
        names = ",".join(f"`{name}`" for name in columns)
        bigquery_client.query(f"INSERT INTO `{warehouse.full_name(table)}` ({names}) VALUES {values}").result()
    return warehouse


def plain(value):
    """A cell as both engines can be compared: numbers and their texts as rounded numbers, times as texts."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    try:
        return round(float(value), 9)
    except (TypeError, ValueError):
        return value


def plain_rows(rows):
    return [{name: plain(value) for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("view", VIEWS)
def test_the_reference_evaluator_and_the_emulator_give_the_same_rows(view, reference, filled):
    columns = reference.analyse(f"SELECT * FROM `{{dataset}}.{view}`")
    order = ", ".join(f"CAST({name} AS STRING)" for name, kind in columns.items() if kind in {"STRING", "DATE"})
    ours = [dict(row) for row in filled.client.query(f"SELECT * FROM `{filled.full_name(view)}` ORDER BY {order}")]
    googles = reference.evaluate(f"SELECT * FROM `{{dataset}}.{view}` ORDER BY {order}", ROWS)
    assert googles
    assert plain_rows(ours) == plain_rows(googles)


def test_a_report_that_two_deliveries_named_at_once_counts_once(filled):
    answer = filled.client.query(
        f"SELECT date, views FROM `{filled.full_name('youtube_metrics')}` WHERE channel_id = 'UC1'"
    )
    assert {row["date"]: row["views"] for row in answer} == {DAY: 13, NEXT: 10}
