"""The scheduler calls as Cloud Scheduler calls, when due and when told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest

from infra.deployment import Deployment, Function, Schedule
from infra.local.identity import IdentityKey
from infra.local.scheduler.app import Scheduler
from infra.local.scheduler.book import opened
from shared.settings import load

WORK = Function(
    name="work",
    trigger="http-private",
    callers=("scheduler",),
    memory="256Mi",
    cpu=0.167,
    max_instances=1,
    timeout=5,
)
OFTEN = Schedule(
    name="often", function="work", cron="*/5 * * * *", zone="Etc/UTC", attempt_deadline=15, body={"a": 1}
)
DECLARED = Deployment(
    warehouse_location="US",
    region="r",
    runtime="python312",
    service_accounts={"scheduler": ""},
    functions={"work": WORK},
    schedules={"often": OFTEN},
)


@dataclass
class Called:
    """A function that was called, and the hands of its clock."""

    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    requests: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    port: int = 0


@pytest.fixture
def called() -> Iterator[Called]:
    found = Called()

    class Function(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.requests.append({"path": self.path, "headers": headers, "body": json.loads(body)})
            self.send_response(found.status)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"done")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Function)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    found.port = server.server_address[1]
    yield found
    server.shutdown()
    server.server_close()


def scheduler(called: Called, *, paused: bool = False) -> Scheduler:
    root = f"http://127.0.0.1:{called.port}"
    settings = load(
        {
            "GOOGLE_CLOUD_PROJECT": "p",
            "YT_APP_URL": root,
            "YT_API_URL": root,
            "YT_FUNCTION_URL": root + "/functions/{function}",
            "YT_ID_TOKEN_ISSUER": "x",
            "YT_ID_TOKEN_AUDIENCE": "x",
            "YT_ID_TOKEN_KEYS_URL": root,
        }
    )
    return Scheduler(
        declared=DECLARED,
        settings=settings,
        book=opened(DECLARED.schedules.values(), called.now, paused=paused),
        identity=IdentityKey.generate(),
        clock=lambda: called.now,
    )


def using(which: Scheduler, work: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
    async def served() -> Any:
        app = which.app()
        async with (
            which.serving(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://scheduler.test") as client,
        ):
            return await work(client)

    return asyncio.run(served())


def test_told_to_run_it_calls_the_function_as_cloud_scheduler_does(called):
    answer = using(scheduler(called), lambda client: client.post("/schedules/often/run")).json()
    assert (answer["status"], answer["body"], answer["manual"]) == (200, "done", True)
    [request] = called.requests
    assert (request["path"], request["body"]) == ("/functions/work", {"a": 1})
    assert request["headers"]["x-cloudscheduler-jobname"] == "often"
    token = request["headers"]["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["email"] == "scheduler@p.iam.gserviceaccount.com"
    assert claims["aud"] == f"http://127.0.0.1:{called.port}/functions/work"


def test_a_jump_of_three_days_fires_once(called):
    async def jump(client: httpx.AsyncClient) -> dict[str, Any]:
        called.now += timedelta(days=3)
        for _ in range(200):  # at most ten seconds, on a busy machine
            await asyncio.sleep(0.05)
            if called.requests:
                break
        await asyncio.sleep(0.5)  # a second call would come now
        return (await client.get("/schedules")).json()

    [entry] = using(scheduler(called), jump)["schedules"]
    assert len(called.requests) == 1
    assert (entry["last"]["status"], entry["last"]["manual"]) == (200, False)
    assert entry["next_run"] == "2026-03-04T12:05:00+00:00"


def test_a_run_by_hand_does_not_move_the_next_one(called):
    async def by_hand(client: httpx.AsyncClient) -> dict[str, Any]:
        await client.post("/schedules/often/run")
        return (await client.get("/schedules")).json()

    [entry] = using(scheduler(called), by_hand)["schedules"]
    assert entry["next_run"] == "2026-03-01T12:05:00+00:00"


def test_a_failure_is_kept_as_the_last_result(called):
    called.status = 500
    answer = using(scheduler(called), lambda client: client.post("/schedules/often/run")).json()
    assert answer["status"] == 500


def test_paused_it_fires_only_when_told(called):
    async def wait(client: httpx.AsyncClient) -> int:
        called.now += timedelta(days=1)
        await asyncio.sleep(0.6)
        before = len(called.requests)
        await client.post("/schedules/often/run")
        return before

    assert using(scheduler(called, paused=True), wait) == 0
    assert len(called.requests) == 1


def test_an_unknown_schedule_is_not_found(called):
    answer = using(scheduler(called), lambda client: client.post("/schedules/none/run"))
    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "notFound")
