"""Every way a video can change, through the API or by a person in Studio, and what each change sets off.

New, renamed and deleted videos reach the hub. A video is announced once it is public and processed, which may be
long after it was uploaded: a schedule, a slow file. The seed's own new uploads are announced too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from infra.local.simulator.data.library import Arrival, Library
from infra.local.simulator.hub.feeds import Deletion, Entry
from infra.local.simulator.hub.hub import Hub
from infra.local.simulator.timepiece import sent_instant
from infra.local.simulator.world import Privacy, Video
from shared.clock import pacific_day

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

LOOKS_EVERY = timedelta(seconds=10)
"""How often, by the simulator's clock, the seed's new uploads are looked for."""

PLAIN_STATUS: Mapping[str, str] = {
    "license": "license",
    "embeddable": "embeddable",
    "publicStatsViewable": "public_stats_viewable",
    "selfDeclaredMadeForKids": "self_declared_made_for_kids",
    "containsSyntheticMedia": "contains_synthetic_media",
}
"""Properties of `status` that are simply kept."""


class Studio:
    """All writing of videos. One a simulator: `simulator.room(Studio)`."""

    def __init__(self, simulator: Simulator) -> None:
        self.library = simulator.room(Library)
        self.hub = simulator.room(Hub)
        self.world = simulator.world
        self.clock = simulator.clock
        self._been_public: set[str] = set()
        self._unannounced: set[str] = set()
        self._looked = self.clock()
        simulator.on_tick.append(self.look)

    def was_public(self, video: Video) -> bool:
        """Whether the public could ever find the video."""
        if video.privacy == "public" or video.id in self._been_public:
            return True
        now = self.clock().timestamp()
        return video.origin == "seed" and any(start <= now for start, _ in video.visible)

    def publish(
        self,
        channel_id: str,
        written: Mapping[str, Mapping[str, Any]],
        *,
        duration_seconds: int = 300,
        arrival: Arrival | None = None,
    ) -> Video:
        """A new video, announced as soon as it is public and processed.

        written: complete parts, as `rules.written_part` makes them. arrival: its file, if it came through the API.
        """
        snippet, status = written["snippet"], written["status"]
        video = self.world.insert_video(
            channel_id,
            title=snippet["title"],
            now=self.clock(),
            privacy=status["privacyStatus"],
            publish_at=_instant(status.get("publishAt")),
            duration_seconds=duration_seconds,
        )
        self._unannounced.add(video.id)
        if arrival is not None:
            self.library.arrivals[video.id] = arrival
            if arrival.fate.failure or arrival.fate.rejection:
                video.visible = []  # Nobody will ever watch it.
        for part, values in written.items():
            self._set(video, part, values)
        self._note_public(video)
        self.look(force=True)
        return video

    def replace(self, video: Video, written: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace whole parts of a video, as `videos.update` does."""
        words = (video.title, video.description)
        for part, values in written.items():
            self._set(video, part, values)
            if part == "status":
                self._change_privacy(video, values["privacyStatus"], _instant(values.get("publishAt")))
        if (video.title, video.description) != words:
            video.updated_at = self.clock()
            self._announce(video)

    def set_privacy(self, video: Video, privacy: Privacy, publish_at: datetime | None = None) -> None:
        """Change who can see a video, and when it will be published."""
        self._change_privacy(video, privacy, publish_at)

    def delete(self, video: Video) -> None:
        """Delete a video for good."""
        listed = self._listed(video)
        self.world.delete_video(video, self.clock())
        self._unannounced.discard(video.id)
        if listed:
            self._tombstone(video)

    def look(self, *, force: bool = False) -> None:
        """Announce what has become public and processed since the last look."""
        now = self.clock()
        if not force and timedelta(0) <= now - self._looked < LOOKS_EVERY:
            return
        since, self._looked = self._looked, now
        for video_id in sorted(self._unannounced):
            video = self.library.find(video_id)
            if video is None or self.library.stage(video).upload_status in ("failed", "rejected"):
                self._unannounced.discard(video_id)
            elif self._listed(video):
                self._unannounced.discard(video_id)
                self._note_public(video)
                self._announce(video)
        for channel_id in self.hub.subscriptions.channels(now):
            if self.world.channel(channel_id) is not None:
                self._announce_seeded(channel_id, since, now)

    def entry(self, video: Video) -> Entry:
        """A video as feeds show it."""
        return Entry(
            video_id=video.id,
            channel_id=video.channel_id,
            channel_title=self._channel_title(video),
            title=video.title,
            published=video.published_at,
            updated=max(video.updated_at or video.published_at, video.published_at),
        )

    def _announce_seeded(self, channel_id: str, since: datetime, now: datetime) -> None:
        for video in self.world.all_videos_of(channel_id, pacific_day(now)):
            fresh = video.origin == "seed" and since < video.published_at <= now
            if fresh and video.id not in self._unannounced and self._listed(self.world.settle(video, now)):
                self._announce(video)

    def _change_privacy(self, video: Video, privacy: Privacy, publish_at: datetime | None) -> None:
        if (video.privacy, video.publish_at) == (privacy, publish_at):
            return
        listed = self._listed(video)
        self.world.set_privacy(video, privacy, self.clock(), publish_at=publish_at)
        self._note_public(video)
        if listed and video.privacy == "private":
            self._tombstone(video)
        elif not listed:
            self._unannounced.add(video.id)
            self.look(force=True)

    def _set(self, video: Video, part: str, values: Mapping[str, Any]) -> None:
        if part == "snippet":
            video.title, video.description = values["title"], values["description"]
            video.tags, video.category_id = list(values.get("tags", [])), values["categoryId"]
            video.default_language = values.get("defaultLanguage")
            video.default_audio_language = values.get("defaultAudioLanguage")
        elif part == "status":
            for name, attribute in PLAIN_STATUS.items():
                setattr(video, attribute, values.get(name))
            video.made_for_kids = bool(video.self_declared_made_for_kids)
        elif part == "recordingDetails":
            video.recording_date = _instant(values.get("recordingDate"))
        elif part == "localizations":
            video.localizations = {language: dict(words) for language, words in values.items()}
        elif part == "paidProductPlacementDetails":
            placed = bool(values.get("hasPaidProductPlacement"))
            (self.library.paid_placements.add if placed else self.library.paid_placements.discard)(video.id)

    def _listed(self, video: Video) -> bool:
        """Whether the public finds the video in its channel."""
        return (
            video.privacy == "public"
            and video.deleted_at is None
            and self.library.channel(video.channel_id) is not None
            and self.library.stage(video).upload_status == "processed"
        )

    def _note_public(self, video: Video) -> None:
        if video.privacy == "public":
            self._been_public.add(video.id)

    def _announce(self, video: Video) -> None:
        if self._listed(video):
            self.hub.video_changed(self.entry(video))

    def _tombstone(self, video: Video) -> None:
        title = self._channel_title(video)
        self.hub.video_gone(Deletion(video.id, video.channel_id, title, self.clock()))

    def _channel_title(self, video: Video) -> str:
        channel = self.world.channel(video.channel_id)
        return channel.title if channel else ""


def _instant(text: str | None) -> datetime | None:
    return None if text is None else sent_instant(text)
