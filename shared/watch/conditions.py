"""What is wrong for how long, or from which figure on, until it is an alarm: `alarms.toml`, and the pure decision.

What a condition is decided from is what was seen: since when each thing has been wrong, and how wrong it is. An
alarm is open as long as one of them lasts for longer, and is worse, than the condition allows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared.clock import to_the_second

MOST = 50  # things of one condition that are looked at; more than that are said to be that many and more
TOLD = 5  # things of which a message tells, the worst first
INTERVAL = timedelta(minutes=5)  # how often the watch runs; the schedule's, which a test compares
CALLS_MIN = (20, 4)  # calls of the hour, and of the last minutes, under which no rate says anything
RUNBOOK = "infra/docs/runbook.md"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One kind of trouble. after: how long it may last before it is an alarm. level: the figure from which on.

    The other fields are as `alarms.toml` says.
    """

    key: str
    noticed: str
    severity: str
    after: timedelta
    says: str
    stops: str
    done: str
    todo: str
    code: str | None = None
    threshold: float | None = None
    share: float | None = None
    planned: Sequence[str] = ()

    @property
    def level(self) -> float:
        """The figure from which on it is an alarm."""
        return self.share if self.share is not None else self.threshold or 0

    @property
    def runbook(self) -> str:
        return f"{RUNBOOK}#{self.key.rstrip(':').lower()}"


_DECLARED: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("alarms.toml").read_text())
ALARMS = {
    key: Condition(key=key, after=timedelta(minutes=row.pop("after")), **row) for key, row in _DECLARED.items()
}
"""Every alarm, by its key or the beginning of its keys."""
CONDITIONS = tuple(each for each in ALARMS.values() if each.noticed == "watch")  # those that the watch decides
WATCH = ALARMS["watch"]
"""Decided by others than the watch: by a task that was queued at its last run, and by the console."""
SILENT_AFTER = WATCH.after  # after how long without a whole run the watch itself is an alarm
ERROR_RATE, RESPONSE_TIME = ALARMS["youtube_api_error_rate"], ALARMS["youtube_api_response_time_ms"]


def known(key: str) -> Condition | None:
    """The row of an alert, whoever has noticed it."""
    return ALARMS.get(key) or ALARMS.get(f"{key.partition(':')[0]}:")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One thing that is wrong. value: how wrong, in the condition's figures. subject: it; what: it in words."""

    since: datetime
    value: float = 0
    subject: str = ""
    what: str = ""


Observed = Mapping[str, Sequence[Seen]]
"""What was seen of each condition, by its key, at most MOST. What could not be read is not there."""


def alarms(observed: Observed, now: datetime, *, app: str = "") -> dict[str, str]:
    """The words of the alarms that should be open, by key; none of what could not be read. app: its address."""
    found = {each.key: alarm(each, observed.get(each.key, ()), now, app=app) for each in CONDITIONS}
    return {key: words for key, words in found.items() if words is not None}


def alarm(condition: Condition, seen: Sequence[Seen], now: datetime, *, app: str = "") -> str | None:
    """The words of one condition's alarm, None while nothing is wrong enough for long enough."""
    late = [each for each in seen if now - each.since >= condition.after and each.value >= condition.level]
    if not late:
        return None
    count = f"{len(late)} or more" if len(seen) >= MOST else str(len(late))
    worst = [each.what for each in sorted(late, key=lambda each: -each.value)]
    what = "; ".join(worst[:TOLD]) + (f"; and {len(worst) - TOLD} more" if len(worst) > TOLD else "")
    since = to_the_second(min(each.since for each in late))
    return condition.says.format(count=count, since=since, what=what, app=app)


def rates(endpoints: Mapping[str, Mapping[str, Any]], now: datetime) -> dict[str, list[Seen]]:
    """What the call log says of each endpoint's errors and slowness.

    A rate counts when the hour has it and the last minutes have it still: what is over ends the alarm soon, and
    one bad minute opens none. Source: Site Reliability Workbook, chapter 5 (two windows, a floor for low traffic).
    """
    found: dict[str, list[Seen]] = {ERROR_RATE.key: [], RESPONSE_TIME.key: []}
    for endpoint, of in sorted(endpoints.items()):
        (calls, errors, slow), (lately, errors_lately, slow_lately) = of["long"], of["short"]
        if calls < CALLS_MIN[0] or lately < CALLS_MIN[1]:
            continue
        most = max(of["reasons"], key=of["reasons"].__getitem__, default="unknown")
        for condition, bad, bad_lately, words in (
            (ERROR_RATE, errors, errors_lately, f"{endpoint}: {errors} of {calls}, mostly {most}"),
            (RESPONSE_TIME, slow, slow_lately, f"{endpoint}: {slow} of {calls}"),
        ):
            rate = min(bad / calls, bad_lately / lately)
            if rate > 0:
                found[condition.key].append(Seen(since=now, value=rate, subject=endpoint, what=words))
    return found
