"""Starts the BigQuery emulator without six things that take much of its time or memory and that nobody here needs.

parsing      a text is parsed once, not thirty times, and what was parsed is copied
views        a view stays one: its text, views within views included, is not written in place of its name for row
             access policies, of which there are none
rewriting    a statement that differs from an earlier one in the name of its staging table alone is rewritten once
definitions  a statement that defines and drops nothing is not parsed, five times over, for what it would define
copies       no table is copied at each change, for time travel: that came to gigabytes
results      those of the newest jobs are kept, not of all: who pages through one asks at once

It runs in the emulator's own environment, which has nothing of ours: `.venv-bigquery/bin/python FILE start ...`.
What a statement means and answers is the emulator's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import sqlglot
from sqlglot.expressions import Expression

_parse_one = sqlglot.parse_one


@lru_cache(maxsize=64)
def _parsed(sql: str, dialect: Any) -> Expression:
    return _parse_one(sql, read=dialect)


def _parse_once(sql: str, read: Any = None, dialect: Any = None, **options: Any) -> Expression:
    return (
        _parse_one(sql, read=read, dialect=dialect, **options) if options else _parsed(sql, read or dialect).copy()
    )


sqlglot.parse_one = _parse_once  # before the emulator's modules take it

from bqemulator.catalog import ddl_sync  # noqa: E402
from bqemulator.cli import main  # noqa: E402
from bqemulator.domain.events import TableDataChanged  # noqa: E402
from bqemulator.domain.result import Ok  # noqa: E402
from bqemulator.jobs import executor  # noqa: E402
from bqemulator.sql import inner_query  # noqa: E402
from bqemulator.sql.translator import SQLTranslator  # noqa: E402
from bqemulator.versioning.snapshots import SnapshotManager  # noqa: E402

KEPT = 1_000  # rewritten statements
RESULTS = 100  # jobs whose answers are kept
_STAGING = re.compile(r"staged_\w+", re.IGNORECASE)  # what is rewritten has names in small letters
_STANDS_FOR_IT = "?staging?"
_DEFINES = re.compile(r"\b(create|drop)\b", re.IGNORECASE)
_LOOKS: dict[str, Any] = {
    "_detect_catalog_drop": None,
    "_detect_create_schema": None,
    "_detect_plain_create_table": None,
    "_detect_plain_create_view": (None, None),
}
"""What looks for a definition, and its answer where there is none."""


class _Refused(Exception):
    """A statement that the emulator does not translate, with its answer."""


def rewrite_once() -> None:
    """Translate a statement, and name its tables, once, whatever its staging table is called."""
    translate = SQLTranslator.translate

    def text(sql: str, translator: SQLTranslator, schema: Any, caller: Any) -> str:
        found = translate(translator, sql, schema=schema, caller=caller)
        if not isinstance(found, Ok):
            raise _Refused(found)
        return str(found.value)

    remembered = _remembered(text)

    @wraps(translate)
    def translated(self: SQLTranslator, bq_sql: str, *, schema: Any = None, caller: Any = None) -> Any:
        try:
            return Ok(remembered(bq_sql, self, schema, caller))
        except _Refused as refused:
            return refused.args[0]

    SQLTranslator.translate = translated
    executor.rewrite_table_refs = _remembered(executor.rewrite_table_refs)


def _remembered(rewrite: Callable[..., str]) -> Callable[..., str]:
    """The same, asked once for statements that are alike but for the one staging table that they name."""
    known = dict[tuple[str, ...], str]()

    @wraps(rewrite)
    def remembered(sql: str, *more: Any) -> str:
        names = {*_STAGING.findall(sql)}
        if len(names) > 1:
            return rewrite(sql, *more)
        key = tuple(_STAGING.sub(_STANDS_FOR_IT, text) for text in (sql, *map(repr, more)))
        if key not in known:
            if len(known) >= KEPT:
                known.clear()
            known[key] = _STAGING.sub(_STANDS_FOR_IT, rewrite(sql, *more))
        return known[key].replace(_STANDS_FOR_IT, "".join(names))

    return remembered


def look_at_definitions_only() -> None:
    """Leave out the looks for what a statement defines where it has no word for that."""
    for function, nothing in _LOOKS.items():
        setattr(ddl_sync, function, _unless_defining(getattr(ddl_sync, function), nothing))


def _unless_defining(look: Callable[..., Any], nothing: Any) -> Callable[..., Any]:
    @wraps(look)
    def quick(bq_sql: str, *more: Any) -> Any:
        return look(bq_sql, *more) if _DEFINES.search(bq_sql) else nothing

    return quick


def copy_nothing() -> None:
    """Tell of a change, and keep no copy."""

    def record_change(self: SnapshotManager, project_id: str, dataset_id: str, table_id: str) -> None:
        self._events.publish(TableDataChanged(project_id, dataset_id, table_id))

    SnapshotManager.record_change = record_change


class Newest(dict[str, Any]):
    """What is known of the newest jobs."""

    def __setitem__(self, job: str, known: Any) -> None:
        super().__setitem__(job, known)
        while len(self) > RESULTS:
            del self[next(iter(self))]


def forget_results() -> None:
    """Keep the newest jobs' answers alone; before the modules that answer with them take the dictionaries."""
    vars(executor).update(JOB_RESULTS=Newest(), JOB_SCHEMAS=Newest())


def keep_views() -> None:
    """Leave views to DuckDB."""
    vars(inner_query)["rewrite_for_row_access"] = lambda sql, **_: sql


if __name__ == "__main__":
    keep_views()
    rewrite_once()
    look_at_definitions_only()
    copy_nothing()
    forget_results()
    main()
