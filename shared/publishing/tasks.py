"""Queues the attempts of operations, requeues those whose task was lost, and has the app told of their ends.

Order matters: the record says first that there is a next attempt, then its task is queued. A worker that dies in
between is no loss, because its own task is delivered again and queues what the record says. An attempt is a named
task, so whoever else queues it queues it once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock
from shared.cloud.queues import latest
from shared.monitoring.log import log
from shared.publishing.operation import TELL, Operation, State
from shared.publishing.records import Operations, Record, Superseded

QUEUE, CALLBACKS = "operations", "callbacks"
FUNCTION = "run_operation"
MAX_DELIVERIES = 10
"""How often Cloud Tasks delivers one attempt; the queue's `max_attempts`, which a test compares."""
OVERDUE = timedelta(hours=1)  # a queue may be behind; its task would come by itself
CLOSING = timedelta(minutes=5)  # within which a cancelled upload's video is found, should there be one
SWEEPERS = 8  # requests under way at once: most of a sweep is waiting
SWEEP_SECONDS = 240.0

Enqueue = Callable[[str, str, str, dict[str, Any], datetime | None], bool]
"""As `shared.cloud.queues.enqueue`: queue, name, function, payload, when."""


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """The tasks of a project's operations. tells: whether there is an app that wants to be told of their ends."""

    operations: Operations
    enqueue: Enqueue
    clock: Clock
    tells: bool = False

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

    def fail(self, record: Record, reason: str, message: str, **changes: Any) -> None:
        """End an operation that cannot be done. Raises Superseded."""
        failed = record.operation.moved(State.FAILED, self.clock(), reason=reason, message=message, **changes)
        self.end(record, failed)
        log("ERROR", "operation failed", operation=failed.id, reason=reason, detail=message)

    def end(self, record: Record, ended: Operation) -> None:
        """Write that an operation has ended, and have the app told. Raises Superseded."""
        self.operations.save(record, ended)
        self.tell(ended)

    def tell(self, ended: Operation) -> None:
        """Queue the callback that tells the app of an end, unless it has been told; asked twice, queued once."""
        if not self.tells or ended.untold_since is None:
            return
        closing = ended.state is State.CANCELLED and ended.upload
        when = self.clock() + CLOSING if closing else None
        payload = {"operation": ended.id, "callback": ended.event}
        self.enqueue(CALLBACKS, f"callback/{ended.event}", FUNCTION, payload, when)

    def sweep(self) -> int:
        """Requeue what should have run long ago and did not; how many. The oldest come first. So with callbacks.

        Whatever is wrong with one operation stops no other; what one sweep does not reach, the next does.
        """
        now, end = self.clock(), time.monotonic() + SWEEP_SECONDS

        def swept(record: Record) -> bool:
            return time.monotonic() < end and self._swept(record, now)

        with ThreadPoolExecutor(SWEEPERS) as pool:
            queued = sum(pool.map(swept, self.operations.overdue(now - OVERDUE)))
        for record in self.operations.untold(now - TELL, now - OVERDUE) if self.tells else ():
            if time.monotonic() < end:
                self.tell(record.operation)
        return queued

    def _swept(self, record: Record, now: datetime) -> bool:
        """Whether the operation was requeued; not when somebody works on it after all."""
        operation = record.operation
        if operation.ended or operation.held(now):
            return False
        retries = operation.retries_if_died()
        try:
            self.requeue(record, State.QUEUED, now, "pickedUpAgain", "Its task was lost.", retries=retries)
        except Superseded:
            return False
        except Exception as error:  # noqa: BLE001 - the others must not wait for this one
            log("ERROR", "an operation was not requeued", operation=operation.id, error=repr(error))
            return False
        return True
