"""The warehouse's tables and views, declared; `ensure` makes BigQuery match.

Tables are partitioned by the report's day and clustered by channel, which is how every view reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.cloud.bigquery import ask, call_options
from shared.warehouse.report_types import REPORT_TYPES, ReportType

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField, Table

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
}

# Views in the order in which they build on one another; each is sql/<name>.sql.
VIEWS = ("current_reports", "channel_basic", "channel_reach", "youtube_metrics")


@dataclass(frozen=True)
class Warehouse:
    """One dataset in BigQuery, and the client that reaches it."""

    client: Client
    dataset: str

    def full_name(self, name: str) -> str:
        """A table's or view's name with project and dataset."""
        return f"{self.client.project}.{self.dataset}.{name}"


def ensure(warehouse: Warehouse) -> None:
    """Create what is missing and renew every view. Safe to repeat, and to run twice at once."""
    client, options = warehouse.client, call_options()
    client.create_dataset(f"{client.project}.{warehouse.dataset}", exists_ok=True, **options)
    for table in tables(warehouse):
        client.create_table(table, exists_ok=True, **options)
    for name in VIEWS:
        query = view_sql(name, warehouse.dataset)
        ask(client, f"CREATE OR REPLACE VIEW `{warehouse.full_name(name)}` AS\n{query}")


def view_sql(name: str, dataset: str) -> str:
    """A view's query, with tables named in the dataset."""
    text = (Path(__file__).parent / "sql" / f"{name}.sql").read_text()
    return text.replace("{dataset}", dataset)


def tables(warehouse: Warehouse) -> list[Table]:
    """Every table of the warehouse."""
    return [_manifest(warehouse), *(_raw_table(warehouse, report_type) for report_type in REPORT_TYPES.values())]


def _manifest(warehouse: Warehouse) -> Table:
    from google.cloud import bigquery  # noqa: PLC0415 - paid by those who use it

    columns = [bigquery.SchemaField(name, kind, "REQUIRED") for name, kind in MANIFEST_COLUMNS.items()]
    table = bigquery.Table(warehouse.full_name(MANIFEST), schema=columns)
    table.clustering_fields = ["channel_id", "report_type", "day"]
    return table


def _raw_table(warehouse: Warehouse, report_type: ReportType) -> Table:
    from google.cloud import bigquery  # noqa: PLC0415 - likewise

    table = bigquery.Table(warehouse.full_name(report_type.table), schema=raw_columns(report_type))
    table.time_partitioning = bigquery.TimePartitioning(field="date")
    table.clustering_fields = ["channel_id", "load_id"]
    return table


def raw_columns(report_type: ReportType) -> list[SchemaField]:
    """A raw table's columns: the load and report of a row, the report type's own, and those we do not know yet."""
    from google.cloud import bigquery  # noqa: PLC0415 - likewise

    return [
        bigquery.SchemaField("load_id", "STRING", "REQUIRED"),
        bigquery.SchemaField("report_id", "STRING", "REQUIRED"),
        *(bigquery.SchemaField(name, kind) for name, kind in report_type.columns.items()),
        bigquery.SchemaField("extra", "JSON"),
    ]
