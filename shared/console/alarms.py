"""What is wrong for everybody, as the operator needs it: since when, what it stops, the one thing to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.monitoring.alerts import OAUTH_CLIENT, YOUTUBE_API, Alert
from shared.settings import OAUTH_CLIENT_SECRET
from shared.watch.conditions import CONDITIONS, WATCH


@dataclass(frozen=True, kw_only=True)
class AlarmRow:
    """One alert. message: what is wrong. stops: what it keeps from working. todo and code: what to do, to run."""

    key: str
    message: str
    since: datetime
    stops: str
    todo: str
    code: str | None


_APIS = ("youtube.googleapis.com", "youtubeanalytics.googleapis.com", "youtubereporting.googleapis.com")
_WORDS: Mapping[str, tuple[str, str, str | None]] = {
    **{each.key: (each.stops, each.todo, each.code) for each in (*CONDITIONS, WATCH)},
    OAUTH_CLIENT: (
        "No connection can renew its permission; collecting and publishing stop within the hour.",
        "Add the id and secret that Google's console shows for the client; within five minutes they are used:",
        f"gcloud secrets versions add {OAUTH_CLIENT_SECRET} --data-file=client.json",
    ),
    YOUTUBE_API: (
        "No video can be published or changed, and no report is collected from an API that is not enabled.",
        "Enable YouTube's APIs for the project; the alarm ends with the first operation that succeeds:",
        f"gcloud services enable {' '.join(_APIS)}",
    ),
}


def rows(alerts: Iterable[Alert]) -> tuple[AlarmRow, ...]:
    """All that fire, the oldest first."""
    return tuple(_row(alert) for alert in sorted(alerts, key=lambda alert: alert.since))


def _row(alert: Alert) -> AlarmRow:
    stops, todo, code = _WORDS.get(alert.key, ("", f"Read what the log says of {alert.key}.", None))
    return AlarmRow(key=alert.key, message=alert.message, since=alert.since, stops=stops, todo=todo, code=code)
