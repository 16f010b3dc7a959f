"""Collects figures of the Analytics API: plans who is due, asks, stores all answers together, notes how far it is.

Nothing waits within a run, and nothing is handed on: a channel that is not finished stays due, and the next hourly
run takes it up where it was left. A channel is noted only once its answers are stored; who dies before that asks
again. What was stored for a connection that ended meanwhile is taken back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared import channels
from shared.access.disconnect import ERASE
from shared.channels import Channel
from shared.clock import Clock, next_reset
from shared.cloud.firestore import Client
from shared.collection import gone, messages, packs, planner, refusals
from shared.collection.analytics import state, store
from shared.collection.analytics.asking import Asking, Told
from shared.collection.analytics.plan import Reports
from shared.collection.analytics.store import Answers
from shared.collection.refusals import Then
from shared.errors import QuotaRefused
from shared.monitoring.log import log
from shared.quota.accounts import SYSTEM
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.rate_limits.limiter import Burst, RateLimiter
from shared.warehouse.load import load_id_for, new_load_id
from shared.warehouse.statements import Warehouse
from shared.youtube.client import Caller

API = "youtubeAnalytics"
QUERY = f"{API}.reports.query"
QUERIES_MAX = 1_000  # of one channel in one turn
_TASKS_MAX = 60  # an hour: each appends once to either table, and BigQuery takes 1,500 load jobs a table and day
_LONGEST = timedelta(minutes=4)  # of one task's asking, well inside the function's time
_CALLS = 50  # reserved at once
_HOUR = timedelta(hours=1)

CallerFor = Callable[[str, Block, Burst], Caller]
"""(channel, what pays, what admits): what calls YouTube."""


@dataclass(frozen=True, kw_only=True)
class AnalyticsCollecting:
    """Collects figures. report_type: whose days need no other source. retention: videos a channel and day."""

    client: Client
    warehouse: Callable[[], Warehouse]
    quota: Ledger
    limiter: RateLimiter
    caller_for: CallerFor
    report_type: str
    retention: int
    to_ingest: messages.ToIngest
    enqueue: planner.Enqueue
    clock: Clock
    rng: random.Random

    def plan(self) -> dict[str, int]:
        """Queue the channels that are due; the day's quota is divided among them."""
        now = self.clock()
        known = list(channels.due(self.client, "analytics_at", now))
        due = [each.channel_id for each in known if not each.working or each.may_ask(API, now)]
        for each in known:
            if each.channel_id not in due:
                channels.look_again(self.client, each.channel_id, "analytics_at", each.refusals[API].until)
        profile = self.quota.profile
        share = profile.bucket(profile.method(QUERY).bucket).alert // max(1, len(due))
        queued = planner.plan(
            "collect_analytics",
            due,
            slot=f"{now:%Y-%m-%dT%H}",
            enqueue=self.enqueue,
            also={"most": min(QUERIES_MAX, max(1, share))},
            batched=partial(planner.batches, size=max(planner.BATCH, -(-len(due) // _TASKS_MAX))),
        )
        return {"due": len(due), "queued": queued}

    def collect(self, channel_ids: Sequence[str], most: int = QUERIES_MAX) -> dict[str, int]:
        """Ask about some channels what there is to ask now. most: queries of each."""
        now = self.clock()
        known = channels.several(self.client, channel_ids)
        for channel_id in set(channel_ids) - known.keys():  # left by a run that died before it looked
            state.forget(self.client, channel_id)
        due = [each for each in known.values() if not each.working or each.may_ask(API, now)]
        warehouse = self.warehouse()  # first: what cannot be stored is not asked
        with Block(self.quota, QUERY, SYSTEM, upto=_CALLS) as block:
            told = list(self._ask(due, most, block))
        stored = self._stored(warehouse, told)
        self._take_back(told)
        return {
            "channels": len(channel_ids),
            "unfinished": len(channel_ids) - sum(not each.left and each.trouble is None for each in stored),
            "asked": sum(each.asked for each in told),
            "answers": sum(len(each.answers) for each in stored),
        }

    def _ask(self, due: Sequence[Channel], most: int, block: Block) -> Iterator[Told]:
        states, reports = state.of_channels(self.client, due), self._reports(due)
        asking = Asking(most=most, retention=self.retention, clock=self.clock, rng=self.rng)
        ends, over = self.clock() + _LONGEST, None
        for channel in due:
            channel_id = channel.channel_id

            def caller_for(calls: int, channel: Channel = channel) -> Caller:
                # Google counts a minute's queries of a person, whichever of his channels they are about.
                person = channel.google_account or channel.user_id
                burst = Burst(self.limiter, QUERY, person, upto=calls)
                return self.caller_for(channel.channel_id, block, burst)

            if over is not None:
                yield Told(channel, states[channel_id], trouble=over, left=True)
            elif self.clock() < ends:
                told = asking.ask(channel, states[channel_id], reports.get(channel_id, Reports()), caller_for)
                if told.trouble is not None and told.trouble[1].then is Then.STOP:
                    over = told.trouble
                yield told

    def _reports(self, due: Sequence[Channel]) -> dict[str, Reports]:
        """What bulk reports tell of channels: one read, and one for each pack."""
        now, ids = self.clock(), [each.channel_id for each in due]
        return {
            job.channel_id: Reports(first=job.jobs.first, lacking=min(job.known.unloaded(now), default=None))
            for job in packs.jobs(self.client, ids, [self.report_type])
        }

    def _stored(self, warehouse: Warehouse, told: Sequence[Told]) -> list[Told]:
        """Store the answers, and note of whom they are stored how far that is; answers whose."""
        load_id = new_load_id(self.clock())
        by_channel = {
            each.state.channel_id: Answers(
                each.state.channel_id, load_id_for(load_id, each.state.connection), each.answers
            )
            for each in told
            if each.answers
        }
        kept = {each.channel_id for each in store.store(warehouse, list(by_channel.values()), self.clock)}
        for channel_id in by_channel.keys() - kept:
            channels.look_again(self.client, channel_id, "analytics_at", next_reset(self.clock()))
        done = [each for each in told if not each.answers or each.channel.channel_id in kept]
        for each in done:
            self._note(each)
        return done

    def _note(self, told: Told) -> None:
        channel = told.channel
        if told.answers or told.asked:
            state.save(self.client, told.state)
        if told.trouble is not None:
            self._note_trouble(told)
            return
        if told.asked and API in channel.refusals:
            channels.end_refusal(self.client, channel.channel_id, API)
        if not channel.working:
            channels.look_again(self.client, channel.channel_id, "analytics_at", None)
        elif not told.left:
            channels.look_again(self.client, channel.channel_id, "analytics_at", next_reset(self.clock()))

    def _note_trouble(self, told: Told) -> None:
        assert told.trouble is not None
        (error, decision), channel_id, now = told.trouble, told.channel.channel_id, self.clock()
        refusal = refusals.refusal(error, decision.then, now)
        if refusal is not None:
            channels.set_refusal(self.client, channel_id, API, refusal)
            channels.look_again(self.client, channel_id, "analytics_at", refusal.until)
        elif isinstance(error, QuotaRefused):  # nothing more today, for nobody
            channels.look_again(self.client, channel_id, "analytics_at", error.retry_at or next_reset(now))

    def _take_back(self, told: Sequence[Told]) -> None:
        held = {each.channel.channel_id: each.state.connection for each in told if each.asked or each.answers}
        for channel_id in gone.ended(self.client, held):
            log("NOTICE", "figures of a connection that has ended are taken back", channel=channel_id)
            state.forget(self.client, channel_id)
            self.to_ingest(ERASE, {"channel_id": channel_id, "receipt": held[channel_id]})
