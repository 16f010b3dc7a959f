"""The accounts among which a bucket's day is divided, and what one holds.

A day opens with a division that never changes afterwards: the reserve, system work, one share for each user, and
a pool for what belongs to nobody (users who have not come yet, remainders). Their sum is the limit. From then on
units only move: from an account to another (a loan), or from an account to spent. So however many documents there
are, the limit holds as long as each account alone never goes below zero.

System work and the pool are cut into parts, because that is where many meet. An instance keeps to one part of
system work, and a borrower takes from as many parts as it needs, so nothing is stranded in any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from shared.errors import InvalidRequest
from shared.quota.profile import Bucket

SYSTEM = "system"
RESERVE = "reserve"
POOL = "pool"
PARTS = 16
SYSTEMS = tuple(f"{SYSTEM}-{part}" for part in range(PARTS))
POOLS = tuple(f"{POOL}-{part}" for part in range(PARTS))
_USER = "user:"
_HEAVIEST = 1_000.0


def account_of(name: str, part: int = 0) -> str:
    """The ledger's key for a user id, or for a part of "system". Raises InvalidRequest for an empty name."""
    if not name:
        raise InvalidRequest("An account needs a name.", reason="unknownAccount", field="account")
    return SYSTEMS[part % PARTS] if name == SYSTEM else _USER + quote(name, safe="")


def name_of(account: str) -> str:
    """What people call an account: a user id, "system", "pool" or "reserve"."""
    if account.startswith(_USER):
        return unquote(account.removeprefix(_USER))
    return account.rpartition("-")[0] or account


def is_free(lender: str, borrower: str) -> bool:
    """Whether these units may be taken by anybody's priority: nobody's, or another part of one's own."""
    return lender in POOLS or is_sister(lender, borrower)


def is_sister(lender: str, borrower: str) -> bool:
    """Whether both are parts of system work, which is one account in all but its documents."""
    return lender in SYSTEMS and borrower in SYSTEMS


def beside(account: str) -> tuple[str, ...]:
    """The accounts that are free to an account."""
    return (*SYSTEMS, *POOLS) if account in SYSTEMS else POOLS


@dataclass(frozen=True, slots=True)
class Balance:
    """One account's day, in units. spent includes what is reserved and not settled yet."""

    opening: int = 0
    borrowed: int = 0
    lent: int = 0
    spent: int = 0

    @property
    def available(self) -> int:
        """What is left. Below zero only while somebody takes back what he was refused."""
        return self.opening + self.borrowed - self.lent - self.spent


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How one bucket's day was divided. accounts holds every account that had units; they sum to limit."""

    limit: int
    reserve: int
    accounts: Mapping[str, int]

    def of(self, account: str) -> int:
        """What an account began with."""
        return self.accounts.get(account, 0)


def divide(bucket: Bucket, weights: Mapping[str, float], users_max: int) -> Opening:
    """The division for a new day.

    weights: user id to weight (1 is an ordinary share; anything absurd counts as 1). Places of users who have not
    come yet stay in the pool with weight 1 each, so a share does not depend on who else is there. Where a share
    would be less than a unit, there are no shares.
    """
    accounts = {RESERVE: bucket.reserve, **_cut(bucket.system, SYSTEMS)}
    common = bucket.limit - bucket.reserve - bucket.system
    if needs_users(bucket, users_max):
        sound = {user: _sound(weight) for user, weight in weights.items()}
        total = sum(sound.values()) + max(0, users_max - len(sound))
        for user, weight in sorted(sound.items()):
            accounts[account_of(user)] = int(common * weight / total)
    left = bucket.limit - sum(accounts.values())
    accounts |= _cut(left, POOLS)
    return Opening(
        limit=bucket.limit,
        reserve=bucket.reserve,
        accounts={account: units for account, units in accounts.items() if units},
    )


def needs_users(bucket: Bucket, users_max: int) -> bool:
    """Whether the division depends on who the users are: an ordinary share is at least one unit."""
    common = bucket.limit - bucket.reserve - bucket.system
    return bucket.shares == "users" and common >= users_max > 0


def _cut(units: int, parts: tuple[str, ...]) -> dict[str, int]:
    """Equal parts, and the remainder one by one."""
    each, more = divmod(units, len(parts))
    return {part: each + (number < more) for number, part in enumerate(parts)}


def _sound(weight: object) -> float:
    if isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight <= _HEAVIEST:
        return float(weight)
    return 1.0
