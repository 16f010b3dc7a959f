"""What a caller holds: units set aside, and where they are stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote as quoted

from shared.quota.accounts import name_of
from shared.quota.places import Entry
from shared.quota.profile import Priority


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

    @property
    def borrowed(self) -> tuple[tuple[str, int], ...]:
        """From whom how many units were borrowed."""
        return tuple((name_of(loan.lender), loan.units) for loan in self.entry.loans) if self.entry else ()


def entry_id(operation_id: str, method: str) -> str:
    """One entry for each attempt and method: an operation makes several calls under its id."""
    text = f"{quoted(operation_id, safe='')}~{method}"
    return text if len(text) < 400 else hashlib.sha256(text.encode()).hexdigest()
