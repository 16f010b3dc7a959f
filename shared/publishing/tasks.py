"""Queues the attempts of operations, requeues those whose task was lost, and tells the app of their ends.

Order matters: the record says first that there is a next attempt, then its task is queued. A worker that dies in
between is no loss, because its own task is delivered again and queues what the record says. An attempt is a named
task, so whoever else queues it queues it once.

The app is told by a POST, signed by Standard Webhooks (infra/docs/publishing.md). Any answer of 2xx is a receipt;
until there is one, Cloud Tasks delivers again, for a day. Source:
github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.clock import Clock, to_the_second
from shared.cloud.queues import latest
from shared.errors import Misconfigured, NotFound, Unavailable
from shared.monitoring.log import log
from shared.publishing.operation import TELL, Operation, Operations, Record, State, Superseded
from shared.publishing.sources import within

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
        when = operation.due_at and min(operation.due_at, latest(self.clock()))
        name = f"operation/{operation.id}/attempt-{operation.attempt}"
        self.enqueue(QUEUE, name, FUNCTION, {"operation": operation.id, "attempt": operation.attempt}, when)

    def requeue(
        self, record: Record, state: State, at: datetime, reason: str, message: str, **changes: Any
    ) -> None:
        """Write that there is another attempt at an instant, and queue it. Raises Superseded."""
        operation = record.operation
        changes |= {"due_at": at, "attempt": operation.attempt + 1, "lease_until": None}
        after = operation.moved(state, self.clock(), reason=reason, message=message, **changes)
        self.operations.save(record, after)
        self.queue(after)

    def requeue_now(self, record: Record, **changes: Any) -> None:
        """Continue in another attempt. Raises Superseded."""
        message = "The work continues in another run."
        self.requeue(record, State.QUEUED, self.clock(), "requeued", message, **changes)

    def fail(self, record: Record, reason: str, message: str) -> None:
        """End an operation that cannot be done. Raises Superseded."""
        self.end(record, record.operation.moved(State.FAILED, self.clock(), reason=reason, message=message))

    def end(self, record: Record, ended: Operation) -> None:
        """Write that an operation has ended, and have the app told. Raises Superseded."""
        self.operations.save(record, ended)
        self.tell(ended)
        if ended.state is State.FAILED:
            log("ERROR", "operation failed", operation=ended.id, reason=ended.reason, detail=ended.message)
        else:
            log("INFO", "operation succeeded", operation=ended.id, kind=ended.kind)

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
        with ThreadPoolExecutor(SWEEPERS) as pool:
            queued = sum(pool.map(partial(self._swept, now, end), self.operations.overdue(now - OVERDUE)))
        for ended in self.operations.untold(now - TELL, now - OVERDUE) if self.tells else ():
            if time.monotonic() < end:
                self.tell(ended)
        return queued

    def _swept(self, now: datetime, end: float, record: Record) -> bool:
        """Whether the operation was requeued; not when somebody works on it after all."""
        operation = record.operation
        if operation.ended or operation.held(now) or time.monotonic() > end:
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


_KEY_BYTES_MIN = 24
_PREFIX = "whsec_"


@dataclass(frozen=True, kw_only=True)
class Callbacks:
    """Delivers ends to the app. secret: read when it is needed. seconds: within which the app has to answer."""

    operations: Operations
    address: str
    secret: Callable[[], bytes]
    clock: Clock
    seconds: float = 10.0

    def deliver(self, operation_id: str, event: str) -> str:
        """Tell the app of one end; what came of it. Raises Unavailable when the app does not take it."""
        try:
            operation = self.operations.get(operation_id).operation
        except NotFound:
            return "gone"  # its channel was disconnected
        if operation.untold_since is None or operation.event != event:
            return "over"
        late = self.clock() > operation.untold_since + TELL
        if late:
            log("ERROR", "the app was not told of an operation's end", operation=operation_id, event=event)
        else:
            told = {
                "type": f"operation.{operation.state}",
                "timestamp": to_the_second(operation.untold_since),
                "data": operation.as_json(),
            }
            send(self.address, event, told, secret=self.secret(), now=self.clock(), seconds=self.seconds)
        self.operations.change(
            operation_id, lambda it: replace(it, untold_since=None) if it.event == event else None
        )
        return "givenUp" if late else "delivered"


def send(
    address: str, event: str, told: Mapping[str, Any], *, secret: bytes, now: datetime, seconds: float = 10.0
) -> None:
    """POST an event, signed. Raises Unavailable unless it is taken, so that whoever retries does."""
    from urllib3.exceptions import HTTPError

    body = json.dumps(told).encode()
    headers = signed(event, body, key=key(secret), now=now)
    try:
        status = within(seconds, partial(_post, address, body, headers, seconds))
    except (HTTPError, OSError) as error:
        raise Unavailable("The receiver does not answer.", reason="appUnreachable") from error
    if not 200 <= status < 300:
        raise Unavailable(f"The receiver answers {status}.", reason="appUnreachable")


def signed(event: str, body: bytes, *, key: bytes, now: datetime) -> dict[str, str]:
    """The headers by which the app knows that a body is ours and new."""
    timestamp = str(int(now.timestamp()))
    signature = hmac.new(key, b".".join((event.encode(), timestamp.encode(), body)), hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": event,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def key(secret: bytes) -> bytes:
    """The key that a secret holds: whsec_ and base64 of 24 bytes or more. Raises Misconfigured otherwise."""
    try:
        found = base64.b64decode(secret.decode("ascii").strip().removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) < _KEY_BYTES_MIN:
        words = f"The callbacks' secret is not {_PREFIX} and the base64 of {_KEY_BYTES_MIN} bytes or more."
        raise Misconfigured(words, reason="callbackSecret")
    return found


def _post(address: str, body: bytes, headers: Mapping[str, str], seconds: float) -> int:
    """The answer's status; its body is not read, and nothing is sent on to where it may point."""
    import urllib3

    with urllib3.PoolManager(timeout=seconds, retries=False) as http:
        answer = http.request("POST", address, body=body, headers=headers, redirect=False, preload_content=False)
        answer.close()
        return answer.status
