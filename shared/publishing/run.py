"""Runs one attempt at one operation: claim it, do its steps until they are done or time is up, requeue the rest.

Delivery is at least once and workers die, so an attempt is safe to begin again at any point. Whoever claims the
record works; whoever cannot write it any more stops.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.collection import cache
from shared.errors import Transient, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.publishing.attempt import Attempt, Done, Limits, Postponed, Requeue
from shared.publishing.operation import DIED, Operation, Record, State, Superseded
from shared.publishing.plan import DELETE, PLAYLIST_ITEM, kind
from shared.publishing.retries import WAITS, mark, retry_decision
from shared.publishing.sources import SourceOf
from shared.publishing.steps import STEPS
from shared.publishing.tasks import Tasks
from shared.publishing.transfer import end_session
from shared.vault.vault import Vault
from shared.youtube.client import Caller
from shared.youtube.policy import Action, Alert

SKEW = timedelta(minutes=2)  # by which our clock may differ from that of Cloud Tasks
SHORT = timedelta(seconds=5)  # a wait that is not worth a task
RUNS_MAX = 20  # that were cut off without any progress
DONE_ALL_THE_SAME = frozenset({(Action.TREAT_AS_DONE, PLAYLIST_ITEM), (Action.MARK_AS_DELETED, DELETE)})
"""Faults that say of a step that there is nothing left to do. Other steps owe a result."""
_SEVERITY = {Alert.NONE: "INFO", Alert.INFO: "NOTICE", Alert.WARNING: "WARNING", Alert.CRITICAL: "CRITICAL"}


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs attempts."""

    tasks: Tasks
    caller_for: Callable[[Operation], Caller]
    vault: Vault
    rng: random.Random
    source_of: SourceOf
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep

    def run(self, operation_id: str, number: int, *, last_delivery: bool = False) -> Operation:
        """Run attempt `number` of an operation; the operation afterwards.

        last_delivery: nobody will deliver this task again, so an unexpected error becomes a failed operation that
        people see. Raises NotFound, Unavailable while another worker holds it or something we need does not
        answer, and whatever is unexpected.
        """
        record = self.tasks.operations.get(operation_id)
        if record.operation.state is State.CANCELLED:
            return self._close(self._attempt(record), last_delivery=last_delivery)
        attempt = None
        try:
            if self._is_due(record, number):
                attempt = self._claim(record)
                self._work(attempt)
        except Superseded:
            return self._after_superseded(operation_id, number, attempt, last_delivery=last_delivery)
        except Exception as error:
            if attempt is not None:
                self._give_up_lease(attempt, error, last_delivery=last_delivery)
            raise
        return record.operation

    def _is_due(self, record: Record, number: int) -> bool:
        operation, now = record.operation, self.tasks.clock()
        if operation.ended:
            self.tasks.tell(operation)  # who ended it may have died before
            return False
        if number != operation.attempt:
            self.tasks.queue(operation)  # its task may never have been queued
            return False
        early = (due := operation.due_at or now) - now
        if early > SKEW:
            self.tasks.requeue(record, operation.state, due, operation.reason, operation.message)
            return False
        if operation.held(now):
            raise _busy(operation)
        if operation.retries_if_died().get(DIED, 0) > RUNS_MAX:
            self.tasks.fail(record, "workerDied", "The work was begun many times and never came to an end.")
            return False
        if early > timedelta(0):
            self.sleep(early.total_seconds())  # our clock is slow: a task queued again would come again at once
        return True

    def _attempt(self, record: Record) -> Attempt:
        return Attempt(
            operations=self.tasks.operations,
            record=record,
            caller=self.caller_for(record.operation),
            vault=self.vault,
            source_of=self.source_of,
            clock=self.tasks.clock,
            limits=self.limits,
        )

    def _claim(self, record: Record) -> Attempt:
        attempt, retries = self._attempt(record), record.operation.retries_if_died()
        # A name for each attempt: two threads of one process are two workers.
        attempt.save(state=State.RUNNING, owner=uuid.uuid4().hex, due_at=attempt.clock(), retries=retries)
        return attempt

    def _work(self, attempt: Attempt) -> None:
        after = attempt.operation
        while after.current:
            try:
                after = self._step(attempt)
            except Postponed as later:
                told = (later.at, later.reason, later.message)
                self.tasks.requeue(attempt.record, State.WAITING, *told, **later.changes)
                return
            except Requeue:  # in another attempt, unless many in a row got nowhere
                retries = attempt.operation.retries
                runs = retries.get("requeued", 0) + 1
                if runs > RUNS_MAX:
                    self.tasks.fail(attempt.record, "noProgress", f"The work did not move in {RUNS_MAX} runs.")
                else:
                    self.tasks.requeue_now(attempt.record, retries={**retries, "requeued": runs})
                return
            if after.current:
                attempt.save(after)
                if attempt.out_of_time:
                    self.tasks.requeue_now(attempt.record)
                    return
        if after.failed and not after.ended:
            after = after.moved(State.FAILED, attempt.clock(), **_told(after))
        elif not after.ended:
            after = after.moved(State.SUCCEEDED, attempt.clock(), message="Done.", upload={})
        self.tasks.end(attempt.record, after)

    def _step(self, attempt: Attempt) -> Operation:
        """Do the next step; the operation after it, yet to be written. Raises Postponed, Requeue, Superseded."""
        try:
            done = STEPS[kind(attempt.operation.current)](attempt)
        except YtempireError as error:
            return self._after_error(attempt, error)
        attempt.found = done.results
        return _step_done(attempt, done)

    def _after_error(self, attempt: Attempt, error: YtempireError) -> Operation:
        """The operation after an error: it tries again, or goes on without the step. Raises Postponed."""
        operation, now = attempt.operation, attempt.clock()
        decision = retry_decision(operation, error, clock=attempt.clock, rng=self.rng)
        log(_SEVERITY[decision.alert], "operation met a fault", operation=operation.id, step=operation.current,
            reason=decision.reason, action=decision.action.value, alert=decision.alert.value,
            at=decision.at)  # fmt: skip
        if decision.action not in WAITS or decision.at is None:
            mark(attempt.operations.client, decision, operation, now)
            if (decision.action, kind(operation.current)) in DONE_ALL_THE_SAME:
                return _step_done(attempt, Done(message=decision.message))
            return _step_failed(operation, now, decision.reason, error.message)
        if decision.action is Action.DEFER_CHANNEL:
            attempt.operations.pause_uploads(operation.channel_id, decision.at, decision.reason)
        made = {decision.reason: decision.attempt} if decision.attempt else {}
        retries = {**operation.retries, **made}
        wait = decision.at - attempt.clock()
        if wait > SHORT or attempt.out_of_time:
            raise Postponed(decision.at, decision.reason, decision.message, {"retries": retries})
        self.sleep(max(0.0, wait.total_seconds()))
        return replace(operation, retries=retries)

    def _after_superseded(
        self, operation_id: str, number: int, mine: Attempt | None, *, last_delivery: bool
    ) -> Operation:
        """Somebody else has written the operation. Whatever they did, one that has not ended keeps a task."""
        record = self.tasks.operations.get(operation_id)
        found = record.operation
        if found.state is State.CANCELLED:
            return self._close(mine or self._attempt(record), last_delivery=last_delivery)
        if found.ended:
            return found
        if found.attempt != number:
            self.tasks.queue(found)
            return found
        if mine is None or found.owner != mine.operation.owner:
            raise _busy(found)  # theirs to do; our task comes again, should they die
        # Still ours: only something in the record is new, such as its session's seal after a change of keys.
        try:
            self.tasks.requeue_now(record)
        except Superseded as again:
            raise _busy(found) from again
        return record.operation

    def _close(self, attempt: Attempt, *, last_delivery: bool) -> Operation:
        """A cancelled operation with all that was made, and without a session: YouTube has forgotten the upload.

        attempt: whoever was at work knows what the record does not, and a session that it may have lost by now.
        """
        made = dict(attempt.found)
        try:
            made |= end_session(attempt)
        except YtempireError as error:
            if isinstance(error, Transient) and not last_delivery:
                raise
            # It is forgotten by itself within days.
            log("NOTICE", "a session was not ended", operation=attempt.operation.id, reason=error.reason)
        return attempt.operations.change(
            attempt.operation.id, lambda it: replace(it, results={**it.results, **made}, upload={})
        )

    def _give_up_lease(self, attempt: Attempt, error: Exception, *, last_delivery: bool) -> None:
        """Let the task's next delivery begin at once; after the last one the operation fails."""
        try:
            if last_delivery:
                message = "Something went wrong on our side, several times. It has been recorded."
                self.tasks.fail(attempt.record, "internal", message)
            else:
                attempt.operations.save(attempt.record, replace(attempt.operation, lease_until=None))
        except Exception as again:  # noqa: BLE001 - the first error is the one to report
            log("WARNING", "a lease was not given up", operation=attempt.operation.id, error=repr(again))
        log("WARNING", "an attempt ended unexpectedly", operation=attempt.operation.id, error=type(error).__name__)


def _step_done(attempt: Attempt, done: Done) -> Operation:
    """The operation after a step, to be written."""
    operation = attempt.operation
    cache.invalidate(attempt.operations.client, operation.channel_id)
    found: dict[str, Any] = {
        "results": {**operation.results, **done.results},
        "upload": {**operation.upload, **done.upload},
        "retries": {},
        "done": (*operation.done, operation.current),
    }
    return operation.moved(State.RUNNING, attempt.clock(), reason="stepDone", message=done.message, **found)


def _step_failed(operation: Operation, now: datetime, reason: str, message: str) -> Operation:
    """The operation after a step that cannot be done: it goes on if there is one that does not need this one."""
    failed = {**operation.failed, operation.current: (reason, message)}
    after = replace(operation, failed=failed)
    if after.current:
        return operation.moved(State.RUNNING, now, reason=reason, message=message, retries={}, failed=failed)
    return operation.moved(State.FAILED, now, **_told(after), failed=failed)


def _told(operation: Operation) -> dict[str, str]:
    """Why an operation failed, and of one with several parts what was done all the same."""
    (reason, message), *more = operation.failed.values()
    message = " ".join([message, *(words for _reason, words in more)])
    if operation.kind == "release" and operation.done:
        message = f"{', '.join(operation.failed)}: {message} Done: {', '.join(operation.done)}."
    return {"reason": reason, "message": message}


def _busy(operation: Operation) -> Unavailable:
    words = "Another worker is at this operation."
    return Unavailable(words, reason="operationBusy", retry_at=operation.lease_until)
