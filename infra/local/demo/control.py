"""The simulator's control addresses, which no Google has, and private functions, called as by their callers."""

from __future__ import annotations

from typing import Any

from infra.local import loopback
from infra.local.stack import Stack

_PATIENCE = 120  # seconds; the truth about everything takes a while to write
_LONGEST = 300  # seconds of a function


def ask(stack: Stack, path: str, **params: str) -> Any:
    """What the simulator says about something."""
    answer = loopback.http().get(f"{stack.simulator}/control/{path}", params=params, timeout=_PATIENCE)
    return answer.raise_for_status().json()


def tell(stack: Stack, path: str, **wish: Any) -> Any:
    """Change something; what the simulator answers."""
    answer = loopback.http().post(f"{stack.simulator}/control/{path}", json=wish, timeout=_PATIENCE)
    return answer.raise_for_status().json()


def call(stack: Stack, function: str, account: str = "task-queues", **body: Any) -> Any:
    """Call a private function in the name of one of its callers; what it answers."""
    token = stack.service_token(account, function)
    answer = loopback.http().post(
        stack.url(function), json=body, headers={"Authorization": f"Bearer {token}"}, timeout=_LONGEST
    )
    return answer.raise_for_status().json()


def publish(stack: Stack, topic: str, **message: Any) -> str:
    """Publish a message as a service of Google's does; its id. message: data (base64), attributes."""
    project = stack.env["GOOGLE_CLOUD_PROJECT"]
    address = f"{stack.url('pubsub')}/v1/projects/{project}/topics/{topic}:publish"
    answer = loopback.http().post(address, json={"messages": [message]}, timeout=_PATIENCE)
    return str(answer.raise_for_status().json()["messageIds"][0])
