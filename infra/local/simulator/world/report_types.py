"""The bulk report types as YouTube offers them, with the header of their files, in the order of real files.

Real headers are not in the documentation's order: `views` stands before `engaged_views`, and what the playlists
counters are is told late. Types that YouTube has retired are still listed, with the time at which they ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.local.simulator.world import splits
from infra.local.simulator.world.splits import Table


@dataclass(frozen=True)
class ReportType:
    """One report type. `extra` are its dimensions beyond those of `shape`; `table` says how they split a row.

    shape: `video` (day, channel, video), `audience` (and live, subscribed, country), `playlist` (and playlist).
    """

    id: str
    name: str
    metrics: tuple[str, ...]
    shape: str = "audience"
    extra: tuple[str, ...] = ()
    table: Table | None = None
    retired: datetime | None = None

    @property
    def header(self) -> tuple[str, ...]:
        """The first line of a file."""
        return (*_DIMENSIONS[self.shape], *self.extra, *self.metrics)


_VIDEO = ("date", "channel_id", "video_id")
_AUDIENCE = ("live_or_on_demand", "subscribed_status", "country_code")
_DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "video": _VIDEO,
    "audience": (*_VIDEO, *_AUDIENCE),
    "playlist": ("date", "channel_id", "playlist_id", "video_id", *_AUDIENCE),
}
_ANNOTATIONS = (
    "annotation_click_through_rate",
    "annotation_close_rate",
    "annotation_impressions",
    "annotation_clickable_impressions",
    "annotation_closable_impressions",
    "annotation_clicks",
    "annotation_closes",
)
_CARDS = (
    "card_click_rate",
    "card_teaser_click_rate",
    "card_impressions",
    "card_teaser_impressions",
    "card_clicks",
    "card_teaser_clicks",
)
_END_SCREENS = ("end_screen_element_clicks", "end_screen_element_impressions", "end_screen_element_click_rate")
_WATCH = ("watch_time_minutes", "average_view_duration_seconds", "average_view_duration_percentage")
_RED = ("red_views", "red_watch_time_minutes")
_SEVEN = ("views", "engaged_views", *_WATCH, *_RED)
_PLAYLIST = (
    *("views", "engaged_views", "watch_time_minutes", "average_view_duration_seconds"),
    *("playlist_starts", "playlist_saves_added", "playlist_saves_removed"),
)
_REACH = ("video_thumbnail_impressions", "video_thumbnail_impressions_ctr")
_LOCATION = ("playback_location_type", "playback_location_detail")
_SOURCE = ("traffic_source_type", "traffic_source_detail")
_DEVICE = ("device_type", "operating_system")
_SUBTITLE = ("subtitle_language", "subtitle_language_autotranslated")
_COMBINED = ("playback_location_type", "traffic_source_type", *_DEVICE)
_END_OF_A2 = datetime(2025, 10, 31, tzinfo=UTC)


def _playlist(name: str, title: str, extra: tuple[str, ...] = (), table: Table | None = None) -> ReportType:
    return ReportType(f"playlist_{name}_a2", f"Playlist {title}", _PLAYLIST, "playlist", extra, table)


def _elements(
    name: str, title: str, metrics: tuple[str, ...], extra: tuple[str, ...], table: Table | None = None
) -> tuple[ReportType, ...]:
    """Both versions of a type, with the same columns: public connectors order the one or the other, today."""
    return tuple(
        ReportType(f"channel_{name}_{version}", title, metrics, extra=extra, table=table)
        for version in ("a1", "a2")
    )


_CURRENT = (
    ReportType(
        "channel_basic_a3",
        "User activity",
        (
            *("views", "engaged_views", "comments", "likes", "dislikes", "shares"),
            *_WATCH,
            *_ANNOTATIONS,
            *_CARDS,
            *("subscribers_gained", "subscribers_lost"),
            *("videos_added_to_playlists", "videos_removed_from_playlists"),
            *_RED,
        ),
    ),
    ReportType(
        "channel_province_a3",
        "Province",
        (*_SEVEN[:5], *_ANNOTATIONS, *_CARDS, *_RED),
        extra=("province_code",),
    ),
    ReportType(
        "channel_playback_location_a3",
        "Playback locations",
        _SEVEN,
        extra=_LOCATION,
        table=splits.PLAYBACK_LOCATION,
    ),
    ReportType("channel_traffic_source_a3", "Traffic sources", _SEVEN, extra=_SOURCE, table=splits.TRAFFIC_SOURCE),
    ReportType(
        "channel_device_os_a3", "Device type and operating system", _SEVEN, extra=_DEVICE, table=splits.DEVICE_OS
    ),
    ReportType("channel_subtitles_a3", "Subtitles", _SEVEN, extra=_SUBTITLE, table=splits.SUBTITLES),
    ReportType("channel_combined_a3", "Combined", _SEVEN, extra=_COMBINED, table=splits.COMBINED),
    ReportType(
        "channel_demographics_a1",
        "Demographics",
        ("views_percentage",),
        extra=("age_group", "gender"),
        table=splits.DEMOGRAPHICS,
    ),
    ReportType("channel_reach_basic_a1", "Reach", _REACH, "video"),
    ReportType(
        "channel_reach_combined_a1",
        "Reach combined",
        _REACH,
        extra=("traffic_source_type",),
        table=splits.REACH_SOURCE,
    ),
    *_elements("sharing_service", "Sharing service", ("shares",), ("sharing_service",), splits.SHARING),
    *_elements("annotations", "Annotations", _ANNOTATIONS, ("annotation_type", "annotation_id")),
    *_elements("cards", "Cards", _CARDS, ("card_type", "card_id")),
    *_elements("end_screens", "End screens", _END_SCREENS, ("end_screen_element_type", "end_screen_element_id")),
    _playlist("basic", "user activity"),
    _playlist("province", "province", ("province_code",)),
    _playlist("playback_location", "playback locations", _LOCATION, splits.PLAYBACK_LOCATION),
    _playlist("traffic_source", "traffic sources", _SOURCE, splits.TRAFFIC_SOURCE),
    _playlist("device_os", "device type and operating system", _DEVICE, splits.DEVICE_OS),
    _playlist("combined", "combined", _COMBINED, splits.COMBINED),
)
_RETIRED = tuple(
    ReportType(f"channel_{name}_a2", title, ("views",), retired=_END_OF_A2)
    for name, title in (
        ("basic", "User activity (before engaged views)"),
        ("province", "Province (before engaged views)"),
        ("playback_location", "Playback locations (before engaged views)"),
        ("traffic_source", "Traffic sources (before engaged views)"),
        ("device_os", "Device type and operating system (before engaged views)"),
        ("subtitles", "Subtitles (before engaged views)"),
        ("combined", "Combined (before engaged views)"),
    )
)
REPORT_TYPES: Mapping[str, ReportType] = {kind.id: kind for kind in (*_CURRENT, *_RETIRED)}
