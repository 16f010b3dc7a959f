"""Bursts of calls, admitted together and made within seconds: two document writes instead of two for each call.

The limit's window has to be longer than the time for which people count, by as long as a burst lasts: a call is
made that much later than it was counted, at most. What is counted and not made is lost, which is the safe side.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.rate_limits.limiter import RateLimiter

LASTS = timedelta(seconds=15)
BRIEFLY, HANDFUL = timedelta(seconds=3), 4
"""Of a limit that holds everything up: each second more of its window, and each call lost, makes all later."""


class Burst:
    """The limiter's `check` and `admit` of one method for one user, drawn in memory. Safe for threads.

    upto: how many calls are counted at once.
    """

    def __init__(
        self, limiter: RateLimiter, method: str, user: str, *, upto: int, clock: Clock, lasts: timedelta = LASTS
    ) -> None:
        self._limiter, self._method, self._user, self._upto, self._clock = limiter, method, user, upto, clock
        self._lasts, self._lock, self._left = lasts, threading.Lock(), 0
        self._until: datetime | None = None

    def check(self, *, method: str, user: str, project: str) -> None:
        """As the limiter's; another method's call goes to the limiter."""
        if method != self._method:
            self._limiter.check(method=method, user=user, project=project)
        elif not self._open:
            self._limiter.check(method=method, user=self._user, project=project)

    def admit(self, *, method: str, user: str, project: str) -> None:
        """As the limiter's, for this burst's user whoever is named."""
        if method != self._method:
            self._limiter.admit(method=method, user=user, project=project)
            return
        with self._lock:
            if not self._open:
                now = self._clock()
                self._left = self._limiter.admit(method=method, user=self._user, project=project, count=self._upto)
                self._until = now + self._lasts
            self._left -= 1

    @property
    def _open(self) -> bool:
        return self._left > 0 and self._until is not None and self._clock() < self._until
