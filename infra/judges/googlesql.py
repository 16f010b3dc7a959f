"""GoogleSQL's own analyser and reference evaluator (PyPI `zetasql`: Google's code as WebAssembly) over our tables.

BigQuery's emulator translates to DuckDB and takes statements that BigQuery refuses: reserved words as aliases,
functions of another dialect, loose types. This analyser is the code that BigQuery grew from. Statements name their
tables as `` `{dataset}.table` `` and their parameters as `@name`; what a table holds and what type a parameter has
is declared by the caller.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

TABLE = re.compile(r"`\{dataset\}\.(\w+)`")

_SIMPLE = {
    "STRING": "STRING",
    "INTEGER": "INT64",
    "INT64": "INT64",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "NUMERIC": "NUMERIC",
    "BIGNUMERIC": "BIGNUMERIC",
    "BOOLEAN": "BOOL",
    "BOOL": "BOOL",
    "DATE": "DATE",
    "DATETIME": "DATETIME",
    "TIMESTAMP": "TIMESTAMP",
    "JSON": "JSON",
    "BYTES": "BYTES",
}
"""BigQuery's column types (and their standard names) as the analyser's kinds."""
_NAMES = {kind: name for name, kind in _SIMPLE.items() if name not in {"INTEGER", "FLOAT", "BOOLEAN"}}
"""The analyser's kinds by the standard names that statements use."""


class Refused(Exception):
    """GoogleSQL refuses a statement; the message is Google's."""


@dataclass
class GoogleSQL:
    """A catalog of tables against which statements are analysed. tables: name -> column -> type."""

    tables: Mapping[str, Mapping[str, str]]
    _views: dict[str, dict[str, str]] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _trees: dict[str, Any] = field(default_factory=dict)
    _registered: int | None = None  # what the analyser keeps of all of it: it reads the whole only once

    def add_view(self, name: str, sql: str) -> dict[str, str]:
        """Analyse a view over what is there, and make it a table for those that follow. Raises Refused."""
        tree = _resolved(sql, {}, simple_catalog=self._catalog(TABLE.findall(sql)))
        self._views[name], self._texts[name], self._trees[name] = _columns(tree), sql, tree
        self._registered = None
        return self._views[name]

    def tree(self, view: str) -> Any:
        """A view that was added, as `resolved` has it."""
        return self._trees[view]

    def analyse(self, sql: str, parameters: Mapping[str, str] | None = None) -> dict[str, str]:
        """A statement's output columns and their types, in order; {} for one without any. Raises Refused."""
        return _columns(self.resolved(sql, parameters))

    def resolved(self, sql: str, parameters: Mapping[str, str] | None = None) -> Any:
        """A statement as GoogleSQL resolves it: a tree of scans and expressions. Raises Refused."""
        if self._registered is None:
            catalog = self._catalog([*self.tables, *self._views])
            self._registered = _library().service().register_catalog(simple_catalog=catalog).registered_id
        return _resolved(sql, parameters or {}, registered_catalog_id=self._registered)

    def evaluate(self, sql: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
        """What the reference evaluator answers to a query over these rows (a table that is not named is empty).

        Views that were added are evaluated with it. Values are as TO_JSON_STRING writes them: dates and times as
        texts, numbers as numbers. Raises Refused.
        """
        tables = self.tables.items()
        texts = {name: _literal_table(columns, rows.get(name, ())) for name, columns in tables}
        texts |= {name: TABLE.sub(r"`\1`", text) for name, text in self._texts.items()}
        wanted = _needed(TABLE.findall(sql), self._texts)
        named = ",\n".join(f"`{name}` AS (\n{text}\n)" for name, text in texts.items() if name in wanted)
        query = TABLE.sub(r"`\1`", sql)
        return _run(f"WITH {named}\nSELECT * FROM (\n{query}\n)" if named else query)

    def _catalog(self, names: Sequence[str]) -> Any:
        """A catalog of these tables and views, as far as they are known."""
        kinds = _library()
        builder = kinds.CatalogBuilder("warehouse")
        known = {**self.tables, **self._views}
        for name, columns in ((name, known[name]) for name in dict.fromkeys(names) if name in known):
            table = kinds.TableBuilder(name)
            for column, kind in columns.items():
                table = table.add_column(column, _type(kind))
            builder = builder.add_table(table.build())
        return builder.with_builtin_functions(_functions()).build()


def _resolved(sql: str, parameters: Mapping[str, str], **over: Any) -> Any:
    """A statement as GoogleSQL resolves it over a catalog. Raises Refused."""
    asked, library = TABLE.sub(r"`\1`", sql), _library()
    try:
        answer = library.service().analyze(sql_statement=asked, options=_options(parameters), **over)
    except library.errors as error:
        raise Refused(str(error)) from error
    return answer.resolved_statement


def _columns(tree: Any) -> dict[str, str]:
    """A statement's output columns and their types."""
    columns = getattr(tree, "output_column_list", None) or ()
    return {each.name: _type_name(each.column.type) for each in columns}


def _needed(names: Sequence[str], texts: Mapping[str, str]) -> set[str]:
    waiting, found = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += TABLE.findall(texts.get(name, ""))
    return found


def _literal_table(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table's rows as a query over literals."""
    kinds = ", ".join(f"`{name}` {_standard(kind)}" for name, kind in columns.items())
    values = ",\n".join(
        f"({', '.join(literal(row.get(name), kind) for name, kind in columns.items())})" for row in rows
    )
    return f"SELECT * FROM UNNEST(ARRAY<STRUCT<{kinds}>>[{values}])"


def literal(value: Any, kind: str) -> str:
    """A value as a GoogleSQL literal of a column type."""
    standard = _standard(kind)
    if value is None:
        return f"CAST(NULL AS {standard})"
    if standard == "JSON":
        return f"JSON {json.dumps(json.dumps(value))}"
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC).isoformat(sep=" ")
    text = json.dumps(str(value))  # a JSON text is a GoogleSQL text
    return text if standard == "STRING" else f"CAST({text} AS {standard})"


# --- the library ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Library:
    service: Any
    CatalogBuilder: Any
    TableBuilder: Any
    PreparedQuery: Any
    TypeFactory: Any
    types: Any
    errors: tuple[type[Exception], ...]


@cache
def _library() -> _Library:
    # Loaded on first use: it takes a second.
    from zetasql import types
    from zetasql.api import CatalogBuilder, PreparedQuery, TableBuilder, TypeFactory
    from zetasql.core.exceptions import ZetaSQLError
    from zetasql.core.local_service import ZetaSqlLocalService

    from infra.judges.quick_zetasql import make_quick

    make_quick()
    return _Library(
        ZetaSqlLocalService.get_instance,
        CatalogBuilder,
        TableBuilder,
        PreparedQuery,
        TypeFactory,
        types,
        (ZetaSQLError,),
    )


@cache
def _language() -> Any:
    types = _library().types
    language = types.LanguageOptions.maximum_features()
    language.reserved_keywords.append("QUALIFY")  # as in BigQuery
    language.product_mode = types.ProductMode.PRODUCT_EXTERNAL  # BigQuery's type names alone
    return language


@cache
def _functions() -> Any:
    return _library().types.ZetaSQLBuiltinFunctionOptions(language_options=_language())


def _options(parameters: Mapping[str, str]) -> Any:
    types = _library().types
    options = types.AnalyzerOptions(language_options=_language())
    for name, kind in parameters.items():
        options.query_parameters.append(types.AnalyzerOptions.QueryParameter(name=name, type=_type(kind)))
    return options


def _type(kind: str) -> Any:
    factory, array = _library().TypeFactory, re.fullmatch(r"ARRAY<(\w+)>", kind)
    simple = factory.create_simple_type(_kind(array[1] if array else kind))
    return factory.create_array_type(simple) if array else simple


def _kind(kind: str) -> Any:
    return getattr(_library().types.TypeKind, f"TYPE_{_SIMPLE[kind]}")


def _standard(kind: str) -> str:
    return _NAMES[_SIMPLE[kind]]


def _type_name(type_: Any) -> str:
    name: str = type_.type_kind.name.removeprefix("TYPE_")
    if name == "ARRAY":
        return f"ARRAY<{_type_name(type_.array_type.element_type)}>"
    return _NAMES.get(name, name)


def _run(query: str) -> list[dict[str, Any]]:
    library = _library()
    catalog = library.CatalogBuilder("empty").with_builtin_functions(_functions()).build()
    as_json = f"SELECT TO_JSON_STRING(answer) FROM (\n{query}\n) AS answer"
    builder = library.PreparedQuery.builder().set_sql(as_json).set_catalog(catalog)
    try:
        with builder.set_analyzer_options(_options({})).prepare() as prepared:
            answer = prepared.execute()
    except library.errors as error:
        raise Refused(str(error)) from error
    table = answer.content.table_data  # None when there are no rows
    return [json.loads(row.cell[0].string_value) for row in (table.row if table else ())]
