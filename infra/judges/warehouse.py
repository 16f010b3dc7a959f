"""The warehouse's SQL before GoogleSQL's analyser: `python -m infra.judges.warehouse`, a part of `make check`.

Every view is analysed over the declared tables, in the order in which they build on one another, and every
statement over both with its parameters' declared types. What the owner's guide calls `youtube_metrics` has the
guide's columns, as BigQuery types.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace

from infra.judges.googlesql import GoogleSQL, Refused
from shared.warehouse.checks import CHECKS, asked
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.staging import positions
from shared.warehouse.statements import (
    OF_STAGED,
    STATEMENTS,
    VIEWS,
    Statement,
    of_staged,
    row_digests,
    view_text,
)
from shared.warehouse.tables import OF_CONNECTIONS, TABLES

GUIDE: Mapping[str, str] = {
    "channel_id": "STRING",  # VARCHAR(50)
    "date": "DATE",
    "views": "INT64",  # BIGINT
    "watch_time_minutes": "BIGNUMERIC",  # DECIMAL(15,2)
    "subscribers_gained": "INT64",
    "subscribers_lost": "INT64",
    "estimated_revenue": "NUMERIC",  # DECIMAL(10,2)
    "impressions": "INT64",
    "click_through_rate": "BIGNUMERIC",  # DECIMAL(5,4)
    "average_view_duration": "BIGNUMERIC",  # DECIMAL(10,2)
}
"""Section 3.1 of the guide; a DECIMAL may be any exact type that holds it."""


def tables() -> dict[str, dict[str, str]]:
    """The declared tables: name -> column -> type."""
    return {each.name: dict(each.columns) for each in TABLES}


def about_staged() -> Iterator[tuple[str, dict[str, str], Statement]]:
    """Every statement about a staging table, for every report type: that table, its columns, the statement.

    Of versions with the same columns, one will do.
    """
    for each in {tuple(each.columns): each for each in REPORT_TYPES.values()}.values():
        table = f"staged_{each.id}"
        for statement in OF_STAGED:
            whole = of_staged(statement, table, each, list(each.columns))
            text = {**whole.filled, "table": each.table}
            yield table, dict.fromkeys(positions(each), "STRING"), replace(whole, filled=text)


def about_loaded() -> Iterator[Statement]:
    """Every statement about a report type's loaded rows: its digests, and every check over report types.

    Of versions with the same columns, one will do.
    """
    kinds = {tuple(each.columns): each for each in REPORT_TYPES.values()}.values()
    yield from (row_digests(each, "channel_id") for each in kinds)
    yield from (found for each in CHECKS if (found := asked(each, [kind.id for kind in kinds])) is not None)


def problems(views: Mapping[str, str], statements: tuple[Statement, ...] = STATEMENTS) -> Iterator[str]:
    """What GoogleSQL refuses, each with the name of the view or statement. views: name -> query, in order."""
    staged = list(about_staged()) if statements is STATEMENTS else []
    judge = GoogleSQL({**tables(), **{table: columns for table, columns, _ in staged}})
    for name, text in views.items():
        try:
            columns = judge.add_view(name, text)
        except Refused as refused:
            yield f"view {name}: {refused}"
            return  # what stands on it would only say so again
        if name == "youtube_metrics":
            for column, kind in GUIDE.items():
                if columns.get(column) != kind:
                    yield f"view {name}: {column} is {columns.get(column)}, not {kind}"
    about_types = list(about_loaded()) if statements is STATEMENTS else []
    for statement in (*statements, *(each for _, _, each in staged), *about_types):
        for text in _texts(statement):
            try:
                judge.analyse(text, statement.parameters)
            except Refused as refused:
                yield f"statement {statement.name}: {refused}"


def _texts(statement: Statement) -> Iterator[str]:
    """A statement for each table that it may be about."""
    if "{table}" not in statement.text:
        yield statement.text
        return
    for each in OF_CONNECTIONS:
        yield statement.text.replace("{table}", each.name).replace("{partition}", each.partition)


def main() -> int:
    """Print what is refused; exit status 1 when anything is."""
    found = list(problems({name: view_text(name) for name in VIEWS}))
    print(
        "\n".join(found)
        or f"GoogleSQL takes {len(VIEWS)} views, {len(STATEMENTS) + len(OF_STAGED) + 1} statements"
        f" and {len(CHECKS)} checks"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
