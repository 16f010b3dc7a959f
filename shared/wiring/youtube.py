"""Builds what calls YouTube."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shared.clock import system_clock
from shared.cloud import firestore
from shared.settings import settings
from shared.wiring import quota

if TYPE_CHECKING:
    from shared.monitoring.apis import ApiAlerts
    from shared.quota.blocks import Block
    from shared.youtube.client import Caller, Context, TokenSource


@cache
def api_alerts() -> ApiAlerts:
    """This process's alerts about YouTube's APIs."""
    from shared.monitoring.apis import ApiAlerts

    return ApiAlerts(firestore.client(), system_clock)


def caller(context: Context, tokens: TokenSource, paid_by: Block | None = None) -> Caller:
    """What makes calls in a context. paid_by: a block of calls, instead of a reservation for each."""
    from shared.youtube.client import Caller

    return Caller(
        settings=settings(),
        quota=paid_by or quota.ledger(),
        limiter=quota.rate_limiter(),
        tokens=tokens,
        context=context,
        apis=api_alerts(),
    )
