"""Documents in memory with Firestore's rules for commits: all or nothing, conditions, additions that answer.

Protocols run on it step by step in tests, and in virtual time in a measurement.
`tests/emulators/cloud/test_store.py` holds it against the Firestore emulator.
"""

from __future__ import annotations

import copy
import operator
from datetime import UTC, datetime
from functools import cache, reduce
from typing import Any

from google.api_core.exceptions import ServiceUnavailable

from infra.judges import indexes
from shared.cloud.firestore import Store, contended
from shared.cloud.steps import (
    ABSENT,
    PRESENT,
    Commit,
    Contended,
    Doc,
    Docs,
    Listing,
    Pause,
    Read,
    Together,
    Total,
    Write,
    Written,
    parts_of,
)


class FirestoreInMemory:
    """Carries steps out one at a time, so that protocols can be interleaved, and stopped anywhere.

    silent: what lies under this path does not answer; "" is everything. refused: how often it did not.
    crowded: somebody is always faster, so no commit's conditions hold. commits: how many were carried out; reads:
    documents read, as Firestore bills them. now: the server's clock.
    """

    def __init__(self) -> None:
        self.docs: dict[str, Doc] = {}
        self.version = 0
        self.silent: str | None = None
        self.crowded = False
        self.refused = 0
        self.commits = 0
        self.reads = 0
        self.now = datetime(2026, 11, 22, 20, tzinfo=UTC)

    def run(self, steps: Any) -> Any:
        """A whole protocol's result; raises as `shared.cloud.firestore.Store` does."""
        answer: Any = None
        try:
            while True:
                answer = self.answer(steps.send(answer))
        except StopIteration as done:
            return done.value
        except Contended as error:
            raise contended() from error

    update = Store.update  # by its own `run`

    def answer(self, step: Any) -> Any:
        """What Firestore answers to a step. Raises ServiceUnavailable for what is silent."""
        if self.silent is not None and any(path.startswith(self.silent) for path in _paths(step)):
            self.refused += 1
            raise ServiceUnavailable("Firestore does not answer.")
        if isinstance(step, Commit):
            return self._commit(step)
        if isinstance(step, Read):
            self.reads += len(step.paths)
            return Docs({path: self.docs.get(path) for path in step.paths}, self.now)
        if isinstance(step, Listing):
            return self._list(step)
        if isinstance(step, Total):
            return self._total(step)
        if isinstance(step, Together):
            return tuple(self.answer(each) for each in step.reads)
        assert isinstance(step, Pause)
        return None

    def _total(self, step: Total) -> float:
        _judge(step)
        found = list(self._in(step.collection).values())
        if step.between:
            name, low, high = step.between
            found = [doc for doc in found if _is_number(doc.data.get(name)) and low < doc.data[name] <= high]
        self.reads += -(-len(found) // 1_000) or 1
        return sum(doc.data.get(step.field, 0) for doc in found) if step.field else len(found)

    def _in(self, collection: str) -> dict[str, Doc]:
        return {p.rpartition("/")[2]: d for p, d in self.docs.items() if p.rpartition("/")[0] == collection}

    def _list(self, step: Listing) -> dict[str, Doc]:
        _judge(step)
        found = self._in(step.collection)
        if step.group:
            found = {p: d for p, d in self.docs.items() if p.split("/")[-2] == step.collection}
        for bound, holds in ((step.where, operator.eq), (step.above, operator.gt), (step.until, operator.le)):
            if bound:
                name, value = bound
                there = {k: d.data[name] for k, d in found.items() if d.data.get(name) is not None}
                found = {k: found[k] for k, known in there.items() if holds(known, value)}
        if name := step.order.removeprefix("-"):
            down = step.order.startswith("-")
            having = [(k, d) for k, d in sorted(found.items(), reverse=down) if name in d.data]
            found = dict(sorted(having, key=lambda each: each[1].data[name], reverse=down))
        found = dict(list(found.items())[: step.limit])
        self.reads += len(found) or 1
        if step.only:
            found = {k: Doc({n: d.data[n] for n in step.only if n in d.data}, d.version) for k, d in found.items()}
        return found

    def _holds(self, write: Write) -> bool:
        doc = self.docs.get(write.path)
        if write.only_if is None:
            return True
        if write.only_if in {ABSENT, PRESENT}:
            return (doc is None) is (write.only_if == ABSENT)
        return doc is not None and bool(doc.version == write.only_if)

    def _commit(self, step: Commit) -> tuple[Written, ...] | None:
        if self.crowded or not all(self._holds(write) for write in step.writes):
            return None
        self.version += 1
        self.commits += 1
        return tuple(self._write(write) for write in step.writes)

    def _write(self, write: Write) -> Written:
        if write.delete:
            self.docs.pop(write.path, None)
            return Written(self.version, {})
        doc = self.docs.get(write.path)
        data = copy.deepcopy(dict(doc.data)) if doc else {}
        for name, value in write.fields.items():
            inner, last = _inner(data, name)
            inner[last] = copy.deepcopy(value)
        numbers: dict[str, int] = {}
        for name, number in write.add.items():
            inner, last = _inner(data, name)
            numbers[name] = inner[last] = inner.get(last, 0) + number
        for name in write.remove:
            *outer, last = parts_of(name)
            reduce(lambda inner, part: inner.get(part, {}), outer, data).pop(last, None)
        self.docs[write.path] = Doc(data, self.version)
        return Written(self.version, numbers)


@cache
def _problems(query: indexes.Query) -> tuple[str, ...]:
    return tuple(indexes.problems(query))


def _judge(step: Listing | Total) -> None:
    """Fail for what Firestore would refuse for want of an index."""
    if isinstance(step, Total):
        query = indexes.Query(
            collection=step.collection, compared=_names(step.between), added=_names((step.field,))
        )
    else:
        query = indexes.Query(
            collection=step.collection,
            group=step.group,
            equal=_names(step.where),
            compared=_names(step.above, step.until),
            order=(step.order,) if step.order else (),
        )
    assert not _problems(query)


def _names(*bounds: Any) -> frozenset[str]:
    return frozenset(bound[0] for bound in bounds if bound and bound[0])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _inner(data: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """The map that holds a field, made if need be, and the field's key in it."""
    *outer, last = parts_of(name)
    for part in outer:
        data = data.setdefault(part, {})
    return data, last


def _paths(step: Any) -> tuple[str, ...]:
    if isinstance(step, Commit):
        return tuple(write.path for write in step.writes)
    if isinstance(step, Read):
        return step.paths
    return (step.collection,) if isinstance(step, Listing | Total) else ()
