"""Every query finds its index: Firestore's own, or one that the data map declares."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from infra.deployment import ROOT
from infra.judges.indexes import Query, problems
from shared import data_map
from shared.quota import accounts

WRITTEN_ELSEWHERE = {"shared.cloud.firestore"}
"""It carries out the steps that others write."""


@pytest.mark.parametrize(
    "query",
    [
        Query(collection="c", equal=frozenset({"a"}), order=("b",)),
        Query(collection="c", equal=frozenset({"a"}), compared=frozenset({"b"})),
        Query(collection="c", order=("-a", "b")),
        Query(collection="c", order=("-a", "__name__")),
        Query(collection="c", order=("-__name__",)),
        Query(collection="c", compared=frozenset({"a"}), added=frozenset({"b"})),
        Query(collection="c", group=True, compared=frozenset({"a"})),
        Query(collection="entries", group=True, compared=frozenset({"held_at"}), order=("-held_at",)),
        Query(collection="quota/d/entries", compared=frozenset({"held_at"})),
    ],
)
def test_a_query_that_needs_an_index_of_its_own_is_found(query):
    assert list(problems(query))


@pytest.mark.parametrize(
    "query",
    [
        Query(collection="c", equal=frozenset({"a", "b"}), order=("__name__",)),
        Query(collection="c", compared=frozenset({"a"}), order=("-a", "-__name__"), added=frozenset({"a"})),
        Query(collection="c", group=True),
        Query(collection="entries", group=True, compared=frozenset({"held_at"}), order=("held_at",)),
    ],
)
def test_a_query_that_firestore_s_own_indexes_or_a_declared_one_serves_is_none(query):
    assert not list(problems(query))


def test_every_query_that_is_written_has_its_index():
    found = [query for path in sorted((ROOT / "shared").rglob("*.py")) for query in written_in(path)]
    assert len(found) > 25
    assert any(query.group for query in found)
    assert [problem for query in found for problem in problems(query)] == []
    assert data_map.QUOTA_ENTRIES.name == accounts.ENTRIES


def written_in(path) -> Iterator[Query]:
    """The queries of a module. A field that is not written out stands for itself, as the text that names it."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    tree = ast.parse(path.read_text())
    if name in WRITTEN_ELSEWHERE:
        return
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        yield from (step(call, name) for call in calls if called(call) in {"Listing", "Total"} and call.args)
        if any(called(call) in {"collection", "collection_group"} for call in calls):
            yield query_in(calls, name)


def step(call: ast.Call, module: str) -> Query:
    """A step that a protocol takes."""
    given = {each.arg: each.value for each in call.keywords}

    def bound(*names: str) -> frozenset[str]:
        there = [given[name] for name in names if name in given]
        return frozenset(value(each.elts[0] if isinstance(each, ast.Tuple) else each, module) for each in there)

    return Query(
        collection=value(call.args[0], module),
        group="group" in given,
        equal=bound("where"),
        compared=bound("above", "until", "between"),
        order=(value(given["order"], module),) if "order" in given else (),
        added=frozenset(value(each, module) for each in call.args[1:]) if called(call) == "Total" else frozenset(),
    )


def query_in(calls: list[ast.Call], module: str) -> Query:
    """The query that a function builds: one, with all of its filters."""

    def named(method: str) -> list[ast.Call]:
        on_query = [call for call in calls if isinstance(call.func, ast.Attribute) and call.args]
        return sorted((call for call in on_query if called(call) == method), key=lambda call: call.lineno)

    filters = [[value(each, module) for each in call.args[:2]] for call in calls if called(call) == "FieldFilter"]
    return Query(
        collection="of a function",
        group=bool(named("collection_group")),
        equal=frozenset(field for field, sign in filters if sign in {"==", "in"}),
        compared=frozenset(field for field, sign in filters if sign not in {"==", "in"}),
        order=tuple(descending(call) + value(call.args[0], module) for call in named("order_by")),
        added=frozenset(value(call.args[0], module) for call in named("sum")),
    )


def descending(call: ast.Call) -> str:
    return "-" if any("DESCENDING" in ast.unparse(each) for each in call.keywords) else ""


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def value(node: ast.expr, module: str) -> str:
    """What an expression is, where its module knows; else the expression."""
    text = ast.unparse(node)
    with suppress(Exception):
        known = eval(text, vars(importlib.import_module(module)))
        return next(each for each in (known, known[0]) if isinstance(each, str))
    return text
