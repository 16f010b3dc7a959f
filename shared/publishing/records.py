"""Operations in Firestore: `operations/<id>`, written only where nobody else has written since it was read.

Every change is a compare-and-set on the document's version. So two workers that hold the same operation, or one
that comes back from a long pause, cannot overwrite each other: the later one finds out and stops.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, Store, listing, update, where
from shared.cloud.steps import Change, Doc, Docs, Write, updating_from
from shared.data_map import OPERATIONS, UPLOAD_PAUSES
from shared.errors import Conflict, NotFound
from shared.monitoring.readable import readable
from shared.publishing.operation import Operation, State
from shared.records import Mapper

COLLECTION = OPERATIONS.path
PAUSES = UPLOAD_PAUSES.path
IN_STATE, IN_CHANNEL = "in_state", "in_channel"
MAPPER = Mapper(Operation, COLLECTION, key="id")


class Superseded(Exception):
    """Somebody else has written the operation since: stop, and leave it to them."""


def key_reused() -> Conflict:
    """Another request came under a key that was accepted before."""
    words = "This idempotency key was used for another request."
    return Conflict(words, reason="idempotencyKeyReused", field="idempotency_key")


@dataclass(frozen=True)
class UploadPause:
    """No upload to a channel begins before `until`; reason: what YouTube said."""

    until: datetime
    reason: str


@dataclass
class Record:
    """An operation with the version that the next write replaces."""

    operation: Operation
    version: Any


@dataclass(frozen=True)
class Operations:
    """All operations of a project."""

    client: Client

    def create(self, operation: Operation) -> Operation:
        """Store a new operation; the stored one when there is one under this id already.

        Raises Conflict when that one was asked for something else.
        """
        from google.api_core.exceptions import AlreadyExists

        try:
            self.client.document(COLLECTION, operation.id).create(_fields(operation), **call_options())
        except AlreadyExists:
            stored = self.get(operation.id).operation
            if stored.fingerprint != operation.fingerprint:
                raise key_reused() from None
            return stored
        return operation

    def get(self, operation_id: str) -> Record:
        """An operation. Raises NotFound."""
        snapshot = self.client.document(COLLECTION, operation_id).get(**call_options())
        if not snapshot.exists:
            raise _unknown()
        return Record(MAPPER.read(operation_id, snapshot.to_dict()), snapshot.update_time)

    def save(self, record: Record, operation: Operation) -> None:
        """Replace what `record` read. Raises Superseded when somebody else has written since."""
        changed, path = _changed(record.operation, operation), f"{COLLECTION}/{operation.id}"
        if not changed:
            return

        def unless_written(docs: Docs) -> Change[None]:
            found = docs[path]
            if found is None or found.version != record.version:
                raise Superseded
            return Change(None, [Write(path, changed)])

        seen = Docs({path: Doc({}, record.version)}, operation.updated_at)
        steps = updating_from(seen, [path], unless_written, token=secrets.token_hex(8))
        record.version = Store(self.client).run(steps).versions[path]
        record.operation = operation

    def change(self, operation_id: str, decide: Callable[[Operation], Operation | None]) -> Operation:
        """Change an operation as `decide` says of its newest state, which None leaves as it is. Answers it.

        Raises NotFound, what `decide` raises, and Unavailable when others write it again and again.
        """
        path = f"{COLLECTION}/{operation_id}"

        def changed(docs: Docs) -> Change[Operation]:
            if (doc := docs[path]) is None:
                raise _unknown()
            before = MAPPER.read(operation_id, doc.data)
            after = decide(before) or before
            return Change(after, [Write(path, changes)] if (changes := _changed(before, after)) else ())

        return update(self.client, [path], changed)

    def in_state(self, *states: State, limit: int = 200) -> list[Operation]:
        """Operations in some states, those that changed last first; at most `limit`, and of these the newest."""
        found: list[Operation] = []
        for state in states:
            newest = self.client.collection(COLLECTION).order_by(f"{IN_STATE}.{state}", direction="DESCENDING")
            found += (each.operation for each in _readable(newest.limit(limit).stream(**call_options())))
        return sorted(found, key=lambda operation: operation.updated_at, reverse=True)[:limit]

    def overdue(self, before: datetime) -> Iterator[Record]:
        """Operations whose next attempt should have begun before an instant, without an end; oldest first."""
        query = where(self.client.collection(COLLECTION), ("due_at", "<", before))
        return _readable(listing(query.order_by("due_at")))

    def untold(self, after: datetime, before: datetime) -> Iterator[Record]:
        """Operations that ended within a time and of which the app was not told."""
        within = (("untold_since", ">", after), ("untold_since", "<", before))
        query = where(self.client.collection(COLLECTION), *within)
        return _readable(listing(query.order_by("untold_since")))

    def with_result(self, name: str, found: str) -> list[Operation]:
        """The operations that made something or work on it: those with this among their results."""
        query = where(self.client.collection(COLLECTION), (f"results.{name}", "==", found)).limit(20)
        return [record.operation for record in _readable(query.stream(**call_options()))]

    def pause_uploads(self, channel_id: str, until: datetime, reason: str) -> None:
        fields_ = {"until": until, "reason": reason, "expires_at": until}
        self.client.document(PAUSES, channel_id).set(fields_, **call_options())

    def upload_pause(self, channel_id: str, now: datetime) -> UploadPause | None:
        """Until when no upload to this channel may begin, and why; None when they may now."""
        stored = self.client.document(PAUSES, channel_id).get(**call_options()).to_dict()
        if not stored or stored["until"] <= now:
            return None
        return UploadPause(stored["until"], stored["reason"])


def _readable(snapshots: Iterable[Any]) -> Iterator[Record]:
    """The records among documents. One that cannot be read is told, and hides no other."""
    return (Record(one, each.update_time) for each in snapshots for one in readable(MAPPER, [each]))


def _fields(operation: Operation) -> dict[str, Any]:
    # Only documents that have a field are listed by it: newest first within a state or a channel
    # needs no index of two fields.
    return {
        **MAPPER.fields(operation),
        IN_STATE: {operation.state.value: operation.updated_at},
        IN_CHANNEL: {operation.channel_id: operation.updated_at},
    }


def _changed(before: Operation, after: Operation) -> dict[str, Any]:
    stored = _fields(before)
    return {name: value for name, value in _fields(after).items() if stored[name] != value}


def _unknown() -> NotFound:
    return NotFound("There is no such operation.", reason="operationNotFound")
