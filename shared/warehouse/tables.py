"""Every table of the warehouse: those of `tables.toml`, and one a report type.

A deployment makes them (`infra/warehouse.py`), functions verify that they are there; an erasure deletes a
channel's rows from each that holds any, GoogleSQL's analyser judges every statement over them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.cloud.bigquery import call_options
from shared.errors import Misconfigured
from shared.warehouse.report_types import REPORT_TYPES, ReportType
from shared.warehouse.statements import Warehouse

if TYPE_CHECKING:
    from google.cloud.bigquery import SchemaField


@dataclass(frozen=True, kw_only=True)
class TableDeclaration:
    """One table. required: columns that are never NULL. partition: a DATE or TIMESTAMP column.

    of_connection: each row belongs to a channel's connection, with which its `load_id` ends; both go together.
    days: how long BigQuery keeps a partition; None: for good.
    """

    name: str
    columns: Mapping[str, str]
    required: frozenset[str]
    partition: str
    clusters: tuple[str, ...] = ("channel_id",)
    of_connection: bool = True
    days: int | None = None


def _declared(name: str, columns: Mapping[str, str], clusters: Sequence[str], **other: Any) -> TableDeclaration:
    return TableDeclaration(
        name=name,
        columns={column: kind.removesuffix(_REQUIRED) for column, kind in columns.items()},
        required=frozenset(column for column, kind in columns.items() if kind.endswith(_REQUIRED)),
        clusters=tuple(clusters),
        **other,
    )


_REQUIRED = " NOT NULL"
_DECLARED = {
    name: _declared(name, **declared)
    for name, declared in tomllib.loads(Path(__file__).with_suffix(".toml").read_text()).items()
}
REPORT_LOADS, ANALYTICS_LOADS = _DECLARED["report_loads"], _DECLARED["analytics_loads"]
ANALYTICS_ROWS, INTERNAL_METRICS = _DECLARED["analytics_rows"], _DECLARED["internal_metrics"]
VIDEO_METADATA, VIDEO_COUNTS = _DECLARED["video_metadata"], _DECLARED["video_counts"]
CHECK_RESULTS, API_CALLS = _DECLARED["check_results"], _DECLARED["youtube_api_calls"]


def raw_table(report_type: ReportType) -> TableDeclaration:
    """A report type's rows: the load and report of a row, its own columns, and in `extra` those we do not know."""
    return TableDeclaration(
        name=report_type.table,
        columns={"load_id": "STRING", "report_id": "STRING", **report_type.columns, "extra": "JSON"},
        required=frozenset(("load_id", "report_id")),
        partition="date",
        clusters=("channel_id", "load_id"),
    )


RAW = tuple(map(raw_table, REPORT_TYPES.values()))
TABLES = (*_DECLARED.values(), *RAW)
OF_CONNECTIONS = tuple(table for table in TABLES if table.of_connection)
"""What an erasure deletes from, in its order: manifests first, which takes rows out of sight at once."""


def columns(declared: TableDeclaration) -> list[SchemaField]:
    """A declared table's columns as BigQuery's client takes them."""
    from google.cloud import bigquery

    return [
        bigquery.SchemaField(name, kind, "REQUIRED" if name in declared.required else "NULLABLE")
        for name, kind in declared.columns.items()
    ]


LAST_VIEW = "video_growth"
"""Of those that a deployment makes, in their order."""


def verify(warehouse: Warehouse) -> None:
    """Raises Misconfigured unless the tables and views are there: the last view that is made tells."""
    from google.api_core.exceptions import NotFound

    try:
        warehouse.client.get_table(warehouse.full_name(LAST_VIEW), **call_options())
    except NotFound as error:
        message = f"The dataset {warehouse.dataset} has no view {LAST_VIEW}: run `python -m infra.warehouse`."
        raise Misconfigured(message, reason="warehouseMissing") from error
