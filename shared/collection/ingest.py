"""Turns the messages for `ingest` into rows or state: reports, videos, owners' own numbers, rows to erase."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared import ids
from shared.access.disconnect import AUDIT, ERASE
from shared.cloud.bigquery import answering
from shared.collection import (
    audit,
    cache,
    call_log,
    certifying,
    details,
    gone,
    internal_metrics,
    messages,
    planner,
    probing,
    verifying,
    videos,
    week_answers,
)
from shared.collection.loading import Later, ReportLoading
from shared.collection.refusals import Storing
from shared.errors import InvalidRequest, RateLimited, YtempireError
from shared.monitoring.log import log
from shared.push import receiving
from shared.push.feed import VideoNotice
from shared.push.subscriptions import heard
from shared.quota.blocks import Block
from shared.warehouse.append import append
from shared.warehouse.load import Staged
from shared.warehouse.rows import ReportRef
from shared.warehouse.tables import INTERNAL_METRICS
from shared.youtube import reporting

QUEUE = "ingest"
_AFTER = timedelta(seconds=5)  # a limit: until all calls that were made together have left its window
_SPREAD = timedelta(seconds=5)  # so that messages that met one limit do not meet again


def _reports(told: Mapping[str, Any]) -> tuple[list[ReportRef], list[Staged] | None]:
    return messages.refs_from(told), messages.staged_from(told) if "staged" in told else None


def _erasure(told: Mapping[str, Any]) -> tuple[str, str]:
    if not ids.RECEIPT.matches(told["receipt"]):
        raise ValueError("receipt")  # of an empty one every row of the channel would be
    return str(told["channel_id"]), told["receipt"]


_READ: Mapping[str, Callable[[Mapping[str, Any]], Sequence[Any]]] = {
    messages.KIND: _reports,
    messages.STAGED: lambda told: [messages.staged_from(told)],
    receiving.KIND: receiving.notices_from,
    audit.KIND: lambda told: [str(told["day"])],
    certifying.KIND: lambda told: [told.get("channels")],
    ERASE: _erasure,
    internal_metrics.KIND: lambda told: [internal_metrics.rows_from(told)],
}
"""What messages tell besides their kind. KeyError, TypeError and ValueError are of one that nobody here wrote."""


@dataclass(frozen=True, kw_only=True)
class Ingest(Storing):
    """Handles messages. report_types: those that are collected. book: when downloads begin, one after another.

    check_rate: raises RateLimited while no report may be downloaded.
    """

    report_types: Collection[str]
    check_rate: Callable[[], None]
    book: planner.Book
    to_ingest_at: messages.ToIngestAt
    fetch_calls: call_log.Fetch
    confirm_calls: call_log.Confirm

    def handle(self, kind: str, message: Mapping[str, Any]) -> None:
        """Handle one message. Raises InvalidRequest for one that nobody here wrote."""
        acts: dict[str, Callable[..., object]] = {
            messages.KIND: self._load_reports,
            messages.STAGED: lambda staged: self._hand_on(*self._loading.go_on(staged)),
            receiving.KIND: self._record_videos,
            details.KIND: partial(details.ask, self, self.to_ingest_at),
            audit.KIND: self._audit,
            call_log.KIND: self._take_calls,
            internal_metrics.KIND: lambda rows: append(self.warehouse(), INTERNAL_METRICS, rows, self.clock),
            **{asked: partial(self._answering, act) for asked, act in self._questions.items()},
        }
        try:
            act, told = acts[kind], _READ[kind](message) if kind in _READ else ()
        except (KeyError, TypeError, ValueError) as error:
            words = f"This is no message for ingest: {error!r}."
            raise InvalidRequest(words, reason="messageUnreadable") from error
        try:
            act(*told)
        except RateLimited as error:
            if kind not in {ERASE, internal_metrics.KIND}:
                raise
            self._hand_on(Later(kind, message, error.retry_at))  # BigQuery's queue is full

    def _load_reports(self, refs: Sequence[ReportRef], staged: Sequence[Staged] | None) -> None:
        try:
            self.check_rate()  # before anything is asked of BigQuery
        except RateLimited as error:
            self._hand_on(Later(messages.KIND, messages.message(refs, staged), error.retry_at))
            return
        with self.paying(reporting.DOWNLOAD, len(refs)) as block:
            self._hand_on(*self._loading.load(refs, partial(self._download, block), staged))

    @property
    def _loading(self) -> ReportLoading:
        return ReportLoading(
            client=self.client, warehouse=self.warehouse(), report_types=self.report_types, clock=self.clock
        )

    def _hand_on(self, *laters: Later) -> None:
        """A message of its own: the deliveries of this one are for faults, not for waiting.

        Reports that must wait get a place in the order of all, once; else all would ask in every window.
        """
        for later in laters:
            if later.at is None:
                self.to_ingest(later.kind, later.message)
            elif later.kind == messages.KIND and "staged" not in later.message:
                (at,) = self.book([len(later.message["reports"])], not_before=later.at)
                self.to_ingest_at(later.kind, {**later.message, "staged": []}, at)
            else:
                self.to_ingest_at(later.kind, later.message, later.at + _AFTER + self.rng.random() * _SPREAD)

    def _download(self, block: Block, ref: ReportRef, into: reporting.Into) -> None:
        reporting.download(self.caller_for(ref.channel_id, block), ref.download_url, into)

    def _record_videos(self, notices: Sequence[VideoNotice], received: datetime | None) -> None:
        now, to_ask, latest = self.clock(), False, dict[str, datetime]()
        for notice in notices:
            change = videos.record(self.client, notice, now)
            to_ask |= change in {videos.Change.NEW, videos.Change.UPDATED}
            latest[notice.channel_id] = max(notice.updated, latest.get(notice.channel_id, notice.updated))
            log("INFO", "a video changed", channel=notice.channel_id, video=notice.video_id, change=change.value)
        for channel_id in latest:
            cache.invalidate(self.client, channel_id)
        left = latest.keys() - gone.connections(self.client, latest)
        for notice in notices:
            if notice.channel_id in left:
                videos.forget(self.client, notice.video_id)
        if to_ask:
            details.ask_soon(self.to_ingest_at, now)
        if received is not None:
            for channel_id in latest.keys() - left:
                heard(self.client, channel_id, received, max(timedelta(0), received - latest[channel_id]))

    def _audit(self, day: str) -> None:
        audit.audit(self.client, self.warehouse(), self.report_types, self.clock(), day)
        for kind in (certifying.KIND, audit.CHECKS, verifying.KIND, probing.KIND):
            self.to_ingest(kind, {})

    @property
    def _questions(self) -> dict[str, Callable[..., object]]:
        """What is asked of BigQuery; of some there may be more to do."""
        proofs = certifying.Certifying(client=self.client, warehouse=self.warehouse, clock=self.clock)
        client, clock, warehouse = self.client, self.clock, self.warehouse
        return {
            audit.CHECKS: partial(audit.check, self),
            verifying.KIND: lambda: verifying.verify_due(proofs) and self.to_ingest(verifying.KIND, {}),
            probing.KIND: lambda: probing.probe_due(self) and self.to_ingest(probing.KIND, {}),
            week_answers.KIND: lambda: week_answers.ask(client, warehouse(), clock),
            certifying.KIND: lambda some: proofs.plan(self.to_ingest) if some is None else proofs.issue(some),
            AUDIT: lambda: gone.audit(warehouse(), client, self.to_ingest, clock),
            ERASE: lambda channel, receipt: gone.erase_for_receipt(warehouse(), client, channel, receipt, clock),
        }

    def _answering(self, act: Callable[..., object], *told: Any) -> None:
        with answering(self.clock):
            act(*told)

    def _take_calls(self) -> None:
        """What cannot be taken now the next message takes, in five minutes; this one carries nothing to keep."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError

        try:
            with answering(self.clock):
                call_log.take(self.client, self.warehouse(), self.fetch_calls, self.confirm_calls, self.clock)
        except (GoogleAPICallError, RetryError, YtempireError, TimeoutError) as error:
            log("WARNING", "the call log was not taken", error=type(error).__name__)
