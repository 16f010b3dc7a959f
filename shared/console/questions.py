"""Saved questions about the warehouse: the SQL is ours (`questions.toml`); whoever asks gives typed values alone.

A question reads views and nothing else, which a test has GoogleSQL's analyser say of each. Before one is put,
BigQuery is asked what it would read; one that would read more than its bound is not put, and BigQuery itself
refuses to bill more.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from shared import ids
from shared.cloud.bigquery import ask
from shared.errors import InvalidRequest, NotFound
from shared.fields import Fields
from shared.warehouse.statements import Statement, Warehouse, parameters, placed, reads

MOST_BYTES = 1_000_000_000
"""What one question may read: at list price, six tenths of a cent."""
ROWS_MAX = 10_000
_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Question(Statement):
    """One question. asks: its title. sql: over views; what it takes is in `parameters`."""

    asks: str
    sql: str

    @property
    def text(self) -> str:
        return self.sql


@cache
def questions() -> Mapping[str, Question]:
    declared = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: Question(name=name, **of) for name, of in declared.items()}


def named(name: str) -> Question:
    """A question by its name. Raises NotFound."""
    found = questions().get(name)
    if found is None:
        raise NotFound("There is no such question.")
    return found


_READ: Mapping[str, tuple[Callable[[Fields, str], Any], str]] = {
    "STRING": (lambda given, name: given.id(name, ids.CHANNEL), "a channel's id"),
    "DATE": (Fields.date, "a day, as 2026-11-01"),
}
"""How a value of each type is read, and what it is called."""


def takes(question: Question) -> dict[str, str]:
    """What each parameter of a question is called."""
    return {name: _READ[kind][1] for name, kind in question.parameters.items()}


def values(question: Question, query: Callable[[str], str]) -> dict[str, Any] | None:
    """The parameters' values in an address's query; None while none is given. Raises InvalidRequest."""
    given = {name: query(name) for name in question.parameters}
    if given and not any(given.values()):
        return None
    fields = Fields(given, *given)
    return {name: _READ[kind][0](fields, name) for name, kind in question.parameters.items()}


def put(warehouse: Warehouse, question: Question, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A question's answer, at most ROWS_MAX rows. Raises InvalidRequest (reason "questionTooLarge")."""
    if (size := reads(warehouse, question, given)) > MOST_BYTES:
        words = f"It would read {size:,} bytes; a question may read {MOST_BYTES:,}."
        raise InvalidRequest(words, reason="questionTooLarge")
    text, said = placed(question.text, warehouse), parameters(question, given)
    rows = ask(warehouse.client, text, *said, work=_SECONDS, maximum_bytes_billed=MOST_BYTES)
    return [dict(row) for row in islice(rows, ROWS_MAX)]
