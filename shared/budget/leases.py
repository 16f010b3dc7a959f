"""A block of calls, spent in memory: what a busy collector uses instead of a document write for each call.

A lease is a reservation for many calls. It is charged when it ends, in one change of state that also gives the
unused units back; if its holder dies, all of it counts as spent.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from shared.budget.calendar import days_at
from shared.budget.profile import Method, Priority
from shared.errors import Conflict

if TYPE_CHECKING:
    from shared.budget.ledger import Ledger, Reservation


@dataclass(kw_only=True)
class _Block:
    """One reservation of many calls, and how much of it was drawn, in units."""

    reservation: Reservation
    until: datetime
    drawn: int = 0

    @property
    def left(self) -> int:
        return self.reservation.cost - self.drawn


@dataclass(kw_only=True)
class Lease:
    """A budget with the ledger's own `reserve` and `settle`, for one account. A context; safe for threads.

    Calls of any method that the same bucket pays are served from the block. Everything else goes to the ledger
    itself: other buckets and accounts, and what happens around midnight, when a block of one day does not do.
    """

    ledger: Ledger
    price: Method
    account: str
    upto: int
    priority: Priority | None
    duration: timedelta
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _block: _Block | None = None
    _drawn: dict[str, _Block] = field(default_factory=dict, repr=False)
    _ended: bool = False

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
            if self._ended:
                raise Conflict("This lease has ended.", reason="leaseEnded")
            return self._draw(price, count, asked)

    def _draw(self, price: Method, count: int, priority: Priority | None) -> Reservation:
        from shared.budget.ledger import Reservation  # noqa: PLC0415 - the ledger hands leases out

        need = price.cost * count
        block = self._block
        if block is None or block.left < need or not self._usable(block):
            self._end_block()
            block = self._block = self._take(price, count, priority)
        block.drawn += need
        drawn = Reservation(
            operation_id=uuid.uuid4().hex,
            method=price.id,
            bucket=price.bucket,
            account=self.account,
            cost=need,
            count=count,
            priority=block.reservation.priority,
            day=block.reservation.day,
        )
        self._drawn[drawn.operation_id] = block
        return drawn

    def _usable(self, block: _Block) -> bool:
        now = self.ledger.clock()
        return now < block.until and days_at(now) == (block.reservation.day,)

    def _take(self, price: Method, count: int, priority: Priority | None) -> _Block:
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
        """Charge what was sent; what was not goes back into the block, or to the ledger if the block has ended."""
        with self._lock:
            block = self._drawn.pop(reservation.operation_id, None)
            if block is None:
                if reservation.holds:
                    self.ledger.settle(reservation, sent=sent)
            elif not sent:
                block.drawn -= reservation.cost

    def close_bucket(self, bucket: str, *, reason: str) -> None:
        """As the ledger's."""
        self.ledger.close_bucket(bucket, reason=reason)

    def close(self) -> None:
        """End the lease: what was drawn is charged, the rest goes back. Calls still under way are charged."""
        with self._lock:
            self._ended = True
            self._end_block()

    def _end_block(self) -> None:
        block, self._block = self._block, None
        if block is not None:
            self.ledger.settle_units(block.reservation, block.drawn)
