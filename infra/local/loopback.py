"""HTTP between our own parts on 127.0.0.1: no proxy, and no certificates, whose loading takes 50 ms a client."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx


def client(**more: Any) -> httpx.Client:
    """A client of its own; `more` as httpx takes it."""
    return httpx.Client(trust_env=False, verify=False, **more)  # noqa: S501 - nothing to verify on loopback


@cache
def http() -> httpx.Client:
    """The client that a process shares; safe for threads. Each request says how long it waits."""
    return client(timeout=60)
