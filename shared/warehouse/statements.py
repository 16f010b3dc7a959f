"""Every statement that is sent to BigQuery, each in a file of its own under `sql/`, with its parameters' types.

    run(warehouse, LOADS_OF_REPORTS, ids=["r1", "r2"])

No function writes SQL anywhere else, so all of it is judged by GoogleSQL's own analyser. Tables are named
`{dataset}.name`, so that a statement is the same for every project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.cloud.bigquery import TIMEOUT, WORK, ask

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery.table import RowIterator

SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Warehouse:
    """One dataset in BigQuery, and the client that reaches it."""

    client: Client
    dataset: str

    def full_name(self, name: str) -> str:
        """A table's or view's name with project and dataset."""
        return f"{self.client.project}.{self.dataset}.{name}"


@dataclass(frozen=True)
class Statement:
    """One statement. parameters: name to type, ARRAY<type> for a list. `{table}` may stand for a table,
    `{raw}` for a raw one."""

    name: str
    parameters: Mapping[str, str]

    @property
    def text(self) -> str:
        """The statement as it is written, with its placeholders."""
        return (SQL / "statements" / f"{self.name}.sql").read_text()


NAME_LOADS = Statement("name_loads", {"entries": "STRING", "ids": "ARRAY<STRING>"})
LOADS_OF_REPORTS = Statement("loads_of_reports", {"ids": "ARRAY<STRING>"})
ERASE = Statement("erase", {"channel": "STRING", "connection": "STRING"})
REPORTS_OF_CONNECTION = Statement("reports_of_connection", {"channel": "STRING", "connection": "STRING"})
CONNECTIONS_NAMED = Statement("connections_named", {})
CONNECTIONS_STORED = Statement("connections_stored", {"since": "DATE"})
TOTALS_BY_DAY = Statement("totals_by_day", {"since": "DATE"})
REACH_BY_CHANNEL = Statement("reach_by_channel", {"since": "DATE"})
STATEMENTS = (
    *(NAME_LOADS, LOADS_OF_REPORTS, ERASE, REPORTS_OF_CONNECTION, CONNECTIONS_NAMED, CONNECTIONS_STORED),
    *(TOTALS_BY_DAY, REACH_BY_CHANNEL),
)

# Views in the order in which they build on one another.
VIEWS = ("current_reports", "channel_basic", "channel_reach", "youtube_metrics")


def view_text(name: str) -> str:
    """A view's query, with its placeholders."""
    return (SQL / "views" / f"{name}.sql").read_text()


def run(
    warehouse: Warehouse,
    statement: Statement,
    *,
    table: str = "",
    seconds: float = TIMEOUT,
    work: float = WORK,
    **values: Any,
) -> RowIterator:
    """What a statement answers. table: for `{table}`, `{raw}`. values: each parameter's. Raises as `ask` does."""
    if values.keys() != statement.parameters.keys():
        raise TypeError(f"{statement.name} takes {sorted(statement.parameters)}, not {sorted(values)}")
    given = [_parameter(name, kind, values[name]) for name, kind in statement.parameters.items()]
    return ask(warehouse.client, placed(statement.text, warehouse, table), *given, seconds=seconds, work=work)


def placed(text: str, warehouse: Warehouse, table: str = "") -> str:
    """A statement with its tables named in full."""
    dataset = f"{warehouse.client.project}.{warehouse.dataset}"
    return text.replace("{dataset}", dataset).replace("{table}", table).replace("{raw}", table)


def _parameter(name: str, kind: str, value: Any) -> Any:
    from google.cloud import bigquery

    element = kind.removeprefix("ARRAY<").removesuffix(">")
    if element != kind:
        return bigquery.ArrayQueryParameter(name, element, list(value))
    return bigquery.ScalarQueryParameter(name, kind, value)
