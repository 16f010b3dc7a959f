"""The warehouse's tables and views, declared: a deployment makes them, functions only verify that they are there.

Tables are partitioned by the report's day and clustered by channel, which is how every view reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.cloud.bigquery import ask, call_options
from shared.errors import Misconfigured
from shared.warehouse.report_types import REPORT_TYPES, ReportType
from shared.warehouse.statements import VIEWS, Warehouse, placed, view_text

if TYPE_CHECKING:
    from google.cloud.bigquery import SchemaField, Table

MANIFEST = "report_loads"
MANIFEST_COLUMNS = {
    "report_id": "STRING",
    "load_id": "STRING",
    "channel_id": "STRING",
    "report_type": "STRING",
    "job_id": "STRING",
    "day": "DATE",
    "create_time": "TIMESTAMP",
    "row_count": "INTEGER",
    "checksum": "STRING",
    "loaded_at": "TIMESTAMP",
    "findings": "STRING",
}
"""findings: what is odd about a report that was loaded all the same, in words; NULL for nothing."""


def make(warehouse: Warehouse, location: str) -> None:
    """Create what is missing and renew every view. Safe to repeat, and to run twice at once.

    Part of a deployment: a dataset stays where it was made, and BigQuery takes few changes of a table at once.
    """
    from google.cloud import bigquery

    client, options = warehouse.client, call_options()
    dataset = bigquery.Dataset(f"{client.project}.{warehouse.dataset}")
    dataset.location = location
    client.create_dataset(dataset, exists_ok=True, **options)
    for table in tables(warehouse):
        client.create_table(table, exists_ok=True, **options)
    for name in VIEWS:
        query = placed(view_text(name), warehouse)
        ask(client, f"CREATE OR REPLACE VIEW `{warehouse.full_name(name)}` AS\n{query}")


def verify(warehouse: Warehouse) -> None:
    """Raises Misconfigured unless the tables and views are there: the last view that `make` makes tells."""
    from google.api_core.exceptions import NotFound

    try:
        warehouse.client.get_table(warehouse.full_name(VIEWS[-1]), **call_options())
    except NotFound as error:
        message = f"The dataset {warehouse.dataset} has no view {VIEWS[-1]}: run `python -m infra.warehouse`."
        raise Misconfigured(message, reason="warehouseMissing") from error


def tables(warehouse: Warehouse) -> list[Table]:
    """Every table of the warehouse."""
    return [_manifest(warehouse), *(_raw_table(warehouse, report_type) for report_type in REPORT_TYPES.values())]


def _manifest(warehouse: Warehouse) -> Table:
    from google.cloud import bigquery

    columns = [
        bigquery.SchemaField(name, kind, "NULLABLE" if name == "findings" else "REQUIRED")
        for name, kind in MANIFEST_COLUMNS.items()
    ]
    table = bigquery.Table(warehouse.full_name(MANIFEST), schema=columns)
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    table.clustering_fields = ["channel_id", "report_type"]
    return table


def _raw_table(warehouse: Warehouse, report_type: ReportType) -> Table:
    from google.cloud import bigquery

    table = bigquery.Table(warehouse.full_name(report_type.table), schema=raw_columns(report_type))
    table.time_partitioning = bigquery.TimePartitioning(field="date")
    table.clustering_fields = ["channel_id", "load_id"]
    return table


def raw_columns(report_type: ReportType) -> list[SchemaField]:
    """A raw table's columns: the load and report of a row, the report type's own, and those we do not know yet."""
    from google.cloud import bigquery

    return [
        bigquery.SchemaField("load_id", "STRING", "REQUIRED"),
        bigquery.SchemaField("report_id", "STRING", "REQUIRED"),
        *(bigquery.SchemaField(name, kind) for name, kind in report_type.columns.items()),
        bigquery.SchemaField("extra", "JSON"),
    ]
