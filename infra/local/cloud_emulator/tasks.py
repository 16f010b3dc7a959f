"""google.cloud.tasks.v2: queues and their tasks, behind the methods that the clients call."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from google.cloud import tasks_v2

from infra.local.cloud_emulator import names, wording
from infra.local.cloud_emulator.journal import Journal
from infra.local.cloud_emulator.pages import page
from infra.local.cloud_emulator.refusal import already_exists, invalid, not_found, precondition, unimplemented
from infra.local.cloud_emulator.taskqueue import NAME_MEMORY, Dispatch, TaskQueue
from infra.local.cloud_emulator.wire import Method

QUEUE_NAME_MEMORY = 3 * 86400.0  # a deleted queue's name can stay taken for up to three days
_LARGEST_QUEUE_PAGE, _LARGEST_TASK_PAGE = 9800, 1000
_MUTABLE = frozenset({"rate_limits", "retry_config"})


class CloudTasks:
    """Every queue of one region.

    now: seconds since the epoch. name_memory: seconds for which an ended task's name stays taken. `on_change` is
    called when something may have become due, `on_force` with a dispatch that RunTask asks for.
    """

    def __init__(
        self, *, region: str, journal: Journal, now: Callable[[], float], name_memory: float = NAME_MEMORY
    ) -> None:
        self.region = region
        self.journal = journal
        self.now = now
        self.name_memory = name_memory
        self.queues: dict[str, TaskQueue] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.on_force: Callable[[TaskQueue, Dispatch], None] = lambda _queue, _dispatch: None
        self._deleted: dict[str, float] = {}

    def methods(self) -> Iterator[Method]:
        """The service's table."""
        for name, request, answer in (
            ("CreateQueue", tasks_v2.CreateQueueRequest, self.create_queue),
            ("GetQueue", tasks_v2.GetQueueRequest, self.get_queue),
            ("ListQueues", tasks_v2.ListQueuesRequest, self.list_queues),
            ("UpdateQueue", tasks_v2.UpdateQueueRequest, self.update_queue),
            ("DeleteQueue", tasks_v2.DeleteQueueRequest, self.delete_queue),
            ("PauseQueue", tasks_v2.PauseQueueRequest, self.pause_queue),
            ("ResumeQueue", tasks_v2.ResumeQueueRequest, self.resume_queue),
            ("PurgeQueue", tasks_v2.PurgeQueueRequest, self.purge_queue),
            ("CreateTask", tasks_v2.CreateTaskRequest, self.create_task),
            ("GetTask", tasks_v2.GetTaskRequest, self.get_task),
            ("ListTasks", tasks_v2.ListTasksRequest, self.list_tasks),
            ("DeleteTask", tasks_v2.DeleteTaskRequest, self.delete_task),
            ("RunTask", tasks_v2.RunTaskRequest, self.run_task),
        ):
            yield Method(name, request.pb(), answer)

    def queue(self, name: str) -> TaskQueue:
        """The queue of a full resource name. Refuses with INVALID_ARGUMENT or NOT_FOUND."""
        self._in_region(names.QUEUE.match(name, field="queue name").group("location"))
        if name not in self.queues:
            raise not_found("Queue does not exist. If you just created it, wait a minute for it to initialize.")
        return self.queues[name]

    def create_queue(self, request: Any) -> Any:
        """CreateQueue: a name that exists is taken, a name just deleted is taken for three days."""
        parent = names.LOCATION.match(request.parent, field="parent")
        self._in_region(parent.group("location"))
        if not request.queue.name.startswith(f"{request.parent}/queues/"):
            raise invalid("Queue.name must be set and start with the request's parent.")
        names.QUEUE.match(request.queue.name, field="Queue.name")
        if request.queue.name in self.queues:
            raise already_exists("Queue already exists.")
        return wording.write_queue(self._open(request.queue))

    def _open(self, message: Any) -> TaskQueue:
        now = self.now()
        _refuse_unemulated(message)
        if self._deleted.get(message.name, -QUEUE_NAME_MEMORY) + QUEUE_NAME_MEMORY > now:
            raise precondition("The queue cannot be created because a queue with this name existed too recently.")
        rate, concurrent = wording.read_rates(message.rate_limits)
        queue = TaskQueue(
            name=message.name,
            journal=self.journal,
            rate=rate,
            max_concurrent=concurrent,
            retry=wording.read_retry(message.retry_config),
            opened_at=now,
            name_memory=self.name_memory,
        )
        self.queues[message.name] = queue
        return queue

    def get_queue(self, request: Any) -> Any:
        """GetQueue."""
        return wording.write_queue(self.queue(request.name))

    def list_queues(self, request: Any) -> Any:
        """ListQueues, in the order of their names."""
        self._in_region(names.LOCATION.match(request.parent, field="parent").group("location"))
        if request.filter:
            raise unimplemented("ListQueues.filter is not emulated.")
        found = sorted(name for name in self.queues if name.startswith(f"{request.parent}/queues/"))
        part, token = page(found, request, largest=_LARGEST_QUEUE_PAGE)
        return tasks_v2.ListQueuesResponse.pb()(
            queues=[wording.write_queue(self.queues[name]) for name in part], next_page_token=token
        )

    def update_queue(self, request: Any) -> Any:
        """UpdateQueue: the fields of the mask, all mutable ones without a mask; creates a missing queue."""
        location = names.QUEUE.match(request.queue.name, field="Queue.name").group("location")
        self._in_region(location)
        _refuse_unemulated(request.queue)
        paths = list(request.update_mask.paths)
        for path in paths:
            if path.split(".")[0] not in _MUTABLE:
                raise invalid(f"update_mask names {path!r}, which cannot be updated.")
        queue = self.queues.get(request.queue.name)
        if queue is None:
            return wording.write_queue(self._open(request.queue))
        wanted = wording.write_queue(queue) if paths else request.queue
        if paths:
            request.update_mask.MergeMessage(request.queue, wanted, replace_message_field=True)
        rate, concurrent = wording.read_rates(wanted.rate_limits)
        queue.retry = wording.read_retry(wanted.retry_config)
        queue.limit(rate=rate, max_concurrent=concurrent, now=self.now())
        self.on_change()
        return wording.write_queue(queue)

    def delete_queue(self, request: Any) -> None:
        """DeleteQueue, with all its tasks."""
        queue = self.queue(request.name)
        now = self.now()
        queue.purge(now)
        del self.queues[request.name]
        self._deleted[request.name] = now

    def pause_queue(self, request: Any) -> Any:
        """PauseQueue: running attempts go on, nothing new starts."""
        queue = self.queue(request.name)
        queue.paused = True
        return wording.write_queue(queue)

    def resume_queue(self, request: Any) -> Any:
        """ResumeQueue."""
        queue = self.queue(request.name)
        queue.paused = False
        self.on_change()
        return wording.write_queue(queue)

    def purge_queue(self, request: Any) -> Any:
        """PurgeQueue; takes effect at once, where the service may take a minute."""
        queue = self.queue(request.name)
        queue.purge(self.now())
        return wording.write_queue(queue)

    def create_task(self, request: Any) -> Any:
        """CreateTask."""
        queue = self.queue(request.parent)
        name = request.task.name
        if name:
            names.TASK.match(name, field="Task.name")
            if not name.startswith(f"{request.parent}/tasks/"):
                raise invalid("The queue name from the request ('parent') must match that of the Task.name.")
        else:
            name = f"{request.parent}/tasks/{secrets.randbelow(10**20):020d}"
        now = self.now()
        task = wording.read_task(request.task, name=name, now=now)
        queue.add(task, now)
        self.on_change()
        return wording.write_task(task, request.response_view)

    def get_task(self, request: Any) -> Any:
        """GetTask."""
        return wording.write_task(self._of(request.name).get(request.name, self.now()), request.response_view)

    def list_tasks(self, request: Any) -> Any:
        """ListTasks, in the order of their names (the service promises none)."""
        queue = self.queue(request.parent)
        part, token = page(sorted(queue.tasks), request, largest=_LARGEST_TASK_PAGE)
        return tasks_v2.ListTasksResponse.pb()(
            tasks=[wording.write_task(queue.tasks[name], request.response_view) for name in part],
            next_page_token=token,
        )

    def delete_task(self, request: Any) -> None:
        """DeleteTask: NOT_FOUND once it has ended."""
        self._of(request.name).delete(request.name, self.now())

    def run_task(self, request: Any) -> Any:
        """RunTask: dispatched at once, whatever pause and limits say."""
        queue = self._of(request.name)
        dispatch = queue.force(request.name, self.now())
        self.on_force(queue, dispatch)
        return wording.write_task(dispatch.task, request.response_view)

    def _of(self, task_name: str) -> TaskQueue:
        return self.queue(names.TASK.match(task_name, field="task name").group("queue"))

    def _in_region(self, location: str) -> None:
        if location != self.region:
            raise invalid(f"Location {location!r} is not a valid location; this emulator serves {self.region!r}.")


def _refuse_unemulated(queue: Any) -> None:
    for field in ("app_engine_routing_override", "http_target"):
        if queue.HasField(field):
            raise unimplemented(f"Queue.{field} is not emulated.")
