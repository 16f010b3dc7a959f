"""Rows are appended by one load job: all of them or none."""

from __future__ import annotations

import pytest

from shared.clock import system_clock
from shared.errors import CorruptData
from shared.warehouse.append import append, append_by_channel
from shared.warehouse.tables import ANALYTICS_ROWS


def a_row(**more):
    return {
        "load_id": "l1",
        "channel_id": "UC1",
        "query": "channel_daily",
        "date": "2026-11-20",
        "dimensions": {"insightTrafficSourceType": "YT_SEARCH"},
        "metrics": {"views": 12, "estimatedRevenue": 1.25},
        **more,
    }


def rows(warehouse):
    return list(warehouse.client.list_rows(warehouse.full_name(ANALYTICS_ROWS.name)))


def test_rows_are_there_as_they_were_sent(warehouse):
    append(warehouse, ANALYTICS_ROWS, [a_row(), a_row(video_id="v1", metrics=None)], system_clock)
    first, second = sorted(rows(warehouse), key=lambda row: row["video_id"] or "")
    assert (first["metrics"], first["dimensions"]) == (a_row()["metrics"], a_row()["dimensions"])
    assert (second["video_id"], second["metrics"]) == ("v1", None)


def test_no_rows_start_no_job(warehouse):
    append(warehouse, ANALYTICS_ROWS, [], system_clock)
    assert rows(warehouse) == []


def test_rows_that_the_table_does_not_take_are_refused_whole(warehouse):
    with pytest.raises(CorruptData) as refused:
        append(warehouse, ANALYTICS_ROWS, [a_row(), a_row(date="no day")], system_clock)
    assert refused.value.reason == "loadRefused"
    assert rows(warehouse) == []


def test_a_channel_whose_rows_are_refused_keeps_nobody_else_s_away(warehouse):
    told = {f"UC{number}": [a_row(channel_id=f"UC{number}")] for number in range(5)}
    told |= {"UC3": [a_row(channel_id="UC3"), a_row(channel_id="UC3", date="no day")], "UC5": []}
    taken = append_by_channel(warehouse, ANALYTICS_ROWS, told, system_clock)
    assert sorted(taken) == ["UC0", "UC1", "UC2", "UC4", "UC5"]
    assert sorted(row["channel_id"] for row in rows(warehouse)) == ["UC0", "UC1", "UC2", "UC4"]
