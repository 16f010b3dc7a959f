"""Plans which channels' videos are read tonight, within the units that a day may cost. Pure.

Channels of which something was never read come first, then those that were read longest ago. A night has two runs,
each with half of the day's units; what one does not come to is the next one's, or another night's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.channels import Askable
from shared.clock import pacific_day
from shared.collection.readings import AGAIN
from shared.youtube.data import IDS_MAX

RUNS = 2
"""Runs a night, as the schedule has them."""
VERIFIED = timedelta(days=30)
"""Within which every stored video and each permission must be looked at again: Developer Policies, III.E.4."""
CHANNELS_A_TURN = 25
UNITS_A_TURN = 200  # some 10,000 rows: seconds of a load job, and megabytes of memory
CHANNELS_MAX = 1_000  # of one run: what a request may name
_UNSEEN = 10  # units of a channel of which nothing is known: one with 200 videos


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a run has before it.

    unread: channels of which something was never read; import_ends: the day on which that is over. days: as many
    as it takes to read everything once. overdue: channels that were not verified in time.
    """

    unread: int
    import_ends: date | None
    days: int
    overdue: int


def due(known: Iterable[Askable], now: datetime) -> list[Askable]:
    """The channels to read, in their order: never wholly read, then longest ago."""
    found = [each for each in known if (at := _read_at(each)) is None or now - at >= AGAIN]
    return sorted(found, key=lambda each: (_read_at(each) is not None, _read_at(each) or now, each.channel_id))


def chosen(channels: Sequence[Askable], units: int) -> list[str]:
    """The first of these channels, as many as the units of a run are likely to cover."""
    picked: list[str] = []
    for each in channels[:CHANNELS_MAX]:
        if units <= 0:
            break
        picked.append(each.channel_id)
        units -= price(each)
    return picked


def price(channel: Askable) -> int:
    """How many units reading a channel takes: itself, a page of uploads, its videos; all pages the first time."""
    known = channel.videos_read
    if known is None:
        return _UNSEEN
    fifties = -(-known.videos // IDS_MAX)
    return 1 + fifties + (1 if known.at is not None else max(1, fifties))


def outlook(known: Sequence[Askable], units: int, now: datetime) -> Outlook:
    """What a network's videos take at so many units a day. The first import comes before everything else."""
    unread = [each for each in known if _read_at(each) is None]
    days = -(-sum(map(price, unread)) // units)
    late = [each for each in known if (at := _read_at(each)) is not None and now - at >= VERIFIED]
    return Outlook(
        unread=len(unread),
        import_ends=pacific_day(now) + timedelta(days=days - 1) if unread else None,
        days=-(-sum(map(price, known)) // units),
        overdue=len(late),
    )


def _read_at(channel: Askable) -> datetime | None:
    return channel.videos_read.at if channel.videos_read else None
