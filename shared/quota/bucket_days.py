"""Where a bucket's day is kept in Firestore."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.cloud.steps import Doc
from shared.quota.accounts import FUNDS

ENTRIES = "entries"


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
    def accounts(self) -> str:
        """The collection of accounts."""
        return f"{self.path}/accounts"

    @property
    def entries(self) -> str:
        """The collection of reservations."""
        return f"{self.path}/{ENTRIES}"

    @property
    def refusals(self) -> str:
        """The collection of what was refused."""
        return f"{self.path}/refusals"

    def account(self, account: str) -> str:
        """An account's document."""
        return f"{self.accounts}/{account}"

    def lending(self, lender: str, units: int) -> tuple[str, dict[str, int]]:
        """The document that lends, and what is added to its fields."""
        if lender in FUNDS:
            return self.path, {f"{lender}.left": -units, f"{lender}.lent": units}
        return self.account(lender), {"left": -units, "lent": units}


def bucket_day_of(path: str) -> BucketDay:
    """The day to which a document belongs."""
    day, _, bucket = path.split("/")[1].partition(":")
    return BucketDay(date.fromisoformat(day), bucket)


def left_in(account: Doc | None) -> int:
    """What an account holds; below zero while somebody takes back what he was refused."""
    return 0 if account is None else int(account.data["left"])
