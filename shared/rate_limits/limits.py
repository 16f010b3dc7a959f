"""What a rate limit is, and when a call may go: never more than the limit in any window, wherever it begins.

A limit remembers when it admitted its last calls (at most as many as it allows) and admits another if the oldest
of them has left the window. A counter that is set to zero once a window lets twice the limit through at its edge;
this cannot.

Instances disagree about the time by up to a minute, and a window may be no longer than that. So the times of one
log are all written on one time line: the server's clock, shifted by what the log's first writer saw it differ.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from shared.cloud.steps import Doc, Docs

MAX_CALLS = 2_000
"""The most calls that a limit may allow in its window, because each is remembered: 16 kB a document."""


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """At most `calls` in any `window` seconds, for each user or for the project.

    methods: patterns of the methods whose calls count here. per: "user", "project" or both.
    """

    name: str
    methods: tuple[str, ...]
    per: tuple[str, ...]
    calls: int
    window: int

    def covers(self, method: str) -> bool:
        return any(fnmatchcase(method, pattern) for pattern in self.methods)

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.window)


@dataclass(kw_only=True, eq=False)
class DryRunLog:
    """One user's or the project's calls under a limit: those admitted so far, and those that a plan would add."""

    title: str
    limit: RateLimit
    stamps: list[datetime] = field(default_factory=list)

    def free_at(self, at: datetime, count: int) -> datetime:
        """When `count` more calls may go: `at`, or when enough of those before it have left the window."""
        live = sorted(stamp for stamp in self.stamps if at - self.limit.length < stamp <= at)
        over = len(live) + min(count, self.limit.calls) - self.limit.calls
        return at if over <= 0 else live[over - 1] + self.limit.length


SKEW = timedelta(minutes=5)
"""Two clocks further apart than this do not disagree; one of them was set, and its owner means it. Twice the
minute by which a clock may be wrong is far from it, whatever an answer's way adds."""
MARGIN = timedelta(seconds=2)
"""Windows are booked this much further apart than they must be: making the calls of one takes a while."""
AHEAD = timedelta(days=1)  # how far ahead is booked at most
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Log:
    """The calls that were admitted, oldest first, in microseconds on the log's time line; shift is the line's.

    booked_at, booked: when the calls that were booked last may begin, and how many they are.
    """

    stamps: tuple[int, ...] = ()
    shift: int | None = None
    booked_at: int = 0
    booked: int = 0

    def ages(self, local: datetime, server: datetime) -> list[timedelta]:
        """How long ago each call was admitted."""
        now, _ = _now(self, local, server)
        return [(now - stamp) * _MICROSECOND for stamp in self.stamps]


def admit(log: Log, limit: RateLimit, *, local: datetime, server: datetime, count: int = 1) -> Log | timedelta:
    """The log to store if one more call may go now, or `count`; else how long until the next one can.

    local: the instance's clock; server: the storage's, at the moment of
    reading. The answer is the same for every instance whose clock is within SKEW of the first writer's.
    """
    assert count <= limit.calls, "so many calls are never admitted together"
    now, shift = _now(log, local, server)
    length = limit.length // _MICROSECOND
    live = tuple(stamp for stamp in log.stamps if stamp > now - length)
    if len(live) + count > limit.calls:
        return (live[count - limit.calls - 1] + length - now) * _MICROSECOND
    # Never back in time: a log that is not in order would forget too early.
    stamp = max(now, live[-1]) if live else now
    return replace(log, stamps=(*live, *[stamp] * count), shift=shift)


def book(
    log: Log,
    groups: Sequence[int],
    limit: RateLimit,
    *,
    local: datetime,
    server: datetime,
    not_before: datetime | None = None,
) -> tuple[list[datetime], Log]:
    """From when each group of calls may run, by the instance's clock, and the log to store.

    As many groups as the limit allows in a window begin together, the next when those have left it, in this order
    and after all that was booked before. A place in the order and no promise: each call is admitted or denied when
    it is made.
    """
    now, shift = _now(log, local, server)
    earliest, ends = now + ((not_before or local) - local) // _MICROSECOND, now + AHEAD // _MICROSECOND
    length, calls = (limit.length + MARGIN) // _MICROSECOND, limit.calls
    at, booked, starts = log.booked_at, log.booked, []
    free = at + length * -(-booked // calls)
    at, booked = (earliest, 0) if earliest >= free else (max(at, earliest), booked)
    for group in groups:
        if booked and booked + group > calls:
            at, booked = at + length * -(-booked // calls), 0
        at, booked = min(at, ends), booked + group
        starts.append(local + (at - now) * _MICROSECOND)
    return starts, replace(log, shift=shift, booked_at=at, booked=booked)


def _now(log: Log, local: datetime, server: datetime) -> tuple[int, int]:
    mine = (local - server) // _MICROSECOND
    shift = log.shift
    if shift is None or mine - shift > SKEW // _MICROSECOND:
        shift = mine
    return (server - _EPOCH) // _MICROSECOND + shift, shift


def packed(log: Log) -> dict[str, Any]:
    """The log as a small document: 8 bytes a call."""
    stamps = array("q", log.stamps).tobytes()
    return {"stamps": stamps, "shift": log.shift, "booked_at": log.booked_at, "booked": log.booked}


def unpacked(data: Mapping[str, Any] | None) -> Log:
    """A stored log; an empty one where none is stored."""
    if data is None:
        return Log()
    stamps = array("q")
    stamps.frombytes(data["stamps"])
    return Log(tuple(stamps), data["shift"], data.get("booked_at", 0), data.get("booked", 0))


FRESH = timedelta(seconds=2)  # how long this process may build on what it read or wrote itself, without looking
MOST = 1_000


@dataclass(frozen=True)
class Memory:
    """Documents that were read or written moments ago, and until when what was denied; by path.

    _seen: also when that was, by our clock and by the server's.
    """

    _seen: dict[str, tuple[Doc | None, datetime, datetime]] = field(default_factory=dict)
    _denied: dict[str, datetime] = field(default_factory=dict)

    def docs(self, paths: Sequence[str], now: datetime) -> Docs | None:
        """The documents as they were moments ago, as of now by the server's clock; None if they must be read.

        If another process has written since, a commit's condition fails, and the next attempt reads.
        """
        fresh = {path: self._seen[path] for path in paths if path in self._seen}
        if len(fresh) < len(paths) or not all(timedelta(0) <= now - at < FRESH for _, at, _ in fresh.values()):
            return None
        at = min(server + (now - local) for _, local, server in fresh.values())
        return Docs({path: doc for path, (doc, _, _) in fresh.items()}, at)

    def remember(self, docs: Mapping[str, Doc | None], *, server: datetime, local: datetime) -> None:
        for known in (self._seen, self._denied):
            if len(known) > MOST:
                known.clear()
        self._seen.update({path: (doc, local, server) for path, doc in docs.items()})

    def deny(self, path: str, until: datetime) -> None:
        self._denied[path] = until

    def denied_until(self, path: str, now: datetime, window: timedelta) -> datetime | None:
        """Until when nothing is admitted, if that is so now."""
        until = self._denied.get(path)
        # A clock that was set back makes an old denial look endless; no denial lasts longer than its window.
        return until if until is not None and now < until <= now + window else None
