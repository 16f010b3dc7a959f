"""Makes the warehouse's tables and views: what `infra.deploy` does before any function.

    python -m infra.warehouse --project P --location US

Speaks to BigQuery with the credentials of whoever runs it. A dataset stays where it was made; functions only
verify what is made here.
"""

from __future__ import annotations

import argparse

from google.cloud import bigquery as google

from infra.views import OVER_OWNERS, VIEWS, view_text
from shared.cloud import bigquery
from shared.cloud.bigquery import ask, call_options
from shared.warehouse.statements import Warehouse, placed
from shared.warehouse.tables import TABLES, TableDeclaration, columns


def make(warehouse: Warehouse, location: str, aggregation: str = "") -> None:
    """Create what is missing and renew every view. Safe to repeat, and to run twice at once.

    Part of a deployment: a dataset stays where it was made, and BigQuery takes few changes of a table at once.
    aggregation: why owners' numbers may be added up; without it no view does, and one that did is deleted.
    """
    client, options = warehouse.client, call_options()
    dataset = google.Dataset(f"{client.project}.{warehouse.dataset}")
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


def table(warehouse: Warehouse, declared: TableDeclaration) -> google.Table:
    """A declared table as BigQuery's client takes it."""
    made = google.Table(warehouse.full_name(declared.name), schema=columns(declared))
    made.time_partitioning = google.TimePartitioning(
        field=declared.partition, expiration_ms=declared.days and declared.days * 86_400_000
    )
    made.clustering_fields = list(declared.clusters)
    return made


def main() -> None:
    """Make what is missing, and say so."""
    parser = argparse.ArgumentParser(prog="python -m infra.warehouse", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--dataset", default="youtube")
    parser.add_argument("--location", required=True, help="where the data lies, for good: US, EU or a region")
    parser.add_argument("--aggregation", default="", help="why owners' numbers may be added up (YT_AGGREGATION)")
    given = parser.parse_args()
    make(Warehouse(bigquery.client(given.project), given.dataset), given.location, given.aggregation)
    print(f"{given.project}.{given.dataset} in {given.location}: {len(VIEWS)} views and their tables are there.")


if __name__ == "__main__":
    main()
