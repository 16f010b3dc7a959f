"""Rate limits in Firestore: one small document for each limit and user, and for each limit and project.

An admission is one read of all keys concerned and one conditional commit; a denial is the read alone, and is then
remembered by this process until the time from which a call can be admitted.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.budget.books import call_options
from shared.budget.limits import Admitted, Denied, admit, packed, unpacked
from shared.budget.profile import RateLimit
from shared.clock import Clock
from shared.errors import RateLimited, Unavailable

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = "rate_limits"
ATTEMPTS = 40
LOCKS = 64


@dataclass(frozen=True)
class RateLimiter:
    """Admits calls by every limit that covers their method. One a process; safe for its threads."""

    client: Client
    limits: tuple[RateLimit, ...]
    clock: Clock
    dice: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], None] = time.sleep
    _denied: dict[str, datetime] = field(default_factory=dict, repr=False)
    _locks: tuple[threading.Lock, ...] = field(
        default_factory=lambda: tuple(threading.Lock() for _ in range(LOCKS)), repr=False
    )

    def admit(self, *, method: str, user: str, project: str) -> None:
        """Count one call of a method now, for a user (or "system") and the project; all limits or none.

        Raises RateLimited with the time from which the call can be admitted, Unavailable when Firestore does not
        answer.
        """
        keys = dict(self._keys(method, user=user, project=project))
        if not keys:
            return
        self._check_denied(keys, self.clock())
        # Threads of one process would only collide; which lock is shared by chance does not matter.
        with self._locks[hash(next(iter(keys))) % LOCKS]:
            for attempt in range(ATTEMPTS):
                if self._attempt(keys):
                    return
                self.sleep(self.dice.uniform(0, 0.002 * 2 ** min(attempt, 6)))
        raise RateLimited(
            f"Too many calls of {method} meet at once.",
            reason="rateLimitContended",
            retry_at=self.clock() + timedelta(seconds=1),
        )

    def forget(self) -> None:
        """Look at storage again before the next denial, as after a limit was raised."""
        self._denied.clear()

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
            return False
        except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
            raise Unavailable("The rate limits do not answer.", reason="rateLimitsUnavailable") from error

    def _admit_all(self, keys: Mapping[str, RateLimit]) -> bool:
        collection = self.client.collection(COLLECTION)
        references = {collection.document(key).path: key for key in keys}
        batch = self.client.batch()
        snapshots = self.client.get_all([collection.document(key) for key in keys], **call_options())
        local = self.clock()
        for found in snapshots:
            key = references[found.reference.path]
            self._add(batch, found, key, keys[key], local)
        batch.commit(**call_options())
        return True

    def _add(self, batch: Any, found: Any, key: str, limit: RateLimit, local: datetime) -> None:
        window = timedelta(seconds=limit.window)
        log = unpacked(found.to_dict() if found.exists else None)
        answer = admit(log, calls=limit.calls, window=window, local=local, server=found.read_time)
        if isinstance(answer, Denied):
            self._denied[key] = local + answer.wait
            raise _too_fast(key, limit, self._denied[key])
        assert isinstance(answer, Admitted)
        fields = {**packed(answer.log), "expires_at": local + 2 * window + timedelta(days=1)}
        if found.exists:
            batch.update(
                found.reference,
                fields,
                option=self.client.write_option(last_update_time=found.update_time),
            )
        else:
            batch.create(found.reference, fields)


def _too_fast(key: str, limit: RateLimit, until: datetime) -> RateLimited:
    _, scope, _ = key.split(":", 2)
    return RateLimited(
        f"At most {limit.calls} calls in {limit.window} seconds for one {scope} ({limit.name}); "
        f"the next one can go at {until:%Y-%m-%d %H:%M:%S} UTC.",
        retry_at=until,
    )
