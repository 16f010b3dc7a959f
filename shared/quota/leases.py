"""Blocks of calls, spent in memory: what a busy collector uses instead of document writes for each call.

A block is a reservation for many calls. It is charged when it ends, in one change of state that also gives the
unused units back; if its holder dies, all of it counts as spent.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType

from shared.errors import Conflict, Unavailable
from shared.monitoring.log import log
from shared.quota.calendar import days_at
from shared.quota.ledger import Ledger, Reservation
from shared.quota.profile import Method, Priority


@dataclass(kw_only=True, eq=False)
class _Block:
    """One reservation of many calls. drawn: units of it that are spent; under_way: calls not settled yet."""

    reservation: Reservation
    until: datetime
    drawn: int = 0
    under_way: int = 0

    @property
    def left(self) -> int:
        return self.reservation.cost - self.drawn


class Lease:
    """A budget with the ledger's own `reserve` and `settle`, for one account. A context; safe for threads.

        with Lease(ledger, "youtubereporting.media.download", "system", upto=50) as budget: ...

    Takes nothing before its first reserve, takes another block of up to `upto` calls when one is spent, and gives
    the rest back at the end. Calls of any method that the same bucket pays are served from blocks, one for each
    priority: what critical work took from the reserve serves critical work alone. Everything else goes to the
    ledger itself: other buckets and accounts, and what happens around midnight, when two days pay.
    """

    def __init__(
        self,
        ledger: Ledger,
        method: str,
        account: str,
        *,
        upto: int = 50,
        priority: Priority | None = None,
        duration: timedelta = timedelta(minutes=10),
    ) -> None:
        self.ledger = ledger
        self.price = ledger.profile.method(method)
        self.account = account
        self.upto = upto
        self.priority = priority
        self.duration = duration
        self._lock = threading.RLock()
        self._blocks: dict[Priority, _Block] = {}
        self._ended: list[_Block] = []
        self._drawn: dict[str, _Block] = {}
        self._closed = False

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def reserve(
        self,
        *,
        method: str,
        account: str | None = None,
        operation_id: str | None = None,
        priority: Priority | None = None,
        count: int = 1,
    ) -> Reservation:
        """As the ledger's `reserve`. Under a lease an operation id is not remembered after the call."""
        account = account or self.account
        price = self.ledger.profile.method(method)
        asked = priority if priority is not None else self.priority
        mine = (price.bucket, account) == (self.price.bucket, self.account)
        if not mine or not price.cost or len(days_at(self.ledger.clock())) > 1:
            return self.ledger.reserve(
                method=method, account=account, operation_id=operation_id, priority=asked, count=count
            )
        self.ledger.check_open(method, account)
        with self._lock:
            if self._closed:
                raise Conflict("This lease has ended.", reason="leaseEnded")
            return self._draw(price, count, price.at(asked))

    def _draw(self, price: Method, count: int, priority: Priority) -> Reservation:
        need = price.cost * count
        block = self._blocks.get(priority)
        if block is None or block.left < need or not self._usable(block):
            self._end(priority)
            block = self._blocks[priority] = self._take(price, count, priority)
        block.drawn += need
        block.under_way += 1
        drawn = Reservation(
            operation_id=uuid.uuid4().hex,
            method=price.id,
            bucket=price.bucket,
            account=self.account,
            cost=need,
            count=count,
            priority=priority,
            day=block.reservation.day,
        )
        self._drawn[drawn.operation_id] = block
        return drawn

    def _usable(self, block: _Block) -> bool:
        now = self.ledger.clock()
        return now < block.until and days_at(now) == (block.reservation.day,)

    def _take(self, price: Method, count: int, priority: Priority) -> _Block:
        until = self.ledger.clock() + self.duration
        reservation = self.ledger.reserve_between(
            method=price.id,
            account=self.account,
            operation_id=f"lease-{uuid.uuid4().hex}",
            priority=priority,
            least=count,
            most=max(count, self.upto * self.price.cost // price.cost),
            lapse=self.duration,
        )
        return _Block(reservation=reservation, until=until)

    def settle(self, reservation: Reservation, *, sent: bool) -> None:
        """Charge what was sent. What was not goes back into its block, and with it to the ledger when that ends.

        Doing it again changes nothing; after the lease has ended, neither does doing it late.
        """
        with self._lock:
            block = self._drawn.pop(reservation.operation_id, None)
            if block is None:
                if reservation.holds:
                    self.ledger.settle(reservation, sent=sent)
                return
            block.under_way -= 1
            if not sent:
                block.drawn -= reservation.cost
            if block in self._ended:
                self._give_back()

    def close_bucket(self, bucket: str, *, reason: str) -> None:
        """As the ledger's."""
        self.ledger.close_bucket(bucket, reason=reason)

    def close(self) -> None:
        """End the lease: what was drawn is charged, also by calls still under way; the rest goes back.

        While the ledger does not answer, blocks stay whole, and count as spent after their time. Closing again
        tries once more.
        """
        with self._lock:
            self._closed = True
            self._drawn.clear()
            for priority in tuple(self._blocks):
                self._end(priority)
            for block in self._ended:
                block.under_way = 0
            self._give_back()

    def _end(self, priority: Priority) -> None:
        block = self._blocks.pop(priority, None)
        if block is not None:
            self._ended.append(block)
            self._give_back()

    def _give_back(self) -> None:
        """Settle the blocks that ended, as soon as their last call has."""
        for block in [block for block in self._ended if not block.under_way]:
            try:
                self.ledger.settle_units(block.reservation, block.drawn)
            except Unavailable as error:
                log("WARNING", "a lease's block could not be settled", method=self.price.id, reason=error.reason)
                return
            self._ended.remove(block)
