"""One write to YouTube as a record: few states, explicit transitions, a history.

    queued ──> running ──> succeeded
      │  ^       │  │ ^
      │  │       │  v │
      │  │       │ waiting      until due_at: a retry, tomorrow's quota, YouTube's processing
      v  │       v
    cancelled  failed ──> queued    by hand; or cancelled, when somebody has dismissed it

`attempt` numbers the runs of an operation: each is one named task, so a task that is delivered twice, or late, is
recognised. A running operation has an owner and a lease; whoever holds neither writes nothing.

Every change of `operations/<id>` is a compare-and-set on the document's version. So two workers that hold the
same operation, or one that comes back from a long pause, cannot overwrite each other: the later one stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.clock import to_the_second
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, Store, listing, update, where
from shared.cloud.steps import Change, Doc, Docs, Write
from shared.data_map import OPERATIONS, UPLOAD_PAUSES
from shared.errors import Conflict, NotFound
from shared.monitoring.readable import readable
from shared.publishing.plan import needs
from shared.records import Mapper

COLLECTION = OPERATIONS.path
PAUSES = UPLOAD_PAUSES.path
IN_STATE, IN_CHANNEL = "in_state", "in_channel"
HISTORY_MAX = 60
DIED = "died"  # among the retries: runs that never came to an end
TELL = timedelta(hours=24)  # for how long the app is told of an end that it does not take


class State(StrEnum):
    """Where an operation stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


NEXT: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.QUEUED, State.RUNNING, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset(State),
    State.WAITING: frozenset({State.RUNNING, State.WAITING, State.QUEUED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset({State.QUEUED, State.CANCELLED}),
    State.CANCELLED: frozenset(),
}

ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})


@dataclass(frozen=True)
class Event:
    """One line of an operation's history."""

    at: datetime
    state: State
    step: str
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation as stored.

    critical: it may use the quota that is kept in reserve. steps: what is done, in order; done: those behind us;
    failed: those that could not be, with the reason and the words that say why. results: what the steps found
    (video_id, playlist_id, ...), and when they began what must not be done twice. upload: the upload's own record,
    with the sealed session. retries: by reason, since the last progress. due_at: when the next attempt begins.
    untold_since: when it ended, until the app has been told.
    """

    id: str
    fingerprint: str
    channel_id: str
    user_id: str
    kind: str
    work: Mapping[str, Any]
    steps: tuple[str, ...]
    state: State
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    critical: bool = False
    attempt: int = 1
    done: tuple[str, ...] = ()
    failed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reason: str = ""
    message: str = ""
    owner: str = ""
    lease_until: datetime | None = None
    results: Mapping[str, Any] = field(default_factory=dict)
    upload: Mapping[str, Any] = field(default_factory=dict, repr=False)
    retries: Mapping[str, int] = field(default_factory=dict)
    history: tuple[Event, ...] = ()
    expires_at: datetime | None = None
    untold_since: datetime | None = None

    @property
    def remaining(self) -> tuple[str, ...]:
        """The steps that are neither done nor in vain, in their order."""
        return tuple(step for step in self.steps if step not in self.done and not self._in_vain(step))

    @property
    def current(self) -> str:
        """The step that is next, "" when there is none."""
        return next(iter(self.remaining), "")

    def _in_vain(self, step: str) -> bool:
        needed = needs(step, self.work) & set(self.steps)
        return step in self.failed or any(self._in_vain(other) for other in needed)

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in ENDED

    @property
    def event(self) -> str:
        """What the app knows an end by; another one, should it end again after a retry by hand."""
        return f"{self.id}-{self.state}-{self.attempt}"

    @property
    def video_id(self) -> str:
        """The video that it made, or that it was asked to change; "" when there is none."""
        return str(self.results.get("video_id") or self.work.get("video_id") or "")

    def held(self, now: datetime) -> bool:
        """Whether somebody is at work on it."""
        return self.state is State.RUNNING and self.lease_until is not None and self.lease_until > now

    def retries_if_died(self) -> Mapping[str, int]:
        """The retries, with one more run that died where one was under way: only what was begun can have died."""
        died = self.retries.get(DIED, 0) + (self.state is State.RUNNING)
        return {**self.retries, DIED: died} if died else self.retries

    def moved(self, to: State, now: datetime, *, reason: str = "", message: str = "", **changes: Any) -> Operation:
        """This operation in another state, with a line of history. Raises ValueError for what is no transition."""
        if to not in NEXT[self.state]:
            raise ValueError(f"an operation does not go from {self.state} to {to}")
        event = Event(now, to, self.current, reason, message)
        values: dict[str, Any] = {"updated_at": now, "history": (*self.history, event)[-HISTORY_MAX:]}
        if to in ENDED:
            values |= {"due_at": None, "lease_until": None, "untold_since": now}
            values["expires_at"] = OPERATIONS.expiry(now)
        return replace(self, state=to, reason=reason, message=message, **values | changes)

    def as_json(self) -> dict[str, Any]:
        """What its owner may see: everything but leases, sessions and the steps' own marks."""
        as_it_is = ("id", "channel_id", "kind", "critical", "state", "reason", "message")
        instants = ("due_at", "created_at", "updated_at")
        return {
            **{name: getattr(self, name) for name in as_it_is},
            **{name: to_the_second(getattr(self, name)) for name in instants},
            **{name: self.upload.get(name) for name in ("acknowledged", "size")},
            "step": self.current,
            "steps": list(self.steps),
            "done": list(self.done),
            "failed": {step: words for step, (_reason, words) in self.failed.items()},
            "results": {name: found for name, found in self.results.items() if isinstance(found, str)},
            "retries": dict(self.retries),
            "history": [asdict(event) | {"at": to_the_second(event.at)} for event in self.history],
        }


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
        record.version = Store(self.client).update([path], unless_written, seen=seen).versions[path]
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
            found += readable(MAPPER, newest.limit(limit).stream(**call_options()))
        return sorted(found, key=lambda operation: operation.updated_at, reverse=True)[:limit]

    def overdue(self, before: datetime) -> Iterator[Record]:
        """Operations whose next attempt should have begun before an instant, without an end; oldest first."""
        query = where(self.client.collection(COLLECTION), ("due_at", "<", before))
        for each in listing(query.order_by("due_at")):
            yield from (Record(operation, each.update_time) for operation in readable(MAPPER, [each]))

    def untold(self, after: datetime, before: datetime) -> Iterator[Operation]:
        """Operations that ended within a time and of which the app was not told."""
        ended = (("untold_since", ">", after), ("untold_since", "<", before))
        query = where(self.client.collection(COLLECTION), *ended)
        return readable(MAPPER, listing(query.order_by("untold_since")))

    def with_result(self, name: str, found: str) -> list[Operation]:
        """The operations that made something or work on it: those with this among their results."""
        query = where(self.client.collection(COLLECTION), (f"results.{name}", "==", found)).limit(20)
        return list(readable(MAPPER, query.stream(**call_options())))

    def pause_uploads(self, channel_id: str, until: datetime, reason: str) -> None:
        fields_ = {"until": until, "reason": reason, "expires_at": until}
        self.client.document(PAUSES, channel_id).set(fields_, **call_options())

    def upload_pause(self, channel_id: str, now: datetime) -> UploadPause | None:
        """Until when no upload to this channel may begin, and why; None when they may now."""
        stored = self.client.document(PAUSES, channel_id).get(**call_options()).to_dict()
        if not stored or stored["until"] <= now:
            return None
        return UploadPause(stored["until"], stored["reason"])


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
