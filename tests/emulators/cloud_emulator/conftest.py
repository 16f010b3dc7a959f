"""A target on this machine that tasks can call, and a queue of one's own."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.stands.waiting import eventually

LOCATION = "projects/test/locations/us-central1"


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Target:
    """An HTTP server with a script: per path the answers to give, (status, headers, seconds to wait); then 200."""

    url: str
    received: list[Received] = field(default_factory=list)
    script: dict[str, list[tuple[int, dict[str, str], float]]] = field(default_factory=dict)
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, path: str) -> list[Received]:
        """The requests that a path got."""
        return [request for request in self.received if request.path == path]

    def answer(self, path: str, *answers: int | tuple[int, dict[str, str], float]) -> None:
        """Answer the next requests of a path so."""
        full = [(answer, {}, 0.0) if isinstance(answer, int) else answer for answer in answers]
        self.script[path] = full


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    target: Target

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.target
        with target.lock:
            target.received.append(
                Received(self.command, self.path, dict(self.headers.items()), body, time.monotonic())
            )
            target.at_once += 1
            target.most_at_once = max(target.most_at_once, target.at_once)
            script = target.script.get(self.path)
            status, headers, wait = script.pop(0) if script else (200, {}, 0.0)
        time.sleep(wait)
        with target.lock:
            target.at_once -= 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _any  # noqa: N815 - http.server's names

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


@pytest.fixture
def target() -> Iterator[Target]:
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    found = Target(url=f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass.target = found  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def queue(tasks_client: Any) -> Callable[..., str]:
    """Makes a fresh queue with the given limits; answers its full name."""

    def make(*, rates: dict[str, Any] | None = None, retry: dict[str, Any] | None = None) -> str:
        name = f"{LOCATION}/queues/q-{uuid.uuid4().hex[:12]}"
        made = {"name": name, "rate_limits": rates or {}, "retry_config": retry or {}}
        tasks_client.create_queue(parent=LOCATION, queue=made)
        return name

    return make


@pytest.fixture
def control(cloud_parts: Any) -> Iterator[httpx.Client]:
    """The emulator's control endpoint."""
    with httpx.Client(base_url=cloud_parts.control, trust_env=False) as client:
        yield client


@pytest.fixture
def settled(control: httpx.Client) -> Callable[[str], dict[str, Any]]:
    """Waits until nothing is left in a queue; answers what became of its tasks."""

    def wait(queue_name: str) -> dict[str, Any]:
        def story() -> dict[str, Any]:
            return dict(control.get("/tasks", params={"queue": queue_name}).json())

        eventually(lambda: not story()["queued"], story)
        return story()

    return wait
