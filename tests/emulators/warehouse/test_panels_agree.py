"""Dashboards' queries on the BigQuery emulator, through Google's client: what Google's evaluator answers."""

from __future__ import annotations

import pytest

from infra.grafana.panels import dashboards, spoken
from shared.clock import system_clock
from shared.warehouse.append import append
from shared.warehouse.statements import placed
from shared.warehouse.tables import TABLES
from tests.emulators.warehouse.test_views_agree import plain_rows, sent
from tests.stands.panel_rows import ANSWERS, NOON, OVER_A_MONTH, ROWS, ago
from tests.stands.warehouses import empty


@pytest.fixture(scope="module")
def filled(made_warehouse):
    for table in TABLES:
        append(made_warehouse, table, map(sent, ROWS[table.name]), system_clock)
    yield made_warehouse
    empty(made_warehouse)


@pytest.mark.parametrize(
    ("board", "query"), [(board.name, each.query) for board in dashboards() for each in board.panels]
)
def test_a_panel_answers_the_same_on_the_emulator(board, query, filled):
    text = spoken(query, ago(days=30 if board in OVER_A_MONTH else 1), NOON)
    found = [dict(row) for row in filled.client.query(placed(text, filled))]
    names = found[0].keys() if found else ()
    assert plain_rows(found) == plain_rows(dict(zip(names, row, strict=True)) for row in ANSWERS[query])
