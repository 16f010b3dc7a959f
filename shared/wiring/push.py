"""Builds the push subscriptions' service."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.push.subscriptions import Push


@cache
def push() -> Push:
    """This process's subscriptions."""
    from shared.clock import system_clock
    from shared.cloud import firestore
    from shared.push.keys import from_environment
    from shared.push.subscriptions import Push
    from shared.settings import settings
    from shared.youtube.transport import pool

    return Push(firestore.client, cache(from_environment), settings(), pool, system_clock)
