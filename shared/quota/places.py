"""Where a bucket's day is kept in Firestore, and how its documents are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.cloud.steps import Doc
from shared.quota.accounts import FUNDS
from shared.quota.decisions import Loan

ENTRIES = "entries"
HELD, SETTLED, LAPSED, REFUSED = "held", "settled", "lapsed", "refused"


@dataclass(frozen=True, slots=True)
class Place:
    """One bucket's day."""

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


def place_of(path: str) -> Place:
    """The day to which a document belongs."""
    day, _, bucket = path.split("/")[1].partition(":")
    return Place(date.fromisoformat(day), bucket)


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """What is written beside the units. id: the name under which they are reserved once; token: of this request.

    lapses_at: when they count as spent unless they are settled.
    """

    id: str
    token: str
    method: str
    at: datetime
    lapses_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A stored reservation. left: what the account holds now, None where another request reserved the units."""

    place: Place
    id: str
    token: str
    account: str
    units: int
    version: Any
    background: bool = False
    loans: tuple[Loan, ...] = ()
    left: int | None = None

    @property
    def path(self) -> str:
        """Its document."""
        return f"{self.place.entries}/{self.id}"

    def spent(self, units: int) -> dict[str, int]:
        """What is added to the account's fields when so many more of its own units are spent."""
        return {"left": -units, "spent": units} | ({"background": units} if self.background else {})


def entry_of(path: str, doc: Doc) -> Entry:
    """An entry as it is stored."""
    data = doc.data
    return Entry(
        place=place_of(path),
        id=path.rpartition("/")[2],
        token=data["token"],
        account=data["account"],
        units=data["units"],
        version=doc.version,
        background=data["priority"] == "background",
        loans=tuple(Loan(loan["lender"], loan["units"]) for loan in data.get("loans", ())),
    )


def left_in(doc: Doc | None) -> int:
    """What an account holds; below zero while somebody takes back what he was refused."""
    return 0 if doc is None else int(doc.data["left"])
