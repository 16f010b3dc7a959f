"""Makes the warehouse's tables and views at a deployment; functions only verify that they are there.

Tables are partitioned by day and clustered by channel, which is how every view reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.cloud.bigquery import ask, call_options
from shared.errors import Misconfigured
from shared.warehouse.statements import OVER_OWNERS, VIEWS, Warehouse, placed, view_text
from shared.warehouse.tables import TABLES, TableDeclaration

if TYPE_CHECKING:
    from google.cloud.bigquery import SchemaField, Table


def make(warehouse: Warehouse, location: str, aggregation: str = "") -> None:
    """Create what is missing and renew every view. Safe to repeat, and to run twice at once.

    Part of a deployment: a dataset stays where it was made, and BigQuery takes few changes of a table at once.
    aggregation: why owners' numbers may be added up; without it no view does, and one that did is deleted.
    """
    from google.cloud import bigquery

    client, options = warehouse.client, call_options()
    dataset = bigquery.Dataset(f"{client.project}.{warehouse.dataset}")
    dataset.location = location
    client.create_dataset(dataset, exists_ok=True, **options)
    for declared in TABLES:
        client.create_table(table(warehouse, declared), exists_ok=True, **options)
    if not aggregation:
        for name in OVER_OWNERS:
            ask(client, f"DROP VIEW IF EXISTS `{warehouse.full_name(name)}`")
    for name in (*VIEWS, *(OVER_OWNERS if aggregation else ())):
        make_view(warehouse, name)


def make_view(warehouse: Warehouse, name: str) -> None:
    """Create or renew one view; those that it stands on are there."""
    query = placed(view_text(name), warehouse)
    ask(warehouse.client, f"CREATE OR REPLACE VIEW `{warehouse.full_name(name)}` AS\n{query}")


def verify(warehouse: Warehouse) -> None:
    """Raises Misconfigured unless the tables and views are there: the last view that `make` makes tells."""
    from google.api_core.exceptions import NotFound

    try:
        warehouse.client.get_table(warehouse.full_name(VIEWS[-1]), **call_options())
    except NotFound as error:
        message = f"The dataset {warehouse.dataset} has no view {VIEWS[-1]}: run `python -m infra.warehouse`."
        raise Misconfigured(message, reason="warehouseMissing") from error


def table(warehouse: Warehouse, declared: TableDeclaration) -> Table:
    """A declared table as BigQuery's client takes it."""
    from google.cloud import bigquery

    made = bigquery.Table(warehouse.full_name(declared.name), schema=columns(declared))
    made.time_partitioning = bigquery.TimePartitioning(
        field=declared.partition, expiration_ms=declared.days and declared.days * 86_400_000
    )
    made.clustering_fields = list(declared.clusters)
    return made


def columns(declared: TableDeclaration) -> list[SchemaField]:
    """A declared table's columns as BigQuery's client takes them."""
    from google.cloud import bigquery

    return [
        bigquery.SchemaField(name, kind, "REQUIRED" if name in declared.required else "NULLABLE")
        for name, kind in declared.columns.items()
    ]
