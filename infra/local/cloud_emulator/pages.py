"""Paging of sorted keys: the token is the last key of the page before, so items may end between two pages."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from infra.local.cloud_emulator.refusal import invalid


def page(keys: Sequence[str], request: Any, *, largest: int) -> tuple[Sequence[str], str]:
    """The page of ascending `keys` that a list request asks for, and the next page's token (empty at the end)."""
    if request.page_size < 0:
        raise invalid("page_size must not be negative.")
    size = min(request.page_size or largest, largest)
    start = bisect_right(keys, _decode(request.page_token)) if request.page_token else 0
    part = keys[start : start + size]
    more = start + size < len(keys)
    return part, base64.urlsafe_b64encode(part[-1].encode()).decode() if more else ""


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise invalid("page_token is not one that this service handed out.") from None
