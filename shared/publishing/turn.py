"""One turn at one operation: what a step may use, and how it keeps its hold on the record while it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.clock import Clock
from shared.publishing.operation import Operation
from shared.publishing.records import Operations, Record
from shared.publishing.sources import Source
from shared.youtube.client import Caller


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a turn works, and in what portions. seconds: after which no new portion begins; grace: further
    seconds after which one that has begun is broken off. portion: bytes a request, a multiple of 256 KiB."""

    seconds: float = 420
    grace: float = 60
    lease: timedelta = timedelta(seconds=60)
    heartbeat: timedelta = timedelta(seconds=15)
    portion: int = 32 * 1024 * 1024


class Sealing(Protocol):
    """Seals what is secret, bound to its record and field; `shared.vault.vault` does."""

    def seal(self, plain: bytes, *, record: str, field: str) -> dict[str, Any]:
        """The sealed form."""
        ...

    def open(self, sealed: Mapping[str, Any] | None, *, record: str, field: str) -> bytes:
        """What was sealed."""
        ...


SourceOf = Callable[[Mapping[str, Any], str], Source]
"""The source that a request names, and the field that named it."""


@dataclass(frozen=True)
class Done:
    """The step is complete."""

    results: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class HandOn:
    """The time is up; the next turn goes on."""


Outcome = Done | HandOn


class Postponed(Exception):
    """The step goes on at a later time, without anything having failed."""

    def __init__(self, at: datetime, reason: str, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.reason = reason
        self.message = message


class OutOfTime(Exception):
    """A portion had to be broken off."""


@dataclass
class Turn:
    """A hold on one operation. Every save renews the lease; one that fails raises Superseded.

    found: what the last step found out, also when that could not be saved any more.
    """

    operations: Operations
    record: Record
    caller: Caller
    sealing: Sealing
    source_of: SourceOf
    clock: Clock
    limits: Limits
    started: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)
    found: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operation(self) -> Operation:
        """The operation as last saved."""
        return self.record.operation

    @property
    def out_of_time(self) -> bool:
        """Whether no new portion should begin."""
        return time.monotonic() - self.started > self.limits.seconds

    def save(self, operation: Operation | None = None, **changes: Any) -> None:
        """Write changes and renew the lease."""
        now = self.clock()
        values = {"lease_until": now + self.limits.lease, "updated_at": now, **changes}
        self.operations.save(self.record, replace(operation or self.operation, **values))
        self.saved = time.monotonic()

    def beat(self, **changes: Any) -> None:
        """Renew the lease when a heartbeat is due; otherwise do nothing, so that progress costs few writes.

        Raises OutOfTime when the turn has gone on for too long.
        """
        now = time.monotonic()
        if now - self.started > self.limits.seconds + self.limits.grace:
            raise OutOfTime
        if now - self.saved > self.limits.heartbeat.total_seconds():
            self.save(**changes)

    @property
    def path(self) -> str:
        """The record that sealed values are bound to."""
        return f"operations/{self.operation.id}"
