"""The access functions as deployed, behind the gateway, with a browser that carries cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from infra.local.stack import Stack
from tests.stands import stacks
from tests.stands.lasting import lasting


@dataclass
class Browser:
    """Follows redirects like Chromium, which sends `Secure` cookies to 127.0.0.1; Python's cookie jar does not."""

    http: httpx.Client
    cookies: dict[str, str] = field(default_factory=dict)
    visited: list[httpx.Response] = field(default_factory=list)

    def send(self, method: str, url: str, **more: Any) -> httpx.Response:
        """One request with this browser's cookies."""
        headers = dict(more.pop("headers", {}))
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.http.request(method, url, headers=headers, follow_redirects=False, **more)
        for header in answer.headers.get_list("set-cookie"):
            name, _, value = header.split(";", 1)[0].partition("=")
            self.cookies[name] = value
        self.visited.append(answer)
        return answer

    def follow(self, answer: httpx.Response, *, until: str = "") -> httpx.Response:
        """Follow redirects; `until`: stop before an address that contains it."""
        while answer.has_redirect_location:
            address = urljoin(str(answer.url), answer.headers["location"])
            if until and until in address:
                return answer
            answer = self.send("GET", address)
        return answer


@dataclass
class AccessStack:
    """A running stack and what a test does with it."""

    stack: Stack
    http: httpx.Client
    firestore: Any

    @property
    def app(self) -> str:
        """The app's public address."""
        return self.stack.url("gateway")

    def browser(self) -> Browser:
        """A new browser, without cookies."""
        return Browser(self.http)

    def control(self, path: str, **wish: Any) -> dict[str, Any]:
        """Tell the simulator."""
        answer = self.http.post(f"{self.stack.simulator}/control/{path}", json=wish)
        return dict(answer.raise_for_status().json())

    def ask(self, path: str) -> Any:
        """Ask the simulator."""
        return self.http.get(f"{self.stack.simulator}/control/{path}").raise_for_status().json()

    def person(self, number: int) -> dict[str, Any]:
        """One of the world's Google accounts, with channels."""
        accounts = self.ask("world")["accounts"]
        ordinary = [found for found in accounts if len(found["channels"]) >= 2 and found["state"] == "ok"]
        return dict(ordinary[number])

    def start(
        self, browser: Browser, user: str, person: dict[str, Any], channel: int = 0, **choice: Any
    ) -> httpx.Response:
        """Press the app's button, with Google's answer prepared."""
        prepared = {"login_hint": person["email"], "user": person["email"]}
        self.control("consent", **prepared, channel_id=person["channels"][channel]["id"], **choice)
        form = {
            "id_token": self.stack.user_token(user),
            "features": "analytics,revenue,publish",
            "login_hint": person["email"],
        }
        return browser.send("POST", f"{self.app}/auth/youtube/start", data=form, headers={"Origin": self.app})

    def connect(self, user: str, person: dict[str, Any], channel: int = 0, **choice: Any) -> httpx.Response:
        """The whole way, in a browser of its own; the last page."""
        browser = self.browser()
        return browser.follow(self.start(browser, user, person, channel, **choice))

    def upkeep(self, **body: Any) -> dict[str, Any]:
        """Call the private function as the scheduler does."""
        token = self.stack.service_token("scheduler", "refresh_tokens")
        answer = self.http.post(
            self.stack.url("refresh_tokens"), json=body, headers={"Authorization": f"Bearer {token}"}
        )
        return dict(answer.raise_for_status().json())

    def token_requests(self) -> int:
        """How often the simulator's token endpoint was asked."""
        counts = self.ask("requests")["counts"].get("oauth.token", {})
        return sum(counts.values())

    def stored(self, collection: str) -> dict[str, dict[str, Any]]:
        """Every document of a collection."""
        return {found.id: found.to_dict() or {} for found in self.firestore.collection(collection).stream()}


@pytest.fixture(scope="module")
def running() -> Stack:
    return lasting(stacks.access)


@pytest.fixture
def access(running: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccessStack]:
    from google.cloud import firestore

    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", running.env["FIRESTORE_EMULATOR_HOST"])
    client = firestore.Client(project=running.env["GOOGLE_CLOUD_PROJECT"])
    with httpx.Client(timeout=60, trust_env=False) as http:
        yield AccessStack(running, http, client)
        http.delete(f"{running.simulator}/control/faults")


def title(page: httpx.Response) -> str:
    """A page's heading."""
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    return found.group(1) if found else page.text
