"""A gateway in front of a function that answers with what it was asked."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest

from infra.deployment import Deployment, Function, Subscription, Topic
from infra.local.gateway.app import Gateway
from infra.local.identity import IdentityKey
from infra.local.process import free_port
from shared.settings import load

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PUSH_KEY = "push-key-of-this-run"

SIZE: dict[str, Any] = {"memory": "256Mi", "cpu": 0.167, "max_instances": 1}
FUNCTIONS = [
    Function(name="open", trigger="http-public", paths=("/open", "/hooks/{channel}"), timeout=5, **SIZE),
    Function(name="page", trigger="http-iap", paths=("/console",), timeout=5, **SIZE),
    Function(name="work", trigger="http-private", callers=("scheduler",), timeout=1, **SIZE),
    Function(name="take", trigger="pubsub", topic="news", callers=("pubsub-push",), timeout=5, **SIZE),
    Function(name="gone", trigger="http-public", paths=("/gone",), timeout=5, **SIZE),
]
SUBSCRIPTIONS = [
    Subscription(name="take-it", topic="news", function="take"),
    Subscription(name="kept", topic="news"),
]
DECLARED = Deployment(
    warehouse_location="US",
    region="r",
    runtime="python312",
    service_accounts={"scheduler": "", "task-queues": "", "pubsub-push": ""},
    functions={each.name: each for each in FUNCTIONS},
    topics={"news": Topic(name="news")},
    subscriptions={each.name: each for each in SUBSCRIPTIONS},
)


class Echo(BaseHTTPRequestHandler):
    """The function: says what it saw; /slow takes its time, /cookies sets two."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/certs"):
            return self.say(200, self.server.jwks)
        if "slow" in self.path:
            time.sleep(1.5)
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("latin-1"),
        }
        cookies = ["a=1", "b=2"] if "cookies" in self.path else []
        return self.say(418 if "teapot" in self.path else 200, seen, cookies)

    def say(self, status: int, content: Any, cookies: list[str] = []) -> None:  # noqa: B006
        raw = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        with suppress(BrokenPipeError):  # whoever asked had less patience than a slow answer takes
            self.wfile.write(raw)

    do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Front:
    """The gateway as a test uses it."""

    gateway: Gateway
    key: IdentityKey
    declared: Deployment = field(default_factory=lambda: DECLARED)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            app = self.gateway.app()
            async with (
                self.gateway.serving(app),
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://front.test") as client,
            ):
                return await client.request(method, path, **more)

        return asyncio.run(once())

    def token(self, account: str = "scheduler", function: str = "work", **more: Any) -> dict[str, str]:
        about = {
            "email": f"{account}@p.iam.gserviceaccount.com",
            "audience": self.gateway.settings.url_of(function),
            "now": NOW,
        }
        return {"Authorization": f"Bearer {self.key.token(**{**about, **more})}"}


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    key = IdentityKey.generate()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.jwks = key.jwks()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    port = server.server_address[1]
    settings = load(
        {
            "GOOGLE_CLOUD_PROJECT": "p",
            "YT_APP_URL": "http://front.test",
            "YT_API_URL": "http://front.test",
            "YT_FUNCTION_URL": "http://front.test/functions/{function}",
            "YT_ID_TOKEN_ISSUER": "x",
            "YT_ID_TOKEN_AUDIENCE": "x",
            "YT_ID_TOKEN_KEYS_URL": "http://front.test/keys",
        }
    )
    gateway = Gateway(
        declared=DECLARED,
        settings=settings,
        ports={"open": port, "page": port, "work": port, "take": port, "gone": free_port()},
        identity=key,
        keys=jwt.PyJWKClient(f"http://127.0.0.1:{port}/certs"),
        iap_audience="/projects/1/global/backendServices/1",
        push_key=PUSH_KEY,
        clock=lambda: NOW,
        dice=random.Random(1),
        patience=1,
    )
    yield Front(gateway, key)
    server.shutdown()
    server.server_close()
