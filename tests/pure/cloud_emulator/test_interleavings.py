"""Any order of adding, deleting, purging, pausing, forcing, answering and moving time keeps the queue's books."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from infra.local.cloud_emulator.journal import Journal
from infra.local.cloud_emulator.refusal import Refused
from infra.local.cloud_emulator.retry import RetryPolicy
from infra.local.cloud_emulator.taskqueue import Answer, Call, QueuedTask, TaskQueue

T0 = 1_700_000_000.0
MEMORY = 3600.0
names = st.sampled_from(["a", "b", "c", "d"])
answers = st.sampled_from(
    [Answer(status=200, reason=""), Answer(status=500, reason=""), Answer(status=None, reason="", late=True)]
)


class Books(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = T0
        self.queue = TaskQueue(
            name="q",
            journal=Journal(),
            rate=500,
            max_concurrent=2,
            retry=RetryPolicy(max_attempts=3, min_backoff=1, max_backoff=10),
            opened_at=T0,
            name_memory=MEMORY,
        )
        self.flying = []
        self.added = 0
        self.ended_at = {}

    @rule(name=names, ahead=st.floats(0, 100))
    def add(self, name, ahead):
        task = QueuedTask(name=name, call=Call(url="http://x/"), created_at=self.now, schedule_at=self.now + ahead)
        taken = name in self.queue.tasks or self.now - self.ended_at.get(name, -MEMORY) < MEMORY
        if taken:
            with pytest.raises(Refused, match="exist"):
                self.queue.add(task, self.now)
        else:
            self.queue.add(task, self.now)
            self.added += 1

    @rule()
    def dispatch(self):
        was = len(self.flying)
        dispatch = self.queue.next_dispatch(self.now)
        if dispatch is not None:
            assert not self.queue.paused
            assert was < self.queue.max_concurrent
            assert dispatch.attempt.scheduled_at <= self.now
            self.flying.append(dispatch)

    @rule(name=names)
    def force(self, name):
        if name in self.queue.tasks:
            self.flying.append(self.queue.force(name, self.now))

    @rule(which=st.integers(0, 9), answer=answers)
    def answer(self, which, answer):
        if self.flying:
            self.queue.answered(self.flying.pop(which % len(self.flying)), answer, self.now)

    @rule(name=names)
    def delete(self, name):
        if name in self.queue.tasks:
            self.queue.delete(name, self.now)

    @rule()
    def purge(self):
        self.queue.purge(self.now)

    @rule()
    def pause_or_resume(self):
        self.queue.paused = not self.queue.paused

    @rule(seconds=st.one_of(st.floats(0, 20), st.floats(0, 3 * MEMORY)))
    def move_time(self, seconds):
        self.now += seconds

    @invariant()
    def no_task_is_lost_or_counted_twice(self):
        assert len(self.queue.tasks) + len(self.queue.journal.ended) == self.added
        self.ended_at = {story.task: story.at for story in self.queue.journal.ended}

    @invariant()
    def what_runs_is_what_was_sent_and_not_answered(self):
        assert self.queue.running == len(self.flying)

    @invariant()
    def every_waiting_task_is_on_the_schedule_once(self):
        ready, later = self.queue.due(self.now)
        flying = {dispatch.task.name for dispatch in self.flying if self.queue.tasks.get(dispatch.task.name)}
        assert len(self.queue.tasks) - len(flying) <= ready + later <= len(self.queue.tasks)

    @invariant()
    def no_story_tells_more_attempts_than_were_sent(self):
        assert sum(story.attempts for story in self.queue.journal.ended) <= self.queue.journal.dispatches["q"]


Books.TestCase.settings = settings(stateful_step_count=40)
TestBooks = Books.TestCase
