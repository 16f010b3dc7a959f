"""What is wrong for how long until it is an alarm: a table, and the pure decision.

What a condition is decided from is a list of moments: since when each thing has been wrong. An alarm is open as
long as one of them is older than the condition allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import to_the_second

MOST = 80
"""Moments of one condition that are looked at; more than that are said to be that many and more."""
INTERVAL = timedelta(minutes=5)
"""How often the watch runs; the schedule's, which a test compares."""
SILENT_AFTER = INTERVAL * 3 / 2
"""After how long without a whole run the watch itself is an alarm."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One kind of trouble. after: how long it may last before it is an alarm.

    says: a sentence with {count} and {since}, the oldest moment. stops: what it keeps from working. todo, code:
    what to do, and what to run, if anything.
    """

    key: str
    severity: str
    after: timedelta
    says: str
    stops: str
    todo: str
    code: str | None = None


DEAD_LETTERS = Condition(
    key="deadLetters",
    severity="ERROR",
    after=timedelta(0),
    says="Messages that were given up within a day: {count}, the first at {since}.",
    stops="What they were about is asked for again by the hourly runs, and fails again until its cause is gone.",
    todo="Read ingest's log for the cause. Messages stay for seven days; the alarm ends a day after the last one:",
    code="gcloud pubsub subscriptions pull ingest-dead --limit=20",
)
ERASURES = Condition(
    key="erasures",
    severity="ERROR",
    after=timedelta(hours=1),
    says="Erasures of disconnected channels that nobody has confirmed: {count}, the oldest asked for at {since}.",
    stops="Rows of channels whose owners have left are still in the warehouse.",
    todo="They are asked for again every hour; if that changes nothing, read ingest's log:",
    code="gcloud scheduler jobs run refresh-tokens",
)
OPERATIONS = Condition(
    key="operations",
    severity="ERROR",
    after=timedelta(hours=2),
    says="Operations that should have gone on long ago: {count}, the oldest at {since}.",
    stops="What the app has asked to publish does not go on.",
    todo="See whether the queue is paused; then start the sweep, and read run_operation's log:",
    code="gcloud scheduler jobs run sweep-operations",
)
CONDITIONS = (DEAD_LETTERS, ERASURES, OPERATIONS)

WATCH = Condition(
    key="watch",
    severity="CRITICAL",
    after=SILENT_AFTER,
    says="The watch has not run to its end since {since}.",
    stops="Nothing else that goes wrong would be noticed.",
    todo="Start it; if it fails, read the log of the function `watch`:",
    code="gcloud scheduler jobs run watch",
)
"""Decided by others than the watch: by a task that was queued at its last run, and by the console."""

Observed = Mapping[str, Sequence[datetime]]
"""Each condition's key, and since when each thing is wrong, the oldest first; at most MOST. What could not be read
is not there."""


@dataclass(frozen=True)
class Alarm:
    """A condition that lasts for too long, in words."""

    condition: Condition
    message: str


def alarms(observed: Observed, now: datetime) -> tuple[Alarm, ...]:
    """The alarms that should be open. Of what could not be read nothing is said."""
    found = (alarm(condition, observed.get(condition.key, ()), now) for condition in CONDITIONS)
    return tuple(each for each in found if each is not None)


def alarm(condition: Condition, moments: Sequence[datetime], now: datetime) -> Alarm | None:
    """The alarm of one condition, None while nothing lasts for too long."""
    late = sorted(at for at in moments if now - at >= condition.after)
    if not late:
        return None
    count = f"{len(late)} or more" if len(moments) >= MOST else str(len(late))
    return Alarm(condition, condition.says.format(count=count, since=to_the_second(late[0])))
