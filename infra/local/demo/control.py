"""The simulator's control addresses, which no Google has."""

from __future__ import annotations

from typing import Any

from infra.local import loopback
from infra.local.stack import Stack

_PATIENCE = 120  # seconds; the truth about everything takes a while to write


def ask(stack: Stack, path: str, **params: str) -> Any:
    """What the simulator says about something."""
    answer = loopback.http().get(f"{stack.simulator}/control/{path}", params=params, timeout=_PATIENCE)
    return answer.raise_for_status().json()


def tell(stack: Stack, path: str, **wish: Any) -> Any:
    """Change something; what the simulator answers."""
    answer = loopback.http().post(f"{stack.simulator}/control/{path}", json=wish, timeout=_PATIENCE)
    return answer.raise_for_status().json()
