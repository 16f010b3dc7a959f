"""What the warehouse declares: views and their queries, report types and the files that YouTube sends."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from infra.judges.warehouse import OF_STAGED, STATEMENTS
from infra.local.simulator.world import report_types as simulated
from infra.views import BY_DIMENSION, ROWS_THAT_COUNT, VIEWS, view_text
from infra.warehouse import table
from shared.data_map import QUOTA_ENTRIES
from shared.warehouse.checks import CHECKS
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.statements import ROW_DIGESTS, SQL, Warehouse
from shared.warehouse.tables import API_CALLS, LAST_VIEW, TABLES


def test_every_view_is_declared_and_has_its_query():
    files = {path.stem for folder in ("views", "marts") for path in (SQL / folder).glob("*.sql")}
    assert set(VIEWS) == {*files, *ROWS_THAT_COUNT, *BY_DIMENSION}
    assert len(VIEWS) == len(set(VIEWS))
    assert VIEWS[-1] == LAST_VIEW  # by which functions know that all are there


def test_every_statement_is_declared_and_has_its_file():
    assert {each.name for each in (*STATEMENTS, *OF_STAGED, ROW_DIGESTS)} == {
        path.stem for path in (SQL / "statements").glob("*.sql")
    }


def test_every_check_is_declared_and_has_its_query():
    assert {each.name for each in CHECKS} == {path.stem for path in (SQL / "checks").glob("*.sql")}


@pytest.mark.parametrize("name", REPORT_TYPES)
def test_a_report_type_has_the_columns_of_the_files_that_the_simulator_sends(name):
    assert set(REPORT_TYPES[name].columns) == set(simulated.REPORT_TYPES[name].header)


@pytest.mark.parametrize("name", ["channel_basic_a3", "channel_reach_basic_a1"])
def test_every_column_that_the_metrics_read_is_needed(name):
    read = set(re.findall(r"\w+", view_text("youtube_metrics"))) & set(REPORT_TYPES[name].columns)
    assert read <= REPORT_TYPES[name].needed


def test_every_view_of_rows_that_count_is_of_a_known_report_type():
    assert set(ROWS_THAT_COUNT.values()) <= set(REPORT_TYPES)


def test_a_call_record_is_kept_for_as_long_as_the_quota_ledger_s_entries_and_facts_for_good():
    assert QUOTA_ENTRIES.keep == timedelta(days=API_CALLS.days or 0)
    warehouse = Warehouse(Client(project="p", credentials=AnonymousCredentials()), "d")
    made = table(warehouse, API_CALLS)
    assert made.time_partitioning.expiration_ms == 35 * 86_400_000
    assert made.clustering_fields == ["endpoint"]
    kept = [table(warehouse, each).time_partitioning.expiration_ms for each in TABLES]
    assert [each for each in kept if each] == [made.time_partitioning.expiration_ms]
