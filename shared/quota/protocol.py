"""How units are reserved without ever being paid out twice, whatever happens between two steps.

Spending from one's own account is a blind addition whose result is read back: it is granted if the account is
not below zero afterwards, else it is taken back. Nobody waits for anybody, and the limit cannot be passed, because
each grant saw all additions before it. Claiming one's share and borrowing are decided from a look at the day, and
committed on condition that no document they touch has changed.

Every request has an entry of its own, created with its addition, so that a client that lost the answer does not
add again. Whatever is done about it afterwards changes the entry in the same commit, on condition that it is still
held; so it is done once, whoever comes late:

    held       set aside; confirmed says that the grant is certain, not still being judged
    settled    charged; the units that were not used have gone back
    lapsed     nobody settled it in time: charged, because the call may have been sent
    refused    it went too far, and its units have gone back

A single call, which is sent at once, is settled from the beginning: whoever dies has charged it all the same, and
only what was not sent is written about again. Such an entry is committed from a look, so it never goes too far.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.cloud.steps import ABSENT, Commit, Contended, Doc, Listing, Pause, Read, Steps, Write
from shared.quota.accounts import PARTS, POOL, RESERVE, SYSTEM, SYSTEMS, BucketDay, allocation_in, left_in, name_of
from shared.quota.decisions import Book, Grant, Lender, Loan, Moment, Refusal, ReservationRequest, decide
from shared.quota.profile import Priority
from shared.quota.reservation import HELD, LAPSED, REFUSED, SETTLED, Entry, NewEntry, entry_of

ATTEMPTS = 24
"""Attempts at a contended account before the ledger counts as unreachable."""
LOOKS = 8
"""Looks at an account that somebody is about to take back from, before a refusal stands."""
USERS, WEIGHT = "users", "quota_share"
LENDERS = {
    **dict.fromkeys((Priority.BACKGROUND, Priority.NORMAL, Priority.PROMPT), 5),
    **dict.fromkeys((Priority.HIGH, Priority.CRITICAL), 7),
}
"""How many accounts a borrower looks at, those that hold most. Work that may take all that there is sees more of
them, so that a call of 7 units always finds 7; with everything else it reads 10 documents at most."""


def spending(bucket_day: BucketDay, request: ReservationRequest, new: NewEntry) -> Steps[Entry | None]:
    """Spend from the own account alone, which is known to exist. None: it does not hold that much."""
    for attempt in range(ATTEMPTS):
        before: Doc | None = None
        if attempt:
            found = yield from existing(bucket_day, new)
            if isinstance(found, Entry):
                return found
            before = found
        entry = _entry(bucket_day, request, new, Grant(units=request.units))
        own = Write(bucket_day.account(entry.account), add=entry.spent(entry.units))
        written = yield Commit((own, _entry_write(request, new, entry, before, confirmed=False)))
        if written is not None:
            entry = replace(entry, version=written[1].version, left=written[0].numbers["left"])
            return entry if written[0].numbers["left"] >= 0 else (yield from _taking_back(entry))
        yield Pause(attempt)
    raise Contended


def _entry(bucket_day: BucketDay, request: ReservationRequest, new: NewEntry, grant: Grant) -> Entry:
    return Entry(
        bucket_day=bucket_day,
        id=new.id,
        token=new.token,
        account=request.account,
        units=grant.units,
        version=None,
        background=request.priority == Priority.BACKGROUND,
        loans=grant.loans,
        charged=new.charged,
    )


def _entry_write(
    request: ReservationRequest, new: NewEntry, entry: Entry, before: Doc | None, *, confirmed: bool
) -> Write:
    fields: dict[str, Any] = {
        "state": HELD,
        "token": new.token,
        "account": entry.account,
        "method": new.method,
        "priority": request.priority.name.lower(),
        "units": entry.units,
        "held": entry.units,
        "held_at": new.at,
        "lapses_at": new.lapses_at,
        "expires_at": new.expires_at,
    }
    if confirmed or before is not None:  # else left out: most entries are new, and each field costs time
        fields["confirmed"] = confirmed
        fields["at"] = new.at
        fields["borrowed"] = borrowed(entry.loans)
        fields["loans"] = [{"lender": loan.lender, "units": loan.units} for loan in entry.loans]
    add = {"charged": entry.units} if new.charged else {}
    fields |= ended(SETTLED, entry.units) if new.charged else {}
    return Write(entry.path, fields, add, only_if=before.version if before else ABSENT)


def ended(state: str, units: int) -> dict[str, Any]:
    """The fields of an entry that is held no longer."""
    return {"state": state, "units": units, "held": 0, "held_at": None}


def _taking_back(entry: Entry) -> Steps[Entry | None]:
    """Undo an addition that went too far; the entry, if somebody has confirmed it meanwhile."""
    refused = Write(entry.path, ended(REFUSED, 0), only_if=entry.version)
    own = Write(entry.bucket_day.account(entry.account), add=entry.spent(-entry.units))
    if (yield Commit((refused, own))) is not None:
        return None
    doc: Doc | None = (yield Read((entry.path,)))[entry.path]
    if doc is None or not is_held(doc, entry):
        return None  # the sweep was faster, or the first try did it and its answer was lost
    return replace(entry, version=doc.version)


def is_held(doc: Doc, entry: Entry) -> bool:
    """Whether a document still is this very entry, and nothing was done about it since it was made."""
    state, untouched = (SETTLED, doc.data["units"] == entry.units) if entry.charged else (HELD, True)
    return bool(doc.data["token"] == entry.token and doc.data["state"] == state and untouched)


def existing(bucket_day: BucketDay, new: NewEntry) -> Steps[Entry | Doc | None]:
    """The entry held under this id; or its document, no longer held, that this request follows; or None."""
    path = f"{bucket_day.entries}/{new.id}"
    for attempt in range(ATTEMPTS):
        doc: Doc | None = (yield Read((path,)))[path]
        if doc is not None and doc.data["state"] == LAPSED and doc.data["token"] == new.token:
            raise Contended  # it was ours, and we were away for so long that it was charged
        if doc is None:
            return None
        entry = entry_of(path, doc)
        if entry.charged and new.charged and entry.token == new.token:
            return entry  # our own, whose answer was lost
        if doc.data["state"] != HELD:
            return doc
        if doc.data.get("confirmed"):
            return entry
        paying = bucket_day.account(entry.account)  # another instance may have used another part of system work
        if left_in((yield Read((paying,)))[paying]) >= 0:
            # From this write on it cannot be taken back, so it is safe to rely on.
            written = yield Commit((Write(path, {"confirmed": True}, only_if=doc.version),))
            if written is not None:
                return replace(entry, version=written[0].version)
        elif entry.token == new.token:
            yield from _taking_back(entry)  # our own addition, whose answer was lost: nobody else judges it
            continue
        yield Pause(attempt)
    raise Contended


@dataclass(frozen=True, kw_only=True)
class _Look:
    """One look at a day: its documents by path, None for what does not exist, and what they come to."""

    docs: Mapping[str, Doc | None]
    book: Book
    answer: Grant | Refusal

    @property
    def premature(self) -> bool:
        """Whether somebody is about to take units back, so that a refusal might be too early."""
        return any(doc is not None and doc.data.get("left", 0) < 0 for doc in self.docs.values())


def borrowing(
    bucket_day: BucketDay, request: ReservationRequest, moment: Moment, new: NewEntry
) -> Steps[Entry | Refusal]:
    """Spend from the own account, the own share, and as many others as it takes; or refuse with the reason."""
    own, before = bucket_day.account(request.account), None
    for attempt in range(ATTEMPTS):
        look = yield from _looking(bucket_day, request, moment)
        if isinstance(look.answer, Refusal):
            if before is None and look.docs[own] is not None:  # without an account there is no entry either
                found = yield from existing(bucket_day, new)
                if isinstance(found, Entry):
                    return found
            if not look.premature or attempt >= LOOKS:
                return look.answer
            yield Pause(attempt)
            continue
        if look.docs[own] is not None and not (look.book.claim or look.answer.loans or new.charged):
            # Others may be spending from this account without looking: so does this request.
            mine = yield from spending(bucket_day, replace(request, units=look.answer.units), new)
            if mine is not None:
                return mine
            continue
        entry = _entry(bucket_day, request, new, look.answer)
        writes = _writes(entry, look, new)
        writes.append(_entry_write(request, new, entry, before, confirmed=True))
        written = yield Commit(tuple(writes))
        if written is not None:
            left = look.book.own + look.book.claim + borrowed(entry.loans) - entry.units
            return replace(entry, version=written[-1].version, left=left)
        found = yield from existing(bucket_day, new)
        if isinstance(found, Entry):
            return found
        before = found
        yield Pause(attempt)
    raise Contended


def borrowed(loans: tuple[Loan, ...]) -> int:
    return sum(loan.units for loan in loans)


def _looking(bucket_day: BucketDay, request: ReservationRequest, moment: Moment) -> Steps[_Look]:
    """The least reading that answers: the own account and the funds; if they do not suffice, who holds most."""
    own = bucket_day.account(request.account)
    docs: dict[str, Doc | None] = yield Read((bucket_day.path, own))
    kept = _keep_back(docs, bucket_day, moment.kept)
    claim = yield from claiming(bucket_day, docs, request.account, request.units - left_in(docs[own]))
    book = replace(_book(bucket_day, docs, request.account, claim, complete=False), kept=kept)
    answer = decide(book, request, moment)
    look = _Look(docs=docs, book=book, answer=answer)
    if isinstance(answer, Grant) and answer.units == request.units and not look.premature:
        return look
    most = LENDERS[request.priority]
    others = yield Listing(bucket_day.accounts, above=("left", 0), order="-left", limit=most)
    # What was seen first counts: an account that has appeared since must not claim its share once more.
    docs = {bucket_day.account(account): doc for account, doc in others.items()} | docs
    book = replace(_book(bucket_day, docs, request.account, claim, complete=len(others) < most), kept=kept)
    return _Look(docs=docs, book=book, answer=decide(book, request, moment))


def _keep_back(docs: dict[str, Doc | None], bucket_day: BucketDay, units: int) -> int:
    """Take units out of system work's fund as it is looked at; answers how many there were."""
    day = docs[bucket_day.path]
    if not units or day is None:
        return 0
    fund = day.data[SYSTEM]
    kept = max(0, min(units, int(fund["left"])))
    docs[bucket_day.path] = replace(day, data={**day.data, SYSTEM: {**fund, "left": fund["left"] - kept}})
    return kept


def claiming(bucket_day: BucketDay, docs: Mapping[str, Doc | None], account: str, need: int) -> Steps[int]:
    """What an account may take out of its fund: a user all of his share, with his first reservation of the day;
    system work what it needs, and rather more than less."""
    day = docs[bucket_day.path]
    assert day is not None
    left: int = day.data[fund_of(account)]["left"]
    if account in SYSTEMS:
        return min(left, max(need, left // PARTS)) if need > 0 else 0
    share = yield from sharing(bucket_day, docs, account)
    return max(0, min(share, left))


def sharing(bucket_day: BucketDay, docs: Mapping[str, Doc | None], account: str) -> Steps[int]:
    """A user's share of the day, all of it, whether or not others have borrowed of it; 0 once he has taken it."""
    day = docs[bucket_day.path]
    assert day is not None
    allocation = allocation_in(day.data)
    if docs[bucket_day.account(account)] is not None or not allocation.share:
        return 0
    path = f"{USERS}/{name_of(account)}"
    user: Doc | None = (yield Read((path,)))[path] if "/" not in name_of(account) else None
    weight = user.data.get(WEIGHT, 1) if user else 1
    return allocation.share_of(account, weight)


def fund_of(account: str) -> str:
    """The fund out of which an account takes what is its own."""
    return SYSTEM if account in SYSTEMS else POOL


def fund_in(day: Doc, fund: str, claim: int = 0) -> Lender:
    """A fund of a day as a lender, less what is claimed of it."""
    data = day.data[fund]
    return Lender(fund, data["left"] - claim, max(0, data["share"] - claim))


def _book(
    bucket_day: BucketDay, docs: Mapping[str, Doc | None], account: str, claim: int, *, complete: bool
) -> Book:
    """What documents come to, as an account sees them that may claim so much of its fund."""
    day, own, fund = docs[bucket_day.path], bucket_day.account(account), fund_of(account)
    assert day is not None
    lenders = [fund_in(day, name, claim if name == fund else 0) for name in (POOL, SYSTEM)]
    for path, doc in docs.items():
        if doc is not None and path not in {bucket_day.path, own}:
            lenders.append(Lender(path.rpartition("/")[2], left_in(doc), doc.data["share"]))
    allocation = allocation_in(day.data)
    return Book(
        limit=allocation.limit,
        reserve=allocation.reserve,
        reserve_left=day.data[RESERVE]["left"],
        own=left_in(docs[own]),
        claim=claim,
        lenders=tuple(lenders),
        complete=complete,
    )


def _writes(entry: Entry, look: _Look, new: NewEntry) -> list[Write]:
    """The own account first, then each lender: every document once, on condition that it has not changed."""
    bucket_day, claim, total = entry.bucket_day, look.book.claim, borrowed(entry.loans)
    own = bucket_day.account(entry.account)
    adds: dict[str, dict[str, int]] = {own: entry.spent(entry.units) | {"borrowed": total}}
    adds[own]["left"] += claim + total
    if claim:
        fund, day = fund_of(entry.account), look.docs[bucket_day.path]
        assert day is not None
        unclaimed = min(claim, day.data[fund]["share"])
        adds[bucket_day.path] = {f"{fund}.left": -claim, f"{fund}.share": -unclaimed}
        adds[own]["share"] = claim
    for loan in entry.loans:
        path, add = bucket_day.lending(loan.lender, loan.units)
        there = adds.setdefault(path, {})
        there.update({name: there.get(name, 0) + units for name, units in add.items()})
    writes = []
    for path, add in adds.items():
        doc = look.docs.get(path)
        fields: dict[str, Any] = {}
        if doc is None:  # the account's first reservation of the day
            fields = {"expires_at": new.expires_at}
            add |= {"share": claim, "lent": 0}
        writes.append(Write(path, fields, add, doc.version if doc else ABSENT))
    return writes
