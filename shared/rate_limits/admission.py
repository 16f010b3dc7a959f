"""Rate limits that hold in every window, not only in those that begin when a counter does.

A key remembers when its last calls were admitted (at most as many as the limit allows) and admits another if the
oldest of them has left the window. A counter that is set to zero once a window lets twice the limit through at its
edge; this cannot.

Instances disagree about the time by up to a minute, and a window may be no longer than that. So the times of one
key are all written on one time line: the server's clock, shifted by what the key's first writer saw it differ.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

SKEW = timedelta(minutes=5)
"""Two clocks further apart than this do not disagree; one of them was set, and its owner means it. Twice the
minute by which a clock may be wrong is far from it, whatever an answer's way adds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Log:
    """A key's admitted calls, oldest first, in microseconds on the key's time line; shift is the line's."""

    stamps: tuple[int, ...] = ()
    shift: int | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """Yes; the log to store."""

    log: Log


@dataclass(frozen=True, slots=True)
class Denied:
    """No; how long until the next call can be admitted."""

    wait: timedelta


def admit(log: Log, *, calls: int, window: timedelta, local: datetime, server: datetime) -> Admitted | Denied:
    """Whether one more call may go now, with at most `calls` in any `window`.

    local: the instance's clock; server: the storage's, at the moment of reading. The answer is the same for
    every instance whose clock is within SKEW of the first writer's.
    """
    now, shift = _now(log, local, server)
    length = window // _MICROSECOND
    live = tuple(stamp for stamp in log.stamps if stamp > now - length)
    if len(live) >= calls:
        return Denied((live[-calls] + length - now) * _MICROSECOND)
    # Never back in time: a log that is not in order would forget too early.
    stamp = max(now, live[-1]) if live else now
    return Admitted(replace(log, stamps=(*live, stamp), shift=shift))


def _now(log: Log, local: datetime, server: datetime) -> tuple[int, int]:
    mine = (local - server) // _MICROSECOND
    shift = log.shift
    if shift is None or mine - shift > SKEW // _MICROSECOND:
        shift = mine
    return (server - _EPOCH) // _MICROSECOND + shift, shift


@dataclass(kw_only=True, eq=False)
class Lane:
    """A key on which a plan is tried: its calls by the local clock, and those that the plan would add."""

    title: str
    calls: int
    window: timedelta
    stamps: list[datetime] = field(default_factory=list)

    def free_at(self, at: datetime, count: int) -> datetime:
        """When `count` more calls may go: `at`, or when enough of those before it have left the window."""
        live = sorted(stamp for stamp in self.stamps if at - self.window < stamp <= at)
        over = len(live) + min(count, self.calls) - self.calls
        return at if over <= 0 else live[over - 1] + self.window


def lane(log: Log, *, title: str, calls: int, window: timedelta, local: datetime, server: datetime) -> Lane:
    """A stored log as a lane."""
    now, _ = _now(log, local, server)
    stamps = [local - (now - stamp) * _MICROSECOND for stamp in log.stamps]
    return Lane(title=title, calls=calls, window=window, stamps=stamps)


def packed(log: Log) -> dict[str, Any]:
    """The log as a small document: 8 bytes a call."""
    return {"stamps": array("q", log.stamps).tobytes(), "shift": log.shift}


def unpacked(data: Mapping[str, Any] | None) -> Log:
    """A stored log; an empty one for a key that was never used."""
    if data is None:
        return Log()
    stamps = array("q")
    stamps.frombytes(data["stamps"])
    return Log(tuple(stamps), data["shift"])
