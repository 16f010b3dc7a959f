"""Instants at which the ledger reserves, for tests of what lives in real time."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.quota.calendar import SKEW, day_change_ends


def certain(now: datetime) -> datetime:
    """The instant of the same quota day, nearest to `now`, of which nobody doubts which day pays."""
    ends = day_change_ends(now)
    if ends is None:
        return now
    return ends if now >= ends - SKEW else ends - 2 * SKEW - timedelta(seconds=1)
