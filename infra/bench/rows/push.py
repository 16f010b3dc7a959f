"""Push: how soon a video is known while the hub works, and while it is dead, by the model in virtual time."""

from __future__ import annotations

from functools import cache

from infra.bench import Limit, Measured, row
from infra.bench.hearing import recorded
from infra.models.polling import Outcome, outages, played

_SECONDS = 60


@cache
def _recorded() -> list[float]:
    return recorded(_SECONDS)


@row("push.recorded.median", unit="s", limit=Limit(bound=3))
def median() -> Measured:
    """half of a minute's videos, 20 a second, are recorded within, from the hub's post, on the whole stack"""
    return Measured(value=_recorded()[len(_recorded()) // 2])


@row("push.recorded.99", unit="s", limit=Limit(bound=6))
def slowest() -> Measured:
    """99 % of them"""
    return Measured(value=_recorded()[int(0.99 * len(_recorded()))])


@cache
def _small() -> Outcome:
    return outages(250, 7.0)


@cache
def _large() -> Outcome:
    return played(10_000, 90.0)


@row("push.outage.250", unit="min", limit=Limit(bound=6))
def small() -> Measured:
    """99 % of new videos are known within, 250 channels with a video a week each, hub dead for three days"""
    return Measured(value=_small().within(0.99).total_seconds() / 60)


@row("push.outage.10000", unit="h", limit=Limit(bound=3.5))
def large() -> Measured:
    """99 % of new videos are known within, 10,000 channels with a video in 90 days each, hub dead as long"""
    return Measured(value=_large().within(0.99).total_seconds() / 3_600)


@row("push.outage.units", unit="units a day", limit=Limit(bound=1_500))
def units() -> Measured:
    """the most that a day of it costs, of both"""
    return Measured(value=max(_small().units, _large().units))
