"""Alerts: what is wrong for everybody and waits for an operator. Each fires once and resolves once.

`alerts/<key>` holds its state, since when, what is wrong, and whether operators have been told. Whoever notices
says so; of several who notice at once, the one whose write changed it says it in the log. `shared/watch` tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

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
NEW_REPORT_TYPES = "newReportTypes"
"""YouTube offers report types, or versions of them, that we do not know."""

FIRING, RESOLVED = "firing", "resolved"
CRITICAL = "CRITICAL"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. message: what is wrong, or was, in words without secrets. severity: as the log has it."""

    key: str
    since: datetime
    message: str
    state: str = FIRING
    severity: str = CRITICAL


def fire(client: Client, key: str, message: str, now: datetime, *, severity: str = CRITICAL) -> None:
    """Say that something is wrong; one read when that has been said already, in these words."""
    path = _path(key)

    def decide(docs: Docs) -> Change[bool]:
        stored = docs[path]
        words = {"message": message, "severity": severity}
        if stored is None or stored.data["state"] != FIRING:
            return Change(True, [Write(path, {"state": FIRING, "since": now, "told": False, **words})])
        same = words.items() <= stored.data.items()
        return Change(False, [] if same else [Write(path, words)])

    if update(client, [path], decide):
        log(severity, f"alert {FIRING}", alert=key, reason=message)


def resolve(client: Client, key: str, now: datetime) -> None:
    """Say that it is over; one read when nothing was wrong."""
    path = _path(key)

    def decide(docs: Docs) -> Change[bool]:
        stored = docs[path]
        if stored is None or stored.data["state"] == RESOLVED:
            return Change(False)
        return Change(True, [Write(path, {"state": RESOLVED, "since": now, "told": False})])

    if update(client, [path], decide):
        log("NOTICE", f"alert {RESOLVED}", alert=key)


def firing(client: Client) -> tuple[Alert, ...]:
    """What is wrong now."""
    return tuple(_where(client, "state", FIRING))


def untold(client: Client) -> tuple[Alert, ...]:
    """What has begun or ended since operators were told."""
    return tuple(_where(client, "told", False))


def told(client: Client, alert: Alert) -> None:
    """Note that operators were told of an alert as it is here; what has changed meanwhile stays untold."""
    path = _path(alert.key)

    def decide(docs: Docs) -> Change[None]:
        stored = docs[path]
        same = stored is not None and (stored.data["state"], stored.data["since"]) == (alert.state, alert.since)
        return Change(None, [Write(path, {"told": True})] if same else ())

    update(client, [path], decide)


def _where(client: Client, name: str, value: object) -> Iterator[Alert]:
    from google.cloud.firestore_v1.base_query import FieldFilter

    query: Any = client.collection(COLLECTION).where(filter=FieldFilter(name, "==", value))
    for found in listing(query):
        fields = found.to_dict() or {}
        yield Alert(key=found.id, **{each: fields[each] for each in ("since", "message", "state", "severity")})


def _path(key: str) -> str:
    return f"{COLLECTION}/{key}"
