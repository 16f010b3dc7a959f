"""Keeping up with videos: subscriptions renewed at the hub, and uploads polled where the hub is silent.

The hub has had outages of days. Running leases go on delivering through them; where one ends, or none was ever
verified, polling takes over within the hour, and the hub is asked each hour until it verifies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.access import channels
from shared.clock import system_clock
from shared.cloud import firestore, queues
from shared.collection import planner, polling, videos
from shared.collection.run import caller
from shared.errors import NotFound, QuotaRefused, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.push.renewal import Standing, to_ask
from shared.quota.accounts import SYSTEM
from shared.quota.blocks import Block
from shared.quota.profile import Priority
from shared.wiring import quota
from shared.wiring.push import push
from shared.youtube import data

_FAILURES = 3  # in a row: the hub is down, and the other channels have to wait for it too
_LOOK = "youtube.playlistItems.list"


def keep_listening() -> dict[str, int]:
    """Ask the hub for what is due, forget subscriptions of channels that are gone, queue polls of silent channels.

    Reads every channel and every subscription once.
    """
    now = system_clock()
    standings = push().standings()  # first: whoever subscribes in between has a channel in the list
    everyone = list(channels.list_all(firestore.client()))
    working = {channel.channel_id: channel for channel in everyone if channel.working}
    for channel_id in standings.keys() - {channel.channel_id for channel in everyone}:
        push().forget(channel_id)
    quiet = polling.silent((name for name in working if working[name].uploads_playlist), standings, now)
    polls = planner.plan(
        "renew_subscriptions", polling.to_poll(quiet, now), slot=f"{now:%Y-%m-%dT%H}", enqueue=queues.enqueue
    )
    return {**_ask(to_ask(working, standings, now)), "silent": len(quiet), "queued": polls}


def subscribe(channel_id: str) -> dict[str, int]:
    """Ask the hub for one channel's subscription. Raises Unavailable; a channel that is gone needs none."""
    try:
        channels.get(firestore.client(), channel_id)
    except NotFound:
        return {"asked": 0, "postponed": 0}
    push().subscribe(channel_id)
    return {"asked": 1, "postponed": 0}


def _ask(due: Sequence[str]) -> dict[str, int]:
    asked = failures = 0
    for channel_id in due:
        try:
            push().subscribe(channel_id)
        except Unavailable as error:
            log("WARNING", "a subscription was not renewed", channel=channel_id, reason=error.reason)
            failures += 1
            if failures == _FAILURES:
                break
        else:
            asked, failures = asked + 1, 0
    return {"asked": asked, "postponed": len(due) - asked}


def poll(channel_ids: Iterable[str]) -> dict[str, int]:
    """Look at the uploads of channels that are silent still; what is new there goes to `ingest`.

    Work of the background: it waits where others need the budget. A channel that cannot be looked at now is
    looked at an hour later.
    """
    standings = push().standings_of(channel_ids)
    quiet = polling.silent(standings, standings, system_clock())
    heard = looked = 0
    with Block(quota.ledger(), _LOOK, SYSTEM, upto=len(quiet) or 1, priority=Priority.BACKGROUND) as lease:
        for channel_id in polling.to_poll(quiet, system_clock()):
            try:
                heard += _look(lease, quiet[channel_id])
                looked += 1
            except QuotaRefused as error:
                log("NOTICE", "polling waits for its budget", reason=error.reason, retry_at=error.retry_at)
                break
            except YtempireError as error:
                log("WARNING", "a channel's uploads could not be polled", channel=channel_id, reason=error.reason)
    return {"channels": len(standings), "polled": looked, "heard": heard}


def _look(lease: Block, standing: Standing) -> int:
    """One channel's uploads; answers how many notices that gave."""
    channel = channels.get(firestore.client(), standing.channel_id)
    if channel.uploads_playlist is None:
        return 0
    page = data.playlist_items(caller(channel.channel_id, lease, Priority.BACKGROUND), channel.uploads_playlist)
    heard = polling.listen(
        channel.channel_id,
        page.items,
        seen=push().seen(channel.channel_id),
        since=standing.lease_until or channel.connected_at,
        now=system_clock(),
    )
    videos.hand_over(heard.notices)
    push().remember(channel.channel_id, heard.seen)
    return len(heard.notices)
