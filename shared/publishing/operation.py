"""One write to YouTube as a record: few states, explicit transitions, a history.

    queued ──> running ──> succeeded
      │  ^       │  │ ^
      │  │       │  v │
      │  │       │ waiting      until due_at: a retry, tomorrow's quota, YouTube's processing
      v  │       v
    cancelled  failed ──> queued    by hand; or cancelled, when somebody has dismissed it

`attempt` numbers the runs of an operation: each is one named task, so a task that is delivered twice, or late, is
recognised. A running operation has an owner and a lease; whoever holds neither writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.clock import to_the_second
from shared.publishing.plan import needs

HISTORY_MAX = 60
DIED = "died"  # among the retries: runs that never came to an end
KEEP = timedelta(days=90)  # how long a finished operation can be read
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
    def video_id(self) -> str | None:
        """The video that it made, or that it was asked to change."""
        return self.results.get("video_id") or self.work.get("video_id")

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
        if to in ENDED:
            ended = {"due_at": None, "expires_at": now + KEEP, "lease_until": None, "untold_since": now}
            changes = {**ended, **changes}
        return replace(
            self,
            **{
                "state": to,
                "reason": reason,
                "message": message,
                "updated_at": now,
                "history": (*self.history, event)[-HISTORY_MAX:],
                **changes,
            },
        )

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
