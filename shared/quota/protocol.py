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
from shared.quota.accounts import PARTS, POOL, RESERVE, SYSTEM, SYSTEMS, Allocation, BucketDay, left_in, name_of
from shared.quota.decisions import Book, Grant, Lender, Moment, Refusal, decide
from shared.quota.profile import Priority
from shared.quota.reservation import ATTEMPTS, HELD, LAPSED, REFUSED, SETTLED, Entry, NewEntry, ended, entry_of

LOOKS = 8  # at an account that somebody is about to take back from, before a refusal stands
USERS, WEIGHT = "users", "quota_share"
LENDERS, MORE_LENDERS = 5, 7
"""How many accounts a borrower looks at, those that hold most. Work that may take all that there is sees more of
them, so that a call of 7 units always finds 7; with everything else it reads 10 documents at most."""


def spending(new: NewEntry) -> Steps[Entry | None]:
    """Spend from the own account alone, which is known to exist. None: it does not hold that much."""
    for attempt in range(ATTEMPTS):
        before: Doc | None = None
        if attempt:
            found = yield from existing(new)
            if isinstance(found, Entry):
                return found
            before = found
        entry = new.granted(Grant(units=new.request.units))
        own = Write(new.bucket_day.account(entry.account), add=entry.spent(entry.units))
        written = yield Commit((own, _entry_write(new, entry, before, confirmed=False)))
        if written is not None:
            entry = replace(entry, version=written[1].version, left=written[0].numbers["left"])
            return entry if written[0].numbers["left"] >= 0 else (yield from _taking_back(entry))
        yield Pause(attempt)
    raise Contended


def _entry_write(new: NewEntry, entry: Entry, before: Doc | None, *, confirmed: bool) -> Write:
    fields: dict[str, Any] = {
        "state": HELD,
        "token": new.token,
        "account": entry.account,
        "method": new.request.price.id,
        "priority": new.request.priority.name.lower(),
        "units": entry.units,
        "held": entry.units,
        "held_at": new.at,
        "lapses_at": new.lapses_at,
        "expires_at": new.bucket_day.expires_at,
    }
    if confirmed or before is not None:  # else left out: most entries are new, and each field costs time
        loans = [loan._asdict() for loan in entry.loans]
        fields |= {"confirmed": confirmed, "at": new.at, "borrowed": entry.borrowed, "loans": loans}
    add = {"charged": entry.units} if new.charged else {}
    fields |= ended(SETTLED, entry.units) if new.charged else {}
    return Write(entry.path, fields, add, only_if=before.version if before else ABSENT)


def _taking_back(entry: Entry) -> Steps[Entry | None]:
    """Undo an addition that went too far; the entry, if somebody has confirmed it meanwhile."""
    refused = Write(entry.path, ended(REFUSED, 0), only_if=entry.version)
    own = Write(entry.bucket_day.account(entry.account), add=entry.spent(-entry.units))
    if (yield Commit((refused, own))) is not None:
        return None
    doc: Doc | None = (yield Read((entry.path,)))[entry.path]
    if doc is None or not entry.is_held(doc):
        return None  # the sweep was faster, or the first try did it and its answer was lost
    return replace(entry, version=doc.version)


def existing(new: NewEntry) -> Steps[Entry | Doc | None]:
    """The entry held under this id; or its document, no longer held, that this request follows; or None."""
    path = f"{new.bucket_day.entries}/{new.id}"
    for attempt in range(ATTEMPTS):
        doc: Doc | None = (yield Read((path,)))[path]
        if doc is None:
            return None
        entry = entry_of(path, doc)
        ours = entry.token == new.token
        if ours and doc.data["state"] == LAPSED:
            raise Contended  # we were away for so long that it was charged
        if ours and entry.charged and new.charged:
            return entry  # its answer was lost
        if doc.data["state"] != HELD:
            return doc
        if doc.data.get("confirmed"):
            return entry
        # Another instance may have used another part of system work.
        paying = new.bucket_day.account(entry.account)
        if left_in((yield Read((paying,)))[paying]) >= 0:
            # From this write on it cannot be taken back, so it is safe to rely on.
            written = yield Commit((Write(path, {"confirmed": True}, only_if=doc.version),))
            if written is not None:
                return replace(entry, version=written[0].version)
        elif ours:
            yield from _taking_back(entry)  # our own addition, whose answer was lost: nobody else judges it
            continue
        yield Pause(attempt)
    raise Contended


@dataclass(frozen=True)
class Look:
    """One look at a bucket's day: documents by path, None for what does not exist.

    kept: units of system work's fund that are not there for whoever looks.
    """

    bucket_day: BucketDay
    docs: Mapping[str, Doc | None]
    kept: int = 0

    @property
    def day(self) -> Mapping[str, Any]:
        doc = self.docs[self.bucket_day.path]
        assert doc is not None
        return doc.data

    @property
    def allocation(self) -> Allocation:
        return Allocation(**self.day["allocation"])

    @property
    def premature(self) -> bool:
        """Whether somebody is about to take units back, so that a refusal might be too early."""
        return any(doc is not None and doc.data.get("left", 0) < 0 for doc in self.docs.values())

    def account(self, account: str) -> Doc | None:
        return self.docs[self.bucket_day.account(account)]

    def fund(self, name: str, claim: int = 0) -> Lender:
        """A fund as a lender, less what is claimed of it."""
        fund = self.day[name]
        return Lender(name, fund["left"] - claim - self.kept * (name == SYSTEM), max(0, fund["share"] - claim))

    def sharing(self, account: str) -> Steps[int]:
        """A user's whole share of the day, whether or not others have borrowed of it; 0 once he has taken it."""
        allocation, name = self.allocation, name_of(account)
        if self.account(account) is not None or not allocation.share:
            return 0
        path = f"{USERS}/{name}"
        user: Doc | None = (yield Read((path,)))[path] if "/" not in name else None
        return allocation.share_of(account, user.data.get(WEIGHT, 1) if user else 1)

    def claiming(self, account: str, need: int) -> Steps[int]:
        """What an account may take out of its fund as its own: a user all of his share, with his first reservation
        of the day; system work what it needs, and rather more than less."""
        left = self.fund(fund_of(account)).left
        if account in SYSTEMS:
            return min(left, max(need, left // PARTS)) if need > 0 else 0
        share = yield from self.sharing(account)
        return max(0, min(share, left))

    def book(self, account: str, claim: int, *, complete: bool) -> Book:
        """What the documents come to, as an account sees them that may claim so much of its fund."""
        allocation, of_day = self.allocation, {self.bucket_day.path, self.bucket_day.account(account)}
        funds = (self.fund(name, claim if name == fund_of(account) else 0) for name in (POOL, SYSTEM))
        others = (
            Lender(path.rpartition("/")[2], left_in(doc), doc.data["share"])
            for path, doc in self.docs.items()
            if doc is not None and path not in of_day
        )
        return Book(
            limit=allocation.limit,
            reserve=allocation.reserve,
            reserve_left=self.day[RESERVE]["left"],
            own=left_in(self.account(account)),
            claim=claim,
            lenders=(*funds, *others),
            complete=complete,
            kept=self.kept,
        )


def fund_of(account: str) -> str:
    """The fund out of which an account takes what is its own."""
    return SYSTEM if account in SYSTEMS else POOL


def borrowing(new: NewEntry, moment: Moment) -> Steps[Entry | Refusal]:
    """Spend from the own account, the own share, and as many others as it takes; or refuse with the reason."""
    before: Doc | None = None
    for attempt in range(ATTEMPTS):
        look, book, answer = yield from _looking(new, moment)
        known = look.account(new.request.account) is not None
        if isinstance(answer, Refusal):
            if before is None and known:  # without an account there is no entry either
                found = yield from existing(new)
                if isinstance(found, Entry):
                    return found
            if not look.premature or attempt >= LOOKS:
                return answer
            yield Pause(attempt)
            continue
        if known and not (book.claim or answer.loans or new.charged):
            # Others may be spending from this account without looking: so does this request.
            mine = yield from spending(replace(new, request=replace(new.request, units=answer.units)))
            if mine is not None:
                return mine
            continue
        entry = new.granted(answer)
        entry_write = _entry_write(new, entry, before, confirmed=True)
        written = yield Commit((*_writes(entry, look, book.claim), entry_write))
        if written is not None:
            left = book.own + book.claim + entry.borrowed - entry.units
            return replace(entry, version=written[-1].version, left=left)
        found = yield from existing(new)
        if isinstance(found, Entry):
            return found
        before = found
        yield Pause(attempt)
    raise Contended


def _looking(new: NewEntry, moment: Moment) -> Steps[tuple[Look, Book, Grant | Refusal]]:
    """The least reading that answers: the own account and the funds; if they do not suffice, who holds most."""
    bucket_day, request = new.bucket_day, new.request
    look = Look(bucket_day, (yield Read((bucket_day.path, bucket_day.account(request.account)))))
    look = replace(look, kept=max(0, min(moment.kept, look.fund(SYSTEM).left)))
    claim = yield from look.claiming(request.account, request.units - left_in(look.account(request.account)))
    book = look.book(request.account, claim, complete=False)
    answer = decide(book, request, moment)
    if isinstance(answer, Grant) and answer.units == request.units and not look.premature:
        return look, book, answer
    most = MORE_LENDERS if request.priority >= Priority.HIGH else LENDERS
    others = yield Listing(bucket_day.accounts, above=("left", 0), order="-left", limit=most)
    # What was seen first counts: an account that has appeared since must not claim its share once more.
    look = replace(look, docs={bucket_day.account(name): doc for name, doc in others.items()} | dict(look.docs))
    book = look.book(request.account, claim, complete=len(others) < most)
    return look, book, decide(book, request, moment)


def _writes(entry: Entry, look: Look, claim: int) -> list[Write]:
    """The own account first, then each lender: every document once, on condition that it has not changed."""
    bucket_day, own = entry.bucket_day, entry.bucket_day.account(entry.account)
    adds: dict[str, dict[str, int]] = {own: entry.spent(entry.units) | {"borrowed": entry.borrowed}}
    adds[own]["left"] += claim + entry.borrowed
    if claim:
        fund = fund_of(entry.account)
        unclaimed = min(claim, look.day[fund]["share"])
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
            fields = {"expires_at": bucket_day.expires_at}
            add |= {"share": claim, "lent": 0}
        writes.append(Write(path, fields, add, doc.version if doc else ABSENT))
    return writes
