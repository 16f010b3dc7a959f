"""Builds the push subscriptions' service."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import urllib3

    from shared.push.subscriptions import Push


@cache
def push() -> Push:
    """This process's subscriptions."""
    from shared.clock import system_clock
    from shared.cloud import firestore
    from shared.push.keys import from_environment
    from shared.push.subscriptions import Push
    from shared.settings import settings

    return Push(firestore.client, cache(from_environment), settings(), _pool, system_clock)


@cache
def _pool() -> urllib3.PoolManager:
    import urllib3

    return urllib3.PoolManager(retries=False)
