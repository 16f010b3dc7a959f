"""Builds the push subscriptions' service."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.push.keys import HubKeys
    from shared.push.subscriptions import Push


@cache
def hub_keys() -> HubKeys:
    """This deployment's keys of subscriptions."""
    from shared.push.keys import from_environment

    return from_environment()


@cache
def push() -> Push:
    """This process's subscriptions."""
    from shared.clock import system_clock
    from shared.cloud import firestore
    from shared.push.subscriptions import Push
    from shared.settings import settings
    from shared.youtube.transport import pool

    return Push(firestore.client, hub_keys, settings(), pool, system_clock)
