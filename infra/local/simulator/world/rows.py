"""The rows of one report file: one channel, one Pacific day, one report type, as first drafted or as final.

A draft is what YouTube sometimes issues first and replaces some days later: lower numbers, rows that vanish again,
or no rows at all. Within a file no two rows have the same dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from infra.local.simulator.world import growth
from infra.local.simulator.world.codes import code
from infra.local.simulator.world.hashing import between, letters, mix, unit
from infra.local.simulator.world.model import Channel, Video
from infra.local.simulator.world.report_types import ReportType
from infra.local.simulator.world.splits import (
    DEMOGRAPHICS,
    SUBSCRIBED,
    UNKNOWN_COUNTRY,
    UNSUBSCRIBED,
    Piece,
    Values,
    nameless,
    pieces,
    province,
    within,
)
from infra.local.simulator.world.tally import Tally, VideoDay, video_day

ON_DEMAND = "on_demand"
_DEMOGRAPHICS_FROM = 10
_PLAYLIST_SHARE = 6
_CARD, _END_SCREEN = code("card_type", "VIDEO"), code("end_screen_element_type", "VIDEO")


class Draft(Enum):
    """In what way a first issue differs from the final one."""

    LOWER = "lower"
    SURPLUS = "surplus"
    EMPTY = "empty"


class Row(NamedTuple):
    """One row. `share`: percent of the piece that the row's group makes up, for demographics only."""

    video_id: str
    live: str
    subscribed: str
    country: str
    extra: Values
    tally: Tally
    share: float = 0.0

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What is unique within a file."""
        return (self.video_id, self.live, self.subscribed, self.country, *self.extra)


def draft_of(channel: Channel, ordinal: int) -> Draft | None:
    """Whether a channel's day is issued as a draft first, and as which; about one day in 25 is."""
    key = mix(channel.key, (ordinal << 8) + 105)
    if unit(key, 1) >= 0.04:
        return None
    return (Draft.LOWER, Draft.SURPLUS, Draft.LOWER, Draft.SURPLUS, Draft.EMPTY)[mix(key, 2) % 5]


def rows(
    channel: Channel, videos: list[Video], ordinal: int, kind: ReportType, *, draft: Draft | None, as_of: float
) -> list[Row]:
    """All rows of a file.

    videos: every video of the channel up to that day. as_of: the epoch second of the issue; a video that was
    deleted before it has lost its id.
    """
    if draft is Draft.EMPTY:
        return []
    named: list[Row] = []
    hidden: dict[tuple[str, ...], Row] = {}
    for video in videos:
        day = video_day(video, ordinal)
        if day.views <= 0:
            continue
        unnamed = (video.deleted_at is not None and video.deleted_at.timestamp() <= as_of) or nameless(day)
        for row in _of_video(channel, day, kind, draft):
            if unnamed:
                _merge(hidden, row._replace(video_id=""))
            else:
                named.append(row)
    if kind.id == "channel_basic_a3" and draft is None:
        for row in _channel_events(channel, ordinal):
            _merge(hidden, row)
    return named + list(hidden.values())


def events(channel: Channel, ordinal: int) -> Tally:
    """Subscribers that a channel won and lost in a day by no video's doing."""
    start, end = growth.midnight(ordinal), growth.midnight(ordinal + 1)
    return Tally(
        subscribers_gained=growth.gains_until(channel, end) - growth.gains_until(channel, start),
        subscribers_lost=growth.losses_until(channel, end) - growth.losses_until(channel, start),
    )


def _channel_events(channel: Channel, ordinal: int) -> Iterator[Row]:
    both = events(channel, ordinal)
    if both.subscribers_gained:
        gained = Tally(subscribers_gained=both.subscribers_gained)
        yield Row("", ON_DEMAND, UNSUBSCRIBED, channel.country, (), gained)
    if both.subscribers_lost:
        yield Row("", ON_DEMAND, SUBSCRIBED, "", (), Tally(subscribers_lost=both.subscribers_lost))


def _merge(into: dict[tuple[str, ...], Row], row: Row) -> None:
    known = into.get(row.dimensions)
    # Shares of different videos do not add up; the mean keeps a group's shares at a hundred.
    into[row.dimensions] = (
        row
        if known is None
        else known._replace(tally=known.tally.plus(row.tally), share=(known.share + row.share) / 2)
    )


def _of_video(channel: Channel, day: VideoDay, kind: ReportType, draft: Draft | None) -> Iterator[Row]:
    live, video_id = day.video.live_or_on_demand, day.video.id
    if kind.shape == "video":
        start, end = _drafted(day, day.first, day.last, draft)
        if end > start:
            yield Row(video_id, "", "", "", (), day.tally(start, end))
        return
    for piece in _audience(channel, day, draft):
        for extra, tally, share in _parts(channel, day, piece, kind):
            yield Row(video_id, live, piece.subscribed, piece.country, extra, tally, share)


def _audience(channel: Channel, day: VideoDay, draft: Draft | None) -> Iterator[Piece]:
    for piece in pieces(day, channel.country):
        start, end = _drafted(day, piece.start, piece.end, draft)
        if end > start:
            yield piece._replace(start=start, end=end)
    if draft is Draft.SURPLUS:
        surplus = mix(day.video.key, (day.ordinal << 8) + 106) % 5
        if surplus:
            yield Piece(UNKNOWN_COUNTRY, UNSUBSCRIBED, day.last, day.last + surplus)


def _drafted(day: VideoDay, start: int, end: int, draft: Draft | None) -> tuple[int, int]:
    if draft is not Draft.LOWER:
        return start, end
    return start, start + int((end - start) * between(day.video.key, (day.ordinal << 8) + 107, 0.8, 0.98))


def _parts(
    channel: Channel, day: VideoDay, piece: Piece, kind: ReportType
) -> Iterator[tuple[Values, Tally, float]]:
    """A piece's rows in a report type: extra dimensions, counts, share."""
    if kind.shape == "playlist":
        piece = piece._replace(end=piece.start + piece.views // _PLAYLIST_SHARE)
    if not piece.views or (kind.table is DEMOGRAPHICS and piece.views < _DEMOGRAPHICS_FROM):
        return
    if kind.table is not None:
        for values, start, end in within(piece, kind.table, mix(day.video.key, piece.start)):
            tally = day.tally(start, end)
            if tally.shares or kind.metrics != ("shares",):
                yield values, tally, 100.0 * (end - start) / piece.views
        return
    tally = day.tally(piece.start, piece.end)
    told = _EXTRAS[kind.extra](channel, day, piece, tally)
    if told is not None:
        yield told, tally, 0.0


def _province(_channel: Channel, day: VideoDay, piece: Piece, _tally: Tally) -> Values | None:
    """The report is about the United States: viewers elsewhere are not in it."""
    name = province(day.video.key, piece.country)
    return (name,) if name else None


def _card(_channel: Channel, day: VideoDay, _piece: Piece, tally: Tally) -> Values | None:
    shown = tally.card_impressions or tally.card_clicks
    return (_CARD, letters(11, "card", day.video.key)) if shown else None


def _end_screen(channel: Channel, _day: VideoDay, _piece: Piece, tally: Tally) -> Values | None:
    return (_END_SCREEN, letters(11, "end screen", channel.key)) if tally.engaged_views else None


_EXTRAS: Mapping[Values, Callable[[Channel, VideoDay, Piece, Tally], Values | None]] = {
    (): lambda _channel, _day, _piece, _tally: (),
    ("province_code",): _province,
    ("card_type", "card_id"): _card,
    ("end_screen_element_type", "end_screen_element_id"): _end_screen,
    # Nobody has had annotations since 2019: their files have a header only.
    ("annotation_type", "annotation_id"): lambda _channel, _day, _piece, _tally: None,
}
"""The values of a report type's extra dimensions that no table splits, or None for no row at all."""
