"""What it takes to verify every certificate of a network, and to explain one number."""

from __future__ import annotations

import time
from functools import cache

from infra.bench import Limit, Measured, row
from infra.bench.certifying import CHANNELS, DAYS, FIRST, channel, network
from infra.certificate import cell
from infra.verifying import verified

_CELLS = 5


@cache
def _figures() -> tuple[float, float]:
    """Seconds of verifying all, and of explaining a cell, the median of some."""
    with network() as made:
        began = time.perf_counter()
        found = list(verified(made.certifying))
        all_of_it = time.perf_counter() - began
        assert sum(each.days for each in found) == CHANNELS * DAYS
        assert not any(each.differing or each.waiting for each in found)
        seconds = []
        for number in range(_CELLS):
            began = time.perf_counter()
            told = cell(made.state, made.warehouse, channel(number), FIRST, "views")
            seconds.append(time.perf_counter() - began)
            assert told.files
    return all_of_it, sorted(seconds)[_CELLS // 2]


@row("certificate.verify", unit="s", limit=Limit(bound=60))
def verify() -> Measured:
    """Seconds of verifying 250 channels' 60 days of a report type"""
    return Measured(value=_figures()[0])


@row("certificate.explain", unit="s", limit=Limit(bound=1))
def explain() -> Measured:
    """Seconds of explaining one number of such a network"""
    return Measured(value=_figures()[1])
