"""Appends rows to a table by one load job: all of them or none.

Rows that are sent again stand there twice, so a table of rows has a manifest, or a key of which the newest counts.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.clock import Clock
from shared.cloud.bigquery import TIMEOUT, answering, call_options
from shared.errors import CorruptData
from shared.monitoring.log import log
from shared.warehouse.load import JOB_SECONDS
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import TableDeclaration, columns


def append(warehouse: Warehouse, table: TableDeclaration, rows: Iterable[Mapping[str, Any]], clock: Clock) -> None:
    """Append rows (column name to value as JSON has it). BigQuery allows some 1,500 such jobs a table and day.

    Raises CorruptData (reason "loadRefused") for rows that BigQuery does not take, Unavailable, RateLimited.
    """
    from google.api_core.exceptions import BadRequest
    from google.cloud import bigquery

    lines = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()
    if not lines:
        return
    client, name = warehouse.client, warehouse.full_name(table.name)
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        schema=columns(table),
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
    )
    try:
        with answering(clock):
            job = client.load_table_from_file(io.BytesIO(lines), name, job_config=config, timeout=TIMEOUT)
            job.result(retry=call_options()["retry"], timeout=JOB_SECONDS)
    except BadRequest as error:
        words = f"BigQuery refuses rows for {table.name}: {error.message}"
        raise CorruptData(words, reason="loadRefused") from error


def append_by_channel(
    warehouse: Warehouse, table: TableDeclaration, rows: Mapping[str, Sequence[Mapping[str, Any]]], clock: Clock
) -> list[str]:
    """Append some channels' rows by one load job; answers the channels whose rows are there.

    Where BigQuery refuses them, each half by itself, until one channel is left, whose fault it is. Raises
    Unavailable and RateLimited.
    """
    try:
        append(warehouse, table, (row for of_channel in rows.values() for row in of_channel), clock)
    except CorruptData as error:
        names = list(rows)
        if len(names) == 1:
            log("ERROR", "a channel's rows cannot be stored", channel=names[0], why=error.message)
            return []
        middle = len(names) // 2
        halves = ({name: rows[name] for name in half} for half in (names[:middle], names[middle:]))
        return [name for half in halves for name in append_by_channel(warehouse, table, half, clock)]
    return list(rows)
