"""The world that the simulator shows: accounts, channels, videos, and how their numbers grow, all from a seed."""

from infra.local.simulator.world.model import (
    Account,
    Channel,
    ChannelCounters,
    Counters,
    Privacy,
    State,
    UploadStatus,
    Video,
)
from infra.local.simulator.world.store import World, exists

__all__ = [
    "Account",
    "Channel",
    "ChannelCounters",
    "Counters",
    "Privacy",
    "State",
    "UploadStatus",
    "Video",
    "World",
    "exists",
]
