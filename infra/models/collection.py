"""How late reports arrive, and how long a real first day takes, in virtual time.

    python -m infra.models.collection       prints the table of infra/docs/collecting.md; takes some minutes

Real are the planner, the rate limiter's decision, the messages in which reports are loaded, the declared
schedules, the quota and the rate limit. Made up is YouTube: it issues a report 48 to 72 hours after its day's end,
30 days of history 44 hours after a job was created, and no day again. Made up is time, too: calls and loads take
none; whoever meets the rate limit is handed on to when it admits again; loading goes before listing, one message
in a window, and a report counts as loaded when it is downloaded (its message's last one comes some minutes later,
and makes all visible). What the quota refuses is left to the next plan, which lists it once more.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count, groupby, takewhile
from statistics import median
from zlib import crc32

from cronsim import CronSim

from infra.deployment import Schedule, deployment
from shared.clock import pacific_day, pacific_midnight
from shared.collection import messages, planner
from shared.collection.collecting import FROM
from shared.collection.coverage import RESEND_AFTER
from shared.quota.profile import load
from shared.rate_limits.limits import Log, admit
from shared.warehouse.report_types import PROFILES, newest
from shared.warehouse.rows import ReportRef

BEGIN = datetime(2026, 11, 9, 14, tzinfo=UTC)
"""The first daily collection, of channels that were connected just before."""
HISTORY, FIRST, LAG = 30, timedelta(hours=44), range(48, 73)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
DAYS = 32
"""How many are played: YouTube deletes the history 30 days after it was issued."""
SIZES = (250, 2_500, 10_000)
HEAD = (
    "| channels | profile | requests a day | loading the history "
    "| late, by type: median / worst, hours | load jobs of a table and day |\n"
    "| --- | --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """Hours from issue to load of one type's regular reports. missing: the part of them that did not come."""

    hours: Sequence[float]
    missing: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a network. wanted: requests a day when nothing is behind.

    history: from the first load of a report of a job's history to the last; None if some were not loaded. loaded:
    the part of it that was. late: by type, in the order of value. jobs: the most load jobs of a table in a day.
    """

    wanted: int
    history: timedelta | None
    loaded: float
    late: Mapping[str, Lateness]
    jobs: int


Key = tuple[str, str]
"""A channel and a report type."""


@dataclass
class Network:
    """Channels that are collected from BEGIN on. types: in the order of value. now: virtual time.

    tasks: batches for which one type is to be listed; loads: reports to be loaded together; waiting: for each
    report that was listed and is not loaded, when it was sent on; used: requests by Pacific day.
    """

    channels: Sequence[str]
    types: Sequence[str]
    now: datetime = BEGIN
    log: Log = field(default_factory=Log)
    created: dict[Key, datetime] = field(default_factory=dict)
    listed: dict[Key, date] = field(default_factory=dict)
    waiting: dict[Key, dict[date, datetime]] = field(default_factory=lambda: defaultdict(dict))
    loaded: dict[Key, dict[date, datetime]] = field(default_factory=lambda: defaultdict(dict))
    synced: dict[Key, datetime] = field(default_factory=dict)
    tasks: deque[tuple[Sequence[str], int]] = field(default_factory=deque)
    loads: deque[Sequence[ReportRef]] = field(default_factory=deque)
    used: Counter[date] = field(default_factory=Counter)
    jobs: Counter[tuple[str, date]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        profile = load("current")
        self.quota = profile.bucket("reporting").limit
        self.rate = next(limit for limit in profile.rate_limits if limit.name == "reporting")
        self.free_at = self.now

    def play(self, days: int) -> None:
        """Let days pass."""
        collections = [each for each in deployment().schedules.values() if each.function == "collect_reports"]
        for each in sorted(ticks(collections, days)):
            self._work(until=each[0])
            self.now = max(self.now, each[0])
            if not self._spent:  # else all of it would be refused
                self._plan(everything=each[1])

    def _plan(self, *, everything: bool) -> None:
        def collected(channel: str) -> datetime | None:
            times = [self.synced.get((channel, each)) for each in self.types]
            return min((at for at in times if at), default=None) if all(times) else None

        due = planner.due({each: collected(each) for each in self.channels}, now=self.now, everything=everything)
        self.tasks.extend((batch, 0) for _, batch in sorted(planner.batches(due).items()))

    # --- turns at the rate limit --------------------------------------------------------------------------------

    def _work(self, *, until: datetime) -> None:
        while self.now < until and (self.tasks or self.loads):
            if self.loads:
                self._load(self.loads.popleft())
            if self.tasks:
                self._list(*self.tasks.popleft())
            if self._spent:
                self.tasks.clear()
                self.loads.clear()
            self.now = max(self.now, self.free_at)

    @property
    def _spent(self) -> bool:
        return self.used[pacific_day(self.now)] >= self.quota

    def _request(self) -> bool:
        """Whether a request may go now; `free_at` says when the next one may."""
        if self._spent:
            return False
        answer = admit(self.log, self.rate, local=self.now, server=self.now)
        if isinstance(answer, timedelta):
            self.free_at = self.now + answer
            return False
        self.log = answer
        self.used[pacific_day(self.now)] += 1
        return True

    def _list(self, channels: Sequence[str], place: int) -> None:
        """List the reports of one type for a batch, as far as the rate limit admits; the next type comes after."""
        report_type, found = self.types[place], []
        for channel in channels:
            key = (channel, report_type)
            if key not in self.created:
                if not (self._request() and self._request()):  # jobs.list, jobs.create
                    break
                self.created[key] = self.now
            if not self._request():  # reports.list
                break
            found.append(self._new(key))
        for message in messages.messages(found):
            self.loads.append(messages.refs_from(message))
        done = channels[: len(found)]
        self._note_synced((channel, report_type) for channel in done)
        if len(done) < len(channels):
            self.tasks.append((channels[len(done) :], place))
        if done and place + 1 < len(self.types):
            self.tasks.append((done, place + 1))

    def _new(self, key: Key) -> list[ReportRef]:
        """What a listing brings, and what was sent on and has not arrived."""
        waiting = self.waiting[key]
        again = [day for day, at in waiting.items() if self.now - at >= RESEND_AFTER]
        new = [day for day, _ in self.issued(key, after=self.listed.get(key), until=self.now)]
        self.listed[key] = new[-1] if new else self.listed.get(key, self._first(key) - timedelta(days=1))
        waiting.update(dict.fromkeys([*new, *again], self.now))
        return [_ref(key, day) for day in [*new, *again]]

    def _load(self, refs: Sequence[ReportRef]) -> None:
        """Download reports, as many as the limit admits, and load them; the rest goes on before all others."""
        missing = deque(ref for ref in refs if ref.day in self.waiting[ref.channel_id, ref.report_type])
        had: list[ReportRef] = []
        while missing and self._request():
            had.append(missing.popleft())
        for ref in had:
            key = (ref.channel_id, ref.report_type)
            if self.waiting[key].pop(ref.day, None):
                self.loaded[key][ref.day] = self.now
        if had:
            self.jobs[refs[0].report_type, self.now.date()] += 1
        if missing:
            self.loads.appendleft(tuple(missing))
        self._note_synced((ref.channel_id, ref.report_type) for ref in had)

    def _note_synced(self, keys: Iterable[Key]) -> None:
        self.synced.update((key, self.now) for key in keys if not self.waiting[key])

    # --- YouTube, and what came of it ---------------------------------------------------------------------------

    def _first(self, key: Key) -> date:
        return pacific_day(self.created[key]) - timedelta(days=HISTORY)

    def issued(self, key: Key, *, after: date | None, until: datetime) -> Iterator[tuple[date, datetime]]:
        """The days whose reports are issued by then, with when."""
        lag = timedelta(hours=LAG[crc32(key[0].encode()) % len(LAG)])
        first = self._first(key) if after is None else after + timedelta(days=1)
        for number in count():
            day = first + timedelta(days=number)
            at = max(pacific_midnight(day + timedelta(days=1)) + lag, self.created[key] + FIRST)
            if at > until:
                return
            yield day, at

    def outcome(self) -> Outcome:
        """What has become of everything by now."""
        history: list[datetime | None] = []
        regular: dict[str, list[float | None]] = {each: [] for each in self.types}
        for key in ((channel, each) for channel in self.channels for each in self.types):
            if key not in self.created:
                history += [None] * HISTORY
                continue
            for day, at in self.issued(key, after=None, until=self.now):
                loaded = self.loaded[key].get(day)
                if at == self.created[key] + FIRST:
                    history.append(loaded)
                elif WEEK <= self.now - at < 2 * WEEK:
                    regular[key[1]].append((loaded - at) / timedelta(hours=1) if loaded else None)
        whole = [each for each in history if each]
        return Outcome(
            wanted=2 * len(self.channels) * len(self.types),
            history=max(whole) - min(whole) if len(whole) == len(history) else None,
            loaded=len(whole) / len(history),
            late={name: _lateness(hours) for name, hours in regular.items()},
            jobs=max(self.jobs.values(), default=0),
        )


def ticks(schedules: Iterable[Schedule], days: int) -> Iterator[tuple[datetime, bool]]:
    """When collections are planned, and whether of all channels."""
    for each in schedules:
        planned = CronSim(each.cron, BEGIN - timedelta(seconds=1))
        whole: set[date] = set()
        for at in takewhile(lambda at: at < BEGIN + days * DAY, planned):
            yield at, (everything := at.hour >= FROM and at.date() not in whole)
            if everything:
                whole.add(at.date())


def _ref(key: Key, day: date) -> ReportRef:
    channel, report_type = key
    return ReportRef(
        report_id=f"{channel}{report_type}{day}",
        channel_id=channel,
        report_type=report_type,
        job_id="",
        day=day,
        create_time=BEGIN,
        download_url="",
    )


def _lateness(hours: Sequence[float | None]) -> Lateness:
    came = sorted(each for each in hours if each is not None)
    return Lateness(hours=came, missing=1 - len(came) / len(hours) if hours else 1.0)


def played(channels: int, profile: str, days: int = DAYS) -> Outcome:
    """A network of so many channels, with a profile's report types."""
    network = Network([f"UC{number:022}" for number in range(channels)], newest(PROFILES[profile], ()))
    network.play(days)
    return network.outcome()


def row(channels: int, profile: str, outcome: Outcome) -> str:
    """One line of the table. Types that are late alike, one after another, are told together."""
    alike = [(told, len(list(types))) for told, types in groupby(map(_told, outcome.late.values()))]
    late = "; ".join(told if count == 1 else f"{count} types {told}" for told, count in alike)
    return f"| {channels:,} | {profile} | {outcome.wanted:,} | {_loading(outcome)} | {late} | {outcome.jobs:,} |"


def _loading(outcome: Outcome) -> str:
    if outcome.history is None:
        return f"{outcome.loaded:.0%} in time"
    hours = outcome.history / timedelta(hours=1)
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"


def _told(late: Lateness) -> str:
    if not late.hours:
        return "none"
    missing = f", {max(late.missing, 0.01):.0%} not" if late.missing else ""
    return f"{median(late.hours):.0f} / {max(late.hours):.0f}{missing}"


def main() -> int:
    """Print the table."""
    print(HEAD)
    for channels in SIZES:
        for profile in PROFILES:
            print(row(channels, profile, played(channels, profile)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
