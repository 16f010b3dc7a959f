"""Firestore's rule for indexes, which its emulator does not keep: a query without its index fails in production.

Every field has an ascending and a descending index for queries of one collection, unless the data map declares
another for it. They serve equalities, which are merged, or one field that is compared, ordered or added up, with
the id after it in the same direction. A query over all collections of a name needs an index that is declared.

Source: firebase.google.com/docs/firestore/query-data/index-overview, "Index types" and "Indexes and pricing".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from infra.data_map import group_indexes
from shared.data_map import ID

EQUALITIES = frozenset({"EQUAL", "IN", "IS_NULL", "IS_NAN"})


@dataclass(frozen=True, kw_only=True)
class Query:
    """What of a query decides its index. equal, compared, added: fields; order: fields with "-" for descending."""

    collection: str
    group: bool = False
    equal: frozenset[str] = field(default_factory=frozenset)
    compared: frozenset[str] = field(default_factory=frozenset)
    order: tuple[str, ...] = ()
    added: frozenset[str] = field(default_factory=frozenset)


def problems(query: Query) -> Iterator[str]:
    """Which index a query needs that Firestore does not make by itself and the data map does not declare."""
    collection = query.collection.rpartition("/")[2]
    declared = group_indexes().get(collection)
    ordered = [each.removeprefix("-") for each in query.order]
    single = (query.compared | {*ordered} | query.added) - {ID}
    fields = sorted(single | (query.equal - {ID}))
    if query.group:
        undeclared = [each for each in (*fields, *query.order) if each not in {declared, ID}]
        yield from (f"{collection}: {each} has no index over all collections of this name" for each in undeclared)
    elif declared in fields:
        yield f"{collection}: {declared} has an index over all collections of this name alone"
    if len(single) > 1 or (single and query.equal - single - {ID}):
        yield f"{collection}: an index of several fields, {', '.join(fields)}"
    elif len({each.startswith("-") for each in query.order}) > 1 or query.order == ("-" + ID,):
        yield f"{collection}: an index of {', '.join(query.order)} in these directions"


def query_of(structured: Any) -> Query:
    """What decides the index of a StructuredQuery, which is Firestore's own form of queries."""
    (selector,) = structured.from_
    filters = list(_filters(structured.where))
    descending = type(structured).Direction.DESCENDING
    return Query(
        collection=selector.collection_id,
        group=selector.all_descendants,
        equal=frozenset(name for name, sign in filters if sign in EQUALITIES),
        compared=frozenset(name for name, sign in filters if sign not in EQUALITIES),
        order=tuple(
            ("-" if each.direction == descending else "") + each.field.field_path for each in structured.order_by
        ),
    )


def aggregation_of(structured: Any) -> Query:
    """What decides the index of a StructuredAggregationQuery."""
    added = frozenset(each.sum.field.field_path for each in structured.aggregations if "sum" in each)
    return replace(query_of(structured.structured_query), added=added)


def _filters(where: Any) -> Iterator[tuple[str, str]]:
    if "composite_filter" in where:
        for each in where.composite_filter.filters:
            yield from _filters(each)
    elif "field_filter" in where:
        yield where.field_filter.field.field_path, where.field_filter.op.name
    elif "unary_filter" in where:
        yield where.unary_filter.field.field_path, where.unary_filter.op.name
