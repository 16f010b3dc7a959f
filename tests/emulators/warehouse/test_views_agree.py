"""Two engines, one answer: Google's reference evaluator and the BigQuery emulator on the same small tables."""

from __future__ import annotations

import datetime as dt

import pytest

from infra.judges.warehouse import SPOKEN
from infra.marts import QUERIED, described
from shared.clock import system_clock
from shared.warehouse.append import append
from shared.warehouse.tables import TABLES
from tests.stands.warehouse_rows import DAY, NEXT, ROWS, answers
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
