"""Alerts: what is wrong for everybody and waits for an operator. Each fires once and resolves once.

`alerts/<key>` holds its state, since when, and what is wrong. Whoever notices says so; the write's condition lets
one of them say it in the log.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.cloud.firestore import committed, patience, put
from shared.data_map import ALERTS
from shared.monitoring.log import log

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = ALERTS.path
OAUTH_CLIENT = "oauthClient"
"""Google refuses our OAuth client, or it cannot be read: no connection can renew its permission."""
YOUTUBE_API = "youtubeApi"
"""YouTube does not take this project's calls, whoever they are for."""

_FIRING, _RESOLVED = "firing", "resolved"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One that is firing. message: what is wrong, in words without secrets."""

    key: str
    since: datetime
    message: str


def fire(client: Client, key: str, message: str, now: datetime) -> None:
    """Say that something is wrong; one read when it has been said already."""
    _turn(client, key, _FIRING, message, now)


def resolve(client: Client, key: str, now: datetime) -> None:
    """Say that it is over; one read when nothing was wrong."""
    _turn(client, key, _RESOLVED, "", now)


def firing(client: Client) -> tuple[Alert, ...]:
    """What is wrong now."""
    found = ((alert.id, alert.to_dict() or {}) for alert in client.collection(COLLECTION).stream(**patience()))
    return tuple(
        Alert(key=key, since=fields["since"], message=fields["message"])
        for key, fields in found
        if fields["state"] == _FIRING
    )


def _turn(client: Client, key: str, state: str, message: str, now: datetime) -> None:
    reference = client.document(COLLECTION, key)
    snapshot = reference.get(**patience())
    if state == (snapshot.get("state") if snapshot.exists else _RESOLVED):
        return
    me, batch = secrets.token_hex(8), client.batch()
    put(batch, snapshot, {"state": state, "since": now, "message": message, "said_by": me})
    if not committed(batch) and (reference.get(**patience()).to_dict() or {}).get("said_by") != me:
        return  # somebody else has just said so
    log("CRITICAL" if state == _FIRING else "NOTICE", f"alert {state}", alert=key, reason=message)
