"""The world: every account, channel and video, and what their counters say at an instant.

One object a simulator. It is generated from a seed; videos that the seed has uploaded later come into being when
somebody looks past their day, and videos that come through the API live beside them. Callers pass the instant: the
world has no clock, and like every room of the simulator no locks: one event loop owns it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

from infra.local.simulator.world import growth, population
from infra.local.simulator.world.growth import COMMENTS, DISLIKES, LIKES, SUBSCRIBERS_GAINED, SUBSCRIBERS_LOST
from infra.local.simulator.world.hashing import key_of, letters
from infra.local.simulator.world.model import (
    Account,
    Channel,
    ChannelCounters,
    Counters,
    Privacy,
    UploadStatus,
    Video,
)
from infra.local.simulator.world.rows import events
from infra.local.simulator.world.tally import Tally, total, video_day
from shared.clock import pacific_day

_VIEWABLE: tuple[Privacy, ...] = ("public", "unlisted")


@dataclass
class World:
    """Accounts, channels and videos of one seed. Build it with `World.generate`."""

    seed: int | str
    accounts: list[Account]
    _videos: dict[str, Video] = field(default_factory=dict, repr=False)
    _of_channel: dict[str, list[Video]] = field(default_factory=dict, repr=False)
    _known_until: dict[str, int] = field(default_factory=dict, repr=False)
    _channels: dict[str, Channel] = field(default_factory=dict, repr=False)
    _owners: dict[str, Account] = field(default_factory=dict, repr=False)
    _insertions: Counter[str] = field(default_factory=Counter, repr=False)

    @classmethod
    def generate(
        cls, seed: int | str, users: int, channels_per_user: int, now: datetime, *, history_days: int = 400
    ) -> World:
        """The world of a seed as it stands at an instant; the same arguments give the same world.

        history_days: how old the oldest videos are.
        """
        anchor = pacific_day(now)
        world = cls(seed, population.accounts(seed, users, channels_per_user, anchor))
        for account in world.accounts:
            for channel in account.channels:
                world._channels[channel.id] = channel
                world._owners[channel.id] = account
                world._of_channel[channel.id] = []
                for video in population.back_catalogue(seed, channel, anchor, history_days):
                    world._keep(video)
                world._known_until[channel.id] = anchor.toordinal() - 1
        return world

    # Accounts and channels

    def account(self, email: str) -> Account | None:
        """The account with an e-mail address, the login hint of the consent page."""
        return next((account for account in self.accounts if account.email == email.lower()), None)

    def account_called(self, name: str) -> Account | None:
        """The account with an e-mail address or a Google id (`sub`)."""
        return self.account(name) or next((account for account in self.accounts if account.id == name), None)

    def channel(self, channel_id: str) -> Channel | None:
        """The channel with an id, whatever its state."""
        return self._channels.get(channel_id)

    def owner(self, channel_id: str) -> Account | None:
        """The account that owns a channel."""
        return self._owners.get(channel_id)

    def channels(self) -> list[Channel]:
        """All channels, those of the regular accounts first."""
        return list(self._channels.values())

    # Videos

    def video(self, video_id: str, now: datetime) -> Video | None:
        """A video that exists at an instant: uploaded, and not deleted."""
        video = self._videos.get(video_id)
        if video is None:
            for channel_id in self._channels:
                self._look_ahead(channel_id, growth.ordinal_at(now.timestamp()))
            video = self._videos.get(video_id)
        return video if video is not None and exists(video, now) else None

    def videos_of(self, channel_id: str, now: datetime) -> list[Video]:
        """A channel's videos that exist at an instant, the newest first."""
        found = [video for video in self.all_videos_of(channel_id, pacific_day(now)) if exists(video, now)]
        return sorted(found, key=lambda video: (video.published_at, video.id), reverse=True)

    def all_videos_of(self, channel_id: str, day: date) -> list[Video]:
        """Every video a channel uploads until the end of a Pacific day, deleted ones too, in no order."""
        self._look_ahead(channel_id, day.toordinal())
        return list(self._of_channel.get(channel_id, ()))

    def insert_video(
        self,
        channel_id: str,
        *,
        title: str,
        now: datetime,
        privacy: Privacy = "public",
        publish_at: datetime | None = None,
        duration_seconds: int = 300,
        description: str = "",
        category_id: str = "22",
        upload_status: UploadStatus = "processed",
    ) -> Video:
        """A video that came through the API, with views like any other; set its further fields on the answer."""
        self._insertions[channel_id] += 1
        named = (self.seed, "insert", channel_id, self._insertions[channel_id])
        channel = self._channels[channel_id]
        key = key_of(*named)
        video = population.seeded_video(channel, key, now.timestamp())
        video.id = letters(11, *named)
        video.title, video.description, video.tags = title, description, []
        video.category_id, video.duration_seconds = category_id, duration_seconds
        video.uploaded_at = video.published_at = video.updated_at = now
        video.live, video.made_for_kids, video.origin = False, False, "api"
        video.upload_status = upload_status
        video.visible = []
        self._keep(video)
        self.set_privacy(video, privacy, now, publish_at=publish_at)
        return video

    def set_privacy(
        self, video: Video, privacy: Privacy, now: datetime, *, publish_at: datetime | None = None
    ) -> None:
        """Change who can watch a video from an instant on; views stop and go on with it.

        A `publish_at` (only with private) makes it public at that instant, or at once if it has passed.
        """
        if publish_at is not None and publish_at <= now:
            privacy, publish_at = "public", None
        was_seen = bool(video.visible)
        self._close(video, now)
        video.privacy, video.publish_at = privacy, publish_at
        starts = now if privacy in _VIEWABLE else publish_at
        if starts is not None:
            video.visible.append((starts.timestamp(), None))
            if not was_seen:
                video.published_at = starts

    def settle(self, video: Video, now: datetime) -> Video:
        """Carry out a publication that was scheduled and is due; answers the video."""
        if video.publish_at is not None and video.publish_at <= now:
            video.privacy, video.publish_at = "public", None
        return video

    def delete_video(self, video: Video, now: datetime) -> None:
        """Delete a video; its views of the past stay in the reports, without its id from then on."""
        self._close(video, now)
        video.deleted_at = now
        video.upload_status = "deleted"

    # Counters

    def counters(self, video: Video, now: datetime) -> Counters:
        """A video's public counters at an instant."""
        views = growth.views_at(video, now.timestamp())
        key, rates = video.key, video.rates
        return Counters(
            views=views,
            likes=growth.share_of(key, LIKES, rates.likes, views),
            dislikes=growth.share_of(key, DISLIKES, rates.dislikes, views),
            comments=growth.share_of(key, COMMENTS, rates.comments, views),
        )

    def channel_counters(self, channel_id: str, now: datetime) -> ChannelCounters:
        """A channel's public counters at an instant. Videos count while they exist and are public."""
        channel = self._channels[channel_id]
        epoch = now.timestamp()
        views = videos = 0
        subscribers = (
            channel.subscriber_base + growth.gains_until(channel, epoch) - growth.losses_until(channel, epoch)
        )
        for video in self.all_videos_of(channel_id, pacific_day(now)):
            seen = growth.views_at(video, epoch)
            views += seen
            subscribers += growth.share_of(video.key, SUBSCRIBERS_GAINED, video.rates.subscribers_gained, seen)
            subscribers -= growth.share_of(video.key, SUBSCRIBERS_LOST, video.rates.subscribers_lost, seen)
            videos += exists(video, now) and self.settle(video, now).privacy == "public"
        return ChannelCounters(views=views, subscribers=max(0, subscribers), videos=videos)

    def channel_day(self, channel_id: str, day: date) -> Tally:
        """The true, final totals of a channel's Pacific day: its videos, and what befell the channel itself."""
        ordinal = day.toordinal()
        days = (video_day(video, ordinal) for video in self.all_videos_of(channel_id, day))
        own = events(self._channels[channel_id], ordinal)
        return total([own, *(one.whole() for one in days if one.views)])

    # Within

    def _keep(self, video: Video) -> None:
        self._videos[video.id] = video
        self._of_channel[video.channel_id].append(video)

    def _look_ahead(self, channel_id: str, ordinal: int) -> None:
        """Let the seed upload what it uploads until a Pacific day."""
        if self._known_until.get(channel_id, ordinal) >= ordinal:
            return
        channel = self._channels[channel_id]
        for day in range(self._known_until[channel_id] + 1, ordinal + 1):
            for video in population.uploads_of_day(self.seed, channel, day):
                self._keep(video)
        self._known_until[channel_id] = max(ordinal, self._known_until[channel_id])

    def _close(self, video: Video, now: datetime) -> None:
        """End the open span in which the public could watch, or drop it if it has not begun."""
        if video.visible and video.visible[-1][1] is None:
            start, _ = video.visible.pop()
            if start < now.timestamp():
                video.visible.append((start, now.timestamp()))


def exists(video: Video, now: datetime) -> bool:
    """Whether a video has been uploaded and not deleted at an instant."""
    uploaded = video.uploaded_at or video.published_at
    return uploaded <= now and (video.deleted_at is None or video.deleted_at > now)
