"""Rate limits in Firestore: one small document for each limit and user, and for each limit and project.

An admission is one read of all keys concerned and one conditional commit, and the next one in the same process the
commit alone. A denial is the read alone, and is then remembered until the time from which a call can be admitted.

Callers `check` before they set quota aside, so that a denial leaves nothing to give back, and `admit` right before
they send, so that a call that the quota refuses takes nobody's place.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.clock import Clock
from shared.cloud.firestore import call_options
from shared.data_map import RATE_LIMITS
from shared.errors import RateLimited, Unavailable
from shared.monitoring.log import log
from shared.quota.profile import RateLimit
from shared.rate_limits.admission import Denied, Lane, Log, admit, lane, packed, unpacked

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = RATE_LIMITS.path
ATTEMPTS = 40
FRESH = timedelta(seconds=2)
"""How long this process may build on what it wrote itself, without looking."""
MOST_SEEN = 1_000
PAUSE = timedelta(seconds=30)
"""When to ask again while Firestore does not answer."""
LOCKS = 64


@dataclass(frozen=True)
class RateLimiter:
    """Admits calls by every limit that covers their method. One a process; safe for its threads.

    free: methods that cost nothing, and so go on, uncounted, while Firestore does not answer.
    """

    client: Client
    limits: tuple[RateLimit, ...]
    clock: Clock
    free: frozenset[str] = frozenset()
    dice: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], None] = time.sleep
    _denied: dict[str, datetime] = field(default_factory=dict, repr=False)
    _seen: dict[str, _Look] = field(default_factory=dict, repr=False)
    _locks: tuple[threading.Lock, ...] = field(
        default_factory=lambda: tuple(threading.Lock() for _ in range(LOCKS)), repr=False
    )

    def check(self, *, method: str, user: str, project: str) -> None:
        """Whether `admit` would admit the call now, counting nothing: one read at most. Raises as `admit`."""
        keys = dict(self._keys(method, user=user, project=project))
        if not keys:
            return
        self._check_denied(keys, self.clock())
        with self._answering(method):
            looks = self._remembered(keys)
            if looks is None:
                looks = self._looked(keys)
                self._seen.update(looks)
            for key, look in looks.items():
                self._decide(key, keys[key], look)

    def admit(self, *, method: str, user: str, project: str) -> None:
        """Count one call of a method now, for a user (or "system") and the project; all limits or none.

        Raises RateLimited with the time from which the call can be admitted. When Firestore does not answer, it
        raises Unavailable; but a call that costs nothing goes on, uncounted.
        """
        keys = dict(self._keys(method, user=user, project=project))
        if not keys:
            return
        self._check_denied(keys, self.clock())
        # Threads of one process would only collide; which lock is shared by chance does not matter.
        with self._answering(method), self._locks[hash(next(iter(keys))) % LOCKS]:
            for attempt in range(ATTEMPTS):
                if self._attempt(keys):
                    return
                self.sleep(self.dice.uniform(0, 0.002 * 2 ** min(attempt, 6)))
            raise self._contended(method)

    def lanes(self, asked: Iterable[tuple[str, str]], *, project: str) -> Mapping[tuple[str, str], Sequence[Lane]]:
        """By (method, user): the limits that such a call meets, with what they have admitted. One read."""
        keys = {each: dict(self._keys(each[0], user=each[1], project=project)) for each in asked}
        limits = {key: limit for found in keys.values() for key, limit in found.items()}
        if not limits:
            return {}
        try:
            looks = self._looked(limits)
        except _silence() as error:
            raise self._silent() from error
        lanes = {
            key: lane(
                looks[key].log,
                title=_words(key, limit),
                calls=limit.calls,
                window=timedelta(seconds=limit.window),
                local=looks[key].local,
                server=looks[key].server,
            )
            for key, limit in limits.items()
        }
        return {each: tuple(lanes[key] for key in found) for each, found in keys.items()}

    @contextmanager
    def _answering(self, method: str) -> Iterator[None]:
        """What becomes of a call while Firestore does not answer."""
        try:
            yield
        except _silence() as error:
            if method not in self.free:
                raise self._silent() from error
            log("WARNING", "the rate limits do not answer; a call goes on uncounted", method=method)

    def _silent(self) -> Unavailable:
        message = "The rate limits do not answer, and nothing that costs quota is sent uncounted."
        return Unavailable(message, reason="rateLimitsUnavailable", retry_at=self.clock() + PAUSE)

    def _contended(self, method: str) -> RateLimited:
        return RateLimited(
            f"Too many calls of {method} meet at once.",
            reason="rateLimitContended",
            retry_at=self.clock() + timedelta(seconds=1),
        )

    def forget(self) -> None:
        """Look at storage again before the next denial, as after a limit was raised."""
        self._denied.clear()
        self._seen.clear()

    def _keys(self, method: str, *, user: str, project: str) -> Iterable[tuple[str, RateLimit]]:
        subjects = {"user": user, "project": project}
        for limit in self.limits:
            if limit.covers(method):
                for scope in limit.per:
                    yield f"{limit.name}:{scope}:{quote(subjects[scope], safe='')}", limit

    def _check_denied(self, keys: Mapping[str, RateLimit], now: datetime) -> None:
        for key, limit in keys.items():
            until = self._denied.get(key)
            if until is None:
                continue
            # A clock that was set back makes an old denial look endless; no denial lasts longer than its window.
            if now < until <= now + timedelta(seconds=limit.window):
                raise _too_fast(key, limit, until)
            self._denied.pop(key, None)

    def _attempt(self, keys: Mapping[str, RateLimit]) -> bool:
        from google.api_core import exceptions  # noqa: PLC0415

        try:
            return self._admit_all(keys)
        except (
            exceptions.FailedPrecondition,
            exceptions.AlreadyExists,
            exceptions.NotFound,
            exceptions.Aborted,
        ):
            for key in keys:
                self._seen.pop(key, None)
            return False

    def _admit_all(self, keys: Mapping[str, RateLimit]) -> bool:
        looks = self._remembered(keys) or self._looked(keys)
        batch, after = self.client.batch(), {}
        for key, look in looks.items():
            after[key] = self._add(batch, key, keys[key], look)
        results = batch.commit(**call_options())
        local = self.clock()
        if len(self._seen) > MOST_SEEN:
            self._seen.clear()
        for (key, written), result in zip(after.items(), results, strict=True):
            self._seen[key] = _Look(
                log=written, version=result.update_time, server=result.update_time, local=local
            )
        return True

    def _remembered(self, keys: Mapping[str, RateLimit]) -> dict[str, _Look] | None:
        """What this process saw or wrote moments ago, with the time that has passed; None if it must look.

        If another process has written since, the commit's condition fails, and the next attempt looks.
        """
        now, looks = self.clock(), {}
        for key in keys:
            seen = self._seen.get(key)
            if seen is None or not timedelta(0) <= now - seen.local < FRESH:
                return None
            looks[key] = replace(seen, server=seen.server + (now - seen.local), local=now)
        return looks

    def _looked(self, keys: Mapping[str, RateLimit]) -> dict[str, _Look]:
        references = [self.client.collection(COLLECTION).document(key) for key in keys]
        found = list(self.client.get_all(references, **call_options()))
        local = self.clock()
        return {
            each.reference.id: _Look(
                log=unpacked(each.to_dict()),
                version=each.update_time if each.exists else None,
                server=each.read_time,
                local=local,
            )
            for each in found
        }

    def _decide(self, key: str, limit: RateLimit, look: _Look) -> Log:
        window = timedelta(seconds=limit.window)
        answer = admit(look.log, calls=limit.calls, window=window, local=look.local, server=look.server)
        if isinstance(answer, Denied):
            self._denied[key] = look.local + answer.wait
            raise _too_fast(key, limit, self._denied[key])
        return answer.log

    def _add(self, batch: Any, key: str, limit: RateLimit, look: _Look) -> Log:
        log_after = self._decide(key, limit, look)
        window = timedelta(seconds=limit.window)
        fields = {**packed(log_after), "expires_at": look.local + 2 * window + timedelta(days=1)}
        reference = self.client.collection(COLLECTION).document(key)
        if look.version is None:
            batch.create(reference, fields)
        else:
            batch.update(reference, fields, option=self.client.write_option(last_update_time=look.version))
        return log_after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """A key's log as stored, its version (None: not stored), and the server's and the local time of the look."""

    log: Log
    version: Any
    server: datetime
    local: datetime


def _words(key: str, limit: RateLimit) -> str:
    _, scope, _ = key.split(":", 2)
    return f"at most {limit.calls} calls in {limit.window} seconds for one {scope} ({limit.name})"


def _too_fast(key: str, limit: RateLimit, until: datetime) -> RateLimited:
    words = _words(key, limit)
    return RateLimited(
        f"{words[0].upper()}{words[1:]}; the next one can go at {until:%Y-%m-%d %H:%M:%S} UTC.", retry_at=until
    )


def _silence() -> tuple[type[Exception], ...]:
    """How Firestore's client says that Firestore does not answer."""
    from google.api_core import exceptions  # noqa: PLC0415

    return exceptions.GoogleAPICallError, exceptions.RetryError
