"""Collects bulk reports: plans whose turn it is, lists what is new, and dispatches it to `ingest`.

One channel's trouble is its own, and one report type's too: it is logged, and the batch goes on. Only what can
succeed within minutes makes the whole task fail, so that Cloud Tasks repeats it; what was done by then is found
done. A quota that is spent until midnight is no such thing: the hourly run finds the channel overdue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from shared import channels
from shared.clock import Clock
from shared.collection import audit, gone, messages, planner, retirement, waiting
from shared.collection.expectation import Settled
from shared.collection.reports import NOT_CONNECTED, Found, ReportCollector
from shared.errors import QuotaRefused, ReauthRequired, Transient, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.youtube.client import Caller

if TYPE_CHECKING:
    from google.cloud.firestore import Client

_ASKED_MAX = 3  # connections by which the report types are asked for
_RATE_LIMIT_TIME = timedelta(minutes=4)  # well inside the function's time


@dataclass
class _Batch:
    """What came of a batch so far. unfinished: channels of which some report type could not be listed.

    passing: errors that another try within minutes can do without.
    """

    found: list[Found] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)
    passing: list[Transient] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Collecting:
    """Collects the reports of channels. caller_for: what calls YouTube for a channel."""

    client: Client
    report_types: Sequence[str]
    caller_for: Callable[[str], Caller]
    to_ingest: messages.ToIngest
    enqueue: planner.Enqueue
    clock: Clock

    def plan(self, *, everything: bool) -> dict[str, int]:
        """Queue the collection of every connected channel, or of those that are overdue."""
        now = self.clock()
        last_listed = {
            channel.channel_id: channel.listed(self.report_types)
            for channel in channels.list_all(self.client, states=channels.WORKING)
        }
        due = planner.due(last_listed, now=now, everything=everything)
        slot = f"{now:%Y-%m-%d}" if everything else f"{now:%Y-%m-%dT%H}"
        queued = planner.plan("collect_reports", due, slot=slot, enqueue=self.enqueue)
        if everything and queued:  # once a day: a second trigger queues nothing new
            self.to_ingest(audit.KIND, {"day": slot})
            self._tell_retiring(due)
        return {"channels": len(last_listed), "due": len(due), "queued": queued}

    def _tell_retiring(self, channel_ids: Sequence[str]) -> None:
        """Ask by a channel's connection which report types YouTube retires; by another's when that fails."""
        for channel_id in channel_ids[:_ASKED_MAX]:
            try:
                retirement.tell(self.client, self.caller_for(channel_id), self.report_types, self.clock())
            except YtempireError as error:
                log("NOTICE", "report types could not be listed", channel=channel_id, reason=error.reason)
            else:
                return

    def collect(self, channel_ids: Sequence[str]) -> dict[str, int]:
        """List what is new for these channels and dispatch it to `ingest`.

        Raises Unavailable when a channel could not be listed for a passing reason; the others are done by then.
        """
        batch = self._listed(channel_ids)
        self._leave_out_gone(batch, channel_ids)
        for message in messages.messages(item.to_load for item in batch.found):
            self.to_ingest(messages.KIND, message)
        for item in batch.found:
            self._collector.advance(item)
        self._note_listed(batch)
        if batch.passing:
            first = batch.passing[0]
            raise Unavailable(
                f"{len(batch.unfinished)} of {len(channel_ids)} channels could not be collected whole: "
                f"{first.message}",
                reason=first.reason,
                retry_at=first.retry_at,
            )
        return {
            "channels": len(channel_ids),
            "unfinished": len(batch.unfinished),
            "listed": sum(item.listed for item in batch.found),
            "superseded": sum(item.superseded for item in batch.found),
        }

    @property
    def _collector(self) -> ReportCollector:
        return ReportCollector(self.client, self.clock)

    def _listed(self, channel_ids: Sequence[str]) -> _Batch:
        batch = _Batch()
        find = partial(waiting.repeated, deadline=self.clock() + _RATE_LIMIT_TIME, clock=self.clock)
        for channel_id in channel_ids:
            caller = self.caller_for(channel_id)
            for report_type in self.report_types:
                try:
                    batch.found.append(find(partial(self._collector.find, caller, channel_id, report_type)))
                except YtempireError as error:
                    log("WARNING", "a channel could not be collected", channel=channel_id, report=report_type,
                        reason=error.reason, detail=error.message)  # fmt: skip
                    batch.unfinished.add(channel_id)
                    if isinstance(error, Transient) and not isinstance(error, QuotaRefused):
                        batch.passing.append(error)
                    if isinstance(error, ReauthRequired | QuotaRefused) or error.reason == NOT_CONNECTED:
                        break  # no other report type of this channel will do better
        return batch

    def _leave_out_gone(self, batch: _Batch, channel_ids: Sequence[str]) -> None:
        """Forget what was noted of channels that are gone: by this run, or by one that died before it could."""
        left = gone.forget(self.client, channel_ids)
        batch.unfinished |= left
        batch.found = [item for item in batch.found if item.advanced.channel_id not in left]

    def _note_listed(self, batch: _Batch) -> None:
        """Note what nothing more can be done about for a day, and of that, what is wholly in the warehouse."""
        settled: dict[str, dict[str, bool]] = {}
        for item in batch.found:
            if item.settled is not Settled.WAITING:
                job = item.advanced
                settled.setdefault(job.channel_id, {})[job.report_type] = item.settled is Settled.SYNCED
        for channel_id, kinds in settled.items():
            synced = [report_type for report_type, whole in kinds.items() if whole]
            channels.record_listed(self.client, channel_id, kinds, self.clock(), synced=synced)
