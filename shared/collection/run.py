"""The collectors' composition root: real clients, real settings, one call for each function.

One channel's trouble is its own, and one report type's too: it is logged, and the shelf goes on. Only what can
succeed within minutes makes the whole task fail, so that Cloud Tasks repeats it; what was done by then is found
done. A budget that is spent until midnight is no such thing: the hourly run finds the channel overdue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, BinaryIO

from shared.access import channels
from shared.access.disconnect import ERASE
from shared.clock import system_clock
from shared.cloud import bigquery, firestore, pubsub, queues
from shared.collection import gone, planner, videos
from shared.collection.completeness import Ledger
from shared.collection.ingest import ReportIngest
from shared.collection.patience import Patience
from shared.collection.reports import (
    NOT_CONNECTED,
    Found,
    ReportCollector,
    Tally,
    messages,
    refs_from,
    reports_message,
)
from shared.errors import InvalidRequest, QuotaRefused, ReauthRequired, Transient, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.push.feed import VideoNotice
from shared.quota.accounts import SYSTEM
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger as QuotaLedger
from shared.quota.profile import Priority
from shared.settings import settings
from shared.warehouse import schema
from shared.warehouse.load import new_load_id
from shared.warehouse.rows import ReportRef
from shared.wiring import quota
from shared.wiring.access import token_source
from shared.youtube import reporting
from shared.youtube.client import Caller, Context

REPORTS = "reports"
"""The kind of message that names reports for `ingest` to load."""
PATIENCE = timedelta(minutes=4)  # with rate limits, well inside the function's time


def plan_reports(*, everything: bool) -> dict[str, int]:
    """Queue the collection of every connected channel, or of those that are overdue."""
    now = system_clock()
    candidates = [
        planner.Candidate(channel.channel_id, channel.collected(settings().report_types))
        for channel in channels.list_all(firestore.client(), states=channels.WORKING)
    ]
    due = planner.due(candidates, now=now, everything=everything)
    slot = f"{now:%Y-%m-%d}" if everything else f"{now:%Y-%m-%dT%H}"
    queued = planner.plan("collect_reports", due, slot=slot, enqueue=queues.enqueue)
    return {"channels": len(candidates), "due": len(due), "queued": queued}


@dataclass
class _Shelf:
    """What came of a shelf so far. unfinished: channels of which some report type could not be listed."""

    found: list[Found] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)
    again: list[YtempireError] = field(default_factory=list)


def collect_reports(channel_ids: Sequence[str]) -> dict[str, int]:
    """List what is new for these channels and hand it to `ingest`.

    Raises Unavailable when a channel could not be listed for a passing reason; the others are done by then.
    """
    collector = ReportCollector(firestore.client(), system_clock)
    patience = Patience(system_clock() + PATIENCE, system_clock)
    shelf = _Shelf()
    for channel_id in channel_ids:
        _list_channel(collector, patience, channel_id, shelf)
    _take_back(shelf, channel_ids)
    for message in messages(shelf.found):
        pubsub.publish(pubsub.INGEST_TOPIC, message, {"kind": REPORTS})
    for item in shelf.found:
        collector.advance(item)
    _note_fresh(shelf)
    if shelf.again:
        raise Unavailable(
            f"{len(shelf.unfinished)} of {len(channel_ids)} channels could not be collected whole: "
            f"{shelf.again[0].message}",
            reason=shelf.again[0].reason,
            retry_at=shelf.again[0].retry_at,
        )
    total = sum((item.tally for item in shelf.found), Tally())
    return {
        "channels": len(channel_ids),
        "unfinished": len(shelf.unfinished),
        "listed": total.listed,
        "superseded": total.superseded,
    }


def _list_channel(collector: ReportCollector, patience: Patience, channel_id: str, shelf: _Shelf) -> None:
    calling = caller(channel_id, quota.ledger())
    for report_type in settings().report_types:
        try:
            shelf.found.append(patience(partial(collector.find, calling, channel_id, report_type)))
        except YtempireError as error:
            log("WARNING", "a channel could not be collected", channel=channel_id, report=report_type,
                reason=error.reason, detail=error.message)  # fmt: skip
            shelf.unfinished.add(channel_id)
            if isinstance(error, Transient) and not isinstance(error, QuotaRefused):
                shelf.again.append(error)
            if isinstance(error, ReauthRequired | QuotaRefused) or error.reason == NOT_CONNECTED:
                return  # no other report type of this channel will do better


def _take_back(shelf: _Shelf, channel_ids: Sequence[str]) -> None:
    """Forget what was noted of channels that are gone: by this run, or by one that died before it could."""
    left = gone.disconnected(firestore.client(), channel_ids)
    for channel_id in left:
        Ledger(firestore.client()).forget(channel_id)
    shelf.unfinished |= left
    shelf.found = [item for item in shelf.found if item.channel_id not in left]


def _note_fresh(shelf: _Shelf) -> None:
    """Note what is as fresh as it can be: listed, and nothing of it on its way to the warehouse."""
    fresh: dict[str, list[str]] = {}
    for item in shelf.found:
        if not item.tally.waiting:
            fresh.setdefault(item.channel_id, []).append(item.report_type)
    for channel_id, report_types in fresh.items():
        channels.record_sync(firestore.client(), channel_id, report_types, system_clock())


def ingest(kind: str, message: Mapping[str, Any]) -> None:
    """Turn one message into rows or state. Raises InvalidRequest for a message that nobody here wrote."""
    readers: dict[str, Callable[[Mapping[str, Any]], Callable[[], None]]] = {
        REPORTS: lambda told: partial(_ingest_reports, refs_from(told)),
        videos.KIND: lambda told: partial(_ingest_videos, videos.notices_from(told)),
        ERASE: lambda told: partial(_erase, str(told["channel_id"]), str(told["receipt"])),
    }
    try:
        work = readers[kind](message)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"This is no message for ingest: {error!r}.", reason="messageUnreadable") from error
    work()


def _ingest_reports(refs: Sequence[ReportRef]) -> None:
    schema.ensured()
    with Block(quota.ledger(), reporting.DOWNLOAD, SYSTEM, upto=len(refs)) as lease:
        loaded = ReportIngest(
            warehouse=bigquery.client(),
            dataset=settings().dataset,
            state=firestore.client(),
            download=partial(_download, lease),
            clock=system_clock,
            new_load_id=lambda: new_load_id(system_clock()),
        ).load(refs)
    if loaded.rest:
        # A message of its own: the deliveries of this one are for faults, not for waiting.
        pubsub.publish(pubsub.INGEST_TOPIC, reports_message(loaded.rest), {"kind": REPORTS})


def _download(lease: Block, ref: ReportRef, into: BinaryIO) -> None:
    reporting.download(caller(ref.channel_id, lease), ref.download_url, into)


def _erase(channel_id: str, receipt_id: str) -> None:
    schema.ensured()
    gone.erase_for_receipt(
        bigquery.client(),
        settings().dataset,
        firestore.client(),
        channel_id,
        receipt_id=receipt_id,
        clock=system_clock,
    )


def _ingest_videos(notices: Sequence[VideoNotice]) -> None:
    client = firestore.client()
    for notice in notices:
        change = videos.record(client, notice)
        log("INFO", "a video changed", channel=notice.channel_id, video=notice.video_id, change=change.value)
    left = gone.disconnected(client, {notice.channel_id for notice in notices})
    for notice in notices:
        if notice.channel_id in left:
            videos.forget(client, notice.video_id)


def caller(channel_id: str, spend: QuotaLedger | Block, priority: Priority | None = None) -> Caller:
    """What makes calls for one channel, paid by the system's account of `spend`."""
    return Caller(
        settings=settings(),
        quota=spend,
        limiter=quota.rate_limiter(),
        tokens=token_source(channel_id),
        context=Context(account=SYSTEM, channel_id=channel_id, priority=priority),
    )
