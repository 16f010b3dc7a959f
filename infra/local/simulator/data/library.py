"""What the Data API can know of a video beyond the world: its file, its processing, who may see it.

Uploaded files are remembered by size, hash and first bytes only. A video's processing is computed from the time
that has passed; the world's own status is brought up to date whenever somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from infra.local.simulator.data.render import File, Shown
from infra.local.simulator.uploads.processing import Fate, Stage, stage
from infra.local.simulator.world import Channel, Video

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

LAG = timedelta(seconds=1)
"""How long a new video is not found by those who ask for it, unless somebody sets another lag."""

_DONE = Stage("processed", "succeeded", 1.0, timedelta(0))


@dataclass
class Arrival:
    """A file that came through the API: when it was whole, what it was, what becomes of it."""

    file: File
    sha256: str
    arrived: datetime
    fate: Fate = field(default_factory=Fate)


@dataclass(frozen=True)
class Picture:
    """A custom thumbnail, as far as it is kept. version: how many the video has had."""

    size: int
    sha256: str
    media_type: str
    version: int


class Library:
    """Videos as readers meet them. One a simulator: `simulator.room(Library)`."""

    def __init__(self, simulator: Simulator) -> None:
        self.world = simulator.world
        self.clock = simulator.clock
        self.arrivals: dict[str, Arrival] = {}
        self.pictures: dict[str, Picture] = {}
        self.paid_placements: set[str] = set()
        self.hidden_counts: dict[str, frozenset[str]] = {}
        self.lag = LAG

    def find(self, video_id: str) -> Video | None:
        """A video that exists now, its schedule and its processing up to date."""
        now = self.clock()
        video = self.world.video(video_id, now)
        if video is None:
            return None
        self.stage(video)
        return self.world.settle(video, now)

    def stage(self, video: Video) -> Stage:
        """Where a video's processing stands now; the seed's videos are long done."""
        arrival = self.arrivals.get(video.id)
        if arrival is None:
            return _DONE
        current = stage(arrived=arrival.arrived, size=arrival.file.size, fate=arrival.fate, now=self.clock())
        video.upload_status = current.upload_status
        video.failure_reason, video.rejection_reason = current.failure, current.rejection
        return current

    def channel(self, channel_id: str) -> Channel | None:
        """A channel that the public can see."""
        channel = self.world.channel(channel_id)
        return channel if channel is not None and channel.state == "ok" else None

    def readable(self, video: Video, reader: str | None) -> bool:
        """Whether a channel's owner (None: anybody) can see a video at all. What has just arrived nobody can."""
        if self._lags(video):
            return False
        if video.channel_id == reader:
            return True
        if video.privacy == "private" or self.channel(video.channel_id) is None:
            return False
        return self.stage(video).upload_status in ("uploaded", "processed")

    def readable_of(self, video_ids: Iterable[str], reader: str | None) -> list[Video]:
        """Those of some videos that exist and can be seen, in the order asked, each once."""
        found = (self.find(video_id) for video_id in dict.fromkeys(video_ids))
        return [video for video in found if video is not None and self.readable(video, reader)]

    def uploads(self, channel_id: str, reader: str | None) -> list[Video]:
        """A channel's uploads, newest first: all of them for the owner, the public ones for others."""
        now = self.clock()
        listed = []
        for video in self.world.videos_of(channel_id, now):
            if self._lags(video):
                continue
            status = self.stage(self.world.settle(video, now)).upload_status
            if channel_id == reader or (video.privacy == "public" and status == "processed"):
                listed.append(video)
        return listed

    def _lags(self, video: Video) -> bool:
        arrival = self.arrivals.get(video.id)
        return arrival is not None and self.clock() < arrival.arrived + self.lag

    def shown(self, video: Video, reader: str | None) -> Shown:
        """A video as one reader sees it now."""
        now = self.clock()
        channel = self.world.channel(video.channel_id)
        assert channel is not None
        arrival, picture = self.arrivals.get(video.id), self.pictures.get(video.id)
        return Shown(
            video=video,
            channel=channel,
            counters=self.world.counters(video, now),
            stage=self.stage(video),
            owner=video.channel_id == reader,
            now=now,
            file=arrival.file if arrival else None,
            thumbnail_version=picture.version if picture else 0,
            paid_placement=video.id in self.paid_placements,
            hidden_counts=self.hidden_counts.get(video.id, frozenset()),
        )
