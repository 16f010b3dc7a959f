"""How units move without ever being paid out twice, whatever happens between two steps.

Spending from one's own account is a blind addition whose result is read back: it is granted if the account is
not below zero afterwards, else it is taken back. Nobody waits for anybody, and the limit cannot be passed, because
each grant saw all additions before it. Borrowing is decided from a look at the accounts and committed on condition
that none of those it touches has changed.

Every attempt has an entry of its own, created with its addition, so that a client that lost the answer does not
add again. Whatever is done about it afterwards changes the entry in the same commit, on condition that it is still
held; so it is done once, whoever comes late:

    held       set aside; confirmed says that the grant is certain, not still being judged
    settled    charged; the units that were not used have gone back
    lapsed     nobody settled it in time: charged, because the call may have been sent
    refused    it went too far, and its units have gone back
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from shared.cloud.steps import ABSENT, Commit, Contended, Doc, Listing, Pause, Read, Steps, Write
from shared.quota.accounts import Balance, Opening, beside
from shared.quota.decisions import Ask, Book, Loan, Moment, Refusal, Spend, decide

PATIENCE = 24
"""Attempts at a contended account before the ledger counts as unreachable."""
HASTE = 8
"""Looks at an account that somebody is about to take back from, before a refusal stands."""
QUIET = timedelta(minutes=10)
"""An attempt that is not judged by then has lost its caller."""
HELD, SETTLED, LAPSED, REFUSED = "held", "settled", "lapsed", "refused"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket's day is kept."""

    day: date
    bucket: str

    @property
    def path(self) -> str:
        """The document with the day's division."""
        return f"quota/{self.day.isoformat()}:{self.bucket}"

    @property
    def accounts(self) -> str:
        """The collection of balances."""
        return f"{self.path}/accounts"

    @property
    def entries(self) -> str:
        """The collection of reservations."""
        return f"{self.path}/entries"

    def account(self, account: str) -> str:
        """An account's document."""
        return f"{self.accounts}/{account}"

    def entry(self, entry_id: str) -> str:
        """A reservation's document."""
        return f"{self.entries}/{entry_id}"


@dataclass(frozen=True, kw_only=True)
class Want:
    """A request for units. token: unique to this request. entry: the id under which it is granted once.

    hour: the slot in which the units are counted. lapses_at: when an unsettled hold counts as spent.
    """

    ask: Ask
    moment: Moment
    method: str
    token: str
    entry: str
    hour: int
    at: datetime
    lapses_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Granted units of one bucket's day. left: what the account holds now, as far as it was seen."""

    place: Place
    account: str
    units: int
    token: str
    entry: str
    version: Any
    hour: int
    expires_at: datetime
    loans: tuple[Loan, ...] = ()
    left: int | None = None


def balance_of(opening: Opening, account: str, data: Mapping[str, Any] | None) -> Balance:
    """A stored account, on top of what the day's division gave it."""
    stored = data or {}
    return Balance(
        opening=opening.of(account),
        borrowed=stored.get("borrowed", 0),
        lent=stored.get("lent", 0),
        spent=stored.get("spent", 0),
    )


# --- one's own account ------------------------------------------------------------------------------------------


def spending(place: Place, opening: Opening, want: Want) -> Steps[Hold | None]:
    """Spend from the own account alone, without looking first. None: it does not hold that much."""
    own = place.account(want.ask.account)
    for attempt in range(PATIENCE):
        before: Doc | None = None
        if attempt:
            found = yield from existing(place, opening, want)
            if isinstance(found, Hold):
                return found
            before = found
        entry = _entry_write(place, want, want.ask.units, (), before, confirmed=False)
        written = yield Commit((_own_write(own, want, want.ask.units), entry))
        if written is None:
            yield Pause(attempt)
            continue
        left = balance_of(opening, want.ask.account, written[0].numbers).available
        hold = _hold(place, want, want.ask.units, (), version=written[1].version, left=left)
        return hold if left >= 0 else (yield from _taking_back(hold))
    raise Contended


def _own_write(path: str, want: Want, units: int, borrowed: int = 0, only_if: Any = None) -> Write:
    # Adding nothing is how a blind write reads the other side of the account back.
    add = {"spent": units, "borrowed": borrowed, "lent": 0, f"hours.h{want.hour:02}": units}
    return Write(path, {"at": want.at, "expires_at": want.expires_at}, add, only_if)


def _entry_write(
    place: Place, want: Want, units: int, loans: tuple[Loan, ...], before: Doc | None, *, confirmed: bool
) -> Write:
    fields: dict[str, Any] = {
        "state": HELD,
        "token": want.token,
        "account": want.ask.account,
        "method": want.method,
        "priority": want.ask.priority.name.lower(),
        "units": units,
        "hour": want.hour,
        "at": want.at,
        "lapses_at": want.lapses_at,
        "expires_at": want.expires_at,
    }
    if before is not None or confirmed:
        fields["confirmed"] = confirmed
    if before is not None or loans:
        fields["loans"] = [{"lender": loan.lender, "units": loan.units} for loan in loans]
        fields["borrowed"] = sum(loan.units for loan in loans)
    return Write(place.entry(want.entry), fields, only_if=before.version if before else ABSENT)


def _hold(
    place: Place, want: Want, units: int, loans: tuple[Loan, ...], *, version: Any, left: int | None
) -> Hold:
    return Hold(
        place=place,
        account=want.ask.account,
        units=units,
        token=want.token,
        entry=want.entry,
        version=version,
        hour=want.hour,
        expires_at=want.expires_at,
        loans=loans,
        left=left,
    )


def _taking_back(hold: Hold) -> Steps[Hold | None]:
    """Undo an addition that went too far; the hold, if somebody has confirmed it meanwhile."""
    path = hold.place.entry(hold.entry)
    refused = Write(path, {"state": REFUSED, "units": 0}, only_if=hold.version)
    add = {"spent": -hold.units, f"hours.h{hold.hour:02}": -hold.units}
    if (yield Commit((refused, Write(hold.place.account(hold.account), add=add)))) is not None:
        return None
    entry: Doc | None = (yield Read((path,)))[path]
    if entry is None or not _is_held(entry, hold):
        return None  # the sweep was faster, or the first try did it and its answer was lost
    return replace(hold, version=entry.version)


def _is_held(entry: Doc, hold: Hold) -> bool:
    """Whether an entry still is this very hold, and nothing was done about it yet."""
    return bool(entry.data["token"] == hold.token and entry.data["state"] == HELD)


def existing(place: Place, opening: Opening, want: Want) -> Steps[Hold | Doc | None]:
    """The hold under this id; or the entry, no longer held, that this request follows; or None: there is none."""
    path = place.entry(want.entry)
    for attempt in range(PATIENCE):
        entry: Doc | None = (yield Read((path,)))[path]
        if entry is not None and entry.data["state"] == LAPSED and entry.data["token"] == want.token:
            raise Contended  # it was ours, and we were away for so long that it was charged
        if entry is None or entry.data["state"] != HELD:
            return entry
        hold = _held(place, want.entry, entry)
        if entry.data.get("confirmed"):
            return hold
        paying = place.account(hold.account)  # another instance may have used another part of system work
        account: Doc | None = (yield Read((paying,)))[paying]
        if balance_of(opening, hold.account, account.data if account else None).available >= 0:
            # From this write on it cannot be taken back, so it is safe to rely on.
            written = yield Commit((Write(path, {"confirmed": True}, only_if=entry.version),))
            if written is not None:
                return replace(hold, version=written[0].version)
        elif hold.token == want.token:
            yield from _taking_back(hold)  # our own addition, whose answer was lost: nobody else judges it
            continue
        yield Pause(attempt)
    raise Contended


def _held(place: Place, entry_id: str, entry: Doc) -> Hold:
    data = entry.data
    return Hold(
        place=place,
        account=data["account"],
        units=data["units"],
        token=data["token"],
        entry=entry_id,
        version=entry.version,
        hour=data["hour"],
        expires_at=data["expires_at"],
        loans=tuple(Loan(loan["lender"], loan["units"]) for loan in data.get("loans", ())),
    )


# --- other people's accounts ------------------------------------------------------------------------------------


def borrowing(place: Place, opening: Opening, want: Want) -> Steps[Hold | Refusal]:
    """Spend from the own account and as many others as it takes, or refuse with the reason."""
    before: Doc | None = None
    for attempt in range(PATIENCE):
        book, docs, answer = yield from _look(place, opening, want)
        if isinstance(answer, Refusal):
            if before is None:
                found = yield from existing(place, opening, want)
                if isinstance(found, Hold):
                    return found
            if _unsettled(book) and attempt < HASTE:
                yield Pause(attempt)
                continue
            return answer
        writes = _loan_writes(place, want, answer, docs)
        writes.append(_entry_write(place, want, answer.units, answer.loans, before, confirmed=True))
        written = yield Commit(tuple(writes))
        if written is not None:
            left = balance_of(opening, want.ask.account, written[0].numbers).available
            return _hold(place, want, answer.units, answer.loans, version=written[-1].version, left=left)
        found = yield from existing(place, opening, want)
        if isinstance(found, Hold):
            return found
        before = found
        yield Pause(attempt)
    raise Contended


def _look(place: Place, opening: Opening, want: Want) -> Steps[tuple[Book, Mapping[str, Doc], Spend | Refusal]]:
    """The least reading that answers: the own account and the pool, and if they do not suffice, everybody."""
    own = want.ask.account
    nearby = [account for account in beside(own) if account in opening.accounts and account != own]
    if nearby and want.moment.allowance is None:
        found = yield Read(tuple(place.account(account) for account in (own, *nearby)))
        docs = {path.rpartition("/")[2]: doc for path, doc in found.items() if doc is not None}
        part = {account: opening.of(account) for account in (own, *nearby)}
        book = _book(Opening(limit=opening.limit, reserve=opening.reserve, accounts=part), docs)
        answer = decide(book, want.ask, want.moment)
        if isinstance(answer, Spend) and answer.units == want.ask.units and not _unsettled(book):
            return book, docs, answer
    docs = yield Listing(place.accounts)
    book = _book(opening, docs)
    return book, docs, decide(book, want.ask, want.moment)


def looking(place: Place, opening: Opening) -> Steps[Book]:
    """The whole day's accounts as of one moment."""
    docs = yield Listing(place.accounts)
    return _book(opening, docs)


def _book(opening: Opening, docs: Mapping[str, Doc]) -> Book:
    balances = {account: balance_of(opening, account, doc.data) for account, doc in docs.items()}
    return Book(opening=opening, balances=balances)


def _unsettled(book: Book) -> bool:
    """Whether somebody is about to take units back, so that a refusal might be hasty."""
    return any(balance.available < 0 for balance in book.balances.values())


def _loan_writes(place: Place, want: Want, spend: Spend, docs: Mapping[str, Doc]) -> list[Write]:
    def version(account: str) -> Any:
        return docs[account].version if account in docs else ABSENT

    own = want.ask.account
    borrowed = sum(loan.units for loan in spend.loans)
    writes = [_own_write(place.account(own), want, spend.units, borrowed, version(own))]
    for loan in spend.loans:
        path = place.account(loan.lender)
        writes.append(Write(path, {"expires_at": want.expires_at}, {"lent": loan.units}, version(loan.lender)))
    return writes


# --- afterwards -------------------------------------------------------------------------------------------------


def settling(hold: Hold, used: int, state: str = SETTLED) -> Steps[bool]:
    """Charge `used` units and give the rest back, its borrowed part to the lenders. Once: False if it was done."""
    path, version = hold.place.entry(hold.entry), hold.version
    for attempt in range(PATIENCE):
        entry_write = Write(path, {"state": state, "units": used}, {"charged": used}, only_if=version)
        if (yield Commit((entry_write, *_returns(hold, hold.units - used)))) is not None:
            return True
        entry: Doc | None = (yield Read((path,)))[path]
        if entry is None or not _is_held(entry, hold):
            return False
        version = entry.version
        yield Pause(attempt)
    raise Contended


def _returns(hold: Hold, rest: int) -> list[Write]:
    if not rest:
        return []
    writes, back = [], 0
    for loan in reversed(hold.loans):
        units = min(loan.units, rest - back)
        if units:
            writes.append(Write(hold.place.account(loan.lender), add={"lent": -units}))
            back += units
    add = {"spent": -rest, "borrowed": -back, f"hours.h{hold.hour:02}": -rest}
    return [Write(hold.place.account(hold.account), add=add), *writes]


def sweeping(place: Place, opening: Opening, now: datetime) -> Steps[int]:
    """Charge what nobody settled in time, and mend accounts that a death left below zero. Answers how many."""
    held: Mapping[str, Doc] = yield Listing(place.entries, where=("state", HELD))
    swept = 0
    for key, doc in sorted(held.items()):
        if doc.data["lapses_at"] <= now:
            swept += yield from _lapsing(place, key, doc)
    accounts: Mapping[str, Doc] = yield Listing(place.accounts)
    for account, doc in sorted(accounts.items()):
        left = balance_of(opening, account, doc.data).available
        if left < 0:
            swept += yield from _mending(place, account, doc.version, -left, now)
    return swept


def _lapsing(place: Place, key: str, entry: Doc) -> Steps[bool]:
    hold = _held(place, key, entry)
    return (yield from settling(hold, hold.units, LAPSED))


def _mending(place: Place, account: str, version: Any, debt: int, now: datetime) -> Steps[int]:
    """Write off what an account is below zero, if whoever was refused died before taking it back.

    Grants alone never reach below zero, so this much was refused. Attempts that are not confirmed could still take
    it back themselves, too. So they lapse first: after that none can, and if one did since the account was
    looked at, or somebody added to it, its version has moved and nothing is written off.
    """
    held: Mapping[str, Doc] = yield Listing(place.entries, where=("state", HELD))
    open_ = {
        key: doc
        for key, doc in sorted(held.items())
        if doc.data["account"] == account and not doc.data.get("confirmed")
    }
    if any(doc.data["at"] > now - QUIET for doc in open_.values()):
        return 0  # its caller may be about to do so
    swept = 0
    for key, doc in open_.items():
        swept += yield from _lapsing(place, key, doc)
    mended = Write(place.account(account), add={"spent": -debt, "written_off": debt}, only_if=version)
    return swept + ((yield Commit((mended,))) is not None)
