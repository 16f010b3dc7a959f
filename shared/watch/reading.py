"""What the watch's conditions are decided from: a few reads while all is well, and at most MOST of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from shared import data_map
from shared.access.disconnect import WAREHOUSE
from shared.access.receipts import Receipts
from shared.channels import Capability
from shared.clock import next_reset
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, where
from shared.quota.ledger import Ledger
from shared.quota.usage import Level
from shared.tokens.health import REAUTH_REQUIRED, THRESHOLD, TROUBLED
from shared.watch.conditions import ALARMS, INTERVAL, MOST, Seen, rates

RECENT = timedelta(days=1)  # for how long a message that was given up is an alarm
_FORECAST_FROM = 0.25  # of a limit; before that a rate says little of the day


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What is read."""

    client: Client
    quota: Ledger


Reader = Callable[[Sources, datetime], Mapping[str, list[Seen]]]
"""What was seen of some conditions, at most MOST of each."""


def _dated(key: str, collection: data_map.Collection, name: str, *, within: timedelta | None = None) -> Reader:
    """What has been due, by a field, for longer than its condition allows; or has a date within some time.

    No record is read, so none can be unreadable.
    """
    operator, age = ("<=", ALARMS[key].after) if within is None else (">", within)

    def read(sources: Sources, now: datetime) -> dict[str, list[Seen]]:
        found = _first(sources, collection, name, operator, now - age)
        return {key: [Seen(since=each.get(name)) for each in found]}

    return read


def _erasures(sources: Sources, now: datetime) -> dict[str, list[Seen]]:
    receipts = Receipts(sources.client, lambda: now).unconfirmed(WAREHOUSE, page=MOST)
    return {"erasures": [Seen(since=receipt.requested_at) for receipt in islice(receipts, MOST)]}


def _connections(sources: Sources, now: datetime) -> dict[str, list[Seen]]:
    """Connections that are troubled or need their owner: each had its failures, or Google's last word."""
    states = ("state", "in", [TROUBLED, REAUTH_REQUIRED])
    query = where(sources.client.collection(data_map.CHANNELS.path), states).select(["state_since"]).limit(MOST)
    found = query.stream(**call_options())
    failed = [Seen(since=each.get("state_since") or now, value=THRESHOLD) for each in found]
    return {"youtube_oauth_refresh_failures": failed}


def _capabilities(sources: Sources, now: datetime) -> dict[str, list[Seen]]:
    """Connections of which something that was granted works no more, each with what, and why."""
    found = []
    for each in _first(sources, data_map.CHANNELS, "lost_at", "<=", now, "capabilities"):
        held = {name: Capability(**one) for name, one in each.get("capabilities").items()}
        lost = ", ".join(f"{name} ({one.reason})" for name, one in sorted(held.items()) if one.lost)
        found.append(Seen(since=each.get("lost_at"), what=f"{each.id}: {lost}"))
    return {"lostCapabilities": found}


def _certificates(sources: Sources, now: datetime) -> dict[str, list[Seen]]:
    """Months that differ from their certificates, and those that should have been verified long ago."""
    differ = _first(sources, data_map.CERTIFICATES, "differs_since", "<=", now, "differs")
    found = [Seen(since=each.get("differs_since"), what=each.get("differs")) for each in differ]
    return {"certificates": found, **_dated("unverified", data_map.CERTIFICATES, "verify_at")(sources, now)}


def _calls(sources: Sources, now: datetime) -> dict[str, list[Seen]]:
    """What the call log was summed up to last; of an old summary only that it is old."""
    found = sources.client.document(data_map.CALL_SUMMARY.path, "lately").get(**call_options())
    if not found.exists:
        return {"callLog": [], **rates({}, now)}
    at = found.get("at")
    old = now - at >= ALARMS["callLog"].after
    return {"callLog": [Seen(since=at)]} if old else {"callLog": [], **rates(found.get("endpoints"), now)}


def levels_seen(levels: list[Level], now: datetime) -> dict[str, list[Seen]]:
    """What the ledger's levels say. The threshold stands for each bucket's own, in proportion."""
    row = ALARMS["youtube_api_quota_used"]
    found: dict[str, list[Seen]] = {row.key: [], "quotaForecast": [], "quotaDrift": []}

    def see(key: str, since: datetime, value: float, what: str) -> None:
        found[key].append(Seen(since=since, value=value, what=f"{level.bucket.title}: {what}"))

    for level in levels:
        bucket, used, forecast = level.bucket, level.forecast.used, level.forecast
        planned = bucket.name in row.planned
        if not planned or used > bucket.alert:
            see(row.key, now, used / bucket.alert * row.level, f"{used:,} of {bucket.limit:,} units")
        if not planned and forecast.spent_at is not None and used >= bucket.limit * _FORECAST_FROM:
            hours = (next_reset(now) - forecast.spent_at) / timedelta(hours=1)
            words = f"at {forecast.burn:,.0f} units an hour nothing is left from {forecast.spent_at:%H:%M} UTC"
            see("quotaForecast", now, hours, words)
        if level.closed is not None:
            drift = level.closed["drift"]
            see("quotaDrift", level.closed["at"], drift / bucket.limit, f"{drift:,} units more than we counted")
    return found


def _first(
    sources: Sources, collection: data_map.Collection, name: str, operator: str, bound: datetime, *more: str
) -> Any:
    query: Any = where(sources.client.collection(collection.path), (name, operator, bound))
    return query.order_by(name).select([name, *more]).limit(MOST).stream(**call_options())


READERS: Mapping[str, tuple[int, int, Reader]] = {
    "deadLetters": (1, 0, _dated("deadLetters", data_map.DEAD_LETTERS, "at", within=RECENT)),
    "erasures": (1, 0, _erasures),
    "operations": (1, 0, _dated("operations", data_map.OPERATIONS, "due_at")),
    "quota": (3, 0, lambda sources, now: levels_seen(sources.quota.levels(), now)),
    "connections": (6, 0, _connections),
    "leases": (6, 0, _dated("leases", data_map.SUBSCRIPTIONS, "lease_until")),
    "capabilities": (12, 2, _capabilities),
    "certificates": (12, 4, _certificates),
    "calls": (1, 0, _calls),
}
"""How conditions are read: in every how many runs, and in which of them, so that one run does not read all. In the
others they stay as they are."""


def due(every: int, which: int, now: datetime) -> bool:
    """Whether what is read in some of the runs is read in this one."""
    return int(now.timestamp() / INTERVAL.total_seconds()) % every == which
