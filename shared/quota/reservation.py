"""A reservation: what its caller holds, and its entry in the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import quote as quoted

from shared.cloud.steps import Doc
from shared.quota.accounts import BucketDay, bucket_day_of
from shared.quota.decisions import Loan
from shared.quota.profile import Priority

HELD, SETTLED, LAPSED, REFUSED = "held", "settled", "lapsed", "refused"


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """What is written beside the units. id: the name under which they are reserved once; token: of this request.

    lapses_at: when they count as spent unless they are settled. charged: they count as spent from the beginning.
    """

    id: str
    token: str
    method: str
    at: datetime
    lapses_at: datetime
    expires_at: datetime
    charged: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A stored reservation. left: what the account holds now, None where another request reserved the units.

    charged: it counts as spent; so only units that were not used are left to be given back.
    """

    bucket_day: BucketDay
    id: str
    token: str
    account: str
    units: int
    version: Any
    background: bool = False
    loans: tuple[Loan, ...] = ()
    left: int | None = None
    charged: bool = False

    @property
    def path(self) -> str:
        return f"{self.bucket_day.entries}/{self.id}"

    def spent(self, units: int) -> dict[str, int]:
        """What is added to the account's fields when so many more of its own units are spent."""
        return {"left": -units, "spent": units} | ({"background": units} if self.background else {})


def entry_of(path: str, doc: Doc) -> Entry:
    data = doc.data
    return Entry(
        bucket_day=bucket_day_of(path),
        id=path.rpartition("/")[2],
        token=data["token"],
        account=data["account"],
        units=data["units"],
        version=doc.version,
        background=data["priority"] == "background",
        loans=tuple(Loan(loan["lender"], loan["units"]) for loan in data.get("loans", ())),
        charged=data["state"] == SETTLED,
    )


def entry_id(operation_id: str, method: str) -> str:
    """One entry for each attempt and method: an operation makes several calls under its id."""
    text = f"{quoted(operation_id, safe='')}~{method}"
    return text if len(text) < 400 else hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """Units set aside for `count` calls of one method. cost: units in all; day: the Pacific day that pays."""

    operation_id: str
    method: str
    bucket: str
    account: str
    cost: int
    count: int
    priority: Priority
    day: date
    entry: Entry | None = field(default=None, repr=False)
