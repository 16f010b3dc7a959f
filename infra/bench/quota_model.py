"""How often each document would be written: 16 instances, 20 reservations a second, a day's quota, virtual time.

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

from shared.cloud.steps import Commit, Write
from shared.errors import QuotaRefused
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.quota.profile import Method, Priority, Profile, load
from tests.stands.firestore_in_memory import FirestoreInMemory

INSTANCES, RATE, USERS = 16, 20, 50
NOON = datetime(2026, 11, 22, 20, tzinfo=UTC)
REFUSALS = 200


class CountingStore(FirestoreInMemory):
    """Remembers when each document was written."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.writes: dict[str, list[datetime]] = defaultdict(list)

    def answer(self, step: Any) -> Any:
        """As Firestore answers."""
        answer = super().answer(step)
        if isinstance(step, Commit) and answer is not None:
            for write in step.writes:
                self.writes[write.path].append(self.now)
        return answer


@dataclass(frozen=True, kw_only=True)
class Modelled:
    """What a whole day's spending came to."""

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


def users(ledgers: list[Ledger], rng: random.Random) -> Spend:
    """Fifty users, each reservation under an operation id."""

    def spend(instance: int, number: int) -> None:
        ours, user = ledgers[instance], f"u{rng.randrange(USERS)}"
        ours.settle(ours.reserve(method="m", account=user, operation_id=f"op{number}"), sent=True)

    return spend


def collectors(ledgers: list[Ledger], rng: random.Random) -> Spend:  # noqa: ARG001
    """All of it system work, in blocks of 50."""
    blocks = [Block(ledger, "m", "system", upto=50) for ledger in ledgers]

    def spend(instance: int, number: int) -> None:  # noqa: ARG001
        blocks[instance].settle(blocks[instance].reserve(method="m"), sent=True)

    return spend


def run(kind: Callable[[list[Ledger], random.Random], Spend], seed: int = 1) -> Modelled:
    """Spend the guide's 9,000 units at 20 a second until nothing is granted any more."""
    store, rng = CountingStore(), random.Random(seed)  # noqa: S311 - arrivals, not secrets
    for user in range(USERS):
        store.answer(Commit((Write(f"users/u{user}"),)))
    store.writes.clear()
    method = Method(id="m", bucket="default", cost=1, priority=Priority.HIGH)
    profile = Profile(name="model", buckets=load("guide").buckets, methods={"m": method})
    client: Any = None
    any_store: Any = store
    ledgers = [
        Ledger(client, profile, lambda: store.now, users_max=USERS, store=any_store, part=part)
        for part in range(INSTANCES)
    ]
    spend, granted, refused, number = kind(ledgers, rng), 0, 0, 0
    while refused < REFUSALS:
        store.now = NOON + timedelta(seconds=number / RATE)
        number += 1
        try:
            spend(rng.randrange(INSTANCES), number)
            granted += 1
        except QuotaRefused:
            refused += 1
    return Modelled(granted=granted, reads=store.reads, writes=dict(store.writes))
