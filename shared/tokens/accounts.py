"""How many refresh tokens each Google account has given us: `google_accounts/<hash of the account>`.

Google keeps a hundred of them for one account and one client, and drops the oldest without a word. So each gets
its number when Google issues it, and a grant keeps its own: what the account has given since is newer. All are
forgotten when the account's permission is revoked, which ends them all.

While Google is asked to revoke, the account is marked: a connection made with one of its tokens would be dead
before it stands, so it is refused. Whoever connects writes here as well, so that one of the two sees the other.

An account that Google did not name is unknown: such tokens are counted together for the user who brought them,
which may be too many and is never too few.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared.cloud.calls import call_options
from shared.cloud.firestore import Client
from shared.cloud.steps import Doc, Write
from shared.data_map import GOOGLE_ACCOUNTS
from shared.monitoring.log import log
from shared.tokens.google_oauth import digest

_REVOKING = "revoking_until"
_REVOKING_AT_MOST = timedelta(minutes=2)  # Google is waited for some seconds; a process that dies blocks nobody


def number_next(client: Client, google_account: str | None, user_id: str) -> int:
    """The number of a refresh token that was just issued; 1 is an account's first."""
    from google.cloud.firestore import Increment

    document = client.document(path(google_account, user_id))
    written = document.set({"issued": Increment(1)}, merge=True, **call_options())
    if google_account is None:
        log("NOTICE", "Google named no account; its tokens are counted with its user's", user=user_id)
    number: int = written.transform_results[0].integer_value
    return number


def issued(found: Doc | None) -> int:
    """How many refresh tokens an account has given us, from its document; the newest has this number."""
    number: int = found.data.get("issued", 0) if found is not None else 0
    return number


def revoked(found: Doc | None, number: int | None, now: datetime) -> bool:
    """Whether an account's permission is revoked, or being revoked, since it gave its token of that number.

    found: the account's document, which goes with the permission.
    """
    if found is None:
        return number is not None
    until: datetime | None = found.data.get(_REVOKING)
    return (until is not None and now < until) or (number or 0) > issued(found)


def connected(document: str, found: Doc | None, now: datetime) -> list[Write]:
    """What a connection writes to its account's document: nothing that is read, only that it is one."""
    return [Write(document, {"connected_at": now})] if found is not None else []


def revoking(now: datetime) -> dict[str, Any]:
    """The fields that mark an account: no connection is made with its tokens, until it is over or its time is."""
    return {_REVOKING: now + _REVOKING_AT_MOST}


def not_revoking() -> dict[str, Any]:
    from google.cloud.firestore import DELETE_FIELD

    return {_REVOKING: DELETE_FIELD}


def path(google_account: str | None, user_id: str) -> str:
    """An account's document, to be deleted when Google keeps none of its tokens any more."""
    name = digest(f"account {google_account}" if google_account is not None else f"unknown, of user {user_id}")
    return f"{GOOGLE_ACCOUNTS.path}/{name}"
