"""A bucket's day as people and programs see it: our own count, in plain data that is ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from shared.cloud.steps import Doc, Listing, Read, Steps
from shared.quota.accounts import Balance, Opening, divide, name_of
from shared.quota.days import hours_in, opening_from
from shared.quota.forecast import mode_of
from shared.quota.profile import Bucket
from shared.quota.protocol import HELD, Place, balance_of


class Usage(TypedDict):
    """One bucket's day, in units. used: charged; reserved: set aside for calls under way.

    closed: {"at", "until", "reason", "used", "drift"} when Google closed it. by_account: for each account that
    has or had anything {"share", "borrowed", "lent", "spent", "left"}. loans: {"borrower", "lender", "units",
    "method", "priority", "at"}. refusals: {"account", "method", "reason", "message", "needed", "times", "at",
    "retry_at"}. by_hour: units in each hour since the Pacific midnight.
    """

    title: str
    limit: int
    reserve: int
    alert: int
    used: int
    reserved: int
    left: int
    mode: str
    closed: dict[str, Any] | None
    by_account: dict[str, dict[str, int]]
    loans: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    by_hour: list[int]


def reading(place: Place, bucket: Bucket, now: datetime) -> Steps[Usage]:
    """The usage of one bucket's day; of one that nothing was asked of, the profile's figures and zeros."""
    doc: Doc | None = (yield Read((place.path,)))[place.path]
    if doc is None:
        return _usage(bucket, divide(bucket, {}, 0), {}, 0, None)
    accounts: Mapping[str, Doc] = yield Listing(place.accounts)
    held: Mapping[str, Doc] = yield Listing(place.entries, where=("state", HELD))
    lending: Mapping[str, Doc] = yield Listing(place.entries, above=("borrowed", 0))
    refusals: Mapping[str, Doc] = yield Listing(f"{place.path}/refusals")
    closed = doc.data.get("closed")
    usage = _usage(
        bucket,
        opening_from(doc.data),
        {account: found.data for account, found in accounts.items()},
        sum(found.data["units"] for found in held.values()),
        closed if closed and now < closed["until"] else None,
    )
    usage["refusals"] = [
        {key: value for key, value in found.data.items() if key != "expires_at"} for found in refusals.values()
    ]
    usage["loans"] = [
        {
            "borrower": name_of(found.data["account"]),
            "lender": name_of(loan["lender"]),
            "units": loan["units"],
            "method": found.data["method"],
            "priority": found.data["priority"],
            "at": found.data["at"],
        }
        for found in sorted(lending.values(), key=lambda found: found.data["at"])
        for loan in found.data["loans"]
    ]
    return usage


def _usage(
    bucket: Bucket,
    opening: Opening,
    accounts: Mapping[str, Mapping[str, Any]],
    reserved: int,
    closed: dict[str, Any] | None,
) -> Usage:
    balances = {
        account: balance_of(opening, account, accounts.get(account))
        for account in sorted({*opening.accounts, *accounts})
    }
    spent = sum(balance.spent for balance in balances.values())
    return Usage(
        title=bucket.title,
        limit=opening.limit,
        reserve=opening.reserve,
        alert=bucket.alert,
        used=spent - reserved,
        reserved=reserved,
        left=opening.limit - spent,
        mode=mode_of(bucket, spent, closed=closed is not None),
        closed=closed,
        by_account=_by_name(balances),
        loans=[],
        refusals=[],
        by_hour=list(hours_in(accounts)),
    )


def _by_name(balances: Mapping[str, Balance]) -> dict[str, dict[str, int]]:
    """Accounts as people call them: the parts of system work together, and those of the pool."""
    named: dict[str, dict[str, int]] = {}
    for account, balance in balances.items():
        figures = named.setdefault(name_of(account), dict.fromkeys(_FIGURES, 0))
        for figure, units in zip(_FIGURES, _figures(balance), strict=True):
            figures[figure] += units
    return named


_FIGURES = ("share", "borrowed", "lent", "spent", "left")


def _figures(balance: Balance) -> tuple[int, ...]:
    return balance.opening, balance.borrowed, balance.lent, balance.spent, balance.available
