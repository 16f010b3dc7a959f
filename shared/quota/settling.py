"""How reserved units are charged or given back, once, by their caller or by the sweep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.cloud.steps import Commit, Contended, Doc, Listing, Pause, Read, Steps, Write
from shared.quota.accounts import ENTRIES, left_in
from shared.quota.protocol import ATTEMPTS, ended, is_held
from shared.quota.reservation import LAPSED, SETTLED, Entry, entry_of

QUIET = timedelta(minutes=10)
"""A request that is not judged by then has lost its caller."""
SWEPT = 300
"""Entries that one sweep looks at; the next one takes the rest. Fits into one of Firestore's commits."""


def settling(entry: Entry, used: int, state: str = SETTLED) -> Steps[bool]:
    """Charge `used` units and give the rest back, its borrowed part to the lenders. Once: False if it was done."""
    version = entry.version
    for attempt in range(ATTEMPTS):
        if (yield Commit(tuple(_writes(entry, used, state, version)))) is not None:
            return True
        doc: Doc | None = (yield Read((entry.path,)))[entry.path]
        if doc is None or not is_held(doc, entry):
            return False
        version = doc.version
        yield Pause(attempt)
    raise Contended


def _writes(entry: Entry, used: int, state: str, version: Any) -> list[Write]:
    rest, back = entry.units - used, 0
    writes = [Write(entry.path, ended(state, used), {"charged": used}, only_if=version)]
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
    held: Mapping[str, Doc] = yield Listing(
        entry.bucket_day.entries, above=("held", 0), order="-held", limit=SWEPT
    )
    unjudged = [
        (entry_of(f"{entry.bucket_day.entries}/{key}", doc), doc.data["held_at"])
        for key, doc in held.items()
        if doc.data["account"] == entry.account and not doc.data.get("confirmed")
    ]
    if any(at > now - QUIET for _, at in unjudged):
        return 0  # its caller may be about to do so
    debt = -left_in(account)
    writes = [
        Write(one.path, ended(LAPSED, one.units), {"charged": one.units}, only_if=one.version)
        for one, _ in unjudged
    ]
    add = {"left": debt, "spent": -debt, "written_off": debt}
    writes.append(Write(entry.bucket_day.account(entry.account), add=add, only_if=account.version))
    return len(writes) if (yield Commit(tuple(writes))) is not None else 0
