"""What a query reads and what it adds up, read off the tree that GoogleSQL resolves it to.

`unreached` is the tables that a filter on one of a view's columns does not reach, so that all their partitions are
read. It trusts an engine with what each does: a filter goes through a projection that passes the column on as it
is, a grouping or a window by it, a union, and the side of a join that it comes from; through an inner join's
equality of two columns it goes to the other side as well.
`over_owners` is the sums that add up several channels' numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.judges.googlesql import GoogleSQL
from shared.warehouse.tables import TABLES

PARTITIONS: Mapping[str, str] = {each.name: each.partition for each in TABLES}
OWNERS = frozenset({"channel_id", "report_id"})
"""What keeps owners apart: a report is of one channel. Not a video: numbers of no video have no id."""

OURS = ("report_loads", "analytics_loads", "current_reports", "staged_", "youtube_api_calls", "check_results")
"""How the tables begin that are ours and no owner's: reports, answers, calls and findings may be added up."""


def over_owners(tree: Any) -> list[str]:
    """The names of a statement's sums and windows that are not kept apart by channel.

    A distinct list sums nothing.
    """
    named = _named(tree)
    return [
        name
        for node in nodes(tree)
        for keys, names in _summed(node)
        if not OWNERS & set(keys) and any(_theirs(node, named))
        for name in names
    ]


def _named(tree: Any) -> dict[str, Any]:
    """The queries of a statement's WITH, by name."""
    return {each.with_query_name: each.with_subquery for each in nodes(tree) if _is(each, "ResolvedWithEntry")}


def _summed(node: Any) -> Iterator[tuple[list[str], list[str]]]:
    """What a scan groups by and what it adds up, by names; nothing for one that adds nothing up."""
    if _is(node, "ResolvedAggregateScan"):
        keys = [each.expr.column.name for each in node.group_by_list if _is(each.expr, "ResolvedColumnRef")]
        yield keys, [each.column.name for each in node.aggregate_list]
    if _is(node, "ResolvedAnalyticScan"):
        for group in node.function_group_list:
            by = group.partition_by.partition_by_list if group.partition_by else []
            yield [each.column.name for each in by], [each.column.name for each in group.analytic_function_list]


def _theirs(tree: Any, named: Mapping[str, Any]) -> Iterator[str]:
    """The tables under a scan that hold owners' numbers."""
    for node in nodes(tree):
        if _is(node, "ResolvedWithRefScan"):
            yield from _theirs(named[node.with_query_name], named)
        elif _is(node, "ResolvedTableScan") and not node.table.name.startswith(OURS):
            yield node.table.name


def nodes(tree: Any) -> Iterator[Any]:
    """Every scan and expression of a resolved tree, from the root down."""
    if isinstance(tree, list):
        for each in tree:
            yield from nodes(each)
    elif type(tree).__name__.startswith("Resolved") and not _is(tree, "ResolvedColumn"):
        yield tree
        for each in vars(tree).values():
            yield from nodes(each)


def _is(node: Any, kind: str) -> bool:
    return type(node).__name__ == kind


@dataclass
class Reading:
    """Which tables a judge's views leave whole, of those views."""

    judge: GoogleSQL
    views: Collection[str]
    _known: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def unreached(self, view: str, column: str) -> frozenset[str]:
        """The declared tables of which a filter on a view's column reads every partition."""
        if (view, column) not in self._known:
            statement = self.judge.tree(view)
            output = next(each.column for each in statement.output_column_list if each.name == column)
            walk = _Walk(self, {})
            self._known[view, column] = frozenset(walk.unreached(statement.query, output.column_id))
        return self._known[view, column]

    def whole(self, name: str) -> frozenset[str]:
        """The declared tables under a table or view."""
        if name not in self.views:
            return frozenset({name})
        tree = self.judge.tree(name)
        return frozenset(_Walk(self, _named(tree)).below(tree))


@dataclass
class _Walk:
    """One statement's tree. named: its WITH queries."""

    reading: Reading
    named: dict[str, Any]

    def unreached(self, scan: Any, column: int) -> set[str]:
        kinds: Mapping[str, Callable[[Any, int], set[str]]] = {
            "ResolvedTableScan": self._table,
            "ResolvedProjectScan": self._project,
            "ResolvedFilterScan": lambda each, of: self.unreached(each.input_scan, of),
            "ResolvedAggregateScan": self._aggregate,
            "ResolvedAnalyticScan": self._analytic,
            "ResolvedJoinScan": self._join,
            "ResolvedSetOperationScan": self._union,
            "ResolvedWithScan": self._with,
            "ResolvedWithRefScan": self._reference,
            "ResolvedArrayScan": self._array,
        }
        known = kinds.get(type(scan).__name__)
        return known(scan, column) if known else self.below(scan)

    def below(self, tree: Any) -> set[str]:
        """Every declared table under a scan."""
        found: set[str] = set()
        for node in nodes(tree):
            if _is(node, "ResolvedTableScan"):
                found |= self.reading.whole(node.table.name)
            if _is(node, "ResolvedWithRefScan") and node.with_query_name in self.named:
                found |= self.below(self.named[node.with_query_name])
        return found

    def _table(self, scan: Any, column: int) -> set[str]:
        name = next(each.name for each in scan.column_list if each.column_id == column)
        table = scan.table.name
        if table in self.reading.views:
            return set(self.reading.unreached(table, name))
        return set() if PARTITIONS.get(table) == name else {table}

    def _project(self, scan: Any, column: int) -> set[str]:
        return self._through(scan, scan.expr_list, column, otherwise=column)

    def _aggregate(self, scan: Any, column: int) -> set[str]:
        return self._through(scan, scan.group_by_list, column, otherwise=None)

    def _through(self, scan: Any, computed: Any, column: int, *, otherwise: int | None) -> set[str]:
        by_id = {each.column.column_id: each.expr for each in computed}
        expr = by_id.get(column)
        if expr is None and otherwise is not None:
            return self.unreached(scan.input_scan, otherwise)
        if expr is None or not _is(expr, "ResolvedColumnRef"):
            return self.below(scan.input_scan)
        return self.unreached(scan.input_scan, expr.column.column_id)

    def _analytic(self, scan: Any, column: int) -> set[str]:
        for group in scan.function_group_list:
            by = group.partition_by.partition_by_list if group.partition_by else []
            if column not in [each.column.column_id for each in by]:
                return self.below(scan.input_scan)
        return self.unreached(scan.input_scan, column)

    def _join(self, scan: Any, column: int) -> set[str]:
        sides = (scan.left_scan, scan.right_scan)
        here, there = sides if column in _columns(scan.left_scan) else sides[::-1]
        equals = [other for other in _equal(scan.join_expr, column) if other in _columns(there)]
        inner = scan.join_type.name == "INNER"
        other = self.unreached(there, equals[0]) if inner and equals else self.below(there)
        return self.unreached(here, column) | other

    def _union(self, scan: Any, column: int) -> set[str]:
        place = [each.column_id for each in scan.column_list].index(column)
        found: set[str] = set()
        for item in scan.input_item_list:
            found |= self.unreached(item.scan, item.output_column_list[place].column_id)
        return found

    def _with(self, scan: Any, column: int) -> set[str]:
        self.named |= _named(scan)
        return self.unreached(scan.query, column)

    def _reference(self, scan: Any, column: int) -> set[str]:
        query = self.named[scan.with_query_name]
        place = [each.column_id for each in scan.column_list].index(column)
        return self.unreached(query, query.column_list[place].column_id)

    def _array(self, scan: Any, column: int) -> set[str]:
        if scan.input_scan is None or column in [each.column_id for each in scan.element_column_list]:
            return self.below(scan)
        return self.unreached(scan.input_scan, column)


def _columns(scan: Any) -> set[int]:
    return {each.column_id for each in scan.column_list}


def _equal(expr: Any, column: int) -> Iterator[int]:
    """The columns that a join's condition says are equal to one."""
    for node in nodes(expr):
        if _is(node, "ResolvedFunctionCall") and node.function.name == "ZetaSQL:$equal":
            ids = [each.column.column_id for each in node.argument_list if _is(each, "ResolvedColumnRef")]
            if column in ids:
                yield from (each for each in ids if each != column)
