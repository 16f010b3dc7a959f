"""The queue over a virtual clock: no thread, no socket, no second of waiting."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.cloud_emulator.journal import End, Journal
from infra.local.cloud_emulator.refusal import Refused
from infra.local.cloud_emulator.retry import UNLIMITED, RetryPolicy
from infra.local.cloud_emulator.taskqueue import RETENTION, Answer, Call, Dispatch, QueuedTask, TaskQueue

T0 = 1_700_000_000.0
DAY = 86400.0
OK = Answer(status=200, reason="")
FAILED = Answer(status=500, reason="HTTP status code 500")
MEMORY = 24 * 3600.0


def a_queue(*, rate=500.0, concurrent=1000, retry=None, opened_at=T0):
    return TaskQueue(
        name="q",
        journal=Journal(),
        rate=rate,
        max_concurrent=concurrent,
        retry=retry or RetryPolicy(),
        opened_at=opened_at,
    )


def a_task(name="t", *, created_at=T0, schedule_at=T0, retry=None):
    return QueuedTask(
        name=name, call=Call(url="http://x/"), created_at=created_at, schedule_at=schedule_at, retry=retry
    )


def refusal(call):
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.code.name


@dataclass
class World:
    """A virtual world in which targets answer after a while; time goes from event to event."""

    queue: TaskQueue
    answers: dict[str, list[tuple[float, Answer]]]  # per task: seconds until the answer, and the answer
    now: float = T0
    flying: list[tuple[float, int, Dispatch, Answer]] = field(default_factory=list)
    sent: list[tuple[float, str]] = field(default_factory=list)
    most_at_once: int = 0
    _order: count = field(default_factory=count)

    def run(self, steps=20_000):
        """Until nothing is left to happen."""
        for _ in range(steps):
            while (dispatch := self.queue.next_dispatch(self.now)) is not None:
                self._fly(dispatch)
            wake = self.queue.wake_at(self.now)
            back = self.flying[0][0] if self.flying else None
            if wake is None and back is None:
                return
            # A nanosecond more than said: floats around 1.7e9 have steps of 2e-7.
            self.now = max(self.now, min(at for at in (wake, back) if at is not None)) + 1e-6
            while self.flying and self.flying[0][0] <= self.now:
                _, _, dispatch, answer = heapq.heappop(self.flying)
                self.queue.answered(dispatch, answer, self.now)
        raise AssertionError("the world did not come to rest")

    def _fly(self, dispatch):
        self.sent.append((self.now, dispatch.task.name))
        script = self.answers.get(dispatch.task.name, [])
        delay, answer = script[dispatch.retry_count] if dispatch.retry_count < len(script) else (0.0, OK)
        heapq.heappush(self.flying, (self.now + delay, next(self._order), dispatch, answer))
        self.most_at_once = max(self.most_at_once, len(self.flying))


outcomes = st.lists(
    st.tuples(st.floats(0, 30), st.sampled_from([OK, FAILED, Answer(status=None, reason="late", late=True)])),
    max_size=8,
)


@st.composite
def worlds(draw):
    retry = RetryPolicy(
        max_attempts=draw(st.integers(1, 5)),
        min_backoff=draw(st.floats(0.1, 5)),
        max_backoff=60,
        max_doublings=draw(st.integers(0, 4)),
    )
    queue = a_queue(rate=draw(st.floats(0.2, 50)), concurrent=draw(st.integers(1, 5)), retry=retry)
    answers = {}
    for number in range(draw(st.integers(1, 30))):
        queue.add(a_task(f"t{number}", schedule_at=T0 + draw(st.floats(0, 100))), T0)
        answers[f"t{number}"] = draw(outcomes)
    return World(queue, answers)


@given(worlds())
def test_every_task_runs_until_it_succeeds_or_its_attempts_are_exhausted(world):
    world.run()
    ended = {story.task: story for story in world.queue.journal.ended}
    assert set(ended) == set(world.answers)
    assert not world.queue.tasks
    assert world.queue.running == 0
    for name, script in world.answers.items():
        successes = [index for index, (_, answer) in enumerate(script) if answer.success]
        needed = (successes[0] if successes else len(script)) + 1
        allowed = world.queue.retry.max_attempts
        assert ended[name].end == (End.FINISHED if needed <= allowed else End.DROPPED)
        assert ended[name].attempts == min(needed, allowed)


@given(worlds())
def test_no_more_than_the_allowed_number_run_at_once(world):
    world.run()
    assert world.most_at_once <= world.queue.max_concurrent


@given(worlds())
def test_no_span_of_time_sees_more_dispatches_than_burst_and_rate(world):
    world.run()
    times = [at for at, _ in world.sent]
    for index, start in enumerate(times):
        for end in times[index:]:
            allowed = world.queue.burst + world.queue.rate * (end - start)
            assert bisect_right(times, end) - index <= allowed + 1e-2


@given(worlds())
def test_a_task_never_runs_before_its_time_nor_again_before_its_backoff(world):
    scheduled = {task.name: task.schedule_at for task in world.queue.tasks.values()}
    world.run()
    last: dict[str, float] = {}
    tries: dict[str, int] = {}
    for at, name in world.sent:
        assert at >= scheduled[name]
        if name in last:
            assert at - last[name] >= world.queue.retry.interval(tries[name]) - 1e-3
        last[name], tries[name] = at, tries.get(name, 0) + 1


@given(worlds(), st.floats(0, 10 * MEMORY))
def test_the_name_of_an_ended_task_is_remembered_for_its_time_and_no_longer(world, later):
    world.run()
    for story in list(world.queue.journal.ended):
        again = a_task(story.task, created_at=story.at + later, schedule_at=story.at + 2 * later + DAY)
        if later < MEMORY and story.at + later >= world.now:
            assert refusal(lambda again=again: world.queue.add(again, again.created_at)) == "ALREADY_EXISTS"
    after = world.now + MEMORY + 1
    for story in list(world.queue.journal.ended):
        world.queue.add(a_task(story.task, created_at=after, schedule_at=after), after)


def test_a_queued_name_is_taken():
    queue = a_queue()
    queue.add(a_task(), T0)
    assert refusal(lambda: queue.add(a_task(), T0)) == "ALREADY_EXISTS"


@pytest.mark.parametrize("end", ["delete", "purge"])
def test_a_task_that_was_taken_back_is_gone_and_its_name_remembered(end):
    queue = a_queue()
    queue.add(a_task(), T0)
    if end == "delete":
        queue.delete("t", T0)
    else:
        queue.purge(T0)
    assert queue.next_dispatch(T0 + 1) is None
    assert refusal(lambda: queue.get("t", T0)) == "NOT_FOUND"
    assert refusal(lambda: queue.delete("t", T0)) == "NOT_FOUND"
    assert refusal(lambda: queue.add(a_task(), T0 + MEMORY - 1)) == "ALREADY_EXISTS"
    queue.add(a_task(), T0 + MEMORY)


def test_the_answer_of_a_task_deleted_meanwhile_changes_nothing():
    queue = a_queue()
    queue.add(a_task(), T0)
    dispatch = queue.next_dispatch(T0)
    queue.delete("t", T0 + 1)
    queue.answered(dispatch, FAILED, T0 + 2)
    assert queue.running == 0
    assert queue.next_dispatch(T0 + DAY) is None
    assert [story.end for story in queue.journal.ended] == [End.DELETED]


def test_a_paused_queue_holds_and_a_resumed_one_catches_up():
    queue = a_queue()
    queue.add(a_task(), T0)
    queue.paused = True
    assert queue.next_dispatch(T0 + DAY) is None
    assert (queue.wake_at(T0), queue.next_at()) == (None, None)
    queue.paused = False
    assert queue.next_at() == T0
    assert queue.next_dispatch(T0 + DAY).task.name == "t"


def test_a_purge_spares_what_is_added_afterwards():
    queue = a_queue()
    queue.add(a_task("before"), T0)
    queue.purge(T0 + 1)
    queue.add(a_task("after", created_at=T0 + 1), T0 + 1)
    assert queue.next_dispatch(T0 + 2).task.name == "after"
    assert queue.next_dispatch(T0 + 2) is None


def test_tasks_go_in_the_order_of_their_times():
    queue = a_queue()
    for name, at in (("late", 30.0), ("early", 10.0), ("middle", 20.0)):
        queue.add(a_task(name, schedule_at=T0 + at), T0)
    sent = [queue.next_dispatch(T0 + 60).task.name for _ in range(3)]
    assert sent == ["early", "middle", "late"]


def test_a_clock_that_jumps_days_makes_far_tasks_due_at_once():
    queue = a_queue()
    queue.add(a_task(schedule_at=T0 + 29 * DAY), T0)
    assert queue.next_dispatch(T0 + 29 * DAY - 1) is None
    assert queue.due(T0 + 1) == (0, 1)
    assert queue.next_dispatch(T0 + 29 * DAY).task.name == "t"


def test_a_forced_task_runs_despite_pause_limits_and_time():
    queue = a_queue(concurrent=1)
    queue.add(a_task("running"), T0)
    assert queue.next_dispatch(T0)
    queue.add(a_task("t", schedule_at=T0 + DAY), T0)
    queue.paused = True
    forced = queue.force("t", T0 + 5)
    queue.answered(forced, FAILED, T0 + 9)
    assert queue.tasks["t"].schedule_at == T0 + 5 + queue.retry.interval(1)  # counted from when it was asked for
    assert refusal(lambda: queue.force("gone", T0)) == "NOT_FOUND"


def test_a_forced_success_ends_the_task_though_another_attempt_is_on_its_way():
    queue = a_queue()
    queue.add(a_task(), T0)
    first = queue.next_dispatch(T0)
    queue.answered(queue.force("t", T0 + 1), OK, T0 + 2)
    queue.answered(first, FAILED, T0 + 3)
    assert queue.next_dispatch(T0 + DAY) is None
    assert [story.end for story in queue.journal.ended] == [End.FINISHED]


def test_a_task_with_a_policy_of_its_own_ignores_the_queues():
    queue = a_queue(retry=RetryPolicy(max_attempts=1))
    queue.add(a_task(retry=RetryPolicy(max_attempts=2, min_backoff=7)), T0)
    queue.answered(queue.next_dispatch(T0), FAILED, T0)
    assert queue.wake_at(T0) == T0 + 7
    queue.answered(queue.next_dispatch(T0 + 7), FAILED, T0 + 7)
    assert [(story.end, story.attempts, story.last_status) for story in queue.journal.ended] == [
        (End.DROPPED, 2, 500)
    ]


def test_a_task_older_than_the_retention_is_dropped_even_when_paused():
    queue = a_queue(retry=RetryPolicy(max_attempts=UNLIMITED))
    queue.add(a_task(schedule_at=T0 + 30 * DAY), T0)
    queue.paused = True
    assert queue.next_dispatch(T0 + RETENTION) is None
    assert [story.end for story in queue.journal.ended] == [End.DROPPED]


@pytest.mark.parametrize(
    ("answers", "retry_count", "execution_count", "previous"),
    [
        ([], 0, 0, None),
        ([FAILED], 1, 0, 500),  # failures with 5xx are retries but not executions
        ([Answer(status=404, reason="")], 1, 1, 404),
        ([Answer(status=429, reason=""), FAILED], 2, 1, 500),
        ([Answer(status=None, reason="late", late=True)], 1, 0, None),
    ],
)
def test_an_attempt_says_how_often_the_task_was_tried_and_answered(
    answers, retry_count, execution_count, previous
):
    queue = a_queue()
    queue.add(a_task(), T0)
    now = T0
    for answer in answers:
        queue.answered(queue.next_dispatch(now), answer, now)
        now += 60
    dispatch = queue.next_dispatch(now)
    assert (dispatch.retry_count, dispatch.execution_count) == (retry_count, execution_count)
    assert (dispatch.previous.status if dispatch.previous else None) == previous


def test_a_changed_rate_takes_effect():
    queue = a_queue(rate=0.001)
    for number in range(30):
        queue.add(a_task(f"t{number}"), T0)
    assert sum(queue.next_dispatch(T0) is not None for _ in range(30)) == 10
    queue.limit(rate=15, max_concurrent=1000, now=T0)
    assert sum(queue.next_dispatch(T0) is not None for _ in range(30)) == 15
