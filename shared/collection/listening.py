"""Keeps up with videos: subscriptions are renewed at the hub, and uploads polled where the hub is silent.

The hub has had outages of days. Running leases go on delivering through them; where one ends, or none was ever
verified, polling takes over within the hour, and the hub is asked each hour until it verifies. Hourly runs read
what is due alone; once a day everything is compared: who has no subscription, whose is nobody's, what settings
have changed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared import channels
from shared.channels import Channel
from shared.clock import Clock
from shared.collection import messages, planner, polling, videos
from shared.collection.refusals import Then
from shared.collection.refused import API, refused
from shared.errors import CorruptData, NotFound, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.push.renewal import Standing, to_ask
from shared.push.subscriptions import Push
from shared.quota.accounts import SYSTEM
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.quota.profile import Priority
from shared.youtube import data
from shared.youtube.client import Caller

if TYPE_CHECKING:
    from google.cloud.firestore import Client

_FAILURES = 3  # in a row: the hub is down, and the other channels have to wait for it too
_LOOK = "youtube.playlistItems.list"


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Renews subscriptions and polls. caller_for: what calls YouTube for a channel, paid by a block of calls."""

    client: Client
    push: Push
    quota: Ledger
    caller_for: Callable[[str, Block], Caller]
    to_ingest: messages.ToIngest
    enqueue: planner.Enqueue
    clock: Clock
    rng: random.Random

    def renew(self, *, everything: bool) -> dict[str, int]:
        """Ask the hub for what is due, and queue polls of channels of which it is silent.

        everything: also forget subscriptions of channels that are gone, and ask for what was never asked for or
        with other settings. That reads every channel and every subscription once; otherwise what is due alone.
        """
        now = self.clock()
        # First: whoever subscribes in between has a channel in the list.
        standings = self.push.standings() if everything else self.push.due(now)
        known = self._known(standings, everything=everything)
        working = {name: channel for name, channel in known.items() if channel.working}
        quiet = polling.silent((name for name in working if working[name].may_poll(API, now)), standings, now)
        polls = planner.plan(
            "renew_subscriptions", polling.to_poll(quiet, now), slot=f"{now:%Y-%m-%dT%H}", enqueue=self.enqueue
        )
        return {
            **self._ask(to_ask(working, standings, self.push.terms, now)),
            "silent": len(quiet),
            "queued": polls,
        }

    def _known(self, standings: Mapping[str, Standing], *, everything: bool) -> Mapping[str, Channel]:
        if not everything:
            return channels.several(self.client, sorted(standings))
        known = {channel.channel_id: channel for channel in channels.list_all(self.client)}
        for channel_id in channels.gone(self.client, standings.keys() - known.keys()):
            self.push.forget(channel_id)
        return known

    def subscribe(self, channel_id: str) -> dict[str, int]:
        """Ask the hub for one channel's subscription. Raises Unavailable; a channel that is gone needs none."""
        try:
            channels.get(self.client, channel_id)
        except NotFound:
            return {"asked": 0, "postponed": 0}
        self.push.subscribe(channel_id)
        return {"asked": 1, "postponed": 0}

    def _ask(self, due: Sequence[str]) -> dict[str, int]:
        asked = failures = 0
        for channel_id in due:
            try:
                self.push.subscribe(channel_id)
            except CorruptData as error:  # nobody else's trouble, and no sign that the hub is down
                log("ERROR", error.message, channel=channel_id, reason=error.reason)
            except Unavailable as error:
                log("WARNING", "a subscription was not renewed", channel=channel_id, reason=error.reason,
                    why=error.message)  # fmt: skip
                failures += 1
                if failures == _FAILURES:
                    break
            else:
                asked, failures = asked + 1, 0
        return {"asked": asked, "postponed": len(due) - asked}

    def poll(self, channel_ids: Iterable[str]) -> dict[str, int]:
        """Look at the uploads of channels that are silent still; what is new there goes to `ingest`.

        Work of the background: it waits where others need the quota. A channel that cannot be looked at now is
        looked at an hour later, or when its refusal ends.
        """
        now, standings = self.clock(), self.push.standings_of(channel_ids)
        known = channels.several(self.client, polling.to_poll(polling.silent(standings, standings, now), now))
        heard = looked = 0
        with Block(self.quota, _LOOK, SYSTEM, upto=len(known) or 1, priority=Priority.BACKGROUND) as block:
            for channel in known.values():
                if not channel.may_poll(API, now):
                    continue
                try:
                    heard += self._look(block, channel, standings[channel.channel_id])
                    looked += 1
                except YtempireError as error:
                    what = "a channel's uploads could not be polled"
                    then = refused(self.client, channel.channel_id, error, what, clock=self.clock, rng=self.rng)
                    if then is Then.STOP:
                        break
        return {"channels": len(standings), "polled": looked, "heard": heard}

    def _look(self, block: Block, channel: Channel, standing: Standing) -> int:
        """One channel's uploads; answers how many notices that gave."""
        assert channel.uploads_playlist is not None
        page = data.uploads(self.caller_for(channel.channel_id, block), channel.uploads_playlist)
        heard = polling.listen(
            channel.channel_id,
            page.items,
            seen=self.push.seen(channel.channel_id),
            since=standing.lease_until or channel.connected_at,
            now=self.clock(),
        )
        if heard.notices:
            self.to_ingest(videos.KIND, videos.message(heard.notices))
        self.push.remember(channel.channel_id, heard.seen)
        if API in channel.refusals:
            channels.end_refusal(self.client, channel.channel_id, API)
        return len(heard.notices)
