"""`videos.insert`: what is checked before the first byte, and the video that the last byte makes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from infra.local.simulator.caller import own_channel
from infra.local.simulator.data import render, rules
from infra.local.simulator.data.library import Arrival, Library
from infra.local.simulator.data.refusals import refuse
from infra.local.simulator.data.studio import Studio
from infra.local.simulator.data.videos import refuse_surplus, written
from infra.local.simulator.errors import GoogleError
from infra.local.simulator.uploads.processing import Fate, failure_of
from infra.local.simulator.uploads.sessions import Whole, receive

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator

USUAL_LIMIT = 100
"""Videos that a channel may upload through the API within 24 hours; YouTube names no figure, tests set theirs."""


@dataclass
class PlannedFate:
    """How processing of the next uploads ends. channel_id None: of any channel."""

    fate: Fate
    channel_id: str | None = None
    title: str | None = None
    times: int = 1


class UploadRules:
    """What a channel may upload, and how it ends. One a simulator: `simulator.room(UploadRules)`.

    reject_duplicates: a file that the channel has sent before is rejected as a duplicate.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._clock = simulator.clock
        self._made: dict[str, deque[datetime]] = {}
        self._hashes: set[tuple[str, str]] = set()
        self.limits: dict[str, int] = {}
        self.fates: list[PlannedFate] = []
        self.reject_duplicates = False

    def check_limit(self, channel_id: str) -> None:
        """Raises 400 uploadLimitExceeded when the channel has had its videos of the last 24 hours."""
        made = self._made.get(channel_id, deque())
        while made and self._clock() - made[0] >= timedelta(hours=24):
            made.popleft()
        if len(made) >= self.limits.get(channel_id, USUAL_LIMIT):
            raise GoogleError(
                400,
                "uploadLimitExceeded",
                "The user has exceeded the number of videos they may upload.",
                domain="youtube.video",
            )

    def arrival(self, channel_id: str, title: str, whole: Whole) -> Arrival:
        """The file as YouTube will process it; counts it against the channel's limit."""
        now = self._clock()
        self._made.setdefault(channel_id, deque()).append(now)
        fate = self._fate(channel_id, title, whole)
        self._hashes.add((channel_id, whole.sha256))
        file = render.File(whole.size, whole.head, whole.file_name)
        return Arrival(file=file, sha256=whole.sha256, arrived=now, fate=fate)

    def _fate(self, channel_id: str, title: str, whole: Whole) -> Fate:
        for planned in self.fates:
            fits = planned.channel_id in (None, channel_id) and planned.title in (None, title)
            if fits and planned.times > 0:
                planned.times -= 1
                return planned.fate
        if failure := failure_of(whole.head, whole.size):
            return Fate(failure=failure)
        if self.reject_duplicates and (channel_id, whole.sha256) in self._hashes:
            return Fate(rejection="duplicate")
        return Fate()


def insert(simulator: Simulator, call: Call) -> Answer:
    """Check the metadata and the channel's limit, then take the media by the protocol that the call uses."""
    channel = own_channel(simulator, call)
    body, parts = call.body or {}, frozenset(call.parts)
    refuse_surplus(body, parts)
    if problem := rules.metadata_problem(body, parts, updating=False):
        raise refuse(problem)
    simulator.room(UploadRules).check_limit(channel.id)
    complete = written(body, parts | {"snippet", "status"}, updating=False)
    title = complete["snippet"]["title"]

    def finish(whole: Whole) -> dict[str, Any]:
        arrival = simulator.room(UploadRules).arrival(channel.id, title, whole)
        seconds = max(1, whole.size // 250_000)  # As if it were filmed at two megabits a second.
        video = simulator.room(Studio).publish(channel.id, complete, duration_seconds=seconds, arrival=arrival)
        return render.video(simulator.room(Library).shown(video, channel.id), parts)

    answer: Answer = receive(simulator, call, channel_id=channel.id, title=title, finish=finish)
    return answer
