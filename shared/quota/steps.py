"""What the ledger's protocol asks of storage, as data.

The protocol (`protocol.py`) is written as generators that yield these steps and are sent the answers. So one and
the same code runs against Firestore (`books.py`) and, step by step, under a test that interleaves many of them,
kills some between two steps, and checks the invariants after each.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
Steps = Generator["Read | Listing | Total | Commit | Pause", Any, Result]

ABSENT: Final = "absent"
"""As a condition: the document does not exist."""


@dataclass(frozen=True, slots=True)
class Doc:
    """A stored document and its version, which changes with every write."""

    data: Mapping[str, Any]
    version: Any


@dataclass(frozen=True, slots=True)
class Read:
    """Documents by path. Answer: {path: Doc or None}."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A collection as of one moment. Answer: {id: Doc}.

    where: only documents whose field has this value; above: only those whose field is greater.
    """

    collection: str
    where: tuple[str, Any] | None = None
    above: tuple[str, int] | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a field over a collection. Answer: int."""

    collection: str
    field: str


@dataclass(frozen=True, slots=True)
class Write:
    """Set fields of a document and add to numbers in it (dotted names reach into maps).

    only_if: ABSENT, a version, or None for whatever is there.
    """

    path: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    only_if: Any = None
    delete: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """One write's answer. numbers: what each added-to field holds now."""

    version: Any
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Commit:
    """Writes that happen together or not at all. Answer: a Written each, or None when a condition did not hold."""

    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """Let others finish: about this many times a moment."""

    times: int
