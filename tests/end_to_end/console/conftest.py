"""The console as deployed, behind the gateway's Identity-Aware Proxy, with a small network to show."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.deployment import ROOT
from infra.local.addresses import IAP_AUDIENCE
from infra.local.gateway.iap import IdentityAwareProxy
from infra.local.parts import FUNCTIONS_FRAMEWORK
from infra.local.process import LOOPBACK, Part, free_port
from infra.local.stack import Stack
from tests.end_to_end.console import network
from tests.stands import stacks
from tests.stands.key_server import serving
from tests.stands.lasting import lasting


@dataclass
class ConsoleStack:
    """A running stack with the console alone, and what a test does with it."""

    stack: Stack
    http: httpx.Client
    firestore: Any

    @property
    def app(self) -> str:
        """The console's public address, without its path."""
        return self.stack.url("gateway")

    @property
    def behind(self) -> str:
        """The function's own address, which only the front end can reach in production."""
        return f"http://{LOOPBACK}:{self.stack.addresses.functions['console']}"

    def look(self, address: str = "/console", **more: Any) -> httpx.Response:
        """Open one of the console's addresses as the operator."""
        return self.http.get(f"{self.app}{address}", **more)

    def retry(self, operation: str, origin: str | None = "") -> httpx.Response:
        """Press the button, on the console's own page unless another origin (or none) is given."""
        sent = {} if origin is None else {"Origin": origin or self.app}
        return self.http.post(f"{self.app}/console/retry", data={"operation": operation}, headers=sent)

    def state(self, operation: str) -> str:
        """An operation's stored state."""
        return str(self.firestore.document("operations", operation).get().get("state"))


@pytest.fixture(scope="module")
def running() -> Stack:
    return lasting(stacks.console)


@pytest.fixture(scope="module")
def console(running: Stack) -> Iterator[ConsoleStack]:
    """The console in front of its small network."""
    from google.cloud import firestore

    with httpx.Client(timeout=60, trust_env=False) as http:
        yield ConsoleStack(running, http, firestore.Client(project=running.env["GOOGLE_CLOUD_PROJECT"]))


@pytest.fixture
def operations(console: ConsoleStack) -> None:
    """The network's operations as they were at first."""
    network.store(console.firestore, network.operations(console.stack))


@pytest.fixture
def cold(running: Stack, run_folder: Path) -> Iterator[Callable[..., httpx.Response]]:
    """Start the console afresh with changes to its environment, and look at it once with a proxy's assertion."""
    proxy, parts = IdentityAwareProxy(), []

    def look(path: str = "/console", **changes: str | None) -> httpx.Response:
        port = free_port()
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {**running.env, **running.clock.environment(), "PYTHONPATH": str(ROOT)}
        environment |= {"YT_IAP_KEYS_URL": keys}
        changed = {**environment, **changes}
        command = ["env", "-i", *(f"{name}={value}" for name, value in changed.items() if value is not None)]
        command += [str(FUNCTIONS_FRAMEWORK), "--target", "console", "--source", "functions/console/main.py"]
        command += ["--host", LOOPBACK, "--port", str(port)]
        part = Part(
            name="console",
            command=command,
            log=run_folder / f"console-{port}.log",
            cwd=ROOT,
            ready=lambda: httpx.get(f"http://{LOOPBACK}:{port}/robots.txt", trust_env=False).status_code == 404,
        )
        parts.append(part)
        part.start()
        part.wait_ready()
        assertion = proxy.assertion(audience=IAP_AUDIENCE, now=running.now())
        headers = {"X-Goog-IAP-JWT-Assertion": assertion}
        return httpx.get(f"http://{LOOPBACK}:{port}{path}", headers=headers, trust_env=False, timeout=60)

    with serving(proxy.jwks()["keys"]) as keys:
        yield look
        for part in parts:
            part.stop()
