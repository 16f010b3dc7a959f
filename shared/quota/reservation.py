"""A reservation: what its caller holds, its entry in the ledger, and how that is charged or given back, once.

The caller settles it; what nobody has settled in time the sweep charges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from shared.cloud.steps import Commit, Contended, Doc, Listing, Pause, Read, Steps, Write
from shared.quota.accounts import ENTRIES, BucketDay, bucket_day_of, left_in
from shared.quota.decisions import Grant, Loan, ReservationRequest
from shared.quota.profile import Priority

HELD, SETTLED, LAPSED, REFUSED = "held", "settled", "lapsed", "refused"
ATTEMPTS = 24  # at a contended account before the ledger counts as unreachable
QUIET = timedelta(minutes=10)  # a request that is not judged by then has lost its caller
SWEPT = 300  # entries that one sweep looks at; the next one takes the rest. Fits into one of Firestore's commits.


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """A request to a bucket's day. id: the name under which it is granted once; token: this try's alone.

    lapses_at: when its units count as spent unless they are settled. charged: they do from the beginning.
    """

    bucket_day: BucketDay
    request: ReservationRequest
    id: str
    token: str
    at: datetime
    lapses_at: datetime
    charged: bool = False

    def granted(self, grant: Grant) -> Entry:
        return Entry(
            bucket_day=self.bucket_day,
            id=self.id,
            token=self.token,
            account=self.request.account,
            units=grant.units,
            background=self.request.priority == Priority.BACKGROUND,
            loans=grant.loans,
            charged=self.charged,
        )


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
    version: Any = None
    background: bool = False
    loans: tuple[Loan, ...] = ()
    left: int | None = None
    charged: bool = False

    @property
    def path(self) -> str:
        return f"{self.bucket_day.entries}/{self.id}"

    @property
    def borrowed(self) -> int:
        return sum(loan.units for loan in self.loans)

    def spent(self, units: int) -> dict[str, int]:
        """What is added to the account's fields when so many more of its own units are spent."""
        return {"left": -units, "spent": units} | ({"background": units} if self.background else {})

    def is_held(self, doc: Doc) -> bool:
        """Whether a document still is this very entry, and nothing was done about it since it was made."""
        state, untouched = (SETTLED, doc.data["units"] == self.units) if self.charged else (HELD, True)
        return bool(doc.data["token"] == self.token and doc.data["state"] == state and untouched)


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
        loans=tuple(Loan(**loan) for loan in data.get("loans", ())),
        charged=data["state"] == SETTLED,
    )


def entry_id(operation_id: str, method: str) -> str:
    """One entry for each attempt and method: an operation makes several calls under its id."""
    text = f"{quote(operation_id, safe='')}~{method}"
    return text if len(text) < 400 else hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class Reservation:
    """Units set aside for calls of one method. cost: units in all; day: the Pacific day that pays."""

    bucket: str
    cost: int
    day: date
    entry: Entry | None = field(default=None, repr=False)


def ended(state: str, units: int) -> dict[str, Any]:
    """The fields of an entry that is held no longer."""
    return {"state": state, "units": units, "held": 0, "held_at": None}


def settling(entry: Entry, used: int, state: str = SETTLED) -> Steps[bool]:
    """Charge `used` units and give the rest back, its borrowed part to the lenders. Once: False if it was done."""
    version = entry.version
    for attempt in range(ATTEMPTS):
        if (yield Commit(tuple(_writes(entry, used, state, version)))) is not None:
            return True
        doc: Doc | None = (yield Read((entry.path,)))[entry.path]
        if doc is None or not entry.is_held(doc):
            return False
        version = doc.version
        yield Pause(attempt)
    raise Contended


def _writes(entry: Entry, used: int, state: str, version: Any) -> list[Write]:
    rest, back = entry.units - used, 0
    charged = used - entry.units if entry.charged else used
    writes = [Write(entry.path, ended(state, used), {"charged": charged}, only_if=version)]
    if not rest:
        return writes
    adds: dict[str, dict[str, int]] = {}
    # Who was asked last is given back first: that is the reserve, if it lent.
    for loan in reversed(entry.loans):
        units = min(loan.units, rest - back)
        if units:
            path, add = entry.bucket_day.lending(loan.lender, -units)
            adds.setdefault(path, {}).update(add)
            back += units
    own = entry.spent(-rest) | {"left": rest - back, "borrowed": -back}
    adds[entry.bucket_day.account(entry.account)] = own
    return [*writes, *(Write(path, add=add) for path, add in adds.items())]


def sweeping(now: datetime) -> Steps[int]:
    """Charge what nobody settled in time, of any bucket and day, and mend accounts that a death left below zero.

    Answers how many. Needs the index of `held_at` over all collections of entries; a sweep that finds nothing
    reads nothing more.
    """
    found: Mapping[str, Doc] = yield Listing(
        ENTRIES, group=True, until=("held_at", now - QUIET), order="held_at", limit=SWEPT
    )
    swept = 0
    for path, doc in found.items():
        entry = entry_of(path, doc)
        if not doc.data.get("confirmed"):
            paying = entry.bucket_day.account(entry.account)
            account: Doc | None = (yield Read((paying,)))[paying]
            if account is not None and left_in(account) < 0:
                swept += yield from _mending(entry, account, now)
                continue
        if doc.data["lapses_at"] <= now:
            swept += yield from settling(entry, entry.units, LAPSED)
    return swept


def _mending(entry: Entry, account: Doc, now: datetime) -> Steps[int]:
    """Write off what an account is below zero, if whoever was refused died before taking it back.

    Grants alone never reach below zero, so this much was refused. Requests that are not confirmed could still take
    it back themselves, too. So they lapse in the same commit: after that none can, and if one did since the
    account was looked at, or somebody added to it, its version has moved and nothing is written off.
    """
    entries = entry.bucket_day.entries
    held: Mapping[str, Doc] = yield Listing(entries, above=("held", 0), order="-held", limit=SWEPT)
    unjudged = {
        f"{entries}/{name}": doc
        for name, doc in held.items()
        if doc.data["account"] == entry.account and not doc.data.get("confirmed")
    }
    if any(doc.data["held_at"] > now - QUIET for doc in unjudged.values()):
        return 0  # its caller may be about to do so
    debt, writes = -left_in(account), []
    for path, doc in unjudged.items():
        units = doc.data["units"]
        writes.append(Write(path, ended(LAPSED, units), {"charged": units}, only_if=doc.version))
    add = {"left": debt, "spent": -debt, "written_off": debt}
    writes.append(Write(entry.bucket_day.account(entry.account), add=add, only_if=account.version))
    return len(writes) if (yield Commit(tuple(writes))) is not None else 0
