"""Report rows as the CSV text that a download answers, in the dialect that the simulator is told to speak."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import ClassVar

from infra.local.simulator.world.hashing import mix
from infra.local.simulator.world.model import Channel
from infra.local.simulator.world.report_types import ReportType
from infra.local.simulator.world.rows import Row
from infra.local.simulator.world.splits import playlist_of
from infra.local.simulator.world.tally import Tally, total


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How files are written.

    date_format: `YYYYMMDD` or `YYYY-MM-DD`. added_column: a column that nobody announced. missing_column: one that
    is left out. new_value: replaces the last dimension's value in every seventh row.
    """

    DATE_FORMATS: ClassVar[tuple[str, ...]] = ("YYYYMMDD", "YYYY-MM-DD")

    date_format: str = "YYYYMMDD"
    added_column: str | None = None
    missing_column: str | None = None
    new_value: str | None = None


PLAIN = Dialect()


def csv_text(
    channel: Channel, ordinal: int, kind: ReportType, rows: Iterable[Row], dialect: Dialect = PLAIN
) -> str:
    """The whole file: a header, then a line for each row."""
    day = date.fromordinal(ordinal)
    written = day.isoformat() if dialect.date_format == "YYYY-MM-DD" else day.strftime("%Y%m%d")
    metrics = [METRICS[name] for name in kind.metrics]
    lines = [
        list(kind.header),
        *([*_dimensions(channel, kind, written, row), *(m(row) for m in metrics)] for row in rows),
    ]
    if dialect != PLAIN:
        _disturb(lines, len(kind.header) - len(kind.metrics), dialect)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def _dimensions(channel: Channel, kind: ReportType, day: str, row: Row) -> list[str]:
    if kind.shape == "video":
        return [day, channel.id, row.video_id]
    playlist = [playlist_of(channel.key)] if kind.shape == "playlist" else []
    return [day, channel.id, *playlist, row.video_id, row.live, row.subscribed, row.country, *row.extra]


def _disturb(lines: list[list[str]], dimensions: int, dialect: Dialect) -> None:
    header = lines[0]
    if dialect.new_value is not None:
        for line in lines[1::7]:
            line[dimensions - 1] = dialect.new_value
    if dialect.missing_column in header:
        place = header.index(dialect.missing_column)
        for line in lines:
            del line[place]
    if dialect.added_column is not None:
        header.append(dialect.added_column)
        for number, line in enumerate(lines[1:], start=1):
            line.append(str(mix(number, 1) % 100))


def _rate(part: int, whole: int) -> str:
    return repr(part / whole) if whole else "0.0"


METRICS: Mapping[str, Callable[[Row], str]] = {
    "views": lambda row: str(row.tally.views),
    "engaged_views": lambda row: str(row.tally.engaged_views),
    "comments": lambda row: str(row.tally.comments),
    "likes": lambda row: str(row.tally.likes),
    "dislikes": lambda row: str(row.tally.dislikes),
    "shares": lambda row: str(row.tally.shares),
    "watch_time_minutes": lambda row: repr(row.tally.watch_minutes),
    "average_view_duration_seconds": lambda row: repr(round(row.tally.average_seconds, 6)),
    "average_view_duration_percentage": lambda row: repr(round(row.tally.average_percentage, 6)),
    "annotation_click_through_rate": lambda _row: "0.0",
    "annotation_close_rate": lambda _row: "0.0",
    "annotation_impressions": lambda _row: "0",
    "annotation_clickable_impressions": lambda _row: "0",
    "annotation_closable_impressions": lambda _row: "0",
    "annotation_clicks": lambda _row: "0",
    "annotation_closes": lambda _row: "0",
    "card_click_rate": lambda row: _rate(row.tally.card_clicks, row.tally.card_impressions),
    "card_teaser_click_rate": lambda row: _rate(row.tally.card_clicks, 2 * row.tally.card_impressions),
    "card_impressions": lambda row: str(row.tally.card_impressions),
    "card_teaser_impressions": lambda row: str(2 * row.tally.card_impressions),
    "card_clicks": lambda row: str(row.tally.card_clicks),
    "card_teaser_clicks": lambda row: str(row.tally.card_clicks),
    "subscribers_gained": lambda row: str(row.tally.subscribers_gained),
    "subscribers_lost": lambda row: str(row.tally.subscribers_lost),
    "videos_added_to_playlists": lambda row: str(row.tally.playlist_adds),
    "videos_removed_from_playlists": lambda row: str(row.tally.playlist_removes),
    "red_views": lambda row: str(row.tally.red_views),
    "red_watch_time_minutes": lambda row: repr(row.tally.red_watch / 10_000),
    "views_percentage": lambda row: repr(round(row.share, 6)),
    "video_thumbnail_impressions": lambda row: str(row.tally.impressions),
    "video_thumbnail_impressions_ctr": lambda row: _rate(row.tally.impression_clicks, row.tally.impressions),
    "playlist_starts": lambda row: str((row.tally.views + 1) // 2),
    "playlist_saves_added": lambda row: str(row.tally.playlist_adds),
    "playlist_saves_removed": lambda row: str(row.tally.playlist_removes),
    "end_screen_element_clicks": lambda row: str(row.tally.engaged_views // 25),
    "end_screen_element_impressions": lambda row: str((row.tally.engaged_views + 1) // 2),
    "end_screen_element_click_rate": lambda row: _rate(
        row.tally.engaged_views // 25, (row.tally.engaged_views + 1) // 2
    ),
}

_COUNTED = ("playlist_starts", "end_screen_element_clicks", "end_screen_element_impressions")
_TOLD = (
    *("views", "engaged_views", "comments", "likes", "dislikes", "shares", "watch_time_minutes"),
    *("average_view_duration_seconds", "subscribers_gained", "subscribers_lost", "red_views"),
    *("videos_added_to_playlists", "videos_removed_from_playlists", "card_impressions", "card_clicks"),
    *("video_thumbnail_impressions", "video_thumbnail_impressions_ctr"),
)


def summed(kind: ReportType, rows: list[Row]) -> dict[str, float]:
    """The true total of each metric of a file: sums of counts, and averages and rates over the whole."""
    whole = Row("", "", "", "", (), total(row.tally for row in rows), sum(row.share for row in rows))
    found = {
        name: sum(int(METRICS[name](row)) for row in rows) if name in _COUNTED else _number(METRICS[name](whole))
        for name in kind.metrics
    }
    if "end_screen_element_click_rate" in found:  # of what is counted row by row
        clicks, shown = found["end_screen_element_clicks"], found["end_screen_element_impressions"]
        found["end_screen_element_click_rate"] = clicks / shown if shown else 0.0
    return found


def column_sums(kind: ReportType, rows: list[Row]) -> dict[str, float]:
    """What the columns of averages and rates add up to as printed: their true total is no sum of rows."""
    averaged = [name for name in kind.metrics if name.startswith("average_") or name.endswith(("_rate", "_ctr"))]
    return {name: fsum(float(METRICS[name](row)) for row in rows) for name in averaged}


def told(tally: Tally) -> dict[str, float]:
    """A day's totals under the names that reports use."""
    whole = Row("", "", "", "", (), tally)
    return {name: _number(METRICS[name](whole)) for name in _TOLD}


def _number(text: str) -> float:
    return int(text) if text.isdecimal() else float(text)
