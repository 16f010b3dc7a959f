"""Rate limits in Firestore: a small document for each limit, of the project or of a user.

What users called by a limit of the same methods is in the project's document, whose every call is written anyway.
An admission is one read of all documents concerned and one conditional commit, and the next one in the same
process the commit alone. A denial is the read alone, and is then remembered until a call is admitted again.

Callers `check` before they set quota aside, so that a denial leaves nothing to give back, and `admit` right before
they send, so that a call that the quota refuses is not counted.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from shared.clock import Clock
from shared.cloud.firestore import Client, Store
from shared.cloud.steps import Change, Doc, Docs, Write, reading
from shared.data_map import RATE_LIMITS
from shared.errors import RateLimited, Unavailable
from shared.monitoring.log import log
from shared.rate_limits.limits import AHEAD, SKEW, DryRunLog, Log, Memory, RateLimit, admit, book, packed, unpacked

COLLECTION = RATE_LIMITS.path
ATTEMPTS = 40
PAUSE = timedelta(seconds=30)  # when to ask again while Firestore does not answer
LOCKS = 64

PARTS = "parts"
Limits = Mapping[str, RateLimit]
"""The limits that a call meets, by the place that remembers their calls: a path, or path#name for a part of it."""
Counted = Mapping[str, Mapping[str, Any]]  # what the documents hold once a call is counted


@dataclass(frozen=True, slots=True)
class Denial:
    """The limit, by its place, that does not admit a call, and from when it does."""

    path: str
    until: datetime


def admitted(
    limits: Limits, clock: Clock, docs: Docs, *, also: Sequence[Write] = (), count: int = 1
) -> Change[Counted | Denial]:
    """Calls counted by all limits, and `also` written, or calls denied and nothing written."""
    local, logs = clock(), dict[str, Log]()
    for place, limit in limits.items():
        answer = admit(_log(docs, place), limit, local=local, server=docs.at, count=count)
        if isinstance(answer, timedelta):
            return Change(Denial(place, local + answer))
        logs[place] = answer
    counted = _fields(docs, logs, limits, local)
    return Change(counted, [*(Write(path, fields) for path, fields in counted.items()), *also])


def booked(
    limits: Limits, clock: Clock, groups: Sequence[int], not_before: datetime | None, docs: Docs
) -> Change[list[datetime]]:
    """Groups of calls booked with all limits: from when each may run by every one of them."""
    local, logs, starts = clock(), dict[str, Log](), []
    for place, limit in limits.items():
        log = _log(docs, place)
        told, logs[place] = book(log, groups, limit, local=local, server=docs.at, not_before=not_before)
        starts.append(told)
    writes = [Write(path, fields) for path, fields in _fields(docs, logs, limits, local).items()]
    return Change([max(each) for each in zip(*starts, strict=True)], writes)


class RateLimiter:
    """Admits calls by every limit that covers their method. One a process; safe for its threads.

    free: methods that cost nothing, and so go on, uncounted, while Firestore does not answer.
    """

    def __init__(
        self, client: Client, limits: Sequence[RateLimit], clock: Clock, free: frozenset[str] = frozenset()
    ) -> None:
        self._store = Store(client)
        self._limits = limits
        self.clock = clock
        self._free = free
        self._memory = Memory()
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    def check(self, *, method: str, user: str) -> None:
        """Whether `admit` would admit the call now, counting nothing: one read at most. Raises as `admit`."""
        limits = self._met(method, user=user)
        if not limits:
            return
        self._check_denied(limits)
        with self._answering(method):
            docs = self._memory.docs(documents(limits), self.clock())
            if docs is None:
                docs = self._store.run(reading(documents(limits)))
                self._memory.remember(docs, server=docs.at, local=self.clock())
            self._check_denial(limits, admitted(limits, self.clock, docs).result)

    def admit(self, *, method: str, user: str, also: Sequence[Write] = (), count: int = 1) -> int:
        """Count one call of a method now, for a user (or "system") and the project; by all limits or none.

        count: counts so many at once, or as many as any window allows; answers how many.
        also: what is written in the same commit, for a method that some limit covers.
        Raises RateLimited with the time from which the call can be admitted, Unavailable when too many meet. When
        Firestore does not answer, it raises Unavailable; but a call that costs nothing goes on, uncounted.
        """
        limits = self._met(method, user=user)
        if not limits:
            return count
        count = min(count, *(limit.calls for limit in limits.values()))
        self._check_denied(limits)
        # Threads of one process would only collide; which lock is shared by chance does not matter.
        with self._answering(method), self._locks[hash(next(iter(limits))) % LOCKS]:
            paths, decide = documents(limits), partial(admitted, limits, self.clock, also=also, count=count)
            seen = self._memory.docs(paths, self.clock())
            updated = self._store.update(paths, decide, seen=seen, attempts=ATTEMPTS)
            counted = self._check_denial(limits, updated.result)
            docs = {path: Doc(fields, updated.versions[path]) for path, fields in counted.items()}
            self._memory.remember(docs, server=min(updated.versions.values()), local=self.clock())
        return count

    def book(
        self,
        groups: Sequence[int],
        *,
        method: str,
        user: str,
        not_before: datetime | None = None,
        line: str = "",
    ) -> list[datetime]:
        """From when each of several groups of calls of a method may run: in this order, after all booked before.

        For work that is handed on with a time instead of waiting here. line: work that other work does not hold
        up books in an order of its own. Raises Unavailable as `admit`.
        """
        met = self._met(method, user=user)
        limits = {re.sub("#|$", f":{line}\\g<0>", place, count=1) if line else place: met[place] for place in met}
        if not limits:
            return [not_before or self.clock()] * len(groups)
        decide = partial(booked, limits, self.clock, groups, not_before)
        with self._answering():
            return self._store.update(documents(limits), decide).result

    def dry_run_logs(self, asked: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Sequence[DryRunLog]]:
        """By (method, user): the limits that such a call meets, with what they have admitted. One read."""
        met = {each: self._met(each[0], user=each[1]) for each in asked}
        limits = {path: limit for found in met.values() for path, limit in found.items()}
        if not limits:
            return {}
        with self._answering():
            docs = self._store.run(reading(documents(limits)))
        logs, now = {}, self.clock()
        for place, limit in limits.items():
            stamps = [now - age for age in _log(docs, place).ages(now, docs.at)]
            logs[place] = DryRunLog(title=_words(place, limit), limit=limit, stamps=stamps)
        return {each: tuple(logs[path] for path in found) for each, found in met.items()}

    def _met(self, method: str, *, user: str) -> Limits:
        found, within = dict[str, RateLimit](), dict[tuple[str, ...], str]()
        for scope, subject in (("project", "project"), ("user", f"user:{quote(user, safe='')}")):
            for limit in self._limits:
                if scope in limit.per and limit.covers(method):
                    named = f"{limit.name}:{subject}"
                    found[place := within.get(limit.methods, f"{COLLECTION}/") + named] = limit
                    if scope == "project":
                        within.setdefault(limit.methods, f"{place}#")
        return found

    def _check_denied(self, limits: Limits) -> None:
        for path, limit in limits.items():
            until = self._memory.denied_until(path, self.clock(), limit.length)
            if until is not None:
                raise _too_fast(path, limit, until)

    def _check_denial(self, limits: Limits, result: Counted | Denial) -> Counted:
        if isinstance(result, Denial):
            self._memory.deny(result.path, result.until)
            raise _too_fast(result.path, limits[result.path], result.until)
        return result

    @contextmanager
    def _answering(self, method: str = "") -> Iterator[None]:
        """What becomes of a call while Firestore does not answer: one that costs nothing goes on, uncounted."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError

        try:
            yield
        except (GoogleAPICallError, RetryError) as error:
            if method not in self._free:
                words = "The rate limits do not answer, and nothing that costs quota is sent uncounted."
                again = self.clock() + PAUSE
                raise Unavailable(words, reason="rateLimitsUnavailable", retry_at=again) from error
            log("WARNING", "the rate limits do not answer; a call goes on uncounted", method=method)


LASTS = timedelta(seconds=15)
BRIEFLY, HANDFUL = timedelta(seconds=3), 4
"""Of a limit that holds everything up: each second more of its window, and each call lost, makes all later."""


class Burst:
    """The limiter's `check` and `admit` of one method for one user, drawn in memory. Safe for threads.

    One document is written for `upto` calls, admitted together and made within seconds. So a call is made that
    much later than it was counted, at most, and the limit's window has to be that much longer than the time for
    which YouTube counts. What is counted and not made is lost, which is the safe side.
    """

    def __init__(
        self, limiter: RateLimiter, method: str, user: str, *, upto: int, lasts: timedelta = LASTS
    ) -> None:
        self._limiter, self._method, self._user, self._upto, self._lasts = limiter, method, user, upto, lasts
        self._clock, self._lock, self._left = limiter.clock, threading.Lock(), 0
        self._until: datetime | None = None

    def check(self, *, method: str, user: str) -> None:
        """As the limiter's; another method's call goes to the limiter."""
        if method != self._method:
            self._limiter.check(method=method, user=user)
        elif not self._open:
            self._limiter.check(method=method, user=self._user)

    def admit(self, *, method: str, user: str) -> None:
        """As the limiter's, for this burst's user whoever is named."""
        if method != self._method:
            self._limiter.admit(method=method, user=user)
            return
        with self._lock:
            if not self._open:
                now = self._clock()
                self._left = self._limiter.admit(method=method, user=self._user, count=self._upto)
                self._until = now + self._lasts
            self._left -= 1

    @property
    def _open(self) -> bool:
        return self._left > 0 and self._until is not None and self._clock() < self._until


def documents(limits: Limits) -> list[str]:
    """The paths of the documents that remember calls."""
    return list(dict.fromkeys(place.partition("#")[0] for place in limits))


def _fields(docs: Docs, logs: Mapping[str, Log], limits: Limits, local: datetime) -> dict[str, dict[str, Any]]:
    """What documents hold, by path, when some logs have changed. Parts whose calls count no more are left out."""
    changed = dict[str, dict[str, Any]]()
    for place, told in logs.items():
        path, _, part = place.partition("#")
        fields, doc, ends = changed.setdefault(path, {}), docs[path], local + 2 * limits[place].length
        if part:
            parts = fields.get(PARTS) or (doc.data.get(PARTS, {}) if doc else {})
            living = {name: each for name, each in parts.items() if each["until"] > local}
            fields[PARTS] = living | {part: {**packed(told), "until": ends + (AHEAD if told.booked else SKEW)}}
        else:
            fields |= {**packed(told), "expires_at": ends + AHEAD}
    return changed


def _log(docs: Docs, place: str) -> Log:
    path, _, part = place.partition("#")
    data = doc.data if (doc := docs[path]) else {}
    return unpacked(data.get(PARTS, {}).get(part) if part else data or None)


def _words(place: str, limit: RateLimit) -> str:
    scope = place.rpartition("#")[2].split(":")[1]
    return f"at most {limit.calls} calls in {limit.window} seconds for one {scope} ({limit.name})"


def _too_fast(path: str, limit: RateLimit, until: datetime) -> RateLimited:
    words = _words(path, limit)
    words = f"{words[0].upper()}{words[1:]}; the next one can go at {until:%Y-%m-%d %H:%M:%S} UTC."
    return RateLimited(words, retry_at=until)
