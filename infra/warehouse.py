"""Makes the warehouse's tables and views: what `infra.deploy` does before any function.

    python -m infra.warehouse --project P --location US

Speaks to BigQuery with the credentials of whoever runs it. A dataset stays where it was made; functions only
verify what is made here.
"""

from __future__ import annotations

import argparse

from shared.cloud import bigquery
from shared.warehouse.schema import make
from shared.warehouse.statements import VIEWS, Warehouse


def main() -> None:
    """Make what is missing, and say so."""
    parser = argparse.ArgumentParser(prog="python -m infra.warehouse", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--dataset", default="youtube")
    parser.add_argument("--location", required=True, help="where the data lies, for good: US, EU or a region")
    parser.add_argument("--aggregation", default="", help="why owners' numbers may be added up (YT_AGGREGATION)")
    given = parser.parse_args()
    make(Warehouse(bigquery.client_of(given.project), given.dataset), given.location, given.aggregation)
    print(f"{given.project}.{given.dataset} in {given.location}: {len(VIEWS)} views and their tables are there.")


if __name__ == "__main__":
    main()
