"""The optimistic update, the one way in which documents are changed: look, decide, write if nothing has changed.

It is a protocol of steps (`steps.py`); `update` of `firestore.py` carries it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic

from shared.cloud.steps import ABSENT, Commit, Contended, Docs, Pause, Result, Steps, Write, Written, reading

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
    paths: Sequence[str], decide: Decide[Result], *, token: str, attempts: int = ATTEMPTS
) -> Steps[Result]:
    """Look, decide, and commit if nothing has changed that was looked at and is written; else look again.

    Writes to these paths are conditional on what was seen there; those to other paths carry conditions of their
    own, if any. What is only looked at may change meanwhile.
    token: unlike any other update's; it is left in the first document of `paths` that is written and not deleted.
    Google's client sends a commit again whose answer was lost, and then hears that its conditions do not hold; by
    the token it is known for done. Where there is none to find, because nothing but deletions was written or
    somebody else has written there since, the decision is taken again, upon its own writes.
    Raises what `decide` raises, and Contended when the last attempt was in vain.
    """
    updated: Updated[Result] = yield from updating_from(None, paths, decide, token=token, attempts=attempts)
    return updated.result


def updating_from(
    seen: Docs | None, paths: Sequence[str], decide: Decide[Result], *, token: str, attempts: int = ATTEMPTS
) -> Steps[Updated[Result]]:
    """As `updating`, beginning with what the caller has seen already, if anything; answers the versions, too."""
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
