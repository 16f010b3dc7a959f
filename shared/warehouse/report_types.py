"""The report types of the YouTube Reporting API, as a table: each one's dimensions and metrics.

Columns are found by the header's names, because the order in real files differs from the documentation's. A
column that is not listed here is kept in `extra`. One that is listed and absent is NULL and told; when the views
need it, the file is unreadable.
Source: developers.google.com/youtube/reporting/v1/reports/channel_reports (a3 and reach types of 2025-2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from shared.errors import InvalidRequest

INTEGER, FLOAT, STRING, DATE = "INTEGER", "FLOAT", "STRING", "DATE"


@dataclass(frozen=True)
class ReportType:
    """One report type: its id, and its columns beside `date`, `channel_id` and (nearly always) `video_id`."""

    id: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]

    @property
    def table(self) -> str:
        """The raw table that holds this type's rows."""
        return f"report_{self.id}"

    @property
    def needed(self) -> frozenset[str]:
        """The columns without which a file is not loaded."""
        return frozenset(name for name in self.columns if name in _NEEDED)

    @cached_property
    def columns(self) -> dict[str, str]:
        """Column name to BigQuery type, in the raw table's order."""
        return {
            "date": DATE,
            **dict.fromkeys(self.dimensions, STRING),
            **{metric: metric_type(metric) for metric in self.metrics},
        }


_NEEDED = frozenset(
    (
        *("date", "channel_id", "video_id", "views", "engaged_views", "watch_time_minutes", "views_percentage"),
        *("subscribers_gained", "subscribers_lost"),
        *("video_thumbnail_impressions", "video_thumbnail_impressions_ctr"),
    )
)
"""What the views read, of whatever report type, and what a row is about."""


def metric_type(metric: str) -> str:
    """Counts are integers; times, rates, shares and averages are not."""
    fractional = ("watch_time", "average_", "_percentage", "_rate", "_ctr")
    return FLOAT if any(mark in metric for mark in fractional) else INTEGER


_BY_VIDEO = ("channel_id", "video_id")
_BY_COUNTRY = (*_BY_VIDEO, "live_or_on_demand", "subscribed_status", "country_code")
_WATCHING = (
    "engaged_views",
    "views",
    "watch_time_minutes",
    "average_view_duration_seconds",
    "average_view_duration_percentage",
    "red_views",
    "red_watch_time_minutes",
)
_CARDS = (
    *("annotation_click_through_rate", "annotation_close_rate", "annotation_impressions"),
    *("annotation_clickable_impressions", "annotation_closable_impressions"),
    *("annotation_clicks", "annotation_closes"),
    *("card_click_rate", "card_teaser_click_rate", "card_impressions", "card_teaser_impressions"),
    *("card_clicks", "card_teaser_clicks"),
)
_REACH = ("video_thumbnail_impressions", "video_thumbnail_impressions_ctr")

REPORT_TYPES: dict[str, ReportType] = {
    report_type.id: report_type
    for report_type in (
        ReportType(
            "channel_basic_a3",
            _BY_COUNTRY,
            (
                *("engaged_views", "views", "comments", "likes", "dislikes"),
                *("videos_added_to_playlists", "videos_removed_from_playlists", "shares"),
                *("watch_time_minutes", "average_view_duration_seconds", "average_view_duration_percentage"),
                *_CARDS,
                *("subscribers_gained", "subscribers_lost", "red_views", "red_watch_time_minutes"),
            ),
        ),
        ReportType(
            "channel_playback_location_a3",
            (*_BY_COUNTRY, "playback_location_type", "playback_location_detail"),
            _WATCHING,
        ),
        ReportType(
            "channel_traffic_source_a3", (*_BY_COUNTRY, "traffic_source_type", "traffic_source_detail"), _WATCHING
        ),
        ReportType("channel_device_os_a3", (*_BY_COUNTRY, "device_type", "operating_system"), _WATCHING),
        ReportType(
            "channel_subtitles_a3",
            (*_BY_COUNTRY, "subtitle_language", "subtitle_language_autotranslated"),
            _WATCHING,
        ),
        ReportType(
            "channel_combined_a3",
            (*_BY_COUNTRY, "playback_location_type", "traffic_source_type", "device_type", "operating_system"),
            _WATCHING,
        ),
        ReportType("channel_demographics_a1", (*_BY_COUNTRY, "age_group", "gender"), ("views_percentage",)),
        ReportType("channel_reach_basic_a1", _BY_VIDEO, _REACH),
        ReportType("channel_reach_combined_a1", (*_BY_COUNTRY, "traffic_source_type"), _REACH),
    )
}


def report_type(type_id: str) -> ReportType:
    """The report type with an id. Raises InvalidRequest for one that this warehouse does not hold."""
    if type_id not in REPORT_TYPES:
        raise InvalidRequest(f"There is no table for the report type {type_id!r}.", reason="reportType")
    return REPORT_TYPES[type_id]
