"""The dispatch deadline, in process: the service's shortest is 15 s, which no test should wait for."""

from __future__ import annotations

import asyncio
import time

from infra.local.cloud_emulator.dispatch import Dispatcher
from infra.local.cloud_emulator.journal import Journal
from infra.local.cloud_emulator.retry import RetryPolicy
from infra.local.cloud_emulator.taskqueue import Call, QueuedTask, TaskQueue
from infra.local.cloud_emulator.tasks import CloudTasks
from infra.local.identity import IdentityKey

QUEUE = "projects/p/locations/us-central1/queues/q"


def test_a_target_that_misses_the_deadline_fails_the_attempt_and_the_request_is_cancelled(target):
    target.answer("/", (200, {}, 4.0))
    tasks = CloudTasks(region="us-central1", journal=Journal(), now=time.time)
    queue = TaskQueue(
        name=QUEUE,
        journal=tasks.journal,
        rate=500,
        max_concurrent=1,
        retry=RetryPolicy(max_attempts=1),
        opened_at=time.time(),
    )
    tasks.queues[QUEUE] = queue
    task = QueuedTask(
        name=f"{QUEUE}/tasks/t",
        call=Call(url=f"{target.url}/"),
        created_at=time.time(),
        schedule_at=time.time(),
        deadline=0.1,
    )
    queue.add(task, time.time())

    async def until_settled() -> None:
        running = asyncio.create_task(Dispatcher(tasks, IdentityKey.generate(), now=time.time).run())
        while queue.tasks:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    started = time.monotonic()
    asyncio.run(until_settled())
    assert time.monotonic() - started < 30
    (story,) = tasks.journal.ended
    assert (story.end, story.last_status) == ("dropped", None)
    assert "deadline" in story.last_reason
