"""What list methods share: one filter, ids, pages, and the answer around the items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from infra.local.simulator.errors import GoogleError
from infra.local.simulator.paging import BadToken, Item, Page, etag, page

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Call

MOST_IDS = 50
SHARED = frozenset({"part", "maxResults", "pageToken", "onBehalfOfContentOwner"})
"""Parameters that every list method knows; the content owner is refused by `caller.reader`."""


def one_filter(call: Call, *names: str) -> str:
    """The one filter that a list call uses, of those the method knows. Raises for none and for two."""
    used = [name for name in names if call.params.get(name) not in (None, False, [], "")]
    if not used:
        raise GoogleError(
            400,
            "missingRequiredParameter",
            f"No filter selected. Expected one of: {', '.join(names)}",
            domain="youtube.parameter",
            location="parameters.",
            location_type="other",
        )
    if len(used) > 1:
        raise GoogleError(
            400,
            "incompatibleParameters",
            f"Incompatible parameters specified in the request: {', '.join(used)}",
            domain="youtube.parameter",
            location="parameters.",
            location_type="other",
        )
    return used[0]


def ids(call: Call) -> list[str]:
    """The ids of a list call, each once. Raises when there are more than 50."""
    asked = list(dict.fromkeys(call.params.get("id", [])))
    if len(asked) > MOST_IDS:
        raise GoogleError(
            400,
            "invalidFilters",
            f"At most {MOST_IDS} ids can be asked for at once.",
            domain="youtube.parameter",
            location="id",
            location_type="parameter",
        )
    return asked


def paged(call: Call, items: Sequence[Item], *, of: str) -> Page[Item]:
    """The page that a list call asks for. Raises 400 invalidPageToken."""
    try:
        return page(items, of=of, size=int(call.params.get("maxResults", 5)), token=call.params.get("pageToken"))
    except BadToken:
        raise GoogleError(
            400,
            "invalidPageToken",
            "The request specifies an invalid page token.",
            domain="youtube.parameter",
            location="pageToken",
            location_type="parameter",
        ) from None


def listing(
    call: Call, kind: str, items: Sequence[Mapping[str, Any]], shown: Page[Any] | None = None
) -> dict[str, Any]:
    """A list answer with its ETag."""
    total = len(items) if shown is None else shown.total
    size = len(items) if shown is None else int(call.params.get("maxResults", 5))
    payload: dict[str, Any] = {
        "kind": kind,
        "items": list(items),
        "pageInfo": {"totalResults": total, "resultsPerPage": size},
    }
    if shown is not None and shown.next_token:
        payload["nextPageToken"] = shown.next_token
    if shown is not None and shown.previous_token:
        payload["prevPageToken"] = shown.previous_token
    return with_etag(payload)


def with_etag(payload: dict[str, Any]) -> dict[str, Any]:
    """An answer with an ETag over all of it; whoever holds it already is told so on the way out."""
    return {**payload, "etag": etag(payload)}
