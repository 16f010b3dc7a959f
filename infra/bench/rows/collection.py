"""What planning a large network takes, and what a day of a small one reads, writes and asks."""

from __future__ import annotations

import os

from infra.bench import Limit, Measured, full_day, planning, row
from infra.bench.worker import timed
from infra.deployment import deployment
from infra.local.emulators import firestore_running
from infra.models import cost

CHANNELS = 10_000


@row("collection.plan_10000", unit="s", limit=Limit(bound=20))
def plan_ten_thousand() -> Measured:
    """Seconds of planning 10,000 channels with all report types, at the CPU and memory of `collect_reports`"""
    function = deployment().functions["collect_reports"]
    with firestore_running() as host:
        environment = {**os.environ, "FIRESTORE_EMULATOR_HOST": host}
        elapsed, queued = timed(
            planning.__name__,
            CHANNELS,
            environment=environment,
            cpu=function.cpu,
            memory=int(function.memory.removesuffix("Mi")),
        )
    if int(queued) != planning.batches(CHANNELS):
        raise RuntimeError(f"{queued} batches were queued")
    return Measured(value=elapsed)


@row("cost.idle_reads", unit="reads", limit=Limit(bound=8_000))
def idle_reads() -> Measured:
    """Documents of Firestore read on a day without news at 250 channels, but for the Analytics collector's"""
    return Measured(value=full_day.counted()[0].reads.total())


@row("cost.idle_writes", unit="writes", limit=Limit(bound=8_000))
def idle_writes() -> Measured:
    """Documents of Firestore that the same day writes"""
    return Measured(value=full_day.counted()[0].writes.total())


@row("cost.firestore.reads", unit="reads", limit=Limit(bound=50_000))
def all_reads() -> Measured:
    """Documents read on a day with news at 250 channels and the standard profile, by everything: a free day's"""
    return Measured(value=full_day.counted()[1].reads.total())


@row("cost.firestore.writes", unit="writes", limit=Limit(bound=20_000))
def all_writes() -> Measured:
    """Documents that the same day writes"""
    return Measured(value=full_day.counted()[1].writes.total())


@row("collection.day_reads", unit="reads", limit=Limit(bound=12_000))
def day_reads() -> Measured:
    """Of these, what the functions read that collect: reports, figures, metadata, counts"""
    return Measured(value=full_day.collectors(full_day.counted()[1])[0])


@row("collection.day_writes", unit="writes", limit=Limit(bound=8_000))
def day_writes() -> Measured:
    """Documents that the same functions write"""
    return Measured(value=full_day.collectors(full_day.counted()[1])[1])


@row("collection.day_requests", unit="of a limit", limit=Limit(bound=1))
def day_requests() -> Measured:
    """The largest part of a bucket's daily units that this day's requests to YouTube take"""
    return Measured(value=max(full_day.parts(full_day.counted()[1]).values()))


@row("cost.bill_250", unit="$ a month", limit=Limit(bound=1))
def bill_small() -> Measured:
    """A month's bill of 250 channels without a balancer, which is the peer (all of it: infra.models.cost)"""
    return Measured(value=cost.total(250), peer=cost.total(250, balancer=True) - cost.total(250))


@row("cost.bill_10000", unit="$ a month", limit=Limit(bound=60))
def bill_large() -> Measured:
    """The same of 10,000 channels whose quota YouTube has extended, after a year"""
    return Measured(value=cost.total(10_000))
