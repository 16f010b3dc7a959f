"""The cells of an Analytics table, gathered from the same days and pieces that the bulk reports are cut from.

A day counts from the moment YouTube has it (`available_at`), the same for both APIs; figures here are final at
once, except money.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from infra.local.simulator.analytics.money import CREATORS_SHARE, Money, earned
from infra.local.simulator.analytics.rules import CURRENCIES, MONEY, Query
from infra.local.simulator.world import World, splits
from infra.local.simulator.world.growth import ordinal_at
from infra.local.simulator.world.hashing import mix
from infra.local.simulator.world.issues import available_at
from infra.local.simulator.world.model import Channel, Video
from infra.local.simulator.world.rows import events
from infra.local.simulator.world.splits import Piece, pieces, within
from infra.local.simulator.world.tally import Tally, VideoDay, video_day

Group = tuple[str, ...]
SUBSCRIBED_STATUS = {splits.SUBSCRIBED: "SUBSCRIBED", splits.NOT_SUBSCRIBED: "UNSUBSCRIBED"}
LIVE = {True: "LIVE", False: "ON_DEMAND"}
TRAFFIC_SOURCES = {
    "0": "NO_LINK_OTHER",
    "3": "SUBSCRIBER",
    "4": "YT_CHANNEL",
    "5": "YT_SEARCH",
    "7": "RELATED_VIDEO",
    "9": "EXT_URL",
    "14": "PLAYLIST",
    "17": "NOTIFICATION",
    "24": "SHORTS",
}
LOCATIONS = {"0": "WATCH", "1": "EMBEDDED", "2": "CHANNEL", "8": "BROWSE", "10": "SHORTS_FEED"}
DEVICES = {"100": "UNKNOWN_PLATFORM", "101": "DESKTOP", "102": "TV", "104": "MOBILE", "105": "TABLET"}
SYSTEMS = {"1": "WINDOWS", "7": "MACINTOSH", "13": "SMART_TV", "19": "ANDROID", "20": "IOS", "999": "OTHER"}


class Cut(NamedTuple):
    """A piece of a video's day and what its own dimensions are."""

    day: VideoDay
    tally: Tally
    group: Mapping[str, str]


@dataclass
class Cell:
    """What one row of the table counts."""

    tally: Tally = field(default_factory=Tally)
    money: Money = field(default_factory=Money)


def gather(world: World, channel: Channel, query: Query, now: float) -> dict[Group, Cell]:
    """The query's rows by their dimensions, unsorted. Days that YouTube has not counted yet are missing."""
    cells: dict[Group, Cell] = {}
    videos = _chosen(world, channel, query, min(query.end, date.fromordinal(ordinal_at(now))))
    for ordinal in available_days(channel, query, now):
        day = date.fromordinal(ordinal).isoformat()
        times = {"day": day, "month": day[:7]}
        if not query.filters:
            _count_events(cells, channel, ordinal, query.dimensions, times)
        for video in videos:
            one = video_day(video, ordinal)
            for cut in _cuts(channel, one, query) if one.views else ():
                group = tuple(times.get(name) or cut.group[name] for name in query.dimensions)
                cell = cells.setdefault(group, Cell())
                cell.tally = cell.tally.plus(cut.tally)
                if query.monetary:
                    cell.money = cell.money.plus(earned(one, cut.tally, now))
    return cells


def available_days(channel: Channel, query: Query, now: float) -> Iterable[int]:
    """The days of a query that YouTube has counted, as ordinals."""
    first = max(query.start.toordinal(), ordinal_at(channel.published_at.timestamp()))
    last = min(query.end.toordinal(), ordinal_at(now))
    return [ordinal for ordinal in range(first, last + 1) if available_at(channel, ordinal) <= now]


def _count_events(
    cells: dict[Group, Cell], channel: Channel, ordinal: int, dimensions: tuple[str, ...], times: Mapping[str, str]
) -> None:
    """Days stand in the table even when nothing happened; what befalls the channel has no other dimension."""
    if set(dimensions) <= times.keys():
        cell = cells.setdefault(tuple(times[name] for name in dimensions), Cell())
        cell.tally = cell.tally.plus(events(channel, ordinal))


def _chosen(world: World, channel: Channel, query: Query, until: date) -> list[Video]:
    wanted = query.filters.get("video")
    live = query.filters.get("liveOrOnDemand")
    return [
        video
        for video in world.all_videos_of(channel.id, until)
        if (wanted is None or video.id in wanted) and (live is None or LIVE[video.live] in live)
    ]


def _cuts(channel: Channel, day: VideoDay, query: Query) -> Iterator[Cut]:
    own = {"video": day.video.id, "liveOrOnDemand": LIVE[day.video.live]}
    table = next((name for name in query.dimensions if name in _TABLES), None)
    if table is None and {"country", "subscribedStatus"}.isdisjoint({*query.dimensions, *query.filters}):
        yield Cut(day, day.whole(), own)
        return
    for piece in pieces(day, channel.country):
        group = {
            **own,
            "country": piece.country or splits.UNKNOWN_COUNTRY,
            "subscribedStatus": SUBSCRIBED_STATUS[piece.subscribed],
        }
        if any(
            group[name] not in query.filters.get(name, (group[name],)) for name in ("country", "subscribedStatus")
        ):
            continue
        if table is None:
            yield Cut(day, day.tally(piece.start, piece.end), group)
        else:
            yield from _finer(day, piece, group, table)


def _device(values: splits.Values) -> Mapping[str, str]:
    return {"deviceType": DEVICES[values[0]], "operatingSystem": SYSTEMS[values[1]]}


_TABLES: Mapping[str, tuple[splits.Table, Callable[[splits.Values], Mapping[str, str]]]] = {
    "insightTrafficSourceType": (
        splits.TRAFFIC_SOURCE,
        lambda values: {"insightTrafficSourceType": TRAFFIC_SOURCES[values[0]]},
    ),
    "insightPlaybackLocationType": (
        splits.PLAYBACK_LOCATION,
        lambda values: {"insightPlaybackLocationType": LOCATIONS[values[0]]},
    ),
    "deviceType": (splits.DEVICE_OS, _device),
    "operatingSystem": (splits.DEVICE_OS, _device),
}


def _finer(day: VideoDay, piece: Piece, group: Mapping[str, str], table: str) -> Iterator[Cut]:
    parts, named = _TABLES[table]
    for values, start, end in within(piece, parts, mix(day.video.key, piece.start)):
        yield Cut(day, day.tally(start, end), {**group, **named(values)})


def value(metric: str, cell: Cell, currency: str) -> float:
    """A metric of a row: whole numbers for counts, minutes and seconds."""
    return (
        (_MONEY[metric](cell.money) * _rate(metric, currency)) if metric in MONEY else _COUNTS[metric](cell.tally)
    )


def _rate(metric: str, currency: str) -> float:
    return 1 if metric in {"monetizedPlaybacks", "adImpressions"} else CURRENCIES[currency]


def _share(part: float, whole: float, digits: int) -> float:
    return round(part / whole, digits) if whole else 0.0


_COUNTS: Mapping[str, Callable[[Tally], float]] = {
    "views": lambda tally: tally.views,
    "engagedViews": lambda tally: tally.engaged_views,
    "likes": lambda tally: tally.likes,
    "dislikes": lambda tally: tally.dislikes,
    "comments": lambda tally: tally.comments,
    "shares": lambda tally: tally.shares,
    "estimatedMinutesWatched": lambda tally: int(tally.watch_minutes),
    "averageViewDuration": lambda tally: int(tally.average_seconds),
    "averageViewPercentage": lambda tally: round(tally.average_percentage, 2),
    "subscribersGained": lambda tally: tally.subscribers_gained,
    "subscribersLost": lambda tally: tally.subscribers_lost,
    "videosAddedToPlaylists": lambda tally: tally.playlist_adds,
    "videosRemovedFromPlaylists": lambda tally: tally.playlist_removes,
    "redViews": lambda tally: tally.red_views,
    "estimatedRedMinutesWatched": lambda tally: tally.red_watch // 10_000,
    "cardImpressions": lambda tally: tally.card_impressions,
    "cardClicks": lambda tally: tally.card_clicks,
    "cardClickRate": lambda tally: _share(tally.card_clicks, tally.card_impressions, 4),
    "cardTeaserImpressions": lambda tally: 2 * tally.card_impressions,
    "cardTeaserClicks": lambda tally: tally.card_clicks,
    "cardTeaserClickRate": lambda tally: _share(tally.card_clicks, 2 * tally.card_impressions, 4),
}
_MONEY: Mapping[str, Callable[[Money], float]] = {
    "grossRevenue": lambda money: round(money.gross, 3),
    "estimatedAdRevenue": lambda money: round(money.gross * CREATORS_SHARE, 3),
    "estimatedRedPartnerRevenue": lambda money: round(money.premium, 3),
    "estimatedRevenue": lambda money: round(money.gross * CREATORS_SHARE + money.premium, 3),
    "monetizedPlaybacks": lambda money: int(money.playbacks),
    "adImpressions": lambda money: int(money.impressions),
    "cpm": lambda money: _share(1000 * money.gross, money.impressions, 3),
    "playbackBasedCpm": lambda money: _share(1000 * money.gross, money.playbacks, 3),
}
