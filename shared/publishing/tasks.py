"""Queues the attempts of operations, and requeues those whose task was lost.

Order matters: the record says first that there is a next attempt, then its task is queued. A worker that dies in
between is no loss, because its own task is delivered again and queues what the record says. An attempt is a named
task, so whoever else queues it queues it once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock
from shared.cloud.queues import latest
from shared.errors import Unavailable
from shared.monitoring.log import log
from shared.publishing.operation import Operation, State
from shared.publishing.records import Operations, Record, Superseded

QUEUE = "operations"
FUNCTION = "run_operation"
MAX_DELIVERIES = 10
"""How often Cloud Tasks delivers one attempt; the queue's `max_attempts`, which a test compares."""
OVERDUE = timedelta(hours=1)  # a queue may be behind; its task would come by itself
SWEEPS_MAX = 3

Enqueue = Callable[[str, str, str, dict[str, Any], datetime | None], bool]
"""As `shared.cloud.queues.enqueue`: queue, name, function, payload, when."""


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """The tasks of a project's operations."""

    operations: Operations
    enqueue: Enqueue
    clock: Clock

    def queue(self, operation: Operation) -> None:
        """Queue an operation's current attempt; asked twice, queued once. Far-off attempts are reached in hops."""
        when = operation.due_at
        if when is not None:
            when = min(when, latest(self.clock()))
        name = f"operation/{operation.id}/attempt-{operation.attempt}"
        self.enqueue(QUEUE, name, FUNCTION, {"operation": operation.id, "attempt": operation.attempt}, when)

    def requeue(
        self, record: Record, state: State, at: datetime, reason: str, message: str, **changes: Any
    ) -> None:
        """Write that there is another attempt at an instant, and queue it. Raises Superseded."""
        operation = record.operation
        after = operation.moved(
            state,
            self.clock(),
            reason=reason,
            message=message,
            due_at=at,
            attempt=operation.attempt + 1,
            lease_until=None,
            **changes,
        )
        self.operations.save(record, after)
        self.queue(after)

    def requeue_now(self, record: Record, **changes: Any) -> None:
        """Continue in another attempt. Raises Superseded."""
        message = "The work continues in another run."
        self.requeue(record, State.QUEUED, self.clock(), "requeued", message, **changes)

    def fail(self, record: Record, reason: str, message: str) -> None:
        """End an operation that cannot be done. Raises Superseded."""
        failed = record.operation.moved(State.FAILED, self.clock(), reason=reason, message=message)
        self.operations.save(record, failed)
        log("ERROR", "operation failed", operation=failed.id, reason=reason, detail=message)

    def sweep(self) -> int:
        """Requeue what should have run long ago and did not; how many. After a few times it fails, visibly."""
        now, count = self.clock(), 0
        for found in self.operations.overdue(now - OVERDUE):
            record = self.operations.get(found.id)
            if record.operation.ended or record.operation.held(now):
                continue
            try:
                count += self._swept(record, now)
            except (Superseded, Unavailable):
                continue  # somebody works on it after all, or the next sweep finds it again
        return count

    def _swept(self, record: Record, now: datetime) -> bool:
        """Whether the operation was requeued; it fails when that did not help before."""
        retries = record.operation.retries
        swept = retries.get("swept", 0) + 1
        if swept > SWEEPS_MAX:
            self.fail(record, "workerDied", "The work was begun several times and never came to an end.")
            return False
        retries = {**retries, "swept": swept}
        self.requeue(record, State.QUEUED, now, "pickedUpAgain", "Its task was lost.", retries=retries)
        return True
