"""Builds what calls YouTube."""

from __future__ import annotations

from functools import cache

from shared import entry
from shared.clock import system_clock
from shared.cloud import firestore, pubsub
from shared.monitoring.alerts import ProcessAlerts
from shared.monitoring.calls import Calls
from shared.quota.blocks import Block
from shared.settings import settings
from shared.wiring import quota
from shared.youtube.client import Caller, Context, TokenSource


@cache
def api_alerts() -> ProcessAlerts:
    return ProcessAlerts(firestore.client(), system_clock)


@cache
def calls() -> Calls:
    """This process's call log, handed over at the end of each request and event."""
    log = Calls(pubsub.to_call_log)
    entry.AT_THE_END.append(log.flush)
    return log


def caller(context: Context, tokens: TokenSource, paid_by: Block | None = None) -> Caller:
    """What makes calls in a context. paid_by: a block of calls, instead of a reservation for each."""
    return Caller(
        settings=settings(),
        quota=paid_by or quota.ledger(),
        limiter=quota.rate_limiter(),
        tokens=tokens,
        context=context,
        apis=api_alerts(),
        calls=calls().record,
    )
