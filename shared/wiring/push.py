"""Builds the push subscriptions' service."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.push.subscriptions import Push


@cache
def push() -> Push:
    """This process's subscriptions."""
    import urllib3

    from shared.clock import system_clock
    from shared.cloud import firestore
    from shared.push.subscriptions import Push
    from shared.settings import settings
    from shared.wiring.vault import vault

    return Push(
        client=firestore.client(),
        vault=vault(),
        settings=settings(),
        http=urllib3.PoolManager(retries=False),
        clock=system_clock,
    )
