"""Alerts: what is wrong for everybody and waits for an operator. Each fires once and resolves once.

`alerts/<key>` holds its state, since when, what is wrong, and whether operators have been told. Whoever notices
says so; of several who notice at once, the one whose write changed it says it in the log. `shared/watch` tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, listing, update, where
from shared.cloud.steps import Change, Docs, Write
from shared.data_map import ALERTS
from shared.errors import YtempireError
from shared.monitoring.log import log
from shared.monitoring.readable import readable
from shared.records import Mapper

COLLECTION = ALERTS.path
OAUTH_CLIENT = "oauthClient"
"""Google refuses our OAuth client, or it cannot be read: no connection can renew its permission."""
REPORT_GAPS = "reportGaps"  # days are missing that YouTube ought to have issued, or whose reports cannot be read
REPORT_TYPES = "reportTypes"  # YouTube retires report types that are collected
NEW_REPORT_TYPES = "newReportTypes"  # YouTube offers report types, or versions of them, that we do not know
APIS = ("youtube", "youtubeAnalytics", "youtubereporting")
"""YouTube's APIs, by the first word of their methods' ids. Each is enabled for itself, and so is its alert."""

LOOK_EVERY = timedelta(minutes=5)
"""How long after something has worked a process takes it that no alert fires about it."""
FIRING, RESOLVED = "firing", "resolved"
CRITICAL = "CRITICAL"
_ENDED_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. message: what is wrong, or was, in words without secrets. severity: as the log has it.

    told: whether operators have been told of its state.
    """

    key: str
    since: datetime
    message: str
    state: str = FIRING
    severity: str = CRITICAL
    told: bool = field(default=False, compare=False)


_STORED = Mapper(Alert, COLLECTION, key="key")
_path = _STORED.path


def tell(client: Client, key: str, message: str | None, now: datetime, *, severity: str = CRITICAL) -> None:
    """Say what is wrong; None: nothing any more. One read when that has been said already, in these words."""
    path, state, words = _path(key), RESOLVED, dict[str, Any]()
    if message is not None:
        state, words = FIRING, {"message": message, "severity": severity}

    def decide(docs: Docs) -> Change[bool]:
        stored = doc.data if (doc := docs[path]) else {"state": RESOLVED}
        if stored["state"] != state:
            return Change(True, [Write(path, {"state": state, "since": now, "told": False, **words})])
        return Change(False, [] if words.items() <= stored.items() else [Write(path, words)])

    if update(client, [path], decide):
        told = {} if message is None else {"reason": message}
        log("NOTICE" if message is None else severity, f"alert {state}", alert=key, **told)


def of_api(api: str) -> str:
    """The alert that an API takes no calls of this project; it ends with the next call that is answered."""
    return f"youtubeApi:{api}"


class ProcessAlerts:
    """Alerts about what one process sees work or fail, again and again. Safe for threads.

    What was done meanwhile must not be undone by an alert that cannot be written: that is logged only.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._worked: dict[str, datetime] = {}

    def failed(self, key: str, message: str) -> None:
        """What the alert is about has failed."""
        self._worked.pop(key, None)
        self._tell(key, message)

    def worked(self, key: str) -> None:
        """It has worked. One read in five minutes."""
        now, last = self._clock(), self._worked.get(key)
        if last is None or not timedelta(0) <= now - last < LOOK_EVERY:
            self._worked[key] = now
            self._tell(key, None)

    def _tell(self, key: str, message: str | None) -> None:
        from google.api_core import exceptions

        try:
            tell(self._client, key, message, self._clock())
        except (exceptions.GoogleAPICallError, exceptions.RetryError, YtempireError) as error:
            self._worked.pop(key, None)
            log("WARNING", "an alert could not be changed", alert=key, error=type(error).__name__)


def firing(client: Client) -> tuple[Alert, ...]:
    return tuple(readable(_STORED, listing(where(client.collection(COLLECTION), ("state", "==", FIRING)))))


def pending(client: Client) -> tuple[Alert, ...]:
    """What is wrong now, and what has begun or ended since operators were told. One query."""
    from google.cloud.firestore_v1.base_query import FieldFilter, Or

    either: Any = Or([FieldFilter("state", "==", FIRING), FieldFilter("told", "==", False)])
    return tuple(readable(_STORED, listing(client.collection(COLLECTION).where(filter=either))))


def ended(client: Client, since: datetime) -> list[Alert]:
    """What has ended since an instant, the latest first. There is one document for each kind of alert."""
    found = where(client.collection(COLLECTION), ("state", "==", RESOLVED)).limit(_ENDED_MOST)
    every = readable(_STORED, found.stream(**call_options()))
    return sorted((each for each in every if each.since > since), key=lambda alert: alert.since, reverse=True)


def told(client: Client, alert: Alert) -> None:
    """Note that operators were told of an alert as it is here; what has changed meanwhile stays untold."""
    path, known = _path(alert.key), {"state": alert.state, "since": alert.since}

    def decide(docs: Docs) -> Change[None]:
        same = (doc := docs[path]) is not None and known.items() <= doc.data.items()
        return Change(None, [Write(path, {"told": True})] if same else ())

    update(client, [path], decide)
