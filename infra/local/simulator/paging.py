"""Page tokens and ETags: opaque to callers, and bound to what they were given for."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")

FIRST_AGAIN = "again"
"""The first page of any list; an endless listing gives out no other token."""


class BadToken(ValueError):
    """A page token that this list never gave out."""


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items of a list, and the tokens of its neighbours."""

    items: Sequence[Item]
    total: int
    next_token: str | None
    previous_token: str | None


def page(items: Sequence[Item], *, of: str, size: int, token: str | None) -> Page[Item]:
    """The page of `items` that a token names; the first without one.

    of: what is listed; a token of another list is refused with BadToken.
    """
    start = 0 if not token or token == FIRST_AGAIN else _offset(token, of)
    end = start + size
    return Page(
        items=items[start:end],
        total=len(items),
        next_token=_token(end, of) if end < len(items) and size else None,
        previous_token=_token(max(0, start - size), of) if start else None,
    )


def _mark(of: str) -> bytes:
    return hashlib.sha256(of.encode()).digest()[:4]


def _token(offset: int, of: str) -> str:
    return base64.urlsafe_b64encode(_mark(of) + offset.to_bytes(4, "big")).decode().rstrip("=")


def _offset(token: str, of: str) -> int:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise BadToken(token) from None
    if len(raw) != 8 or raw[:4] != _mark(of):
        raise BadToken(token)
    return int.from_bytes(raw[4:], "big")


def etag(payload: Any) -> str:
    """A short tag that changes exactly when the payload does."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha1(text).digest()).decode().rstrip("=")  # noqa: S324 - no secret
