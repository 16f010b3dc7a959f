"""The warehouse's SQL before GoogleSQL's analyser: `python -m infra.judges.warehouse`, a part of `make check`.

Every view is analysed over the declared tables, in the order in which they build on one another, and every
statement over both with its parameters' declared types. What the owner's guide calls `youtube_metrics` and
`video_performance` has the guide's columns, as BigQuery types. Nothing adds up several owners' numbers, but for
the views that are made only where a setting states why it is allowed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from infra import levels
from infra.grafana.panels import Asked
from infra.grafana.panels import statements as panels
from infra.judges.googlesql import TABLE, GoogleSQL, Refused
from infra.judges.reading import over_owners
from infra.views import OVER_OWNERS, VIEWS, view_text
from shared.console.questions import questions
from shared.warehouse import explain, statements
from shared.warehouse.checks import CHECKS, asked
from shared.warehouse.load import positions
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.statements import JUDGE_STAGED, ROW_DIGESTS, TAKE_STAGED, Statement, of_staged, row_digests
from shared.warehouse.tables import OF_CONNECTIONS, TABLES

GUIDE: Mapping[str, Mapping[str, str]] = {
    "youtube_metrics": {
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
    },
    "video_performance": {
        "video_id": "STRING",  # VARCHAR(50)
        "published_at": "TIMESTAMP",
        "views": "INT64",  # BIGINT
        "likes": "INT64",
        "dislikes": "INT64",
        "comments": "INT64",
        "shares": "INT64",
        "watch_time_minutes": "BIGNUMERIC",  # DECIMAL(15,2)
        "retention_data": "JSON",  # JSONB
    },
}
"""Section 3.1 of the guide; a DECIMAL may be any exact type that holds it."""
OF_STAGED = (JUDGE_STAGED, TAKE_STAGED)
STATEMENTS = tuple(
    each
    for module in (statements, explain, levels)
    for each in vars(module).values()
    if isinstance(each, Statement) and each not in (*OF_STAGED, ROW_DIGESTS)
)
"""All but those that `of_staged` and `row_digests` make whole."""
SPOKEN = {name: view_text(name) for name in (*VIEWS, *OVER_OWNERS)}
"""Every view's query, in order."""


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
            whole = of_staged(statement, {table: list(each.columns)}, each)
            text = {**whole.filled, "table": each.table}
            yield table, dict.fromkeys(positions(each), "STRING"), replace(whole, filled=text)


def about_loaded() -> Iterator[Statement]:
    """Every statement about a report type's loaded rows: its digests, and every check over report types.

    Of versions with the same columns, one will do.
    """
    kinds = {tuple(each.columns): each for each in REPORT_TYPES.values()}.values()
    yield from (row_digests(each, "channel_id") for each in kinds)
    yield from (found for each in CHECKS if (found := asked(each, [kind.id for kind in kinds])) is not None)


def judge(views: Mapping[str, str]) -> tuple[GoogleSQL, list[str]]:
    """GoogleSQL over the declared tables and views, and what is wrong with these.

    views: name -> query, in order.
    """
    staged = {table: columns for table, columns, _ in about_staged()}
    found = GoogleSQL({**tables(), **staged})
    wrong: list[str] = []
    for name, text in views.items():
        try:
            columns = found.add_view(name, text)
        except Refused as refused:
            return found, [*wrong, f"view {name}: {refused}"]  # what stands on it would only say so again
        wrong += [
            f"view {name}: {column} is {columns.get(column)}, not {kind}"
            for column, kind in GUIDE.get(name, {}).items()
            if columns.get(column) != kind
        ]
        wrong += [
            f"view {name}: {column} adds up several owners' numbers"
            for column in over_owners(found.tree(name))
            if name not in OVER_OWNERS
        ]
    return found, wrong


def problems(found: GoogleSQL, statements: Iterable[Statement]) -> Iterator[str]:
    """What is wrong with statements, each with its name."""
    for statement in statements:
        for text in _texts(statement):
            try:
                tree = found.resolved(text, statement.parameters)
            except Refused as refused:
                yield f"statement {statement.name}: {refused}"
                continue
            for column in over_owners(tree):
                yield f"statement {statement.name}: {column} adds up several owners' numbers"


def problems_of_panels(found: GoogleSQL, asked: Iterable[Asked]) -> Iterator[str]:
    """What is wrong with dashboards' queries: only a dashboard of totals may read what is there by the setting."""
    for each in asked:
        yield from problems(found, [each])
        for view in set(TABLE.findall(each.text)) & set(OVER_OWNERS) if not each.total else ():
            yield f"statement {each.name}: {view} is not there without the setting"


def every_panel() -> Iterator[Asked]:
    """Every query of the dashboards, over a day."""
    until = datetime(2026, 11, 24, 20, tzinfo=UTC)
    return panels(until - timedelta(days=1), until)


def everything() -> tuple[Statement, ...]:
    """Every statement and saved question, those about report types for every one of them, and every check."""
    return (*STATEMENTS, *questions().values(), *(each for _, _, each in about_staged()), *about_loaded())


def _texts(statement: Statement) -> Iterator[str]:
    """A statement for each table that it may be about."""
    if "{table}" not in statement.text:
        yield statement.text
        return
    for each in OF_CONNECTIONS:
        yield statement.text.replace("{table}", each.name).replace("{partition}", each.partition)


def main() -> int:
    """Print what is refused; exit status 1 when anything is."""
    over, found = judge(SPOKEN)
    asked = tuple(every_panel())
    found += [*problems(over, everything()), *problems_of_panels(over, asked)]
    taken = f"{len(SPOKEN)} views, {len(STATEMENTS) + len(OF_STAGED)} statements, {len(asked)} dashboards' queries"
    print("\n".join(found) or f"GoogleSQL takes {taken}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
