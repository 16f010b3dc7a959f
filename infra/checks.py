"""Runs the quality checks now and prints what they find: `python -m infra.checks --project P`.

Exit status 1 when anything is found. Nothing is stored and nobody is alerted: that does the daily run.
"""

from __future__ import annotations

import argparse
import sys

from shared.clock import system_clock
from shared.cloud import bigquery
from shared.warehouse.checks import run_checks
from shared.warehouse.statements import Warehouse


def main() -> int:
    """Print a line for each check, and one for each result."""
    parser = argparse.ArgumentParser(prog="python -m infra.checks", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--dataset", default="youtube")
    given = parser.parse_args()
    found = 0
    for check, results in run_checks(
        Warehouse(bigquery.client(given.project), given.dataset), system_clock(), everything=True
    ):
        print(f"{check.name:14} {len(results):5}   {check.about}")
        for result in results:
            print(f"    {result}")
        found += len(results)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
