"""What is wrong for everybody, as the operator needs it: since when, what it stops, the one thing to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.monitoring.alerts import NEW_REPORT_TYPES, OAUTH_CLIENT, REPORT_GAPS, REPORT_TYPES, Alert
from shared.monitoring.apis import key
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


_APIS: Mapping[str, str] = {
    "youtube": "No video can be published or changed, no channel connected, and no upload polled.",
    "youtubeAnalytics": "No figure comes from the Analytics API.",
    "youtubereporting": "No report is listed or downloaded. YouTube keeps most for 60 days, some for 30.",
}
_WORDS: Mapping[str, tuple[str, str, str | None]] = {
    **{each.key: (each.stops, each.todo, each.code) for each in (*CONDITIONS, WATCH)},
    OAUTH_CLIENT: (
        "No connection can renew its permission; collecting and publishing stop within the hour.",
        "Add the id and secret that Google's console shows for the client; within five minutes they are used:",
        f"gcloud secrets versions add {OAUTH_CLIENT_SECRET} --data-file=client.json",
    ),
    REPORT_GAPS: (
        "What is not loaded by its date is missing for good.",
        "The table of reports says for each channel what is missing, why, and until when it can come.",
        None,
    ),
    REPORT_TYPES: (
        "From then on YouTube makes no reports of these types.",
        "Choose their successors in YT_REPORT_TYPES, or take a release that knows them; deploy all functions.",
        None,
    ),
    NEW_REPORT_TYPES: (
        "Nothing yet. A newer version mostly means that YouTube will retire the one that is collected.",
        "Declare them in shared/warehouse/report_types.toml, make their tables, and deploy.",
        None,
    ),
    **{
        key(api): (
            stops,
            "Enable the API, or do what Google asks of the project; the alarm ends with the API's next answer:",
            f"gcloud services enable {api.lower()}.googleapis.com",
        )
        for api, stops in _APIS.items()
    },
}


def rows(alerts: Iterable[Alert]) -> tuple[AlarmRow, ...]:
    """All that fire, the oldest first."""
    return tuple(_row(alert) for alert in sorted(alerts, key=lambda alert: alert.since))


def _row(alert: Alert) -> AlarmRow:
    stops, todo, code = _WORDS.get(alert.key, ("", f"Read what the log says of {alert.key}.", None))
    return AlarmRow(key=alert.key, message=alert.message, since=alert.since, stops=stops, todo=todo, code=code)
