"""Firestore, where state lives: its client, listings of any length, and changes that nobody else's can spoil.

A document is changed by `update`: look, decide, write if nothing has changed. Firestore's own transactions lock
what they read; this is the same promise without locks, and those who meet look again.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.clock import system_clock
from shared.cloud import encoding, steps
from shared.cloud.calls import call_options
from shared.cloud.steps import ATTEMPTS, Commit, Decide, Doc, Docs, Listing, Read, Result, Steps, Total, Written
from shared.errors import Unavailable
from shared.paging import groups, pages
from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud import firestore

    Client = firestore.Client
    DocumentSnapshot = firestore.DocumentSnapshot
else:  # names for annotations: who writes one loads no library
    Client = DocumentSnapshot = Any

CONTENDED = "contended"
PAGE = 300
"""Documents of a listing that one call brings: a fraction of TIMEOUT even on a sixth of a CPU."""
PAGES_MAX = 20_000
_AT_ONCE = 8
_LATER = timedelta(seconds=5)


@cache
def client() -> Client:
    """This process's Firestore client (honours FIRESTORE_EMULATOR_HOST)."""
    from google.cloud import firestore

    return firestore.Client(project=settings().project)


def listing(query: Any, *, page: int = PAGE) -> Iterator[DocumentSnapshot[Any]]:
    """A query's documents as of one moment, in its order or by id; each page has a deadline of its own.

    query: a collection or a query without a limit. A field by which it is ordered or compared must be among those
    that it selects.
    """
    limited = query.limit(page)

    def following(last: Any) -> tuple[list[Any], Any]:
        options = call_options() if last is None else {"read_time": last.read_time, **call_options()}
        found = list((limited if last is None else limited.start_after(last)).stream(**options))
        return found, found[-1] if len(found) == page else None

    return pages(following, most=PAGES_MAX, of="Firestore's")


def documents(
    client: Client, collection: str, ids: Iterable[str], fields: Sequence[str] | None = None
) -> Iterator[DocumentSnapshot[Any]]:
    """Those of a collection's documents that are there, in any order; with some fields, or all. One read each."""
    for some in groups((client.document(collection, each) for each in ids), PAGE):
        yield from (each for each in client.get_all(some, fields, **call_options()) if each.exists)


def where(query: Any, *conditions: tuple[str, str, Any]) -> Any:
    """The documents of a collection or query that meet conditions, each a field, an operator and a value."""
    from google.cloud.firestore_v1.base_query import FieldFilter

    for condition in conditions:
        query = query.where(filter=FieldFilter(*condition))
    return query


def counted(query: Any, of: str | None = None) -> int:
    """How many documents a query has, or the sum of a field of theirs: one read for each thousand."""
    return int(_aggregated(query, of) or 0)


def _aggregated(query: Any, of: str | None) -> Any:
    return (query.sum(of) if of else query.count()).get(**call_options())[0][0].value


def note(client: Client, path: str, fields: Mapping[str, Any]) -> bool:
    """Set fields of a document; one that was deleted meanwhile stays so, which is answered with False."""
    from google.api_core import exceptions

    try:
        client.document(path).update(dict(fields), **call_options())
    except exceptions.NotFound:
        return False
    return True


def update(client: Client, paths: Sequence[str], decide: Decide[Result], *, seen: Docs | None = None) -> Result:
    """Change documents as `Store.update` does; its result."""
    return Store(client).update(paths, decide, seen=seen).result


@dataclass(frozen=True)
class Store:
    """Carries out protocols, each step as one call; a commit's conditions as Firestore's preconditions."""

    client: Client
    rng: random.Random = field(default_factory=random.Random, kw_only=True)  # spaces out retries
    sleep: Callable[[float], None] = field(default=time.sleep, kw_only=True)

    def run(self, protocol: Steps[Result]) -> Result:
        """A protocol's result. Raises what it raises, Unavailable instead of Contended; and Google's errors."""
        answer: Any = None
        try:
            while True:  # as long as the protocol has steps
                answer = self._answer(protocol.send(answer))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        except steps.Contended as error:
            raise contended() from error

    def update(
        self, paths: Sequence[str], decide: Decide[Result], *, seen: Docs | None = None, attempts: int = ATTEMPTS
    ) -> steps.Updated[Result]:
        """Change documents by a pure decision from what they are, if nobody changes them meanwhile.

        See `updating`. What is decided from what was `seen` and writes nothing is not held against what is now.
        Raises what `decide` raises; Unavailable (reason "contended") when somebody else was faster each time; what
        `call_options` says when Firestore does not answer: the change may be made or not.
        """
        token = secrets.token_hex(8)
        return self.run(steps.updating(paths, decide, token=token, seen=seen, attempts=attempts))

    def _answer(self, step: Any) -> Any:
        if isinstance(step, Commit):
            return self._commit(step)
        if isinstance(step, Read):
            return self._read(step)
        if isinstance(step, Listing):
            return self._list(step)
        if isinstance(step, Total):
            return self._total(step)
        if isinstance(step, steps.Together):
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                return tuple(pool.map(self._answer, step.reads))
        assert isinstance(step, steps.Pause)
        # Grows from 5 to 160 ms, evenly spread: those who met once should not meet again.
        self.sleep(self.rng.uniform(0, 0.005 * 2 ** min(step.attempt, 5)))
        return None

    def _commit(self, step: Commit) -> tuple[Written, ...] | None:
        from google.api_core import exceptions

        try:
            return encoding.send(self.client, step, call_options())
        except (exceptions.FailedPrecondition, exceptions.NotFound, exceptions.Conflict):
            return None  # Conflict: AlreadyExists and Aborted

    def _read(self, step: Read) -> Docs:
        references = [self.client.document(path) for path in step.paths]
        found = {each.reference.path: each for each in self.client.get_all(references, **call_options())}
        at = max(snapshot.read_time for snapshot in found.values())
        return Docs({path: _doc(found[path]) if found[path].exists else None for path in step.paths}, at)

    def _list(self, step: Listing) -> dict[str, Doc]:
        query: Any = (self.client.collection_group if step.group else self.client.collection)(step.collection)
        bounds = ((step.where, "=="), (step.above, ">"), (step.until, "<="))
        query = where(query, *((bound[0], operator, bound[1]) for bound, operator in bounds if bound))
        if step.order:
            direction = "DESCENDING" if step.order.startswith("-") else "ASCENDING"
            query = query.order_by(step.order.removeprefix("-"), direction=direction)
        if step.only:
            query = query.select(step.only)
        found = query.limit(step.limit).stream(**call_options()) if step.limit else listing(query)
        return {each.reference.path if step.group else each.id: _doc(each) for each in found}

    def _total(self, step: Total) -> float:
        query: Any = self.client.collection(step.collection)
        if step.between:
            name, low, high = step.between
            query = where(query, (name, ">", low), (name, "<=", high))
        return _aggregated(query, step.field)  # type: ignore[no-any-return]


def contended() -> Unavailable:
    message = "Too many change the same thing at once. Try again."
    return Unavailable(message, reason=CONTENDED, retry_at=system_clock() + _LATER)


def _doc(snapshot: DocumentSnapshot[Any]) -> Doc:
    return Doc(snapshot.to_dict() or {}, snapshot.update_time)
