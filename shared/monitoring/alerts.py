"""Alerts: what is wrong for everybody and waits for an operator. Each fires once and resolves once.

`alerts/<key>` holds its state, since when, and what is wrong. Whoever notices says so; of several who notice at
once, the one whose write changed it says it in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.cloud.firestore import listing, update
from shared.cloud.steps import Docs, Write
from shared.cloud.updates import Change
from shared.data_map import ALERTS
from shared.monitoring.log import log

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = ALERTS.path
OAUTH_CLIENT = "oauthClient"
"""Google refuses our OAuth client, or it cannot be read: no connection can renew its permission."""
REPORT_GAPS = "reportGaps"
"""Days are missing that YouTube ought to have issued, or whose reports cannot be read."""
REPORT_TYPES = "reportTypes"
"""YouTube retires report types that are collected."""

_FIRING, _RESOLVED = "firing", "resolved"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One that is firing. message: what is wrong, in words without secrets."""

    key: str
    since: datetime
    message: str


def fire(client: Client, key: str, message: str, now: datetime, *, renew: bool = False) -> None:
    """Say that something is wrong; one read when it has been said already.

    renew: say it again in other words when they have changed, such as another deadline.
    """
    _change(client, key, _FIRING, message, now, renew=renew)


def resolve(client: Client, key: str, now: datetime) -> None:
    """Say that it is over; one read when nothing was wrong."""
    _change(client, key, _RESOLVED, "", now)


def firing(client: Client) -> tuple[Alert, ...]:
    """What is wrong now."""
    found = ((alert.id, alert.to_dict() or {}) for alert in listing(client.collection(COLLECTION)))
    return tuple(
        Alert(key=key, since=fields["since"], message=fields["message"])
        for key, fields in found
        if fields["state"] == _FIRING
    )


def _change(client: Client, key: str, state: str, message: str, now: datetime, *, renew: bool = False) -> None:
    path = f"{COLLECTION}/{key}"

    def decide(docs: Docs) -> Change[bool]:
        stored = docs[path]
        before = stored.data if stored else {"state": _RESOLVED}
        if state != before["state"]:
            return Change(True, [Write(path, {"state": state, "since": now, "message": message})])
        if renew and message != before["message"]:
            return Change(True, [Write(path, {"message": message})])
        return Change(False)

    if update(client, [path], decide):
        log("CRITICAL" if state == _FIRING else "NOTICE", f"alert {state}", alert=key, reason=message)
