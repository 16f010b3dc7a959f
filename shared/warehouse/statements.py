"""Every statement that is sent to BigQuery, each in a file of its own under `sql/`, with its parameters' types.

    run(warehouse, LOADS_OF_REPORTS, ids=["r1", "r2"], first=day, last=day)

No function writes SQL anywhere else, so all of it is judged by GoogleSQL's own analyser. Tables are named
`{dataset}.name`, so that a statement is the same for every project. What depends on a report type's columns is
filled in by `of_staged`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.cloud.bigquery import TIMEOUT, WORK, ask, dry_run
from shared.warehouse.report_types import DATE, FLOAT, INTEGER, ReportType

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
    """One statement. parameters: name to type, ARRAY<type> for a list. `{table}` may stand for a table, `{view v}`
    for a view's query upon what the statement itself defines under a table's name. filled: for other placeholders.
    """

    name: str
    parameters: Mapping[str, str]
    filled: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def text(self) -> str:
        """The statement, with the placeholders that are not filled."""
        text = filled_in((SQL / "statements" / f"{self.name}.sql").read_text(), self.filled)
        defined = "|".join(re.findall(r"^(\w+) AS \($", text, re.MULTILINE))

        def query(view: re.Match[str]) -> str:
            asked = (SQL / "views" / f"{view[1]}.sql").read_text()
            return re.sub(rf"`{{dataset}}\.({defined})`", r"\1", asked)

        return re.sub(r"\{view (\w+)\}", query, text)


_OF_REPORTS = {"ids": "ARRAY<STRING>", "first": "DATE", "last": "DATE"}
NAME_LOADS = Statement("name_loads", {"entries": "STRING", **_OF_REPORTS})
LOADS_OF_REPORTS = Statement("loads_of_reports", _OF_REPORTS)
ERASE = Statement("erase", {"channel": "STRING", "connection": "STRING"})
REPORTS_OF_CONNECTION = Statement("reports_of_connection", {"channel": "STRING", "connection": "STRING"})
CONNECTIONS_NAMED = Statement("connections_named", {})
CONNECTIONS_STORED = Statement("connections_stored", {"since": "DATE"})
JUDGE_STAGED = Statement("judge_staged", {"reports": "STRING"})
TAKE_STAGED = Statement("take_staged", {"loads": "STRING"})
TOTALS_BY_DAY = Statement("totals_by_day", {"since": "DATE"})
REPORTS_HELD = Statement("reports_held", {"since": "DATE"})
LOADED_DAYS = Statement("loaded_days", {"since": "DATE"})
NAMED_REPORTS = Statement("named_reports", {"ids": "ARRAY<STRING>"})
FORGET_GONE = Statement("forget_gone", {})
FORGET_GONE_COUNTS = Statement("forget_gone_counts", {})
FORGET_OLD = Statement("forget_old", {"before": "TIMESTAMP"})
LOADS_THAT_COUNT = Statement(
    "loads_that_count",
    {"since": "DATE", "until": "DATE", "loaded_since": "TIMESTAMP", "channels": "ARRAY<STRING>"},
)
DAYS_OF_CHANNEL = Statement("days_of_channel", {"channel": "STRING", "start": "DATE", "end": "DATE"})
DAYS_OF_CHANNELS = Statement("days_of_channels", {"channels": "ARRAY<STRING>", "start": "DATE", "end": "DATE"})
NEW_VIDEOS_OF_CHANNELS = Statement("new_videos_of_channels", {"channels": "ARRAY<STRING>", "start": "DATE"})
VIDEOS_OF_CHANNEL = Statement("videos_of_channel", {"channel": "STRING", "videos": "ARRAY<STRING>"})
TYPES_LOADED = Statement("types_loaded", {"since": "DATE"})
MONTHS_NAMED = Statement("months_named", {"since": "DATE", "loaded_since": "TIMESTAMP"})
ROW_DIGESTS = Statement("row_digests", {"since": "DATE", "until": "DATE", "wanted": "ARRAY<STRING>"})
TAKE_CALLS = Statement("take_calls", {"entries": "STRING", "first": "DATE", "last": "DATE"})
VIDEOS_LISTED = Statement("videos_listed", {"channel": "STRING", "first": "INT64", "last": "INT64"})
GROWTH_OF_VIDEO = Statement("growth_of_video", {"channel": "STRING", "video": "STRING"})
CHECKS_FOUND = Statement("checks_found", {"since": "TIMESTAMP"})
CALLS_BY_FEATURE = Statement("calls_by_feature", {"day": "DATE", "bucket": "STRING"})
CALLS_ANSWERED = Statement("calls_answered", {"since": "DATE", "channels": "ARRAY<STRING>"})
CALLS_LATELY = Statement(
    "calls_lately", {"since": "TIMESTAMP", "lately": "TIMESTAMP", "first": "DATE", "slow": "FLOAT64"}
)

_NUMBERS = {
    INTEGER: ("INT64", "^-?[0-9]{1,18}$"),
    FLOAT: ("FLOAT64", r"^-?([0-9]{1,18}(\.[0-9]{0,50})?|\.[0-9]{1,50})([eE][-+]?[0-9]{1,2})?$"),
}
"""Numbers as YouTube writes them: BigQuery's type, and what the text looks like (no hexadecimal, no NaN)."""


def of_staged(statement: Statement, tables: Mapping[str, Sequence[str]], report_type: ReportType) -> Statement:
    """A statement about staging tables: in each, c1, c2, ... hold a report type's columns in its order."""
    columns = report_type.columns
    numbers = {name: _NUMBERS[kind] for name, kind in columns.items() if kind in _NUMBERS}
    staged = (
        made("staged", table=table, named=", ".join(f"c{order.index(name) + 1} AS {name}" for name in columns))
        for table, order in tables.items()
    )
    broken = (
        f"IF(COUNTIF({name} != '' AND NOT REGEXP_CONTAINS({name}, r'{shape}')) > 0, '{name} ', '')"
        for name, (_, shape) in numbers.items()
    )
    partly = (
        f"IF(COUNTIF(IFNULL({name}, '') = '') BETWEEN 1 AND COUNT(*) - 1, '{name} ', '')" for name in numbers
    )
    filled = {
        "staged": "UNION ALL\n".join(staged),
        "names": ", ".join(columns),
        "values": ", ".join(_value(name, kind) for name, kind in columns.items()),
        "row": all_of([*columns, "extra"]),
        "subject": all_of(["date", *report_type.dimensions]),
        "broken": ", ".join(broken),
        "partly_empty": ", ".join(partly),
    }
    return replace(statement, filled=filled)


def row_digests(report_type: ReportType, which: str) -> Statement:
    """The statement that digests a report type's rows; `which` column is one of those wanted."""
    kinds = {"load_id": "STRING", "report_id": "STRING", **report_type.columns}
    cells = [*(_cell(name, kind) for name, kind in kinds.items()), "IF(extra IS NULL, '', TO_JSON_STRING(extra))"]
    filled = {"table": report_type.table, "row": f"TO_JSON_STRING([{', '.join(cells)}])", "which": which}
    return replace(ROW_DIGESTS, filled=filled)


def _cell(name: str, kind: str) -> str:
    """A stored value as a text that is the same in every engine: 18 digits are more than a fraction has."""
    if kind == "STRING":
        return f"IFNULL({name}, '')"
    return f"IFNULL(FORMAT('%.17e', {name}), '')" if kind == FLOAT else f"IFNULL(CAST({name} AS STRING), '')"


def _value(name: str, kind: str) -> str:
    """A staged text as the value that it stands for."""
    if kind == DATE:  # 20261120 or 2026-11-20
        digits = f"REPLACE({name}, '-', '')"
        parts = f"SUBSTR({digits}, 1, 4), '-', SUBSTR({digits}, 5, 2), '-', SUBSTR({digits}, 7, 2)"
        return f"SAFE_CAST(CONCAT({parts}) AS DATE)"
    if kind in _NUMBERS:
        return f"SAFE_CAST(NULLIF({name}, '') AS {_NUMBERS[kind][0]})"
    return name


def all_of(names: Sequence[str]) -> str:
    """Several texts as one, different for different ones."""
    texts = ", ".join(f"IFNULL({name}, '')" for name in names)
    return f"TO_JSON_STRING([{texts}])"


def made(template: str, **filled: str) -> str:
    """A template's text, with what it leaves open."""
    return filled_in((SQL / "templates" / f"{template}.sql").read_text(), filled)


def filled_in(text: str, filled: Mapping[str, str]) -> str:
    """A text with values for some of its placeholders."""
    for name, value in filled.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def run(
    warehouse: Warehouse,
    statement: Statement,
    *,
    table: str = "",
    seconds: float = TIMEOUT,
    work: float = WORK,
    **values: Any,
) -> RowIterator:
    """What a statement answers. table: for `{table}`. values: each parameter's. Raises as `ask` does."""
    given = parameters(statement, values)
    return ask(warehouse.client, placed(statement.text, warehouse, table), *given, seconds=seconds, work=work)


def reads(warehouse: Warehouse, statement: Statement, values: Mapping[str, Any]) -> int:
    """How many bytes a statement would read, asked of BigQuery without putting it."""
    return dry_run(warehouse.client, placed(statement.text, warehouse), *parameters(statement, values))


def parameters(statement: Statement, values: Mapping[str, Any]) -> list[Any]:
    """A statement's parameters with their values, as BigQuery's client has them."""
    if values.keys() != statement.parameters.keys():
        raise TypeError(f"{statement.name} takes {sorted(statement.parameters)}, not {sorted(values)}")
    return [_parameter(name, kind, values[name]) for name, kind in statement.parameters.items()]


def placed(text: str, warehouse: Warehouse, table: str = "") -> str:
    """A statement with its tables named in full."""
    return filled_in(text, {"dataset": f"{warehouse.client.project}.{warehouse.dataset}", "table": table})


def _parameter(name: str, kind: str, value: Any) -> Any:
    from google.cloud import bigquery

    element = kind.removeprefix("ARRAY<").removesuffix(">")
    if element != kind:
        return bigquery.ArrayQueryParameter(name, element, list(value))
    return bigquery.ScalarQueryParameter(name, kind, value)
