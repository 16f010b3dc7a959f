"""What is wrong for everybody, as the operator needs it: since when, what it stops, the one thing to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.console.words import called, words
from shared.monitoring.alerts import Alert
from shared.monitoring.apis import key
from shared.watch.conditions import ALARMS, known


@dataclass(frozen=True, kw_only=True)
class AlarmRow:
    """One alert. message: what is wrong. stops: what it keeps from working. todo and code: what to do, to run.

    done: what was done about it already. runbook: the section about it, in the repository.
    """

    key: str
    message: str
    severity: str
    since: datetime
    done: str
    stops: str
    todo: str
    code: str | None
    runbook: str


def rows(alerts: Iterable[Alert]) -> tuple[AlarmRow, ...]:
    """All that fire, the oldest first."""
    return tuple(_row(alert) for alert in sorted(alerts, key=lambda alert: alert.since))


def _row(alert: Alert) -> AlarmRow:
    condition, api = known(alert.key), alert.key.removeprefix(key(""))
    stops, todo, code = "", f"Read what the log says of {alert.key}.", None
    if condition is not None:
        stops, todo, code = condition.stops, condition.todo, condition.code
    if api in words("apis"):
        stops, code = words("apis")[api], f"gcloud services enable {api.lower()}.googleapis.com"
    return AlarmRow(
        key=alert.key,
        message=alert.message,
        severity=alert.severity,
        since=alert.since,
        done=words("done")["told" if alert.told else "untold"],
        stops=stops,
        todo=todo,
        code=code,
        runbook=condition.runbook if condition is not None else "",
    )


def watched(alerts: Iterable[Alert]) -> list[dict[str, Any]]:
    """Everything that can become an alarm, with how it stands now; what is open first."""
    since = {row.key: alert.since for alert in alerts if (row := known(alert.key)) is not None}
    found = []
    for row in sorted(ALARMS.values(), key=lambda each: each.key not in since):
        state = "open" if row.key in since else "well"
        standing = {
            "standing": called("watched", state),
            "tone": called("tones", state),
            "since": since.get(row.key),
        }
        found.append({"key": row.key.rstrip(":"), "severity": row.severity, "stops": row.stops, **standing})
    return found
