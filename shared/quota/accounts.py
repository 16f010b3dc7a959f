"""The accounts of a bucket's day: where they are kept, and how the day's units are allocated among them.

A day's allocation never changes: the reserve, system work, and what the users share. Units only move afterwards:
from the pool to an account (its own share), from an account to another (a loan), or from an account to spent. So
the limit holds as long as no account goes below zero.

The pool, the reserve and what system work has not taken yet are funds in the day's own document. An account gets a
document, and its share out of the pool, with its first reservation of the day; so nobody has to read or write the
accounts of all users. System work has several accounts, because many instances spend from it at once; they take
their units out of its fund part by part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import quote, unquote

from shared.clock import pacific_day_bounds
from shared.cloud.steps import Doc
from shared.data_map import QUOTA
from shared.errors import InvalidRequest
from shared.quota.profile import Bucket

SYSTEM, RESERVE, POOL = "system", "reserve", "pool"
PARTS = 6
SYSTEMS = tuple(f"{SYSTEM}-{part}" for part in range(PARTS))
FUNDS = (POOL, SYSTEM, RESERVE)
HEAVIEST = 1_000  # the greatest weight that a user may have; 1 is an ordinary share
ENTRIES = "entries"
_USER = "user:"


def account_of(name: str, part: int = 0) -> str:
    """The ledger's key for a user id, or for a part of "system". Raises InvalidRequest for an empty name."""
    if not name:
        raise InvalidRequest("An account needs a name.", reason="unknownAccount", field="account")
    return SYSTEMS[part % PARTS] if name == SYSTEM else _USER + quote(name, safe="")


def name_of(account: str) -> str:
    """What people call an account: a user id, "system", "pool" or "reserve"."""
    if account.startswith(_USER):
        return unquote(account.removeprefix(_USER))
    return SYSTEM if account in SYSTEMS else account


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """How one bucket's day is divided, in units.

    share: what a user of weight 1 may call its own. unclaimed: the shares of all users together, at the beginning.
    """

    limit: int
    reserve: int
    system: int
    share: float = 0.0
    unclaimed: int = 0

    @property
    def pool(self) -> int:
        """What the pool begins with: the users' shares, and what is nobody's."""
        return self.limit - self.reserve - self.system

    def share_of(self, account: str, weight: object = 1) -> int:
        return int(self.share * sound(weight)) if account.startswith(_USER) else 0

    def funds(self) -> dict[str, dict[str, int]]:
        """The funds of a day that begins. share: what of a fund is meant for somebody."""
        units = {POOL: (self.pool, self.unclaimed), SYSTEM: (self.system, self.system), RESERVE: (self.reserve, 0)}
        return {fund: {"left": left, "share": share, "lent": 0} for fund, (left, share) in units.items()}


def allocate(bucket: Bucket, users: int, users_max: int, *, weights: float | None = None) -> Allocation:
    """The allocation of a new day. users: how many there are; weights: the sum of theirs, 1 each if not given.

    The places of users who have not come yet count with weight 1 each, so a share does not depend on who else is
    there. Where a share would be less than a unit, there are no shares.
    """
    plain = Allocation(limit=bucket.limit, reserve=bucket.reserve, system=bucket.system)
    if not needs_users(bucket, users_max):
        return plain
    weights = users if weights is None else weights
    share = plain.pool / (weights + max(0, users_max - users))
    unclaimed = min(plain.pool, int(share * weights))
    return replace(plain, share=share, unclaimed=unclaimed)


def needs_users(bucket: Bucket, users_max: int) -> bool:
    """Whether the allocation depends on how many users there are: an ordinary share is at least one unit."""
    return bucket.shares == "users" and bucket.limit - bucket.reserve - bucket.system >= users_max > 0


def sound(weight: object) -> float:
    """A user's weight; anything absurd counts as 1."""
    if isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight <= HEAVIEST:
        return float(weight)
    return 1.0


@dataclass(frozen=True, slots=True)
class BucketDay:
    """One bucket's Pacific day."""

    day: date
    bucket: str

    @property
    def path(self) -> str:
        """The day's own document: its allocation and its funds."""
        return f"quota/{self.day.isoformat()}:{self.bucket}"

    @property
    def expires_at(self) -> datetime:
        """Until when its documents are kept."""
        return QUOTA.expiry(pacific_day_bounds(self.day)[1])

    @property
    def accounts(self) -> str:
        return f"{self.path}/accounts"

    @property
    def entries(self) -> str:
        return f"{self.path}/{ENTRIES}"

    @property
    def refusals(self) -> str:
        return f"{self.path}/refusals"

    def account(self, account: str) -> str:
        return f"{self.accounts}/{account}"

    def lending(self, lender: str, units: int) -> tuple[str, dict[str, int]]:
        """The document that lends, and what is added to its fields."""
        if lender in FUNDS:
            return self.path, {f"{lender}.left": -units, f"{lender}.lent": units}
        return self.account(lender), {"left": -units, "lent": units}


def bucket_day_of(path: str) -> BucketDay:
    day, _, bucket = path.split("/")[1].partition(":")
    return BucketDay(date.fromisoformat(day), bucket)


def left_in(account: Doc | None) -> int:
    """What an account holds; below zero while somebody takes back what he was refused."""
    return 0 if account is None else int(account.data["left"])
