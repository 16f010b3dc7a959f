"""Deletes the rows of connections that have ended, and finds those that were left.

The id of every load ends with the connection that it was for. So an erasure tells the rows of an old connection
from those of a new one whatever anybody's clock says, and rows that arrive late are found for what they are.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

from shared.warehouse import statements
from shared.warehouse.statements import ERASE, Warehouse, run
from shared.warehouse.tables import ANALYTICS_LOADS, OF_CONNECTIONS, REPORT_LOADS, TableDeclaration

_AT_ONCE = 4  # statements, each about a table of its own


def named_reports(warehouse: Warehouse, channel_id: str, connection: str) -> int:
    """How many reports the manifest names for a connection."""
    [row] = run(warehouse, statements.REPORTS_OF_CONNECTION, channel=channel_id, connection=connection)
    return int(row["reports"])


def erase_rows(warehouse: Warehouse, channel_id: str, connection: str) -> None:
    """Delete a connection's rows from every table that holds any.

    The manifests go first, which takes the rows out of sight at once; rows that no manifest ever named go too.
    Safe to repeat: a run that died in between is finished by the next.
    """

    def erase(table: TableDeclaration) -> None:
        run(warehouse, ERASE, table=table.name, channel=channel_id, connection=connection)

    manifests = (REPORT_LOADS, ANALYTICS_LOADS)
    for table in manifests:
        erase(table)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(erase, (table for table in OF_CONNECTIONS if table not in manifests)))


def connections_held(warehouse: Warehouse, *, since: date) -> set[tuple[str, str]]:
    """Every channel and connection that has rows; of those that no manifest names, only of days since one."""
    found = list(run(warehouse, statements.CONNECTIONS_NAMED))
    for table in OF_CONNECTIONS:
        stored = replace(statements.CONNECTIONS_STORED, filled={"partition": table.partition})
        found += run(warehouse, stored, table=table.name, since=since)
    return {(row["channel_id"], row["connection"]) for row in found}
