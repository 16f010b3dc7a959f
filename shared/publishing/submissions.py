"""Accepts, prices, reads, cancels and retries operations for the app's backend.

An answer before work counts what accepted operations will still spend.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, takewhile
from typing import Any

from shared import channels, ids
from shared.clock import to_the_second
from shared.cloud.firestore import Client
from shared.errors import Conflict, Forbidden, InvalidRequest, NotFound
from shared.monitoring.log import log
from shared.publishing import plan
from shared.publishing.address import Allowed
from shared.publishing.operation import Event, Operation, Operations, State, UploadPause, key_reused
from shared.publishing.requests import Request, parse, sources
from shared.publishing.tasks import Tasks
from shared.quota.calendar import day_change_ends
from shared.quota.quotes import NOT_BEFORE, Work
from shared.quota.quotes import Quote as Estimate
from shared.youtube.policy import policy

MOST = 300  # how many accepted operations an answer counts, those that changed last


def publisher(client: Client, channel_id: str, steps: Iterable[str]) -> str:
    """The user who connected a channel. Raises NotFound; Forbidden for a connection that cannot do the steps."""
    channel = channels.get(client, channel_id)
    if not channel.working:
        raise Forbidden(f"The channel's connection does not work: {channel.state_reason}", reason=channel.state)
    for needed in sorted({plan.feature(step) for step in steps}):
        if channel.can(needed):
            continue
        capability = channel.capabilities.get(needed)
        rule = policy().rules.get(capability.reason) if capability else None
        if rule is not None:
            raise Forbidden(f"{rule.says} When that is mended, connect the channel again.", reason=rule.reason)
        words = f"This channel was connected without the feature {needed!r}; connect it again and allow it."
        raise Forbidden(words, reason=f"{needed}NotGranted")
    return channel.user_id


def promised(operations: Operations, *, before: Operation | None = None) -> tuple[Work, ...]:
    """The work of operations that have not ended, in the order of asking; of those asked before one, if given."""

    def asked(operation: Operation) -> tuple[object, str]:
        return operation.created_at, operation.id

    found = sorted(operations.in_state(State.QUEUED, State.RUNNING, State.WAITING, limit=MOST), key=asked)
    earlier = takewhile(lambda each: before is None or asked(each) < asked(before), found)
    works = filter(None, map(remaining, earlier))
    return tuple(replace(work, times=len(list(equal))) for work, equal in groupby(works))


def remaining(operation: Operation) -> Work | None:
    """What an operation will still spend; None for nothing. A session that was begun is paid for."""
    steps = operation.remaining
    if operation.upload.get("session"):
        steps = tuple(step for step in steps if step != plan.TRANSFER)
    return _work(steps, operation.user_id, operation.due_at, critical=operation.critical) if steps else None


def _work(steps: tuple[str, ...], account: str, not_before: datetime | None, *, critical: bool) -> Work:
    priority = plan.priority(critical=critical)
    return Work(calls=plan.calls(steps), account=account, priority=priority, not_before=not_before)


@dataclass(frozen=True)
class Quote:
    """What a request costs, in units by bucket, and when it runs (None: never, on this quota).

    reason, why_not_now: "" when it runs at once; otherwise for programs and for people.
    """

    cost: Mapping[str, int]
    runs_at: datetime | None
    why_not_now: str
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"cost": dict(self.cost), "runs_at": to_the_second(self.runs_at), "why_not_now": self.why_not_now}


@dataclass(frozen=True, kw_only=True)
class Submissions:
    """A project's operations as the app's backend reaches them.

    estimate: prices work by the quota, after work that was promised. allowed: where files may come from.
    """

    tasks: Tasks
    allowed: Allowed
    estimate: Callable[[Sequence[Work], Sequence[Work]], Estimate]

    def submit(self, body: Mapping[str, Any]) -> tuple[Operation, Quote]:
        """Accept the request in a body; submitted twice under one key it is done once.

        Raises InvalidRequest, NotFound for a channel that is not connected, Conflict for a key that stood for
        something else, Forbidden for what can never run on this quota.
        """
        request, earlier = self._asked(body)
        if earlier is not None:
            return self._again(earlier, request)
        now, quote, steps = self.tasks.clock(), self._quote(request), plan.steps(request)
        if quote.runs_at is None:
            raise Forbidden(f"It can never run on this quota. {quote.why_not_now}", reason=quote.reason)
        # Who asked first runs first: what has to wait is not tried before its time, and so takes no other's place.
        waits = quote.reason not in {"", NOT_BEFORE}
        state, reason = (State.WAITING, quote.reason) if waits else (State.QUEUED, "submitted")
        operation = self.tasks.operations.create(
            Operation(
                id=operation_id(request.channel_id, request.idempotency_key),
                fingerprint=request.fingerprint,
                channel_id=request.channel_id,
                user_id=publisher(self.tasks.operations.client, request.channel_id, steps),
                kind=request.kind,
                work=request.work,
                steps=steps,
                state=state,
                created_at=now,
                updated_at=now,
                due_at=day_change_ends(quote.runs_at) or quote.runs_at,
                critical=request.critical,
                reason=reason,
                message=quote.why_not_now,
                history=(Event(now, state, steps[0], reason, quote.why_not_now),),
            )
        )
        if not operation.ended:
            self.tasks.queue(operation)
        return operation, quote

    def quote(self, body: Mapping[str, Any]) -> Quote:
        """What the request in a body would cost, and when it could run. Raises as `submit`."""
        return self._quote(self._asked(body)[0])

    def _quote(self, request: Request, accepted: Operation | None = None) -> Quote:
        """The quote after all that was accepted before. accepted: the operation that it has become, if it has."""
        work, pause = self._work(request.channel_id, plan.steps(request), critical=request.critical)
        not_before = max(filter(None, (request.not_before, work.not_before)), default=None)
        before = promised(self.tasks.operations, before=accepted)
        estimate = self.estimate([replace(work, not_before=not_before)], before)
        if not estimate.later:
            return Quote(estimate.costs, self.tasks.clock(), "")
        first = estimate.later[0]
        reason, why = first.reason, estimate.message
        if reason == NOT_BEFORE:
            why = "It was asked for this time."
            if pause is not None and not_before == pause.until:
                reason, why = pause.reason, "YouTube takes no uploads to this channel before then."
        return Quote(estimate.costs, first.at, why, reason)

    def plan(self, intents: Sequence[plan.Intent]) -> Estimate:
        """What many operations would cost, and which of them could run when, in this order. Accepts nothing.

        Raises NotFound for a channel that is not connected.
        """
        works = [self._work(each.channel_id, each.steps, critical=each.critical)[0] for each in intents]
        works = [replace(work, times=each.times) for work, each in zip(works, intents, strict=True)]
        return self.estimate(works, promised(self.tasks.operations))

    def read(self, operation: str) -> Operation:
        """An operation. Raises NotFound."""
        return self.tasks.operations.get(operation).operation

    def cancel(self, operation: str) -> Operation:
        """End an operation that has not ended; what YouTube has done by then stays. Raises Conflict otherwise."""
        cancelled = self._change(operation, _cancelled)
        if cancelled.upload:
            self.tasks.queue(cancelled)  # YouTube is asked what has become of the upload
        return cancelled

    def retry(self, operation: str) -> Operation:
        """Queue a failed operation again, from the step at which it failed. Raises Conflict otherwise."""
        retried = self._change(operation, _retried)
        self.tasks.queue(retried)
        return retried

    def dismiss(self, operation: str) -> Operation:
        """End a failed operation for good, so that nobody is asked about it again. Raises Conflict otherwise."""
        return self._change(operation, _dismissed)

    def _asked(self, body: Mapping[str, Any]) -> tuple[Request, Operation | None]:
        """The request in a body, and what was accepted before under its key. That one is read as it was read then,
        because its time of publication may have passed meanwhile. Raises InvalidRequest, Conflict.
        """
        channel_id, key, earlier = body.get("channel_id"), body.get("idempotency_key"), None
        if ids.CHANNEL.matches(channel_id) and isinstance(key, str) and key.isascii():
            with suppress(NotFound):
                earlier = self.read(operation_id(channel_id, key))
        try:
            request = parse(body, now=earlier.created_at if earlier else self.tasks.clock())
        except InvalidRequest as error:
            if earlier is not None:
                raise key_reused() from error
            raise
        for field, source in sources(request) if earlier is None else ():
            self.allowed.check(source, field=field)
        return request, earlier

    def _again(self, earlier: Operation, request: Request) -> tuple[Operation, Quote]:
        """What was accepted stays so, whatever has become of the channel since."""
        if earlier.fingerprint != request.fingerprint:
            raise key_reused()
        if not earlier.ended:
            self.tasks.queue(earlier)
        try:
            return earlier, self._quote(request, earlier)
        except (Forbidden, NotFound):
            return earlier, Quote({}, earlier.due_at, earlier.message)

    def _work(self, channel_id: str, steps: tuple[str, ...], *, critical: bool) -> tuple[Work, UploadPause | None]:
        """The work of some steps, and the pause of the channel that it waits for."""
        pause = None
        if plan.TRANSFER in steps:
            pause = self.tasks.operations.upload_pause(channel_id, self.tasks.clock())
        account = publisher(self.tasks.operations.client, channel_id, steps)
        return _work(steps, account, pause.until if pause else None, critical=critical), pause

    def _change(self, operation: str, decide: Callable[[Operation, datetime], Operation]) -> Operation:
        changed = self.tasks.operations.change(operation, lambda found: decide(found, self.tasks.clock()))
        log("NOTICE", "operation changed by hand", operation=operation, state=changed.state.value)
        self.tasks.tell(changed)
        return changed


def operation_id(channel_id: str, idempotency_key: str) -> str:
    """The id that a channel's key always leads to: whoever owns another channel may use the same key."""
    return "op-" + hashlib.sha256(f"{channel_id}/{idempotency_key}".encode()).hexdigest()[:24]


def _cancelled(operation: Operation, now: datetime) -> Operation:
    if operation.ended:
        raise _wrong_state(operation, "ended already")
    upload = operation.upload if operation.upload.get("session") else {}
    changes = {"attempt": operation.attempt + 1, "upload": upload}
    return operation.moved(State.CANCELLED, now, reason="cancelled", message="Cancelled by hand.", **changes)


def _retried(operation: Operation, now: datetime) -> Operation:
    if operation.state is not State.FAILED:
        raise _wrong_state(operation, "has not failed")
    upload = {**operation.upload, "restarts": 0} if operation.upload else {}
    changes = {"due_at": now, "attempt": operation.attempt + 1, "retries": {}, "failed": {}, "upload": upload}
    changes |= {"expires_at": None, "untold_since": None}
    return operation.moved(State.QUEUED, now, reason="retriedByHand", message="Queued again by hand.", **changes)


def _dismissed(operation: Operation, now: datetime) -> Operation:
    if operation.state is not State.FAILED:
        raise _wrong_state(operation, "has not failed")
    return operation.moved(State.CANCELLED, now, reason="dismissed", message=operation.message)


def _wrong_state(operation: Operation, why: str) -> Conflict:
    return Conflict(f"The operation {why}; it is {operation.state}.", reason="wrongState")
