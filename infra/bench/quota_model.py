"""How often each document would be written: 16 instances, 20 reservations a second, a day's budget, virtual time.

The ledger itself runs, on documents in memory; only time is made up. Emulators cannot tell this, because the limit
of about one sustained write a second to a document is production's.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.cloud.steps import Commit, Listing, Read, Total, Write
from shared.errors import QuotaRefused
from shared.quota.books import Books
from shared.quota.leases import Lease
from shared.quota.ledger import Ledger
from shared.quota.profile import Method, Priority, Profile, load
from tests.stands.firestore_in_memory import Shelf

INSTANCES, RATE, USERS = 16, 20, 50
NOON = datetime(2026, 11, 22, 20, tzinfo=UTC)
REFUSALS = 200


class CountingShelf(Shelf):
    """Remembers when each document was written, and counts documents read as Firestore bills them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.writes: dict[str, list[datetime]] = defaultdict(list)
        self.reads = 0

    def answer(self, step: Any) -> Any:
        """As a shelf answers."""
        answer = super().answer(step)
        if isinstance(step, Commit) and answer is not None:
            for write in step.writes:
                self.writes[write.path].append(self.now)
        elif isinstance(step, Read):
            self.reads += len(step.paths)
        elif isinstance(step, Listing):
            self.reads += max(1, len(answer))
        elif isinstance(step, Total):
            self.reads += 1
        return answer


@dataclass(frozen=True, kw_only=True)
class Modelled:
    """What a whole budget's spending came to."""

    granted: int
    reads: int
    writes: dict[str, list[datetime]] = field(repr=False)

    @property
    def written(self) -> int:
        """Document writes in all."""
        return sum(len(times) for times in self.writes.values())

    def busiest(self, window: timedelta) -> float:
        """Writes a second of the busiest document in its busiest window."""
        return max(_most(times, window) for times in self.writes.values()) / window.total_seconds()


def _most(times: list[datetime], window: timedelta) -> int:
    recent: deque[datetime] = deque()
    most = 0
    for at in times:
        recent.append(at)
        while at - recent[0] >= window:
            recent.popleft()
        most = max(most, len(recent))
    return most


Spend = Callable[[int, int], None]
"""One reservation of one instance, by its number and the reservation's."""


def users(ledgers: list[Ledger], dice: random.Random) -> Spend:
    """Fifty users, each reservation under an operation id."""

    def spend(instance: int, number: int) -> None:
        ours, user = ledgers[instance], f"u{dice.randrange(USERS)}"
        ours.settle(ours.reserve(method="m", account=user, operation_id=f"op{number}"), sent=True)

    return spend


def collectors(ledgers: list[Ledger], dice: random.Random) -> Spend:  # noqa: ARG001
    """All of it system work, under leases of 50."""
    leases = [Lease(ledger, "m", "system", upto=50) for ledger in ledgers]

    def spend(instance: int, number: int) -> None:  # noqa: ARG001
        leases[instance].settle(leases[instance].reserve(method="m"), sent=True)

    return spend


def run(kind: Callable[[list[Ledger], random.Random], Spend], seed: int = 1) -> Modelled:
    """Spend the guide's 9,000 units at 20 a second until nothing is granted any more."""
    shelf, dice = CountingShelf(), random.Random(seed)  # noqa: S311 - arrivals, not secrets
    for user in range(USERS):
        shelf.answer(Commit((Write(f"users/u{user}"),)))
    shelf.writes.clear()
    method = Method(id="m", bucket="default", cost=1, priority=Priority.HIGH)
    profile = Profile(name="model", buckets=load("guide").buckets, methods={"m": method})
    client: Any = None
    store: Any = shelf
    books = Books(store)
    ledgers = [
        Ledger(client, profile, lambda: shelf.now, users_max=USERS, books=books, part=part)
        for part in range(INSTANCES)
    ]
    spend, granted, refused, number = kind(ledgers, dice), 0, 0, 0
    while refused < REFUSALS:
        shelf.now = NOON + timedelta(seconds=number / RATE)
        number += 1
        try:
            spend(dice.randrange(INSTANCES), number)
            granted += 1
        except QuotaRefused:
            refused += 1
    return Modelled(granted=granted, reads=shelf.reads, writes=dict(shelf.writes))
