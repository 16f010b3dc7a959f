"""One queue: what it holds, what is due, what an answer does. A pure state machine over the time it is told.

No thread, socket or clock lives here: `next_dispatch(now)` says what to send, `answered(...)` is told what came
back. Times are seconds since the epoch, as the wall clock shows them; the clock may jump days between two calls.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from infra.local.cloud_emulator.bucket import TokenBucket
from infra.local.cloud_emulator.journal import End, Ended, Journal
from infra.local.cloud_emulator.refusal import already_exists, not_found
from infra.local.cloud_emulator.retry import RetryPolicy

RETENTION = 31 * 86400.0  # a task this old is deleted whatever its state
NAME_MEMORY = 24 * 3600.0  # "up to 24 hours": the longest that the service says it remembers an ended task's name

_GONE = (
    "The task no longer exists, though a task with this name existed recently. "
    "It was completed, dropped or deleted."
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """The HTTP request that a task makes. identity: service account and audience of its OIDC token."""

    url: str
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    identity: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an attempt came to: an HTTP status, or none with the reason. retry_after in seconds."""

    status: int | None
    reason: str
    late: bool = False  # no answer within the dispatch deadline
    retry_after: float | None = None

    @property
    def success(self) -> bool:
        """Whether the task is done."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(kw_only=True)
class Attempt:
    """One attempt: when it was due, when it went, when and how it came back."""

    scheduled_at: float
    dispatched_at: float
    answered_at: float | None = None
    answer: Answer | None = None


@dataclass(kw_only=True)
class QueuedTask:
    """A task in its queue. executions counts answers other than 5xx, as the header that reports it does."""

    name: str
    call: Call
    created_at: float
    schedule_at: float
    deadline: float = 600
    retry: RetryPolicy | None = None
    dispatches: int = 0
    responses: int = 0
    executions: int = 0
    first_dispatch_at: float | None = None
    last: Attempt | None = None
    ticket: int = 0  # which entry of the schedule is the valid one


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """One request to send now, with what its X-CloudTasks headers say."""

    task: QueuedTask
    attempt: Attempt
    retry_count: int
    execution_count: int
    previous: Answer | None
    forced: bool = False


@dataclass(kw_only=True)
class TaskQueue:
    """A queue's tasks, limits and memory of names. name_memory in seconds."""

    name: str
    journal: Journal
    rate: float
    max_concurrent: int
    retry: RetryPolicy
    opened_at: float
    name_memory: float = NAME_MEMORY
    paused: bool = False
    purged_at: float | None = None
    running: int = 0
    tasks: dict[str, QueuedTask] = field(default_factory=dict)
    _bucket: TokenBucket = field(init=False)
    _remembered: dict[str, float] = field(default_factory=dict)
    _schedule: list[tuple[float, int, str]] = field(default_factory=list)
    _tickets: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self._bucket = TokenBucket.full(self.rate, self.opened_at)

    @property
    def burst(self) -> int:
        """How many tasks may go at once when the queue was idle."""
        return self._bucket.size

    def limit(self, *, rate: float, max_concurrent: int, now: float) -> None:
        """Change the rate limits; a changed rate starts with a full bucket."""
        if rate != self.rate:
            self._bucket = TokenBucket.full(rate, now)
        self.rate, self.max_concurrent = rate, max_concurrent

    def add(self, task: QueuedTask, now: float) -> None:
        """Queue a task. Refuses a name that is queued or still remembered with ALREADY_EXISTS."""
        self._forget(now)
        if task.name in self.tasks:
            raise already_exists("Requested entity already exists: a task with this name is in the queue.")
        if task.name in self._remembered:
            raise already_exists("The task cannot be created because a task with this name existed too recently.")
        self.tasks[task.name] = task
        self._put(task)

    def get(self, name: str, now: float) -> QueuedTask:
        """A queued or running task. Refuses an ended or unknown one with NOT_FOUND."""
        self._forget(now)
        if name not in self.tasks:
            raise not_found(_GONE if name in self._remembered else "The task does not exist.")
        return self.tasks[name]

    def delete(self, name: str, now: float) -> None:
        """Delete a queued or running task; the answer of a running attempt is no longer of interest."""
        self._end(self.get(name, now), End.DELETED, now)

    def purge(self, now: float) -> None:
        """Delete every task created until now."""
        for task in list(self.tasks.values()):
            self._end(task, End.PURGED, now)
        self.purged_at = now

    def next_dispatch(self, now: float) -> Dispatch | None:
        """The next request to send, or None when nothing is due or a limit holds it back."""
        self._forget(now)
        self._tidy()
        if self.paused or self.running >= self.max_concurrent or not self._schedule:
            return None
        if self._schedule[0][0] > now or not self._bucket.take(now):
            return None
        _, _, name = heapq.heappop(self._schedule)
        return self._dispatch(self.tasks[name], now)

    def force(self, name: str, now: float) -> Dispatch:
        """Dispatch a task now, whatever pause and limits say."""
        task = self.get(name, now)
        task.ticket = 0
        task.schedule_at = now
        return self._dispatch(task, now, forced=True)

    def wake_at(self, now: float) -> float | None:
        """When `next_dispatch` can next have something, if nothing else happens before; None for never."""
        self._tidy()
        if self.paused or self.running >= self.max_concurrent or not self._schedule:
            return None
        return max(self._schedule[0][0], self._bucket.ready_at(now))

    def next_at(self) -> float | None:
        """When the next waiting task is due, or was; None when none waits, or all wait for the queue to go on."""
        self._tidy()
        return self._schedule[0][0] if self._schedule and not self.paused else None

    def answered(self, dispatch: Dispatch, answer: Answer, now: float) -> None:
        """An attempt came back: the task is done, tried again later, or dropped."""
        self.running -= 1
        task, attempt = dispatch.task, dispatch.attempt
        attempt.answered_at, attempt.answer = now, answer
        if answer.status is not None:
            task.responses += 1
            task.executions += answer.status < 500
        if self.tasks.get(task.name) is not task:
            return  # deleted, purged or finished by another attempt meanwhile
        policy = task.retry or self.retry
        if answer.success:
            self._end(task, End.FINISHED, now)
        elif policy.exhausted(attempts=task.dispatches, elapsed=now - (task.first_dispatch_at or now)):
            self._end(task, End.DROPPED, now)
        else:
            # The delay of a forced attempt counts from the moment it was asked for (RunTask's own words).
            start = attempt.dispatched_at if dispatch.forced else now
            task.schedule_at = start + policy.wait(task.dispatches, answer.retry_after)
            self._put(task)

    def due(self, now: float) -> tuple[int, int]:
        """How many waiting tasks are due, and how many are for later."""
        self._tidy()
        waiting = [at for at, ticket, name in self._schedule if self._valid(ticket, name)]
        ready = sum(at <= now for at in waiting)
        return ready, len(waiting) - ready

    def _dispatch(self, task: QueuedTask, now: float, *, forced: bool = False) -> Dispatch:
        previous = task.last.answer if task.last else None
        attempt = Attempt(scheduled_at=task.schedule_at, dispatched_at=now)
        dispatch = Dispatch(
            task=task,
            attempt=attempt,
            retry_count=task.dispatches,
            execution_count=task.executions,
            previous=previous,
            forced=forced,
        )
        task.dispatches += 1
        task.last = attempt
        if task.first_dispatch_at is None:
            task.first_dispatch_at = now
        self.running += 1
        self.journal.dispatches[self.name] += 1
        return dispatch

    def _put(self, task: QueuedTask) -> None:
        task.ticket = next(self._tickets)
        heapq.heappush(self._schedule, (task.schedule_at, task.ticket, task.name))

    def _valid(self, ticket: int, name: str) -> bool:
        task = self.tasks.get(name)
        return task is not None and task.ticket == ticket

    def _tidy(self) -> None:
        """Take entries of tasks that ended or were rescheduled off the schedule's front."""
        while self._schedule and not self._valid(*self._schedule[0][1:]):
            heapq.heappop(self._schedule)

    def _end(self, task: QueuedTask, end: End, now: float) -> None:
        del self.tasks[task.name]
        self._remembered[task.name] = now
        last = task.last.answer if task.last else None
        self.journal.record(
            Ended(
                queue=self.name,
                task=task.name,
                end=end,
                at=now,
                attempts=task.dispatches,
                last_status=last.status if last else None,
                last_reason=last.reason if last else "",
                url=task.call.url,
            )
        )

    def _forget(self, now: float) -> None:
        """Release names whose time is over, and drop tasks past the retention. Oldest first in both."""
        while self._remembered:
            name = next(iter(self._remembered))
            if self._remembered[name] + self.name_memory > now:
                break
            del self._remembered[name]
        while self.tasks:
            oldest = next(iter(self.tasks.values()))
            if oldest.created_at + RETENTION > now:
                break
            self._end(oldest, End.DROPPED, now)
