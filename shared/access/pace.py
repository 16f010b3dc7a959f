"""How often one user may set out for Google: 20 times in ten minutes.

A list of the moments that were admitted, so the limit is exact at every edge; a refusal reads once and writes
nothing, so ten thousand attempts cost reads only. Two starts that meet are told apart by the write's condition.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import Clock
from shared.cloud.firestore import committed, patience, put
from shared.errors import RateLimited

if TYPE_CHECKING:
    from google.cloud.firestore import Client, DocumentReference

STARTS = 20
WINDOW = timedelta(minutes=10)
_ATTEMPTS = 8


def admitted(moments: Sequence[datetime], now: datetime) -> list[datetime] | None:
    """The moments to remember when one more start is admitted now, or None when it is not. Pure."""
    recent = [moment for moment in moments if moment > now - WINDOW]
    return [*recent, now] if len(recent) < STARTS else None


class StartPace:
    """The limit on starts, kept in `rate_limits/oauth-start:<user>`."""

    def __init__(
        self, client: Client, clock: Clock, *, dice: random.Random, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._clock = clock
        self._dice = dice
        self._sleep = sleep

    def admit(self, user_id: str, record: DocumentReference, kept: Mapping[str, Any]) -> None:
        """Count a start and create its record, in one commit: a cold start waits for each round trip.

        record: named by something that only this start knows.

        Raises RateLimited, with the moment from which the next start may happen, and nothing is kept.
        """
        reference = self._client.document("rate_limits", f"oauth-start:{user_id}")
        for attempt in range(_ATTEMPTS):
            now = self._clock()
            snapshot = reference.get(**patience())
            moments = (snapshot.to_dict() or {}).get("admitted", [])
            remembered = admitted(moments, now)
            if remembered is None:
                raise _too_often(sorted(moments)[-STARTS] + WINDOW)
            batch = self._client.batch()
            batch.create(record, dict(kept))
            put(batch, snapshot, {"admitted": remembered, "expires_at": now + WINDOW})
            # A record that is there is our own, for nobody else makes one of its name: only the answer was lost.
            if committed(batch) or record.get([], **patience()).exists:
                return
            self._sleep(0.02 * (attempt + 1) * self._dice.random())
        raise _too_often(self._clock() + timedelta(seconds=5))


def _too_often(retry_at: datetime) -> RateLimited:
    return RateLimited("You start very often. Wait a little.", retry_at=retry_at)
