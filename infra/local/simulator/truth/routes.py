"""The truth about the guide's two tables and about counts: control addresses that no Google has."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from infra.local.simulator.control import control_route
from infra.local.simulator.fields import Asked, day, instant, text
from infra.local.simulator.reporting.truth import span
from infra.local.simulator.truth.channel_days import channel_days
from infra.local.simulator.truth.videos import counts, videos
from infra.local.simulator.world.model import Channel
from shared.clock import last_full_day, pacific_day

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator


def _metrics(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Every cell of `youtube_metrics` for a channel's days."""
    channel, (first, last) = _channel(simulator, asked), span(asked)
    first = max(first, pacific_day(channel.published_at) + timedelta(days=1))  # whole days only
    last = min(last, last_full_day(simulator.clock()))
    return {"channel_id": channel.id, "days": channel_days(simulator, channel, first, last)}


def _videos(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Every cell of `video_performance` for a channel's videos."""
    channel = _channel(simulator, asked)
    return {"channel_id": channel.id, "videos": videos(simulator, channel)}


def _counts(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """The counts of a channel's videos at an instant."""
    return counts(simulator, _channel(simulator, asked), asked["at"])


def _channel(simulator: Simulator, asked: Asked) -> Channel:
    channel = simulator.world.channel(asked["channel_id"])
    if channel is None:
        raise ValueError("there is no such channel")
    return channel


ROUTES = [
    control_route("GET", "/control/truth/metrics", _metrics, fields={"channel_id": text, "from": day, "to": day}),
    control_route("GET", "/control/truth/videos", _videos, fields={"channel_id": text}),
    control_route("GET", "/control/truth/counts", _counts, fields={"channel_id": text, "at": instant}),
]
