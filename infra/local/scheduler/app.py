"""Fires what the book says is due, and answers the control API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.deployment import Deployment, Schedule
from infra.local.identity import IdentityKey
from infra.local.scheduler.book import Entry, Result
from shared.clock import Clock, format_instant
from shared.errors import Conflict, NotFound, YtempireError
from shared.monitoring.log import log
from shared.settings import Settings

LOOK_SECONDS = 0.25  # real seconds between looks at the clock, which may have jumped
BODY_KEPT = 4096


@dataclass(kw_only=True)
class Scheduler:
    """All schedules of one deployment."""

    declared: Deployment
    settings: Settings
    book: dict[str, Entry]
    identity: IdentityKey
    clock: Clock
    runs: set[asyncio.Task[Result]] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self, _app: Starlette) -> AsyncIterator[None]:
        """Watch the clock while serving."""
        watch = asyncio.create_task(self._watch())
        yield
        watch.cancel()

    async def _watch(self) -> None:
        while True:
            for name, entry in self.book.items():
                if entry.due(self.clock()):
                    self._begin(name, manual=False)
            await asyncio.sleep(LOOK_SECONDS)

    def _begin(self, name: str, *, manual: bool) -> asyncio.Task[Result]:
        entry, now = self.book[name], self.clock()
        planned = now if manual else entry.next_run
        next_after = entry.next_run if manual and entry.next_run > now else None
        started = entry.started(now)
        self.book[name] = replace(started, next_run=next_after) if next_after else started
        task = asyncio.create_task(self._run(name, planned, manual=manual))
        self.runs.add(task)
        task.add_done_callback(self.runs.discard)
        return task

    async def _run(self, name: str, planned: datetime, *, manual: bool) -> Result:
        schedule = self.book[name].schedule
        began, at = time.monotonic(), self.clock()
        try:
            status, body = await self._call(schedule, planned)
        except httpx.HTTPError as error:
            status, body = 0, type(error).__name__
        result = Result(
            at=at, manual=manual, status=status, seconds=time.monotonic() - began, body=body[:BODY_KEPT]
        )
        self.book[name] = self.book[name].finished(result)
        log(
            "INFO" if 200 <= status < 300 else "WARNING",
            "schedule ran",
            schedule=name,
            status=status,
            manual=manual,
        )
        return result

    async def _call(self, schedule: Schedule, planned: datetime) -> tuple[int, str]:
        url = self.settings.url_of(schedule.function)
        token = self.identity.token(
            email=self.declared.address("scheduler", self.settings.project), audience=url, now=self.clock()
        )
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": schedule.name,
            "X-CloudScheduler-ScheduleTime": format_instant(planned),
        }
        async with httpx.AsyncClient(timeout=schedule.attempt_deadline, trust_env=False) as client:
            answer = await client.post(url, content=json.dumps(dict(schedule.body)), headers=headers)
        return answer.status_code, answer.text

    def _entry(self, request: Request) -> str:
        name = str(request.path_params["name"])
        if name not in self.book:
            raise NotFound(f"There is no schedule {name!r} here.")
        return name

    async def list_all(self, _request: Request) -> Response:
        """GET /schedules."""
        return JSONResponse(
            {"now": format_instant(self.clock()), "schedules": [e.as_json() for e in self.book.values()]}
        )

    async def run(self, request: Request) -> Response:
        """POST /schedules/<name>/run: answers when the run has ended."""
        name = self._entry(request)
        if self.book[name].running:
            raise Conflict(f"{name} is running.", reason="alreadyRunning")
        return JSONResponse((await asyncio.shield(self._begin(name, manual=True))).as_json())

    async def pause(self, request: Request) -> Response:
        """POST /schedules/<name>/pause."""
        name = self._entry(request)
        self.book[name] = replace(self.book[name], paused=True)
        return JSONResponse(self.book[name].as_json())

    async def resume(self, request: Request) -> Response:
        """POST /schedules/<name>/resume."""
        name = self._entry(request)
        self.book[name] = self.book[name].resumed(self.clock())
        return JSONResponse(self.book[name].as_json())

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/schedules", self.list_all, methods=["GET"]),
            Route("/schedules/{name}/run", self.run, methods=["POST"]),
            Route("/schedules/{name}/pause", self.pause, methods=["POST"]),
            Route("/schedules/{name}/resume", self.resume, methods=["POST"]),
        ]
        return Starlette(routes=routes, lifespan=self.serving, exception_handlers={YtempireError: _refusal})


async def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, YtempireError)
    return JSONResponse(error.as_json(), status_code=error.code)
