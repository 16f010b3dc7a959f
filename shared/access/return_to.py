"""Where a browser may be sent after consent: addresses on the list, and no others.

An open redirector lends our name to a phisher (RFC 9700, 4.11). Every parser reads odd URLs differently, so
nothing is parsed and compared: an address is on the list letter by letter, or it is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlencode

from shared.errors import InvalidRequest

_MAX_LENGTH = 2000


def allowed(address: str | None, among: Collection[str]) -> str | None:
    """The address to go back to, or None when none was asked for.

    Raises InvalidRequest (field "return_to") unless the address is on the list, exactly as written there.
    """
    if not address:
        return None
    if len(address) > _MAX_LENGTH or address not in among:
        raise InvalidRequest(
            "That is not an address to return to; the operator's list has the ones that are.",
            reason="returnTo",
            field="return_to",
        )
    return address


def with_result(address: str, **result: str) -> str:
    """The address with the outcome in its query."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(result)}"
