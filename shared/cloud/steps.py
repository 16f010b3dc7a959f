"""What a protocol asks of Firestore, as data.

A protocol is a generator that yields these steps and is sent their answers. So one and the same code runs on
Firestore (`firestore.py`) and, step by step, in tests that interleave many, stop some between two steps, and check
after each what must hold.
The optimistic update is such a protocol: look, decide, write if nothing has changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

Result = TypeVar("Result")
Steps = Generator["Read | Listing | Total | Together | Commit | Pause", Any, Result]

ABSENT: Final = "absent"
"""As a condition: the document does not exist."""
PRESENT: Final = "present"
"""As a condition: the document exists, whatever its version."""


class Contended(Exception):
    """Too many changed the same documents for too long."""


@dataclass(frozen=True, slots=True)
class Doc:
    """A stored document and its version, which changes with every write."""

    data: Mapping[str, Any]
    version: Any


class Docs(dict[str, Doc | None]):
    """Documents by path, None for an absent one. at: when they were read, by the server's clock."""

    def __init__(self, found: Mapping[str, Doc | None], at: datetime) -> None:
        super().__init__(found)
        self.at = at


@dataclass(frozen=True, slots=True)
class Read:
    """Documents by path. Answer: Docs."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Documents of a collection as of one moment. Answer: {id: Doc}, in order.

    where: only documents whose field has this value; above, until: whose field is greater, or at most this. order:
    a field, "-" before it for descending. only: the fields to read, all if empty; fields that are compared must be
    among them. group: all collections of this name, wherever they are; the answer is by path then.
    """

    collection: str
    where: tuple[str, Any] | None = None
    above: tuple[str, Any] | None = None
    until: tuple[str, Any] | None = None
    order: str = ""
    limit: int | None = None
    only: tuple[str, ...] = ()
    group: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a field over a collection, or how many documents there are. Answer: a number.

    between: only documents whose field is greater than the first figure and at most the second.
    """

    collection: str
    field: str | None = None
    between: tuple[str, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Several reads of which none waits for another. Answer: theirs, in the same order."""

    reads: tuple[Read | Listing | Total, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Set fields of a document, add to numbers in it, remove fields from it; or delete it.

    A name with dots reaches into maps; a part with other characters than letters, digits and underscores stands in
    backquotes: "days.`2026-01-01`". A field that is set is replaced as a whole.
    only_if: ABSENT, PRESENT, a version, or None for whatever is there.
    """

    path: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    only_if: Any = None
    delete: bool = False
    remove: tuple[str, ...] = ()


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
    """Wait a random moment before trying again, longer with each attempt."""

    attempt: int


def only(step: Read | Listing | Total | Together | Commit) -> Steps[Any]:
    """A protocol of one step."""
    return (yield step)


def reading(paths: Sequence[str]) -> Steps[Docs]:
    return only(Read(tuple(paths)))


def parts_of(name: str) -> list[str]:
    """The keys that lead to a field: `a.b` is "b" in "a"; backquotes hold what is no plain name."""
    return [quoted or plain for quoted, plain in re.findall(r"`([^`]*)`|([^.`]+)", name)]


WRITTEN_BY: Final = "written_by"
"""The field in which an update leaves its token, by which it knows its own write again."""
ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class Change(Generic[Result]):
    """What a decision comes to: its result and the writes that go with it, none if all stays as it is."""

    result: Result
    writes: Sequence[Write] = ()


@dataclass(frozen=True, slots=True)
class Updated(Generic[Result]):
    """An update's result, and the versions of those of its paths that it wrote."""

    result: Result
    versions: Mapping[str, Any]


Decide = Callable[[Docs], Change[Result]]
"""Decides from the documents as they are. Pure: it is asked anew whenever somebody else was faster."""


def updating(
    paths: Sequence[str], decide: Decide[Result], *, token: str, seen: Docs | None = None, attempts: int = ATTEMPTS
) -> Steps[Updated[Result]]:
    """Look, decide, and commit if nothing has changed that was looked at and is written; else look again.

    Writes to these paths are conditional on what was seen there; those to other paths carry conditions of their
    own, if any. What is only looked at may change meanwhile.
    seen: what the caller has looked at already, instead of a first look.
    token: unlike any other update's; it is left in the first document of `paths` that is written and not deleted.
    Google's client sends a commit again whose answer was lost, and then hears that its conditions do not hold; by
    the token it is known for done. Where there is none to find, because nothing but deletions was written or
    somebody else has written there since, the decision is taken again, upon its own writes.
    Raises what `decide` raises, and Contended when the last attempt was in vain.
    """
    for attempt in range(attempts):
        if seen is None:
            seen = yield from reading(paths)
        change = decide(seen)
        writes = _conditional(change.writes, seen, token)
        written: tuple[Written, ...] | None = (yield Commit(writes)) if writes else ()
        if written is not None:
            versions = {write.path: each.version for write, each in zip(writes, written, strict=True)}
            return Updated(change.result, {path: version for path, version in versions.items() if path in seen})
        yield Pause(attempt)
        seen = yield from reading(paths)
        if any(doc is not None and doc.data.get(WRITTEN_BY) == token for doc in seen.values()):
            return Updated(change.result, {path: doc.version for path, doc in seen.items() if doc is not None})
    raise Contended


def _conditional(writes: Sequence[Write], seen: Docs, token: str) -> tuple[Write, ...]:
    bearer = next((write for write in writes if write.path in seen and not write.delete), None)
    versions = {path: ABSENT if doc is None else doc.version for path, doc in seen.items()}
    return tuple(
        replace(
            write,
            only_if=versions.get(write.path, write.only_if),
            fields={**write.fields, WRITTEN_BY: token} if write is bearer else write.fields,
        )
        for write in writes
    )
