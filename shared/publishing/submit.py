"""The app's backend hands in work, learns at once what it costs and when it runs; reads, cancels, retries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared import ids
from shared.clock import Clock
from shared.errors import Conflict, Forbidden, InvalidRequest, NotFound
from shared.fields import Fields
from shared.monitoring.log import log
from shared.publishing import plan
from shared.publishing.intents import Intent
from shared.publishing.operation import Event, Operation, State
from shared.publishing.records import Operations, Superseded, key_reused
from shared.publishing.requests import Request, parse
from shared.publishing.run import Enqueue, queue_turn
from shared.quota.quotes import Quote as Estimate
from shared.quota.quotes import Work


@dataclass(frozen=True)
class Quote:
    """What a request costs, in units by bucket, and when it runs (None: never, on this quota).

    why_not_now: "" when it runs at once.
    """

    cost: Mapping[str, int]
    runs_at: datetime | None
    why_not_now: str

    def as_json(self) -> dict[str, Any]:
        """For the answer."""
        return {
            "cost": dict(self.cost),
            "runs_at": None if self.runs_at is None else self.runs_at.isoformat(timespec="seconds"),
            "why_not_now": self.why_not_now,
        }


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where work is handed in. owner_of: the user who connected a channel; raises NotFound for none."""

    operations: Operations
    estimate: Callable[[Sequence[Work]], Estimate]
    owner_of: Callable[[str], str]
    enqueue: Enqueue
    clock: Clock

    def request(self, body: Mapping[str, Any]) -> Request:
        """The request in a body. One that was accepted before is read as it was read then, because its time of
        publication may have passed meanwhile. Raises InvalidRequest, Conflict for a key that stood for another.
        """
        earlier = self._accepted(body.get("idempotency_key"))
        try:
            return parse(body, now=earlier.created_at if earlier else self.clock())
        except InvalidRequest as error:
            if earlier is not None:
                raise key_reused() from error
            raise

    def submit(self, request: Request) -> tuple[Operation, Quote]:
        """Accept a request; handed in twice under one key it is done once.

        Raises NotFound for a channel that is not connected, Conflict for a key that stood for something else.
        """
        earlier = self._accepted(request.idempotency_key)
        if earlier is not None:
            return self._again(earlier, request)
        now = self.clock()
        quote = self.quote(request)
        steps = plan.steps(request)
        operation = self.operations.create(
            Operation(
                id=operation_id(request.idempotency_key),
                fingerprint=request.fingerprint,
                channel_id=request.channel_id,
                user_id=self.owner_of(request.channel_id),
                kind=request.kind,
                work=request.work,
                steps=steps,
                state=State.QUEUED,
                created_at=now,
                updated_at=now,
                due_at=request.not_before or now,
                critical=request.critical,
                reason="submitted",
                message=quote.why_not_now,
                history=(Event(now, State.QUEUED, steps[0], "submitted", quote.why_not_now),),
            )
        )
        if not operation.ended:
            queue_turn(self.enqueue, operation, self.clock)
        return operation, quote

    def _accepted(self, key: object) -> Operation | None:
        """What was accepted under an idempotency key."""
        if not isinstance(key, str) or not key.isascii():
            return None
        try:
            return self.read(operation_id(key))
        except NotFound:
            return None

    def _again(self, earlier: Operation, request: Request) -> tuple[Operation, Quote]:
        """What was accepted stays so, whatever has become of the channel since."""
        if earlier.fingerprint != request.fingerprint:
            raise key_reused()
        if not earlier.ended:
            queue_turn(self.enqueue, earlier, self.clock)
        try:
            return earlier, self.quote(request)
        except (Forbidden, NotFound):
            return earlier, Quote({}, earlier.due_at, earlier.message)

    def quote(self, request: Request) -> Quote:
        """What a request would cost, and when it could run, without accepting it."""
        work = self._work(request.channel_id, plan.steps(request), critical=request.critical)
        estimate = self.estimate([replace(work, not_before=request.not_before)])
        if not estimate.later:
            return Quote(estimate.costs, self.clock(), "")
        first = estimate.later[0]
        why = "It was asked for this time." if first.reason == "notBefore" else estimate.message
        return Quote(estimate.costs, first.at, why)

    def plan(self, intents: Sequence[Intent]) -> Estimate:
        """What many operations would cost, and which of them could run when, in this order. Accepts nothing.

        Raises NotFound for a channel that is not connected.
        """
        works = [self._work(each.channel_id, each.steps, critical=each.critical) for each in intents]
        return self.estimate([replace(work, times=each.times) for work, each in zip(works, intents, strict=True)])

    def _work(self, channel_id: str, steps: tuple[str, ...], *, critical: bool) -> Work:
        return Work(
            calls=plan.calls(steps),
            account=self.owner_of(channel_id),
            priority=plan.priority(critical=critical),
        )

    def read(self, operation: str) -> Operation:
        """An operation. Raises NotFound."""
        return self.operations.get(operation).operation

    def cancel(self, operation: str) -> Operation:
        """End an operation that has not ended; what YouTube has done by then stays. Raises Conflict otherwise."""
        cancelled = self._change(operation, self._cancelled, "ended already")
        if cancelled.upload:
            queue_turn(self.enqueue, cancelled, self.clock)  # YouTube is asked what has become of the upload
        return cancelled

    def retry(self, operation: str) -> Operation:
        """Queue a failed operation again, from the step at which it failed. Raises Conflict otherwise."""
        retried = self._change(operation, self._retried, "has not failed")
        queue_turn(self.enqueue, retried, self.clock)
        return retried

    def _cancelled(self, operation: Operation) -> Operation | None:
        if operation.ended:
            return None
        return operation.moved(
            State.CANCELLED,
            self.clock(),
            reason="cancelled",
            message="Cancelled by hand.",
            turn=operation.turn + 1,
            upload=operation.upload if operation.upload.get("session") else {},
        )

    def _retried(self, operation: Operation) -> Operation | None:
        if operation.state is not State.FAILED:
            return None
        now = self.clock()
        return operation.moved(
            State.QUEUED,
            now,
            reason="retriedByHand",
            message="Queued again by hand.",
            due_at=now,
            turn=operation.turn + 1,
            retries={},
            upload={**operation.upload, "restarts": 0} if operation.upload else {},
            expires_at=None,
        )

    def _change(self, operation: str, change: Callable[[Operation], Operation | None], refusal: str) -> Operation:
        for _ in range(5):
            record = self.operations.get(operation)
            after = change(record.operation)
            if after is None:
                raise Conflict(f"The operation {refusal}; it is {record.operation.state}.", reason="wrongState")
            try:
                self.operations.save(record, after)
            except Superseded:
                continue  # its worker has just written; look again
            log("NOTICE", "operation changed by hand", operation=operation, state=after.state.value)
            return after
        raise Conflict("The operation is being worked on; try again.", reason="operationBusy")


def operation_id(idempotency_key: str) -> str:
    """The id that a key always leads to."""
    return "op-" + hashlib.sha256(idempotency_key.encode()).hexdigest()[:24]


def answer(operation: Operation, quote: Quote | None = None) -> dict[str, Any]:
    """An operation as the backend reads it."""
    shown: dict[str, Any] = {"operation": operation.as_json()}
    if quote is not None:
        shown["quote"] = quote.as_json()
    return shown


def command(body: object) -> tuple[str, str] | None:
    """(`cancel` or `retry` or `read`, operation id) when a body asks for one; None for a submission or a plan."""
    if not isinstance(body, Mapping) or "action" not in body:
        return None
    action = body["action"]
    if action == "plan":
        return None
    if action not in {"cancel", "retry", "read"}:
        raise InvalidRequest("action is plan, cancel, retry or read.", field="action")
    return action, Fields(body, "action", "operation").id("operation", ids.OPERATION)
