"""What is wrong for everybody, as the operator needs it: since when, what it stops, the one thing to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.console.words import standing, words
from shared.monitoring.alerts import Alert, of_api
from shared.watch.conditions import ALARMS, known


def rows(alerts: Iterable[Alert]) -> list[dict[str, Any]]:
    """All that fire, the oldest first. stops: what it keeps from working. runbook: the section about it."""
    return [_row(alert) for alert in sorted(alerts, key=lambda alert: alert.since)]


def _row(alert: Alert) -> dict[str, Any]:
    condition, api = known(alert.key), alert.key.removeprefix(of_api(""))
    told = {name: getattr(alert, name) for name in ("key", "message", "severity", "since")}
    told |= {"done": words("done")["told" if alert.told else "untold"], "stops": "", "code": None, "runbook": ""}
    todo = f"Read what the log says of {alert.key}."
    if condition is not None:
        todo = condition.todo
        told |= {name: getattr(condition, name) for name in ("stops", "code", "runbook")}
    if api in words("apis"):
        told |= {"stops": words("apis")[api], "code": f"gcloud services enable {api.lower()}.googleapis.com"}
    return told | {"todo": {"text": todo, "code": told["code"]}}


def watched(alerts: Iterable[Alert]) -> list[dict[str, Any]]:
    """Everything that can become an alarm, with how it stands now; what is open first."""
    since = {row.key: alert.since for alert in alerts if (row := known(alert.key)) is not None}
    return [
        {
            "key": row.key.rstrip(":"),
            "severity": row.severity,
            "stops": row.stops,
            "since": since.get(row.key),
            **standing("watched", "open" if row.key in since else "well"),
        }
        for row in sorted(ALARMS.values(), key=lambda each: each.key not in since)
    ]
