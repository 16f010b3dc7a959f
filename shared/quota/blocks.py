"""Blocks of calls, drawn in memory: what a busy collector uses instead of document writes for each call.

A block is a reservation of many calls. It is charged when it ends, in one change of state that also gives the
unused units back; if its holder dies, all of it counts as spent.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.clock import pacific_day
from shared.errors import Conflict, Unavailable
from shared.monitoring.log import log
from shared.quota.ledger import Ledger
from shared.quota.profile import Method, Priority
from shared.quota.reservation import Reservation

DURATION = timedelta(minutes=10)  # for which a reservation of many calls is drawn from


@dataclass(kw_only=True, eq=False)
class _Reserved:
    """One reservation of many calls. drawn: units of it that are spent."""

    reservation: Reservation
    until: datetime
    drawn: int = 0

    def has(self, units: int, now: datetime) -> bool:
        """Whether so many units can be drawn now."""
        there = self.reservation.cost - self.drawn >= units
        return there and now < self.until and pacific_day(now) == self.reservation.day


class Block:
    """The ledger's `reserve` and `settle` for one account, drawn in memory. A context; safe for threads.

        with Block(ledger, "youtubereporting.media.download", "system", upto=50) as block: ...

    Takes nothing before its first reserve, reserves up to `upto` calls more when those are spent, and gives the
    rest back at the end. Calls of any method that the same bucket pays are drawn, from one reservation for each
    priority: what critical work took from the reserve serves critical work alone. Other buckets and accounts go to
    the ledger itself.
    """

    def __init__(
        self, ledger: Ledger, method: str, account: str, *, upto: int = 50, priority: Priority | None = None
    ) -> None:
        self.ledger = ledger
        self.price = ledger.profile.method(method)
        self.account = account
        self.upto = upto
        self.priority = priority
        self._lock = threading.RLock()
        self._open: dict[Priority, _Reserved] = {}
        self._ended: list[_Reserved] = []
        self._drawn: dict[Reservation, _Reserved] = {}
        self._closed = False

    def __enter__(self) -> Block:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def reserve(
        self, *, method: str, account: str | None = None, priority: Priority | None = None, **single: Any
    ) -> Reservation:
        """As the ledger's `reserve` of a call. single: what a block has no use for, as the name of one attempt."""
        account, asked = account or self.account, self.priority if priority is None else priority
        price = self.ledger.profile.method(method)
        if (price.bucket, account) != (self.price.bucket, self.account) or not price.cost:
            return self.ledger.reserve(method=method, account=account, priority=asked, **single)
        self.ledger.check_open(method, account)
        with self._lock:
            if self._closed:
                raise Conflict("This block has ended.", reason="blockEnded")
            return self._draw(price, price.at(asked))

    def _draw(self, price: Method, priority: Priority) -> Reservation:
        now, reserved = self.ledger.clock(), self._open.get(priority)
        if reserved is None or not reserved.has(price.cost, now):
            self._end(priority)
            most = max(1, self.upto * self.price.cost // price.cost)
            taken = self.ledger.reserve(
                method=price.id, account=self.account, priority=priority, least=1, count=most, lapse=DURATION
            )
            reserved = self._open[priority] = _Reserved(reservation=taken, until=now + DURATION)
        reserved.drawn += price.cost
        drawn = replace(reserved.reservation, cost=price.cost, entry=None)
        self._drawn[drawn] = reserved
        return drawn

    def settle(self, reservation: Reservation, *, sent: bool) -> None:
        """Charge what was sent. What was not can be drawn again, and goes back to the ledger at the end.

        Doing it again changes nothing; after the block has ended, neither does doing it late.
        """
        with self._lock:
            reserved = self._drawn.pop(reservation, None)
            if reserved is None:
                if reservation.entry:
                    self.ledger.settle(reservation, sent=sent)
                return
            if not sent:
                reserved.drawn -= reservation.cost
            if reserved in self._ended:
                self._give_back()

    def close_bucket(self, bucket: str, *, reason: str) -> None:
        self.ledger.close_bucket(bucket, reason=reason)

    def close(self) -> None:
        """End the block: what was drawn is charged, also by calls still under way; the rest goes back.

        While the ledger does not answer, reservations stay whole, and count as spent after their time. Closing
        again tries once more.
        """
        with self._lock:
            self._closed = True
            self._drawn.clear()
            for priority in tuple(self._open):
                self._end(priority)
            self._give_back()

    def _end(self, priority: Priority) -> None:
        reserved = self._open.pop(priority, None)
        if reserved is not None:
            self._ended.append(reserved)
            self._give_back()

    def _give_back(self) -> None:
        """Settle what has ended, as soon as its last call has."""
        under_way = list(self._drawn.values())
        for reserved in [one for one in self._ended if one not in under_way]:
            try:
                self.ledger.settle_units(reserved.reservation, reserved.drawn)
            except Unavailable as error:
                log("WARNING", "a block could not be settled", method=self.price.id, reason=error.reason)
                return
            self._ended.remove(reserved)
