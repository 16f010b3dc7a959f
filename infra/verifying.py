"""Verifies everything, or all of a channel or month, whether it is due or not."""

from __future__ import annotations

from collections.abc import Iterator

from shared.collection.certifying import AT_ONCE, EVER, Certifying
from shared.collection.verifying import Verified, compared
from shared.paging import groups


def verified(
    certifying: Certifying, *, channel: str | None = None, month: str | None = None
) -> Iterator[Verified]:
    """Every channel and month that was ever certified, or has reports that should be, compared anew."""
    issued_for = {tuple(each.id.split(":")) for each in certifying.names(channel)}
    about = sorted(
        (each, of)
        for each, of in {*issued_for, *certifying.named(EVER)}
        if channel in (None, each) and month in (None, of)
    )
    for some in groups(sorted({each for each, _ in about}), AT_ONCE):
        yield from compared(certifying, [pair for pair in about if pair[0] in some])
