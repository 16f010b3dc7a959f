"""Who has connected which channels: `users/<user id>`, and all users who have any in `access/users`."""

from __future__ import annotations

from shared import data_map
from shared.cloud.steps import Docs, Write

EVERYBODY = f"{data_map.ACCESS.path}/users"
"""The document with all users who have connected a channel."""


def path(user_id: str) -> str:
    return f"{data_map.USERS.path}/{user_id}"


def channels_of(docs: Docs, user_id: str) -> frozenset[str]:
    return _listed(docs, path(user_id), "channels")


def connected(docs: Docs) -> frozenset[str]:
    return _listed(docs, EVERYBODY, "connected")


def with_channel(docs: Docs, user_id: str, channel_id: str) -> list[Write]:
    """What adds a channel to its user's, and a user to all; nothing for what is there."""
    mine, everybody = channels_of(docs, user_id), connected(docs)
    writes = []
    if channel_id not in mine:
        writes.append(Write(path(user_id), {"channels": sorted(mine | {channel_id})}))
    if user_id not in everybody:
        writes.append(Write(EVERYBODY, {"connected": sorted(everybody | {user_id})}))
    return writes


def without(docs: Docs, user_id: str, channel_id: str) -> list[Write]:
    """What takes a channel from its user's, and with the last one the user from everywhere."""
    rest = channels_of(docs, user_id) - {channel_id}
    if rest:
        return [Write(path(user_id), {"channels": sorted(rest)})]
    gone = [Write(path(user_id), delete=True)] if docs[path(user_id)] else []
    return [*gone, Write(EVERYBODY, {"connected": sorted(connected(docs) - {user_id})})]


def _listed(docs: Docs, document: str, field: str) -> frozenset[str]:
    found = docs[document]
    return frozenset(found.data.get(field, ()) if found is not None else ())
