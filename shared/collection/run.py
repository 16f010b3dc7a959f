"""The collectors' composition root: real clients, real settings, one call for each function.

One channel's trouble is its own: it is logged, and the shelf goes on. Only what can succeed later makes the whole
task fail, so that Cloud Tasks repeats it; what was done by then is found done.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from shared import budget
from shared.access import channels, token_source
from shared.budget.accounts import SYSTEM
from shared.clock import system_clock
from shared.cloud import bigquery, firestore, pubsub, queues
from shared.collection import planner, videos
from shared.collection.ingest import SOURCE, ReportIngest
from shared.collection.reports import Found, ReportCollector, Tally, messages, refs_from, reports_message
from shared.errors import InvalidRequest, Transient, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.push.feed import VideoNotice
from shared.settings import settings
from shared.warehouse import schema
from shared.warehouse.rows import ReportRef
from shared.youtube import reporting
from shared.youtube.client import Budget, Caller, Context

INGEST_TOPIC = "ingest"
REPORTS, VIDEOS = "reports", "videos"  # what a message for `ingest` is about


def plan_reports(*, everything: bool) -> dict[str, int]:
    """Queue the collection of every connected channel, or of those that are overdue."""
    now = system_clock()
    candidates = [
        planner.Candidate(channel.channel_id, channel.last_sync.get(SOURCE))
        for channel in channels.list_all(firestore.client(), states=channels.WORKING)
    ]
    due = planner.due(candidates, now=now, everything=everything)
    slot = f"{now:%Y-%m-%d}" if everything else f"{now:%Y-%m-%dT%H}"
    queued = planner.plan("collect_reports", due, slot=slot, enqueue=queues.enqueue)
    return {"channels": len(candidates), "due": len(due), "queued": queued}


def collect_reports(channel_ids: Sequence[str]) -> dict[str, int]:
    """List what is new for these channels and hand it to `ingest`.

    Raises Unavailable when a channel could not be listed for a passing reason; the others are done by then.
    """
    collector = ReportCollector(firestore.client(), system_clock)
    found: list[Found] = []
    postponed: list[YtempireError] = []
    for channel_id in channel_ids:
        try:
            caller = _caller(channel_id, budget.ledger())
            found += [collector.find(caller, channel_id, kind) for kind in settings().report_types]
        except YtempireError as error:
            log("WARNING", "a channel could not be collected", channel=channel_id, reason=error.reason,
                detail=error.message)  # fmt: skip
            if isinstance(error, Transient):
                postponed.append(error)
    for message in messages(found):
        pubsub.publish(INGEST_TOPIC, message, {"kind": REPORTS})
    _advance(collector, found)
    if postponed:
        raise Unavailable(
            f"{len(postponed)} of {len(channel_ids)} channels could not be collected: {postponed[0].message}",
            reason=postponed[0].reason,
            retry_at=postponed[0].retry_at,
        )
    total = sum((item.tally for item in found), Tally())
    return {"channels": len(channel_ids), "listed": total.listed, "superseded": total.superseded}


def _advance(collector: ReportCollector, found: Sequence[Found]) -> None:
    waiting: dict[str, int] = {}
    for item in found:
        collector.advance(item)
        waiting[item.channel_id] = waiting.get(item.channel_id, 0) + item.tally.waiting
    for channel_id, reports in waiting.items():
        if not reports:  # nothing on its way to the warehouse: the channel is as fresh as it can be
            channels.record_sync(firestore.client(), channel_id, SOURCE, system_clock())


def ingest(kind: str, message: Mapping[str, Any]) -> None:
    """Turn one message into rows or state. Raises InvalidRequest for a message that nobody here wrote."""
    try:
        handler = {REPORTS: _ingest_reports, VIDEOS: _ingest_videos}[kind]
        handler(message)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"This is no message for ingest: {error!r}.", reason="messageUnreadable") from error


def _ingest_reports(message: Mapping[str, Any]) -> None:
    refs = refs_from(message)
    schema.ensured()
    with budget.ledger().lease(method=reporting.DOWNLOAD, account=SYSTEM, upto=len(refs)) as lease:
        loaded = ReportIngest(
            warehouse=bigquery.client(),
            dataset=settings().dataset,
            state=firestore.client(),
            download=partial(_download, lease),
            clock=system_clock,
            new_load_id=lambda: uuid.uuid4().hex,
        ).load(refs)
    if loaded.rest:
        # A message of its own: the deliveries of this one are for faults, not for waiting.
        pubsub.publish(INGEST_TOPIC, reports_message(loaded.rest), {"kind": REPORTS})


def _download(lease: Budget, ref: ReportRef, into: BinaryIO) -> None:
    reporting.download(_caller(ref.channel_id, lease), ref.download_url, into)


def _ingest_videos(message: Mapping[str, Any]) -> None:
    for notice in videos.notices_from(message):
        change = videos.record(firestore.client(), notice)
        log("INFO", "a video changed", channel=notice.channel_id, video=notice.video_id, change=change.value)


def hand_over_videos(notices: Sequence[VideoNotice]) -> None:
    """Give push notices to `ingest`, durably."""
    if notices:
        pubsub.publish(INGEST_TOPIC, json.dumps(videos.message(notices)).encode(), {"kind": VIDEOS})


def _caller(channel_id: str, spend: Budget) -> Caller:
    return Caller(
        settings=settings(),
        budget=spend,
        limiter=budget.rate_limiter(),
        tokens=token_source(channel_id),
        context=Context(account=SYSTEM, channel_id=channel_id),
    )
