"""One run of the watch: read, decide, act, open and end alarms, tell operators. And the check that it is alive.

Every run first has itself checked: a task, queued for an interval and a half later at another function, alarms
when no run has come to its end since. So the watch may die, or never be called again, and is missed all the same.
A run that could not read everything has not come to its end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock, to_the_second
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client
from shared.data_map import HEARTBEATS
from shared.monitoring import alerts
from shared.monitoring.alerts import Alert
from shared.monitoring.log import log
from shared.watch import conditions
from shared.watch.conditions import ALARMS, RESPONSE_TIME, SILENT_AFTER, WATCH, Seen
from shared.watch.reading import READERS, Sources, due

Publish = Callable[[Sequence[Mapping[str, Any]]], object]
"""Gives notices to whoever wants them, durably; the same ones given again are the same."""
REST = timedelta(minutes=15)  # for which an endpoint that is found slow is spared calls that can wait
_LINES = 20  # of a digest


@dataclass(frozen=True, kw_only=True)
class Watch(Sources):
    """The watch. check_later: has `check` called with a moment once SILENT_AFTER has passed since.

    take_calls: has `ingest` take the call log. app: the app's address, where users connect again.
    """

    clock: Clock
    publish: Publish
    check_later: Callable[[datetime], object]
    take_calls: Callable[[], object]
    app: str

    def run(self) -> dict[str, int]:
        """How many alarms are open, how many notices were sent. Raises what kept it from reading everything."""
        began = self.clock()
        self.check_later(began)
        observed, failures = self._observed(began)
        # Endpoints that are slow are spared. Cache-only mode needs no act: the ledger has it by itself.
        for slow in observed.get(RESPONSE_TIME.key, ()):
            if slow.value >= RESPONSE_TIME.level:
                self.quota.rest(slow.subject, began + REST)
        open_now = conditions.alarms(observed, began, app=self.app)
        for key, words in open_now.items():
            alerts.tell(self.client, key, words, began, severity=ALARMS[key].severity)
        over = observed.keys() - open_now.keys()
        if not failures:
            self.client.document(HEARTBEATS.path, WATCH.key).set({"at": began}, **call_options())
            over |= {WATCH.key}
        pending = alerts.pending(self.client)
        ended = [alert.key for alert in pending if alert.key in over and alert.state == alerts.FIRING]
        for key in ended:
            alerts.tell(self.client, key, None, began)
        told = tell(self.client, self.publish, alerts.pending(self.client) if ended else pending)
        if failures:
            raise failures[0]
        return {"alarms": len(open_now), "told": told}

    def _observed(self, now: datetime) -> tuple[dict[str, list[Seen]], list[Exception]]:
        """What could be read, and why the rest could not."""
        observed, failures = dict[str, list[Seen]](), list[Exception]()

        def take_calls(_sources: Sources, _now: datetime) -> dict[str, list[Seen]]:
            self.take_calls()
            return {}

        for name, (every, which, read) in {"the call log": (1, 0, take_calls), **READERS}.items():
            try:
                observed |= read(self, now) if due(every, which, now) else {}
            except Exception as error:  # noqa: BLE001 - the other conditions are looked at all the same
                log("ERROR", "the watch cannot read", source=name, error=type(error).__name__)
                failures.append(error)
        return observed, failures


def check(client: Client, publish: Publish, *, since: datetime, now: datetime) -> bool:
    """Whether the watch has come to its end since a run of its own; if not, an alarm."""
    at = _last(client)
    if at is not None and at > since:
        return True
    alerts.tell(client, WATCH.key, _silence(at), now, severity=WATCH.severity)
    tell(client, publish, alerts.pending(client))
    return False


def tell(client: Client, publish: Publish, pending: Iterable[Alert]) -> int:
    """Send a notice of each of these alerts that has begun or ended since it was told of last; how many.

    Sent before it is noted: whoever dies in between sends it again, with the same key, state and moment.
    """
    untold = [alert for alert in pending if not alert.told]
    if untold:
        publish([notice(alert) for alert in untold])
    for alert in untold:
        alerts.told(client, alert)
    return len(untold)


def notice(alert: Alert) -> dict[str, Any]:
    """What operators are told of an alert that has begun or ended."""
    row = conditions.known(alert.key)
    return {
        "alert": alert.key,
        "state": alert.state,
        "since": to_the_second(alert.since),
        "severity": alert.severity,
        "message": alert.message,
        "runbook": row.runbook if row else conditions.RUNBOOK,
    }


def digest(notices: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Some notices as one text for a chat, and an id that is the same for the same ones."""
    over = {alerts.RESOLVED: "OVER"}
    lines = [
        f"{over.get(each['state'], each['severity'])} {each['alert']}, since {each['since']}: {each['message']} "
        f"({each['runbook']})"
        for each in notices
    ]
    told = sorted(f"{each['alert']} {each['state']} {each['since']}" for each in notices)
    more = [f"and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return "\n".join([*lines[:_LINES], *more]), hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


def wrong_now(client: Client, now: datetime) -> tuple[Alert, ...]:
    """What is wrong now, among it the watch's own silence, whoever has noticed it."""
    found = alerts.firing(client)
    at = _last(client)
    if (at is not None and now - at < SILENT_AFTER) or any(alert.key == WATCH.key for alert in found):
        return found
    return (*found, Alert(key=WATCH.key, since=at or now, message=_silence(at), severity=WATCH.severity))


def _last(client: Client) -> datetime | None:
    """When the last run began that came to its end; None when none ever has."""
    found = client.document(HEARTBEATS.path, WATCH.key).get(**call_options())
    return found.get("at") if found.exists else None


def _silence(at: datetime | None) -> str:
    return WATCH.says.format(since=to_the_second(at) if at else "it was deployed")
