"""The warehouse's tables and views, declared; `ensure` makes BigQuery match.

Tables are partitioned by the report's day and clustered by channel, which is how every view reads them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.cloud import bigquery as cloud_bigquery
from shared.settings import settings
from shared.warehouse.families import FAMILIES, Family

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


def ensure(client: Client, dataset: str) -> None:
    """Create what is missing and renew every view. Safe to repeat, and to run twice at once."""
    patience = cloud_bigquery.patience()
    client.create_dataset(f"{client.project}.{dataset}", exists_ok=True, **patience)
    for table in tables(client.project, dataset):
        client.create_table(table, exists_ok=True, **patience)
    for name in VIEWS:
        view = f"`{client.project}.{dataset}.{name}`"
        cloud_bigquery.ask(client, f"CREATE OR REPLACE VIEW {view} AS\n{view_sql(name, dataset)}")


@cache
def ensured() -> None:
    """This process's `ensure`, done once."""
    ensure(cloud_bigquery.client(), settings().dataset)


def view_sql(name: str, dataset: str) -> str:
    """A view's query, with tables named in the dataset."""
    text = (Path(__file__).parent / "sql" / f"{name}.sql").read_text()
    return text.replace("{dataset}", dataset)


def tables(project: str, dataset: str) -> list[Table]:
    """Every table of the warehouse."""
    from google.cloud import bigquery  # noqa: PLC0415 - paid by those who use it

    manifest = bigquery.Table(
        f"{project}.{dataset}.{MANIFEST}",
        schema=[bigquery.SchemaField(name, kind, "REQUIRED") for name, kind in MANIFEST_COLUMNS.items()],
    )
    manifest.clustering_fields = ["channel_id", "report_type", "day"]
    return [manifest, *(_family_table(project, dataset, family) for family in FAMILIES.values())]


def _family_table(project: str, dataset: str, family: Family) -> Table:
    from google.cloud import bigquery  # noqa: PLC0415

    table = bigquery.Table(f"{project}.{dataset}.{family.table}", schema=family_schema(family))
    table.time_partitioning = bigquery.TimePartitioning(field="date")
    table.clustering_fields = ["channel_id", "load_id"]
    return table


def family_schema(family: Family) -> list[SchemaField]:
    """Raw rows: which load and report they came with, the family's columns, and columns we do not know yet."""
    from google.cloud import bigquery  # noqa: PLC0415

    return [
        bigquery.SchemaField("load_id", "STRING", "REQUIRED"),
        bigquery.SchemaField("report_id", "STRING", "REQUIRED"),
        *(bigquery.SchemaField(name, kind) for name, kind in family.columns.items()),
        bigquery.SchemaField("extra", "JSON"),
    ]
