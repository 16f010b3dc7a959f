"""Plans who is collected when: a collector called without channels queues tasks, called with some it collects.

Channels are collected in batches, a task each: a batch's new reports share load jobs, of which BigQuery allows
some 1,500 a table and day. A task is named by its batch and for when, so a trigger that arrives twice plans once.
Reports are collected by the packs of their coverage; else a channel's own id says in which batch it is, so one
that comes or goes moves nobody.

A task is one turn, which ends early rather than wait: for a rate limit, for YouTube, for the end of its units.
Whom it did not come to are another turn's, queued for when that may run. Of reports, all channels' first type is
listed before anybody's second: when nobody is left, all are handed on to the next.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared import data_map, ids
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client
from shared.fields import Fields
from shared.settings import REPORT_TYPES, Settings
from shared.warehouse.report_types import FAMILIES, PROFILES, newest

OFFERED = f"{data_map.REPORT_TYPES.path}/offered"
"""What report types YouTube offered when it was asked last (`offers`)."""
BATCH = 25  # channels, on average
STALE = timedelta(hours=25)  # the guide's threshold for a channel whose collection is overdue
QUEUE = "collect"
TURNS_MAX = 200  # of one run's channels; then a later run finds them due
UNITS_MAX = 1_000_000
REPORTS, METADATA = "collect_reports", "collect_metadata"
_ALSO = {REPORTS: ("report_types", "tries", "listed"), METADATA: ("units",)}

_AT_ONCE = 8  # tasks queued side by side: each takes Cloud Tasks some 30 ms

Enqueue = Callable[[str, str, str, Mapping[str, object], datetime | None], bool]
"""(queue, task name, function, payload, when; None is now): True when newly queued."""

Book = Callable[..., Sequence[datetime]]
"""(how many calls each of several groups makes, not_before=None): from when each may run, one after another."""


def due(last_listed: Mapping[str, datetime | None], *, now: datetime, everything: bool) -> list[str]:
    """The channels to collect, in order: all, or those whose last listing (not loading) is missing or stale."""
    return sorted(
        channel_id for channel_id, last in last_listed.items() if everything or last is None or now - last >= STALE
    )


def batches(channel_ids: Iterable[str], size: int = BATCH) -> dict[int, list[str]]:
    """Channels by the number of their batch, some `size` of them in each, in the order given."""
    everyone, found = list(channel_ids), defaultdict[int, list[str]](list)
    for channel_id in everyone:
        found[_batch(channel_id, -(-len(everyone) // size))].append(channel_id)
    return found


def _batch(channel_id: str, count: int) -> int:
    """Jump consistent hashing, which is even, and where one batch more takes its share from all the others.

    Source: Lamping and Veach, arxiv.org/abs/1406.2294.
    """
    key = int.from_bytes(hashlib.sha256(channel_id.encode()).digest()[:8])
    batch = following = 0
    while following < count:
        batch = following
        key = (key * 2862933555777941757 + 1) % 2**64
        following = int((batch + 1) * (2**31 / ((key >> 33) + 1)))
    return batch


def plan(
    function: str,
    channel_ids: Iterable[str],
    *,
    slot: str,
    enqueue: Enqueue,
    book: Book | None = None,
    calls: Callable[[str], int] = lambda _: 1,
    also: Mapping[str, Any] | None = None,
    batched: Callable[[Iterable[str]], Mapping[int, list[str]]] = batches,
) -> int:
    """Queue one task a batch for `function`; answers how many were new. slot: the run that they belong to.

    book: gives each batch its time; without it all run now. calls: how many calls a channel takes. also: what each
    task is told besides its channels. batched: puts them into batches.
    What comes to a batch after its task was queued waits for the next slot.
    """
    found = sorted(batched(channel_ids).items())
    times = book([sum(map(calls, ids)) for _, ids in found]) if book and found else [None] * len(found)

    def queue(batch: tuple[int, list[str]], when: datetime | None) -> bool:
        name, payload = f"{function} {slot} batch {batch[0]}", {"channels": batch[1], **(also or {})}
        return enqueue(QUEUE, name, function, payload, when)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(queue, found, times))


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one task collects. function: which does; run: what it belongs to; number: how many turns that makes.

    Of reports: report_types, of which the first is listed now, the others after it. tries: how often in a row
    these channels met trouble. listed: channels that wait for these to be listed before the next report type is.
    Of metadata: units, what is left of the run's.
    """

    function: str = REPORTS
    channels: tuple[str, ...]
    run: str = ""
    number: int = 1
    report_types: tuple[str, ...] = ()
    tries: int = 0
    listed: tuple[str, ...] = ()
    units: int = 0

    @property
    def name(self) -> str:
        """The task's name: the same for whoever hands on the same."""
        kind = "".join(f" {report_type}" for report_type in self.report_types[:1])
        return f"{self.function} {self.run}{kind} turn {self.number} from {self.channels[0]}"

    def as_json(self) -> dict[str, Any]:
        also = {name: getattr(self, name) for name in _ALSO[self.function]}
        told = {"channels": self.channels, "run": self.run, "turn": self.number, **also}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items() if value}

    def rest(
        self, channels: Sequence[str], *, tries: int = 0, listed: Sequence[str] = (), spent: int = 0
    ) -> Turn | None:
        """The same for those that this turn has not finished; None when there are none, or turns or units enough.

        spent: units. Who spent none and came to nobody hands on nothing.
        """
        idle = not spent and len(channels) == len(self.channels)
        if not channels or self.number >= TURNS_MAX or (self.units and (idle or self.units <= spent)):
            return None
        left, more = self.units - spent, self.number + 1
        return replace(self, channels=tuple(channels), number=more, tries=tries, listed=tuple(listed), units=left)

    def following(self, channels: Sequence[str]) -> Turn | None:
        """The next report type, for these; None after the last."""
        if not channels or len(self.report_types) == 1:
            return None
        return Turn(channels=tuple(channels), report_types=self.report_types[1:], run=self.run)


def asked_for(body: object, function: str = REPORTS) -> Turn:
    """The turn that a request asks for; channels alone are a run of their own (`whole`). Raises InvalidRequest."""
    asked = Fields(body, "channels", "run", "turn", *_ALSO[function])
    chosen = asked.texts("report_types")
    if not set(chosen) <= set(REPORT_TYPES):
        raise asked.wrong("report_types", f"are some of {', '.join(REPORT_TYPES)}")
    return Turn(
        function=function,
        channels=tuple(asked.ids("channels", ids.CHANNEL)),
        run=asked.line("run", most=40) if asked.has("run") else "",
        number=asked.whole("turn", most=TURNS_MAX) if asked.has("turn") else 1,
        report_types=tuple(chosen),
        tries=asked.whole("tries", most=TURNS_MAX) if asked.has("tries") else 0,
        listed=tuple(asked.ids("listed", ids.CHANNEL)),
        units=asked.whole("units", most=UNITS_MAX) if asked.has("units") else 0,
    )


def whole(turn: Turn, now: datetime, *, report_types: Sequence[str] = (), units: int = 0) -> Turn:
    """The turn with what was not asked for: all report types or units, and a run of its own."""
    run = turn.run or f"{now:%Y-%m-%dT%H:%M:%S}"
    return replace(turn, run=run, report_types=turn.report_types or tuple(report_types), units=turn.units or units)


def report_types(client: Client, settings: Settings) -> tuple[str, ...]:
    """The report types to collect, the most valuable first. Firestore is asked only where we know versions."""
    chosen = settings.report_types or PROFILES[settings.report_profile]
    if all(len(FAMILIES.get(each, ())) < 2 for each in chosen):
        return newest(chosen, ())
    stored = client.document(OFFERED).get(**call_options()).to_dict()
    return newest(chosen, stored["ids"] if stored else ())
