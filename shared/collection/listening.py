"""Keeps up with videos: subscriptions are renewed at the hub, and uploads polled where the hub is silent.

The hub has had outages of days. Running leases go on delivering through them; where one ends, or none was ever
verified, polling takes over within the hour, and the hub is asked each hour until it verifies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared import channels
from shared.clock import Clock
from shared.collection import messages, planner, polling, videos
from shared.errors import CorruptData, NotFound, QuotaRefused, Unavailable, YtempireError
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

    def renew(self) -> dict[str, int]:
        """Ask the hub for what is due, forget subscriptions of channels that are gone, queue polls of silent ones.

        Reads every channel and every subscription once.
        """
        now = self.clock()
        standings = self.push.standings()  # first: whoever subscribes in between has a channel in the list
        everyone = list(channels.list_all(self.client))
        working = {channel.channel_id: channel for channel in everyone if channel.working}
        for channel_id in channels.gone(self.client, standings.keys() - {each.channel_id for each in everyone}):
            self.push.forget(channel_id)
        quiet = polling.silent((name for name in working if working[name].uploads_playlist), standings, now)
        polls = planner.plan(
            "renew_subscriptions", polling.to_poll(quiet, now), slot=f"{now:%Y-%m-%dT%H}", enqueue=self.enqueue
        )
        return {
            **self._ask(to_ask(working, standings, self.push.terms, now)),
            "silent": len(quiet),
            "queued": polls,
        }

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
        looked at an hour later.
        """
        standings = self.push.standings_of(channel_ids)
        quiet = polling.silent(standings, standings, self.clock())
        heard = looked = 0
        with Block(self.quota, _LOOK, SYSTEM, upto=len(quiet) or 1, priority=Priority.BACKGROUND) as block:
            for channel_id in polling.to_poll(quiet, self.clock()):
                try:
                    heard += self._look(block, quiet[channel_id])
                    looked += 1
                except QuotaRefused as error:
                    log("NOTICE", "polling waits for its quota", reason=error.reason, retry_at=error.retry_at)
                    break
                except YtempireError as error:
                    log("WARNING", "a channel's uploads could not be polled", channel=channel_id,
                        reason=error.reason)  # fmt: skip
        return {"channels": len(standings), "polled": looked, "heard": heard}

    def _look(self, block: Block, standing: Standing) -> int:
        """One channel's uploads; answers how many notices that gave."""
        channel = channels.get(self.client, standing.channel_id)
        if channel.uploads_playlist is None:
            return 0
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
        return len(heard.notices)
