"""HTTP without a library's ideas of Google.

Every httpx client loads all certificate authorities (50 ms) unless it is told not to verify; on 127.0.0.1 there is
nothing to verify.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx


def client(root: str = "", **more: Any) -> httpx.Client:
    """A client of its own, for addresses below `root`; as patient as a busy machine needs it."""
    return httpx.Client(base_url=root, trust_env=False, verify=False, timeout=60, **more)


@cache
def http() -> httpx.Client:
    """The client that all tests share, for requests that carry everything themselves."""
    return client()
