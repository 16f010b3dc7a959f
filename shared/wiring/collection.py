"""Builds what collects: reports, videos, and the messages about both. Each function loads only what it runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from shared.clock import system_clock
from shared.cloud import bigquery, firestore, pubsub, queues
from shared.quota.accounts import SYSTEM
from shared.quota.blocks import Block
from shared.settings import settings
from shared.wiring import quota, youtube
from shared.wiring.access import token_source
from shared.youtube.client import Caller, Context

if TYPE_CHECKING:
    from shared.channels import Channel
    from shared.collection.analytics.collecting import AnalyticsCollecting
    from shared.collection.channel_data import ChannelData
    from shared.collection.collecting import Collecting
    from shared.collection.ingest import Ingest
    from shared.collection.listening import Listening
    from shared.collection.metadata import Metadata
    from shared.collection.statistics.collecting import Statistics
    from shared.warehouse.statements import Warehouse

_OWN_TOKENS = {
    **dict.fromkeys(("statistics", "push"), timedelta(hours=6)),
    "reports": timedelta(hours=1),
    **dict.fromkeys(("metadata", "analytics"), timedelta(minutes=5)),  # a turn
    "app": timedelta(minutes=1),
}
"""How long tokens are held by what has tokens of its own, and looks at connections itself."""


@cache
def collecting() -> Collecting:
    from shared.collection import planner
    from shared.collection.collecting import Collecting
    from shared.youtube import reporting

    return Collecting(
        **_reader(_of_reports(reporting.LIST)),
        report_types=planner.report_types(firestore.client(), settings()),
        enqueue=queues.enqueue,
        book=partial(quota.rate_limiter().book, method=reporting.LIST, user=SYSTEM),
    )


@cache
def collecting_analytics() -> AnalyticsCollecting:
    from shared.collection import planner
    from shared.collection.analytics.collecting import AnalyticsCollecting

    return AnalyticsCollecting(
        **_reader(partial(_caller, feature="analytics")),
        warehouse=warehouse,
        limiter=quota.rate_limiter(),
        report_type=planner.report_types(firestore.client(), settings())[0],
        retention=settings().retention_queries,
        enqueue=queues.enqueue,
    )


@cache
def listening() -> Listening:
    from shared.collection.listening import Listening
    from shared.wiring.push import push

    return Listening(**_reader(partial(_caller, feature="push")), push=push())


@cache
def metadata() -> Metadata:
    from shared.collection.metadata import Metadata

    return Metadata(
        **_reader(partial(_caller, feature="metadata")),
        warehouse=warehouse,
        enqueue=queues.enqueue,
        units=settings().metadata_units,
    )


@cache
def channel_data() -> ChannelData:
    from shared.collection.channel_data import ChannelData

    def caller_for(channel: Channel) -> Caller:
        context = Context(account=channel.user_id, channel_id=channel.channel_id, feature="app")
        return youtube.caller(context, token_source(channel.channel_id, own=_OWN_TOKENS["app"]))

    return ChannelData(
        client=firestore.client(),
        warehouse=warehouse,
        caller_for=caller_for,
        clock=system_clock,
    )


@cache
def statistics() -> Statistics:
    from shared.collection.statistics.collecting import Statistics

    return Statistics(
        **_reader(partial(_caller, feature="statistics")),
        warehouse=warehouse,
        units=settings().statistics_units,
    )


@cache
def ingest() -> Ingest:
    from shared.collection import planner
    from shared.collection.ingest import Ingest
    from shared.youtube.reporting import DOWNLOAD

    limiter = quota.rate_limiter()
    return Ingest(
        **_reader(_of_reports(DOWNLOAD)),
        warehouse=warehouse,
        report_types=planner.report_types(firestore.client(), settings()),
        check_rate=lambda: limiter.check(method=DOWNLOAD, user=SYSTEM),
        book=partial(limiter.book, method=DOWNLOAD, user=SYSTEM, line="downloads"),
        to_ingest_at=_to_ingest_at,
        fetch_calls=pubsub.fetch_calls,
        confirm_calls=pubsub.confirm_calls,
    )


def _reader(caller_for: Callable[[str, Block], Caller]) -> dict[str, Any]:
    """What every `Reader` has."""
    return {
        "client": firestore.client(),
        "quota": quota.ledger(),
        "caller_for": caller_for,
        "to_ingest": pubsub.to_ingest,
        "clock": system_clock,
        "rng": random.Random(),  # noqa: S311 - names runs and spreads waiting, guards nothing
    }


def _to_ingest_at(kind: str, message: Mapping[str, Any], at: datetime) -> None:
    """Have a task deliver a message for `ingest` at a time, as Pub/Sub would."""
    from shared.collection.ingest import QUEUE

    delivery = pubsub.delivery(kind, message)
    name = f"ingest {delivery['message']['messageId']} {at.isoformat()}"
    queues.enqueue(QUEUE, name, "ingest", delivery, at)


@cache
def warehouse() -> Warehouse:
    """This project's warehouse, whose tables and views are there. Raises Misconfigured when they are not."""
    from shared.warehouse import statements, tables

    found = statements.Warehouse(bigquery.client(), settings().dataset)
    tables.verify(found)
    return found


def _of_reports(method: str) -> Callable[[str, Block], Caller]:
    """What makes calls about reports, mostly of one method, whose admissions this process counts in bursts."""
    from shared.rate_limits.limiter import BRIEFLY, HANDFUL, Burst

    burst = Burst(quota.rate_limiter(), method, SYSTEM, upto=HANDFUL, lasts=BRIEFLY)
    return lambda channel_id, block: replace(_caller(channel_id, block, feature="reports"), limiter=burst)


def _caller(channel_id: str, paid_by: Block | None = None, *, feature: str) -> Caller:
    """What makes calls for one channel and a part of the product, on the system's account."""
    context = Context(account=SYSTEM, channel_id=channel_id, feature=feature)
    return youtube.caller(context, token_source(channel_id, own=_OWN_TOKENS.get(feature)), paid_by)
