"""How far counts are from the truth with a day's calls, and what choosing among 10,000 channels takes."""

from __future__ import annotations

import random
import time
import tracemalloc
from functools import partial
from statistics import median

from infra.bench import Limit, Measured, row
from infra.models.statistics import SPREADS, half, outcome, world
from shared.cloud.steps import Doc
from shared.collection.statistics import law
from shared.collection.statistics.state import Entry, Outline, outline_in, outline_write

_FEW, _CHANNELS, _NOW = 50, 10_000, 29_000_000


def _error(spread: float, peer: str) -> Measured:
    """Mean error of a day's counts, 50 channels of 200 videos, 36 calls each; floor: an oracle's"""
    errors = (outcome(spread, name, channels=_FEW).error for name in ("ours", "oracle", peer))
    return Measured(value=next(errors), floor=next(errors), peer=next(errors))


for _spread in SPREADS:
    _measure = partial(_error, _spread, "sweeps")
    _measure.__doc__ = f"{_error.__doc__}; peer: equal sweeps"
    row(f"statistics.error_{_spread}", unit="views", limit=Limit(bound=1.15, of="ratio_to_floor"))(_measure)
_measure = partial(_error, SPREADS[0], "rate x time")
_measure.__doc__ = f"{_error.__doc__}; peer: the largest rate x time first"
row("statistics.error_1.0_rate", unit="views", limit=Limit(bound=1, of="ratio_to_peer"))(_measure)


@row("statistics.burst", unit="minutes", limit=Limit(bound=15))
def burst() -> Measured:
    """When half of the bursts (20 x) are noticed; floor: the least that any schedule needs; peer: sweeps"""
    ours, even = (half(*(outcome(each, name, channels=_FEW) for each in SPREADS)) for name in ("ours", "sweeps"))
    return Measured(value=ours, floor=median(world(each, channels=_FEW).least() for each in SPREADS), peer=even)


@row("statistics.plan", unit="s", limit=Limit(bound=2))
def plan() -> Measured:
    """Reading the outline of 10,000 channels of 200 videos, choosing, and writing it"""
    stored = _stored()
    began = time.perf_counter()
    _planned(stored)
    return Measured(value=time.perf_counter() - began)


@row("statistics.plan_memory", unit="MiB", limit=Limit(bound=256))
def plan_memory() -> Measured:
    """The most that the same takes of memory"""
    stored = _stored()
    tracemalloc.start()
    _planned(stored)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Measured(value=most / 2**20)


def _stored() -> Doc:
    rng = random.Random(1)  # noqa: S311
    entries = {
        f"UC{rng.getrandbits(128):022x}"[:24]: Entry(
            number // 20,
            0,
            tuple((float(f"{rng.lognormvariate(3, 2):.3g}"), _NOW - rng.randrange(600)) for _ in range(4)),
        )
        for number in range(_CHANNELS)
    }
    stored = outline_write(Outline(entries=entries)).fields
    assert len(stored["entries"]) < 2**20, "Firestore's limit of a document"
    return Doc(stored, None)


def _planned(stored: Doc) -> None:
    outline = outline_in(stored)
    law.choose(((name, each.fifties) for name, each in outline.entries.items()), 31, _NOW)
    outline_write(outline)
