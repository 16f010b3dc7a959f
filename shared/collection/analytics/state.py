"""What was asked of the Analytics API about a channel, and up to where it was answered: `analytics/<channel>`.

One small document a channel. It holds for one connection: another one begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from shared.channels import Channel, connection_of
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, documents
from shared.data_map import ANALYTICS
from shared.monitoring.readable import readable
from shared.records import Mapper


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One query's last asking, by Pacific days; of a query about months, one month's.

    on: when it was. until: up to where its days are answered for good. reason: why YouTube refused.
    history_on, back: when its history was read last, and the first day of that.
    """

    on: date | None = None
    until: date | None = None
    reason: str | None = None
    history_on: date | None = None
    back: date | None = None


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video whose retention is asked. asked: when it was last."""

    id: str
    published: date
    asked: date | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """A channel's. birth: the day on which the channel was made. videos: the most watched first.

    features: what the connection was allowed when the queries were asked.
    """

    channel_id: str
    connection: str
    features: tuple[str, ...] = ()
    birth: date | None = None
    queries: Mapping[str, Asked] = field(default_factory=dict)
    videos: tuple[Video, ...] = ()


STATES = Mapper(State, ANALYTICS.path, key="channel_id")


def of_channels(client: Client, channels: Iterable[Channel]) -> dict[str, State]:
    """The states of some channels, by id; a new one where none is stored for the connection. One read each."""
    new = {
        each.channel_id: State(
            channel_id=each.channel_id, connection=connection_of(each.channel_id, each.connected_at)
        )
        for each in channels
    }
    stored = readable(STATES, documents(client, ANALYTICS.path, new))
    return new | {s.channel_id: s for s in stored if s.connection == new[s.channel_id].connection}


def save(client: Client, state: State) -> None:
    """Store a channel's state. Who saves looks afterwards whether the connection still stands."""
    client.document(ANALYTICS.path, state.channel_id).set(STATES.fields(state), **call_options())


def forget(client: Client, channel_id: str) -> None:
    """Delete the state of a channel that is gone."""
    client.document(ANALYTICS.path, channel_id).delete(**call_options())
