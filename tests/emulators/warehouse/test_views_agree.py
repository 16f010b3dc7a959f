"""Two engines, one answer: Google's reference evaluator and the BigQuery emulator on the same small tables."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from infra.judges.warehouse import SPOKEN
from infra.levels import LEVELS
from infra.local.simulator.truth.channel_days import COUNTED
from infra.marts import QUERIED, described
from shared.clock import pacific_midnight, system_clock
from shared.collection import numbers
from shared.collection.numbers import Held, Level
from shared.warehouse.append import append
from shared.warehouse.statements import DAYS_OF_CHANNELS, NEW_VIDEOS_OF_CHANNELS, run
from shared.warehouse.tables import TABLES
from tests.stands.warehouse_rows import DAY, NEXT, OLD, ROWS, answers, at
from tests.stands.warehouses import empty


@pytest.fixture(scope="module")
def googles(spoken):
    """What Google's reference evaluator answers."""
    return answers(spoken[0])


@pytest.fixture(scope="module")
def filled(made_warehouse):
    for table in TABLES:
        append(made_warehouse, table, map(sent, ROWS[table.name]), system_clock)
    yield made_warehouse
    empty(made_warehouse)


def sent(row):
    """A row as JSON has it."""
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in row.items()}


def plain(value):
    """A cell as both engines can be compared: numbers and their texts as rounded numbers, times as texts."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    try:
        return round(float(value), 9)
    except (TypeError, ValueError):
        return value


def plain_rows(rows):
    """Rows in one order; an engine may order NULL first or last."""
    return sorted(({name: plain(value) for name, value in row.items()} for row in rows), key=repr)


@pytest.mark.parametrize("view", SPOKEN)
def test_the_reference_evaluator_and_the_emulator_give_the_same_rows(view, googles, filled):
    ours = [dict(row) for row in filled.client.query(f"SELECT * FROM `{filled.full_name(view)}`")]
    assert googles[view]
    assert plain_rows(ours) == plain_rows(googles[view])


@pytest.mark.parametrize("name", QUERIED)
def test_what_is_declared_unique_is_and_what_is_never_null_is_not(name, filled):
    told = described(name)
    rows = list(filled.client.query(f"SELECT * FROM `{filled.full_name(name)}`"))
    assert len({tuple(row[column] for column in told.unique) for row in rows}) == len(rows)
    assert [row for row in rows if any(row[column] is None for column in told.never_null)] == []


def test_a_report_that_two_deliveries_named_at_once_counts_once(filled):
    answer = filled.client.query(
        f"SELECT date, views FROM `{filled.full_name('youtube_metrics')}` WHERE channel_id = 'again'"
    )
    assert {row["date"]: row["views"] for row in answer} == {DAY: 13, NEXT: 10}


TOLD = {
    "youtube_metrics": {
        **dict.fromkeys(
            (*COUNTED, "average_view_duration"),
            lambda row: (row["source"] == "channel_basic_a3", row["as_of"]),
        ),
        **dict.fromkeys(("impressions", "click_through_rate"), lambda row: (True, row["as_of"])),
        "estimated_revenue": lambda row: (False, row["estimated_revenue_as_of"]),
    },
    "video_performance": {
        **dict.fromkeys(
            ("views", "engaged_views", "likes", "dislikes", "comments", "shares", "watch_time_minutes"),
            lambda row: (True, row["as_of"]),
        ),
        "retention_data": lambda row: (False, row["retention_as_of"]),
        **dict.fromkeys(
            ("published_at", "lifetime_views", "lifetime_likes", "lifetime_comments"),
            lambda row: (False, row["lifetime_as_of"]),
        ),
    },
}
"""For each number of the guide's tables: whether a report tells it, and as of when."""


@pytest.mark.parametrize("later", [dt.timedelta(minutes=10), dt.timedelta(minutes=45), dt.timedelta(days=9)])
def test_the_shares_of_the_four_levels_are_what_the_rule_chooses_for_each_number(later, filled):
    now, found, true = at(1) + later, Counter(), Counter()
    for table, columns in TOLD.items():
        for row in filled.client.query(f"SELECT * FROM `{filled.full_name(table)}`"):
            for name, told in columns.items():
                if row[name] is not None:
                    reported, as_of = told(row)
                    by = (
                        Level.REPORTS
                        if reported
                        else Level.DATA
                        if name in numbers.TELL[Level.DATA]
                        else Level.ANALYTICS
                    )
                    ended = (
                        pacific_midnight(row["date"] + dt.timedelta(days=1))
                        if table == "youtube_metrics"
                        else None
                    )
                    held = Held(value=row[name], by=by, as_of=as_of, ended=ended)
                    true[numbers.choose(name, [held], now=now, closed={}).level.name.lower()] += 1
    channels = {row["channel_id"] for rows in ROWS.values() for row in rows}
    analytics, data = (now - numbers.LIFE[level] for level in (Level.ANALYTICS, Level.DATA))
    asked = {"channels": channels, "since": OLD, "analytics_since": analytics, "data_since": data}
    for row in run(filled, LEVELS, **asked):
        found[row["level"]] += row["numbers"]
    assert +found == true
    assert true["reports"] > true["analytics"] + true["last_read"] + true["data"] > 0


@pytest.mark.parametrize(
    ("statement", "view", "since"),
    [(DAYS_OF_CHANNELS, "youtube_metrics", "date"), (NEW_VIDEOS_OF_CHANNELS, "video_totals", "published_at")],
)
def test_what_is_asked_about_many_channels_at_once_is_what_the_view_says(statement, view, since, googles, filled):
    start = DAY - dt.timedelta(days=7)
    channels = sorted({row["channel_id"] for row in googles[view]})
    values = {"channels": channels, "start": start} | ({"end": NEXT} if "end" in statement.parameters else {})
    found = [dict(row) for row in run(filled, statement, **values)]
    asked = [row for row in googles[view] if (row[since] or "") >= start.isoformat()]
    assert plain_rows(found) == plain_rows({name: row[name] for name in found[0]} for row in asked)
