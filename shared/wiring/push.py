"""Builds the push subscriptions' service."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.push.subscriptions import Push


@cache
def push() -> Push:
    """This process's subscriptions."""
    import urllib3  # noqa: PLC0415 - paid by those who use it

    from shared.clock import system_clock  # noqa: PLC0415
    from shared.cloud import firestore  # noqa: PLC0415
    from shared.push.subscriptions import Push  # noqa: PLC0415
    from shared.settings import settings  # noqa: PLC0415
    from shared.wiring.vault import vault  # noqa: PLC0415

    return Push(
        client=firestore.client(),
        vault=vault(),
        settings=settings(),
        http=urllib3.PoolManager(retries=False),
        clock=system_clock,
    )
