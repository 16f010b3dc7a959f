"""One turn of one operation: claim it, do its steps until they are done or time is up, and hand on.

Delivery is at least once and workers die, so a turn is safe to begin again at any point. Whoever claims the
record works; the next turn is a named task, so that two who both think they ought to queue it queue it once. Order
matters when handing on: the record says first that there is a next turn, then the task is queued; a death in
between is healed by the task that is delivered again.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.clock import Clock
from shared.cloud.queues import horizon
from shared.errors import Transient, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.publishing import effects
from shared.publishing.operation import Operation, State
from shared.publishing.plan import PLAYLIST_ITEM
from shared.publishing.records import Operations, Record, Superseded
from shared.publishing.steps import STEPS
from shared.publishing.transfer import abandoned
from shared.publishing.turn import HandOn, Limits, Outcome, Postponed, Sealing, SourceOf, Turn
from shared.publishing.verdict import WAITS, verdict
from shared.youtube.client import Caller
from shared.youtube.policy import Action, Alert
from shared.youtube.retry import RetryDecision

QUEUE = "operations"
FUNCTION = "run_operation"
EARLY = timedelta(seconds=5)
SHORT = timedelta(seconds=5)  # a wait that is not worth a task
OVERDUE = timedelta(hours=1)  # a queue may be behind; its task would come by itself
SWEEPS_MAX = 3
RUNS_MAX = 20  # that were cut off without any progress
_SEVERITY = {Alert.NONE: "INFO", Alert.INFO: "NOTICE", Alert.WARNING: "WARNING", Alert.CRITICAL: "CRITICAL"}


class Enqueue(Protocol):
    """Queues a named task; `shared.cloud.queues.enqueue` does."""

    def __call__(
        self, queue: str, name: str, function: str, payload: dict[str, Any], when: datetime | None = None
    ) -> bool:
        """True when newly queued."""
        ...


def queue_turn(enqueue: Enqueue, operation: Operation, clock: Clock) -> None:
    """Queue an operation's current turn; asked twice, queued once. Far-off turns are reached in hops."""
    when = operation.due_at
    if when is not None:
        when = min(when, horizon(clock()))
    enqueue(
        QUEUE,
        f"operation/{operation.id}/turn-{operation.turn}",
        FUNCTION,
        {"operation": operation.id, "turn": operation.turn},
        when,
    )


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs turns. owner: this worker's own name."""

    operations: Operations
    caller_for: Callable[[Operation], Caller]
    sealing: Sealing
    source_of: SourceOf
    enqueue: Enqueue
    clock: Clock
    dice: random.Random
    owner: str
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep

    def run(self, operation_id: str, number: int, *, last_attempt: bool = False) -> Operation:
        """Do turn `number` of an operation; the operation afterwards.

        last_attempt: nobody will deliver this task again, so an unexpected error becomes a failed operation that
        people see. Raises NotFound, Unavailable while another worker holds it or something we need does not
        answer, and whatever is unexpected.
        """
        record = self.operations.get(operation_id)
        if record.operation.state is State.CANCELLED:
            return self._closed(record, self._turn(record), last_attempt=last_attempt)
        turn = None
        try:
            if self._is_due(record, number):
                turn = self._claim(record)
                self._work(turn)
        except Superseded:
            return self._yielded(operation_id, number, turn, last_attempt=last_attempt)
        except Exception as error:
            if turn is not None:
                self._stumbled(turn, error, last_attempt=last_attempt)
            raise
        return record.operation

    def sweep(self) -> int:
        """Queue again what should have run long ago and did not; how many. After a few times it fails, visibly."""
        now, count = self.clock(), 0
        for found in self.operations.overdue(now - OVERDUE):
            record = self.operations.get(found.id)
            operation = record.operation
            if operation.ended or operation.held(now):
                continue
            swept = operation.retries.get("swept", 0) + 1
            try:
                if swept > SWEEPS_MAX:
                    self._fail(record, "workerDied", "The work was begun several times and never came to an end.")
                    continue
                retries = {**operation.retries, "swept": swept}
                self._next_turn(record, State.QUEUED, now, "pickedUpAgain", "Its task was lost.", retries=retries)
            except (Superseded, Unavailable):
                continue  # somebody is at it after all, or it is found again by the next sweep
            count += 1
        return count

    def _is_due(self, record: Record, number: int) -> bool:
        operation, now = record.operation, self.clock()
        if operation.ended:
            return False
        if number != operation.turn:
            queue_turn(self.enqueue, operation, self.clock)  # its task may never have been queued
            return False
        if operation.due_at is not None and operation.due_at > now + EARLY:
            self._next_turn(record, operation.state, operation.due_at, operation.reason, operation.message)
            return False
        if operation.held(now):
            raise _busy(operation)
        return True

    def _turn(self, record: Record) -> Turn:
        return Turn(
            operations=self.operations,
            record=record,
            caller=self.caller_for(record.operation),
            sealing=self.sealing,
            source_of=self.source_of,
            clock=self.clock,
            limits=self.limits,
        )

    def _claim(self, record: Record) -> Turn:
        turn = self._turn(record)
        # A name for each turn: two threads of one process are two workers.
        owner = f"{self.owner}/{uuid.uuid4().hex[:12]}"
        turn.save(replace(record.operation, state=State.RUNNING, owner=owner, due_at=self.clock()))
        return turn

    def _work(self, turn: Turn) -> None:
        while turn.operation.current:
            try:
                outcome = STEPS[turn.operation.current](turn)
            except Postponed as later:
                self._next_turn(turn.record, State.WAITING, later.at, later.reason, later.message)
                return
            except YtempireError as error:
                if not self._after_error(turn, error):
                    return
                continue
            if not self._after_step(turn, outcome):
                return
        turn.save(turn.operation.moved(State.SUCCEEDED, self.clock(), message="Done.", upload={}))
        effects.succeeded(self.operations.client, self.clock())
        log("INFO", "operation succeeded", operation=turn.operation.id, kind=turn.operation.kind)

    def _after_step(self, turn: Turn, outcome: Outcome) -> bool:
        """Whether this turn goes on with the next step."""
        operation = turn.operation
        if isinstance(outcome, HandOn):
            runs = operation.retries.get("handedOn", 0) + 1
            if runs > RUNS_MAX:
                self._fail(turn.record, "noProgress", f"The work did not move in {RUNS_MAX} runs.")
                return False
            self._hand_on(turn.record, retries={**operation.retries, "handedOn": runs})
            return False
        turn.found = outcome.results
        self._step_done(turn, outcome.message, {**operation.results, **outcome.results})
        if turn.out_of_time and turn.operation.current:
            self._hand_on(turn.record)
            return False
        return True

    def _yielded(self, operation_id: str, number: int, mine: Turn | None, *, last_attempt: bool) -> Operation:
        """Somebody else has written the operation. Whatever they did, an open one keeps a task that goes on."""
        record = self.operations.get(operation_id)
        found = record.operation
        if found.state is State.CANCELLED:
            return self._closed(record, mine or self._turn(record), last_attempt=last_attempt)
        if found.ended:
            return found
        if found.turn != number:
            queue_turn(self.enqueue, found, self.clock)
            return found
        if mine is None or found.owner != mine.operation.owner:
            raise _busy(found)  # theirs to do; our task comes again, should they die
        # Still ours: only something in the record is new, such as its session's seal after a change of keys.
        try:
            self._hand_on(record)
        except Superseded as again:
            raise _busy(found) from again
        return record.operation

    def _closed(self, record: Record, turn: Turn, *, last_attempt: bool) -> Operation:
        """A cancelled operation with all that was made, and without a session: YouTube has forgotten the upload.

        turn: whoever was at work knows what the record does not, and a session that it may have lost by now.
        """
        made = dict(turn.found)
        try:
            made |= abandoned(turn)
        except YtempireError as error:
            if isinstance(error, Transient) and not last_attempt:
                raise
            # It is forgotten by itself within days.
            log("NOTICE", "a session could not be cancelled", operation=record.operation.id, reason=error.reason)
        while made or record.operation.upload:
            operation = record.operation
            try:
                self.operations.save(record, replace(operation, results={**operation.results, **made}, upload={}))
            except Superseded:
                record = self.operations.get(operation.id)
                continue
            break
        return record.operation

    def _step_done(self, turn: Turn, message: str, results: dict[str, Any]) -> None:
        operation = turn.operation
        after = operation.moved(
            State.RUNNING, self.clock(), reason="stepDone", message=message, results=results, retries={}
        )
        turn.save(replace(after, step=operation.step + 1))

    def _after_error(self, turn: Turn, error: YtempireError) -> bool:
        """Whether this turn tries again at once."""
        operation = turn.operation
        decision = verdict(operation, error, clock=self.clock, dice=self.dice)
        log(
            _SEVERITY[decision.alert],
            "operation met a fault",
            operation=operation.id,
            step=operation.current,
            reason=decision.reason,
            action=decision.action.value,
            alert=decision.alert.value,
            at=decision.at,
        )
        # Other steps owe a result.
        if decision.action is Action.TREAT_AS_DONE and operation.current == PLAYLIST_ITEM:
            self._step_done(turn, decision.message, dict(operation.results))
            return True
        if decision.action not in WAITS or decision.at is None:
            effects.mark(self.operations.client, decision, operation, self.clock())
            self._fail(turn.record, decision.reason, error.message)
            return False
        if decision.action is Action.DEFER_CHANNEL:
            self.operations.pause_uploads(operation.channel_id, decision.at, decision.reason)
        return self._wait(turn, decision)

    def _wait(self, turn: Turn, decision: RetryDecision) -> bool:
        operation, now = turn.operation, self.clock()
        assert decision.at is not None
        retries = dict(operation.retries)
        if decision.attempt:
            retries[decision.reason] = decision.attempt
        if decision.at - now <= SHORT and not turn.out_of_time:
            turn.save(retries=retries)
            self.sleep(max(0.0, (decision.at - now).total_seconds()))
            return True
        self._next_turn(
            turn.record, State.WAITING, decision.at, decision.reason, decision.message, retries=retries
        )
        return False

    def _hand_on(self, record: Record, **changes: Any) -> None:
        message = "The work goes on in another run."
        self._next_turn(record, State.QUEUED, self.clock(), "handedOn", message, **changes)

    def _next_turn(
        self, record: Record, state: State, at: datetime, reason: str, message: str, **changes: Any
    ) -> None:
        operation = record.operation
        after = operation.moved(
            state,
            self.clock(),
            reason=reason,
            message=message,
            due_at=at,
            turn=operation.turn + 1,
            lease_until=None,
            **changes,
        )
        self.operations.save(record, after)
        queue_turn(self.enqueue, after, self.clock)

    def _fail(self, record: Record, reason: str, message: str) -> None:
        self.operations.save(
            record, record.operation.moved(State.FAILED, self.clock(), reason=reason, message=message)
        )
        log("ERROR", "operation failed", operation=record.operation.id, reason=reason, detail=message)

    def _stumbled(self, turn: Turn, error: Exception, *, last_attempt: bool) -> None:
        """Give up the lease, so that the task's next delivery need not wait for it to end."""
        try:
            if last_attempt:
                message = "Something went wrong on our side, several times. It has been recorded."
                self._fail(turn.record, "internal", message)
            else:
                self.operations.save(turn.record, replace(turn.operation, lease_until=None))
        except Exception as again:  # noqa: BLE001 - the first error is the one to report
            log("WARNING", "a lease could not be given up", operation=turn.operation.id, error=repr(again))
        log("WARNING", "a turn ended unexpectedly", operation=turn.operation.id, error=type(error).__name__)


def _busy(operation: Operation) -> Unavailable:
    return Unavailable(
        "Another worker is at this operation.", reason="operationBusy", retry_at=operation.lease_until
    )
