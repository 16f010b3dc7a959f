"""The small HTTP endpoint of people and tests: what is queued, what became of it, who read which secret.

    GET  /                       ready
    GET  /queues                 settings, state, counts
    GET  /tasks?queue=Q          queued, finished, dropped, deleted, purged tasks
    GET  /idle?queue=Q           {"idle", "due", "running", "scheduled_later", "next_at"}; idle: nothing due,
                                 nothing running; next_at: when the next task is due, null for never
    POST /queues/Q/pause|resume|purge
    GET  /secrets                versions, states and how often each was accessed; never a payload

Q is a queue's short name (in the emulator's project) or its full resource name, url-encoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.cloud import tasks_v2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local.cloud_emulator.journal import End
from infra.local.cloud_emulator.refusal import Refused
from infra.local.cloud_emulator.secrets import SecretManager
from infra.local.cloud_emulator.taskqueue import QueuedTask, TaskQueue
from infra.local.cloud_emulator.tasks import CloudTasks


@dataclass(frozen=True)
class Control:
    """The endpoint's view of both services. home: projects/P/locations/L, where short queue names live."""

    tasks: CloudTasks
    secrets: SecretManager
    home: str

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._ready),
                Route("/queues", self._queues),
                Route("/tasks", self._tasks),
                Route("/idle", self._idle),
                Route("/secrets", self._secrets),
                Route("/queues/{queue:path}/{verb}", self._change, methods=["POST"]),
            ],
            exception_handlers={Refused: _refused},
        )

    async def _ready(self, _request: Request) -> JSONResponse:
        return JSONResponse(
            {"ready": True, "queues": len(self.tasks.queues), "secrets": len(self.secrets.secrets)}
        )

    async def _queues(self, _request: Request) -> JSONResponse:
        return JSONResponse({"queues": [self._queue_json(queue) for queue in self.tasks.queues.values()]})

    def _queue_json(self, queue: TaskQueue) -> dict[str, Any]:
        return {
            "name": queue.name,
            "state": "PAUSED" if queue.paused else "RUNNING",
            "max_dispatches_per_second": queue.rate,
            "max_concurrent_dispatches": queue.max_concurrent,
            "max_burst_size": queue.burst,
            "purged_at": queue.purged_at,
            "totals": self.tasks.journal.totals(queue.name),
            **self._load(queue),
        }

    def _load(self, queue: TaskQueue) -> dict[str, int]:
        due, later = queue.due(self.tasks.now())
        return {"due": due, "running": queue.running, "scheduled_later": later}

    async def _tasks(self, request: Request) -> JSONResponse:
        chosen = self._chosen(request)
        only = chosen[0].name if "queue" in request.query_params else None
        queued = [_task_json(task) for queue in chosen for task in queue.tasks.values()]
        ended = {str(end): [story.as_json() for story in self.tasks.journal.of(end, only)] for end in End}
        counts = {"queued": len(queued), **{end: len(stories) for end, stories in ended.items()}}
        return JSONResponse({"counts": counts, "queued": queued, **ended})

    async def _idle(self, request: Request) -> JSONResponse:
        chosen = self._chosen(request)
        loads = [self._load(queue) for queue in chosen]
        total = {key: sum(load[key] for load in loads) for key in ("due", "running", "scheduled_later")}
        following = [at for queue in chosen if (at := queue.next_at()) is not None]
        idle = not total["due"] and not total["running"]
        return JSONResponse({"idle": idle, **total, "next_at": min(following, default=None)})

    async def _change(self, request: Request) -> JSONResponse:
        queue = self._named(request.path_params["queue"])
        verbs: dict[str, tuple[Any, Callable[[Any], Any]]] = {
            "pause": (tasks_v2.PauseQueueRequest, self.tasks.pause_queue),
            "resume": (tasks_v2.ResumeQueueRequest, self.tasks.resume_queue),
            "purge": (tasks_v2.PurgeQueueRequest, self.tasks.purge_queue),
        }
        if request.path_params["verb"] not in verbs:
            return JSONResponse({"error": f"verbs are {', '.join(verbs)}"}, status_code=404)
        message, answer = verbs[request.path_params["verb"]]
        answer(message.pb()(name=queue.name))
        return JSONResponse(self._queue_json(queue))

    async def _secrets(self, _request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "secrets": [
                    {
                        "name": secret.name,
                        "versions": [
                            {
                                "version": version.number,
                                "state": version.state.name,
                                "accesses": secret.accesses[version.number],
                            }
                            for version in secret.versions
                        ],
                    }
                    for secret in self.secrets.secrets.values()
                ]
            }
        )

    def _chosen(self, request: Request) -> list[TaskQueue]:
        name = request.query_params.get("queue")
        return [self._named(name)] if name else list(self.tasks.queues.values())

    def _named(self, name: str) -> TaskQueue:
        return self.tasks.queue(name if "/" in name else f"{self.home}/queues/{name}")


def _task_json(task: QueuedTask) -> dict[str, Any]:
    last = task.last.answer if task.last else None
    return {
        "task": task.name,
        "url": task.call.url,
        "created_at": task.created_at,
        "schedule_at": task.schedule_at,
        "attempts": task.dispatches,
        "last_status": last.status if last else None,
        "last_reason": last.reason if last else "",
    }


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    status = 404 if error.code.name == "NOT_FOUND" else 400
    return JSONResponse({"error": error.message, "code": error.code.name}, status_code=status)
