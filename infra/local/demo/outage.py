"""Three days in which the hub is dead: whether every video is known in the end, and how long none was told of."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from infra.local.demo import control
from infra.local.stack import Stack
from shared.collection.polling import POLL_EVERY
from shared.push.hub import LEASE

if TYPE_CHECKING:
    from google.cloud.firestore import Client

_EVERY = timedelta(hours=8)
_VIDEOS = timedelta(days=3) // _EVERY
_RUNS = 12
"""How many runs a video may take to be found: an hour."""
_PATIENCE = 5.0  # seconds until what a run has found is recorded


@dataclass
class Outage:
    """How many videos were published and found; longest: from a publication until we knew."""

    published: int = 0
    known: int = 0
    longest: timedelta = timedelta(0)

    def problems(self) -> list[str]:
        """What was missed."""
        missed = self.published - self.known
        return [f"{missed} videos that were published while the hub was dead are not known"] if missed else []


def live_through(
    stack: Stack,
    client: Client,
    channels: Sequence[str],
    renew: Callable[[], object],
    outage: Outage,
    *,
    videos: int = _VIDEOS,
) -> None:
    """Publish a video every eight hours, and let the run that comes next, or one of those after it, find it.

    All channels were subscribed at one moment, and the hub dies as all fall due. Of a network that grew, one falls
    due every few minutes; the runs in between, that have nothing to find, are left out.
    """
    rng = random.Random(7)  # noqa: S311 - a demo that is the same each time
    stack.advance((LEASE / 2).total_seconds())
    control.tell(stack, "hub", mode="dead")
    renew()
    for _ in range(videos):
        stack.advance((_EVERY - POLL_EVERY).total_seconds())
        video = control.tell(stack, "videos", channel_id=rng.choice(channels), title="Nobody told")["id"]
        published, outage.published = stack.now(), outage.published + 1
        stack.advance(rng.uniform(0, POLL_EVERY.total_seconds()))
        for _ in range(_RUNS):
            renew()
            if (known := _known(client, video)) is not None:
                outage.known += 1
                outage.longest = max(outage.longest, known - published)
                break
            stack.advance(POLL_EVERY.total_seconds())
    control.tell(stack, "hub", mode="normal")


def _known(client: Client, video: str) -> datetime | None:
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        if found := client.document("videos", video).get(["heard_at"]).to_dict():
            at: datetime = found["heard_at"]
            return at
        time.sleep(0.05)
    return None
