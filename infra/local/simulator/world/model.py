"""What exists in the world: Google accounts, YouTube channels, videos.

Accounts and channels come from the seed; their `state` can be changed from outside. Videos come from the seed or
from the API, live in one store, and carry all that the Data API can show or change about them. Everything here is
plain data: who may do what is the dispatcher's business, how views grow is `growth`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

State = Literal["ok", "suspended", "closed"]
STATES: tuple[State, ...] = get_args(State)
Privacy = Literal["public", "unlisted", "private"]
UploadStatus = Literal["uploaded", "processed", "failed", "rejected", "deleted"]


@dataclass
class Channel:
    """A YouTube channel. `monetised` says that it is in the Partner Programme."""

    id: str
    title: str
    handle: str
    description: str
    country: str
    published_at: datetime
    monetised: bool
    subscriber_base: int
    key: int
    popularity: float
    uploads_per_day: float
    state: State = "ok"

    @property
    def uploads_playlist(self) -> str:
        """The id of the playlist that holds every upload of the channel."""
        return "UU" + self.id[2:]


@dataclass
class Account:
    """A Google account and the channels that its owner can choose on the consent page."""

    id: str
    email: str
    name: str
    channels: list[Channel]
    state: State = "ok"


@dataclass(frozen=True)
class Curve:
    """How a video earns its views: a burst that fades within days, then a tail that never quite ends.

    burst: views of the burst in all; burst_days: its time constant; tail, tail_days: views(age) of the tail are
    tail x ln(1 + age / tail_days).
    """

    burst: float
    burst_days: float
    tail: float
    tail_days: float


@dataclass(frozen=True)
class Rates:
    """What views bring, each in parts per million of views."""

    engaged: int
    likes: int
    dislikes: int
    comments: int
    shares: int
    playlist_adds: int
    playlist_removes: int
    subscribers_gained: int
    subscribers_lost: int
    card_impressions: int
    card_clicks: int
    red_views: int
    impressions: int
    viewed_share: float
    """Average share of the video's length that an engaged view watches."""


@dataclass
class Video:
    """A video. `visible`: the spans (UTC epoch seconds) in which anybody could watch it; the last may be open."""

    id: str
    channel_id: str
    title: str
    description: str
    tags: list[str]
    category_id: str
    published_at: datetime
    duration_seconds: int
    privacy: Privacy
    made_for_kids: bool
    live: bool
    """Whether its views are counted as `live` instead of `on_demand`."""
    is_short: bool
    key: int
    curve: Curve
    rates: Rates
    visible: list[tuple[float, float | None]]
    uploaded_at: datetime | None = None
    publish_at: datetime | None = None
    upload_status: UploadStatus = "processed"
    failure_reason: str | None = None
    rejection_reason: str | None = None
    license: Literal["youtube", "creativeCommon"] = "youtube"
    embeddable: bool = True
    public_stats_viewable: bool = True
    self_declared_made_for_kids: bool | None = None
    contains_synthetic_media: bool | None = None
    default_language: str | None = None
    default_audio_language: str | None = None
    recording_date: datetime | None = None
    localizations: dict[str, dict[str, str]] = field(default_factory=dict)
    custom_thumbnail: bool = False
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    origin: Literal["seed", "api"] = "seed"

    @property
    def live_or_on_demand(self) -> Literal["live", "on_demand"]:
        """As the reports write it."""
        return "live" if self.live else "on_demand"


@dataclass(frozen=True)
class Counters:
    """Public counters of a video at an instant; they never go down while the video exists."""

    views: int
    likes: int
    dislikes: int
    comments: int


@dataclass(frozen=True)
class ChannelCounters:
    """Public counters of a channel at an instant."""

    views: int
    subscribers: int
    videos: int
