"""Documents in memory with Firestore's rules for commits: all or nothing, conditions, additions that answer.

The quota ledger's protocol runs on it step by step in tests, and in virtual time in a measurement.
`tests/emulators/quota/test_books.py` holds it against the Firestore emulator.
"""

from __future__ import annotations

import copy
from typing import Any

from shared.errors import Unavailable
from shared.quota.books import nested
from shared.quota.protocol import Contended
from shared.quota.refusals import CONTENDED
from shared.quota.steps import ABSENT, Commit, Doc, Listing, Pause, Read, Total, Write, Written


class Shelf:
    """Carries steps out one at a time, so that protocols can be interleaved, and stopped anywhere.

    silent: what lies under this path does not answer; "" is everything. crowded: somebody is always faster, so no
    commit's conditions hold. commits: how many were carried out.
    """

    def __init__(self) -> None:
        self.docs: dict[str, Doc] = {}
        self.version = 0
        self.silent: str | None = None
        self.crowded = False
        self.commits = 0

    def answer(self, step: Any) -> Any:
        """What storage answers to a step. Raises Unavailable for what is silent."""
        if self.silent is not None and any(path.startswith(self.silent) for path in _paths(step)):
            raise Unavailable("The quota ledger does not answer.", reason="ledgerUnavailable")
        if isinstance(step, Commit):
            return self._commit(step)
        if isinstance(step, Read):
            return {path: self.docs.get(path) for path in step.paths}
        if isinstance(step, Listing):
            return self._list(step)
        if isinstance(step, Total):
            return sum(doc.data.get(step.field, 0) for doc in self._in(step.collection).values())
        assert isinstance(step, Pause)
        return None

    def _in(self, collection: str) -> dict[str, Doc]:
        return {p.rpartition("/")[2]: d for p, d in self.docs.items() if p.rpartition("/")[0] == collection}

    def _list(self, step: Listing) -> dict[str, Doc]:
        found = self._in(step.collection)
        if step.where:
            found = {k: d for k, d in found.items() if d.data.get(step.where[0]) == step.where[1]}
        if step.above:
            found = {k: d for k, d in found.items() if d.data.get(step.above[0], 0) > step.above[1]}
        return found

    def _holds(self, write: Write) -> bool:
        doc = self.docs.get(write.path)
        if write.only_if is None:
            return True
        return doc is None if write.only_if == ABSENT else doc is not None and doc.version == write.only_if

    def _commit(self, step: Commit) -> tuple[Written, ...] | None:
        if self.crowded or not all(self._holds(write) for write in step.writes):
            return None
        self.version += 1
        self.commits += 1
        return tuple(self._write(write) for write in step.writes)

    def _write(self, write: Write) -> Written:
        if write.delete:
            del self.docs[write.path]
            return Written(self.version, {})
        doc = self.docs.get(write.path)
        data = copy.deepcopy(dict(doc.data)) if doc else {}
        data.update(copy.deepcopy(nested(write.fields)))
        numbers: dict[str, int] = {}
        for name, units in write.add.items():
            *outer, last = name.split(".")
            place = data
            for part in outer:
                place = place.setdefault(part, {})
            numbers[name] = place[last] = place.get(last, 0) + units
        self.docs[write.path] = Doc(data, self.version)
        return Written(self.version, numbers)


def _paths(step: Any) -> tuple[str, ...]:
    if isinstance(step, Commit):
        return tuple(write.path for write in step.writes)
    if isinstance(step, Read):
        return step.paths
    return (step.collection,) if isinstance(step, Listing | Total) else ()


class ShelfBooks:
    """Carries whole protocols out on a shelf, as `Books` does on Firestore."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def run(self, steps: Any) -> Any:
        """The protocol's result. Raises Unavailable as `Books` does."""
        answer: Any = None
        try:
            while True:
                answer = self.shelf.answer(steps.send(answer))
        except StopIteration as done:
            return done.value
        except Contended as error:
            raise Unavailable("Too many meet at one quota account.", reason=CONTENDED) from error
