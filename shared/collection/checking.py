"""Runs the quality checks, stores what they find beside the facts, and fires or resolves an alert for each."""

from __future__ import annotations

from shared.clock import Clock, format_instant
from shared.cloud.firestore import Client
from shared.collection import gone
from shared.monitoring import alerts
from shared.monitoring.log import log
from shared.warehouse.append import append
from shared.warehouse.checks import RESULTS_MAX, run_checks
from shared.warehouse.load import load_id_for, new_load_id
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import CHECK_RESULTS

KIND = "checks"
"""The kind of message that asks `ingest` for the quality checks."""
_TOLD = 3  # results that an alert names


def check(client: Client, warehouse: Warehouse, clock: Clock) -> None:
    """Run every check. Run again, it says the same again, at another time.

    A result is a row of its channel's connection, so it goes with the others when that ends.
    """
    now = clock()
    load_id, rows = new_load_id(now), []
    for each, results in run_checks(warehouse, now):
        held = gone.connections(client, {result.channel_id for result in results})
        standing = [result for result in results if held.get(result.channel_id)]
        rows += [
            {
                "load_id": load_id_for(load_id, held[result.channel_id]),
                "ran_at": format_instant(now),
                "check": each.name,
                **vars(result),
                "date": result.date.isoformat(),
            }
            for result in standing
        ]
        first = "; ".join(map(str, standing[:_TOLD]))
        count = f"{len(standing)}{' or more' if len(results) == RESULTS_MAX else ''}"
        words = f"{count} times {each.about}. {first}" if standing else None
        alerts.tell(client, f"check:{each.name}", words, now, severity="ERROR")
    append(warehouse, CHECK_RESULTS, rows, clock)
    log("INFO", "the checks were run", results=len(rows))
