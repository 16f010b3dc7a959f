"""The local stack as a person meets it: how long until it is ready, how much of the machine it takes."""

from __future__ import annotations

from functools import cache

from infra.bench import Limit, Measured, row
from infra.local import status
from infra.local.stack import Stack


@cache
def _started() -> tuple[float, float]:
    """Seconds until ready, and MiB over all parts, of one stack that is started and stopped."""
    with Stack.start(users=50, channels_per_user=5, schedules_paused=True) as stack:
        return stack.seconds, status.total_memory(status.rows(stack.supervisor.parts.values())) / status.MIB


@row("stack.ready_seconds", unit="s", limit=Limit(bound=20))
def ready_seconds() -> Measured:
    """from nothing until every part has answered a real call, with 50 users of 5 channels"""
    return Measured(value=_started()[0])


@row("stack.memory", unit="MiB", limit=Limit(bound=2048))
def memory() -> Measured:
    """proportional set size of all parts, once ready"""
    return Measured(value=_started()[1])
