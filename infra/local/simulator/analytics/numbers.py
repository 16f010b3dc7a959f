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
from infra.local.simulator.analytics.reports import table
from infra.local.simulator.analytics.rules import Query
from infra.local.simulator.world import World, splits
from infra.local.simulator.world.codes import codes
from infra.local.simulator.world.growth import ordinal_at
from infra.local.simulator.world.hashing import mix
from infra.local.simulator.world.issues import available_at
from infra.local.simulator.world.model import Channel, Video
from infra.local.simulator.world.rows import events
from infra.local.simulator.world.splits import Piece, pieces, within
from infra.local.simulator.world.tally import Tally, VideoDay, video_day

Group = tuple[str, ...]


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
                if not _passes(cut, query):
                    continue
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
    return [video for video in world.all_videos_of(channel.id, until) if wanted is None or video.id in wanted]


def _passes(cut: Cut, query: Query) -> bool:
    return all(cut.group[name] in values for name, values in query.filters.items())


def _cuts(channel: Channel, day: VideoDay, query: Query) -> Iterator[Cut]:
    """A video's day, cut as the query's dimensions and filters need it."""
    words = codes()
    asked = {*query.dimensions, *query.filters}
    own = {
        "video": day.video.id,
        "liveOrOnDemand": words["live_or_on_demand"][day.video.live_or_on_demand],
        "creatorContentType": _content_type(day.video),
    }
    split = next((split for split in _SPLITS if not asked.isdisjoint(split.names)), None)
    if split is None and asked.isdisjoint({"country", "province", "subscribedStatus"}):
        yield Cut(day, day.whole(), own)
        return
    for piece in pieces(day, channel.country):
        group = {
            **own,
            "country": piece.country or splits.UNKNOWN_COUNTRY,
            "province": splits.province(day.video.key, piece.country),
            "subscribedStatus": words["subscribed_status"][piece.subscribed],
        }
        if split is None:
            yield Cut(day, day.tally(piece.start, piece.end), group)
        else:
            yield from _finer(day, piece, group, split)


def _content_type(video: Video) -> str:
    if video.is_short:
        return "SHORTS"
    return "LIVE_STREAM" if video.live else "VIDEO_ON_DEMAND"


class Split(NamedTuple):
    """A split of the reports, and the names of its dimensions here; `codes`: in reports, if they have words."""

    table: splits.Table
    names: tuple[str, ...]
    codes: tuple[str, ...]


_SPLITS = (
    Split(
        splits.TRAFFIC_SOURCE,
        ("insightTrafficSourceType", "insightTrafficSourceDetail"),
        ("traffic_source_type", ""),
    ),
    Split(
        splits.PLAYBACK_LOCATION,
        ("insightPlaybackLocationType", "insightPlaybackLocationDetail"),
        ("playback_location_type", ""),
    ),
    Split(splits.DEVICE_OS, ("deviceType", "operatingSystem"), ("device_type", "operating_system")),
    Split(splits.SHARING, ("sharingService",), ("sharing_service",)),
)


def _finer(day: VideoDay, piece: Piece, group: Mapping[str, str], split: Split) -> Iterator[Cut]:
    for values, start, end in within(piece, split.table, mix(day.video.key, piece.start)):
        words = (codes()[code][value] if code else value for code, value in zip(split.codes, values, strict=True))
        yield Cut(day, day.tally(start, end), {**group, **dict(zip(split.names, words, strict=True))})


def value(metric: str, cell: Cell, currency: str) -> float:
    """A metric of a row: whole numbers for counts, minutes and seconds."""
    if metric in _MONEY:
        return _MONEY[metric](cell.money) * table().currencies[currency]
    return _AD_COUNTS[metric](cell.money) if metric in _AD_COUNTS else _COUNTS[metric](cell.tally)


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
    # Nobody has had annotations since 2019.
    "annotationClickThroughRate": lambda _tally: 0.0,
    "annotationCloseRate": lambda _tally: 0.0,
    "annotationImpressions": lambda _tally: 0,
    "annotationClickableImpressions": lambda _tally: 0,
    "annotationClosableImpressions": lambda _tally: 0,
    "annotationClicks": lambda _tally: 0,
    "annotationCloses": lambda _tally: 0,
}
_MONEY: Mapping[str, Callable[[Money], float]] = {
    "grossRevenue": lambda money: round(money.gross, 3),
    "estimatedAdRevenue": lambda money: round(money.gross * CREATORS_SHARE, 3),
    "estimatedRedPartnerRevenue": lambda money: round(money.premium, 3),
    "estimatedRevenue": lambda money: round(money.gross * CREATORS_SHARE + money.premium, 3),
    "cpm": lambda money: _share(1000 * money.gross, money.impressions, 3),
    "playbackBasedCpm": lambda money: _share(1000 * money.gross, money.playbacks, 3),
}
_AD_COUNTS: Mapping[str, Callable[[Money], int]] = {
    "monetizedPlaybacks": lambda money: int(money.playbacks),
    "adImpressions": lambda money: int(money.impressions),
}
