"""Takes the call log from Pub/Sub to the warehouse, and writes down what it says of the last hour, for the watch.

Whoever calls YouTube publishes rows to a topic whose subscription only keeps them; every five minutes `ingest`
fetches what has come, by one statement for a thousand rows. What is not in the warehouse is not confirmed, and
comes again; what comes twice is there once. The summary is made from the table, so it counts every call once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from shared.clock import Clock, pacific_day, parse_instant
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client
from shared.data_map import CALL_SUMMARY
from shared.errors import Unavailable
from shared.monitoring.log import log
from shared.warehouse.statements import CALLS_LATELY, TAKE_CALLS, Warehouse, run
from shared.warehouse.tables import API_CALLS

KIND = "calls"
"""The kind of message that asks `ingest` for the call log."""
LONG, SHORT = timedelta(hours=1), timedelta(minutes=10)
"""What is summed up: that it matters, and that it lasts. The shorter one holds at least one whole run of these."""
SLOW_MS = 5_000.0  # a call that takes longer is slow (guide, 5.1)
_ROWS = 1_000  # of one statement: some 500 kB
_MESSAGES = 100  # that are fetched at once
_STATEMENTS = 60  # of one run, which takes a burst of 60,000 rows; the next run takes what is left
_COUNTS = ("calls", "errors", "slow")

Fetch = Callable[[int], Mapping[str, bytes]]
Confirm = Callable[[Sequence[str]], object]
"""As `shared.cloud.pubsub` has them."""


def take(client: Client, warehouse: Warehouse, fetch: Fetch, confirm: Confirm, clock: Clock) -> int:
    """Take what has come, and sum up the last hour; how many rows were new. Raises what BigQuery raises."""
    new, some = 0, True
    for _ in range(_STATEMENTS):
        fetched: dict[str, list[dict[str, Any]]] = {}
        while some and sum(map(len, fetched.values())) < _ROWS:
            messages = fetch(_MESSAGES)
            fetched |= {ack_id: _rows(data) for ack_id, data in messages.items()}
            some = bool(messages)
        if not fetched:
            break
        new += _insert(warehouse, fetched.values())
        confirm(list(fetched))
    _sum_up(client, warehouse, clock())
    return new


def _insert(warehouse: Warehouse, messages: Iterable[list[dict[str, Any]]]) -> int:
    """Insert the rows that are not there yet; how many. Raises Unavailable when BigQuery does not say."""
    rows = list({row["call_id"]: row for each in messages for row in each}.values())
    if not rows:
        return 0
    days = sorted(row["date"] for row in rows)
    values = {"entries": json.dumps(rows), "first": days[0], "last": days[-1]}
    new = run(warehouse, TAKE_CALLS, **values).num_dml_affected_rows
    if new is None:
        raise Unavailable("BigQuery does not say whether it took rows of calls.", reason="rowsMissing")
    return new


def _sum_up(client: Client, warehouse: Warehouse, now: datetime) -> None:
    since, lately = now - LONG, now - SHORT
    values: dict[str, Any] = {"since": since, "lately": lately, "first": pacific_day(since), "slow": SLOW_MS}
    endpoints: dict[str, dict[str, Any]] = {}
    for row in run(warehouse, CALLS_LATELY, **values):
        of = endpoints.setdefault(row["endpoint"], {"long": [0] * 3, "short": [0] * 3, "reasons": {}})
        of["long"] = [total + row[name] for total, name in zip(of["long"], _COUNTS, strict=True)]
        of["short"] = [total + row[f"{name}_lately"] for total, name in zip(of["short"], _COUNTS, strict=True)]
        if row["errors"]:
            of["reasons"][row["reason"] or "unknown"] = row["errors"]
    told = {"at": now, "endpoints": endpoints}
    client.document(CALL_SUMMARY.path, "lately").set(told, **call_options())


def _rows(data: bytes) -> list[dict[str, Any]]:
    """The rows of a message; none, and a record, for one that nobody here wrote: all would be refused for it."""
    try:
        rows: list[dict[str, Any]] = json.loads(data)["rows"]
        if all(row.keys() == API_CALLS.columns.keys() and all(map(_fits, row, row.values())) for row in rows):
            return rows
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        pass
    log("ERROR", "a message of the call log cannot be read", bytes=len(data))
    return []


def _fits(column: str, value: Any) -> bool:
    """Whether a column takes a value. Raises ValueError for a text that is no date or no instant."""
    kind = API_CALLS.columns[column]
    if value is None:
        return column not in API_CALLS.required
    if kind in {"INTEGER", "FLOAT"}:
        return isinstance(value, int | float if kind == "FLOAT" else int)
    if kind == "DATE":
        date.fromisoformat(value)
    if kind == "TIMESTAMP":
        parse_instant(value)
    return isinstance(value, str)
