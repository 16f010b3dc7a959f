"""The quota ledger and the rate limiter under 32 workers in 4 processes, beside bare calls and other ways.

Floors and peers are measured between our own rounds, because the machine is not always as fast; medians count.
"""

from __future__ import annotations

import atexit
import os
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import cache

from infra.bench import Limit, Measured, quota_model, row
from infra.bench.contention import Count, Load, fresh, run
from infra.local.emulators import firestore_running

ROUNDS = 3
SECONDS = 2.0
DRY = 1_000
"""Units of the bucket that is run dry."""
HALF = Limit(bound=0.5, of="ratio_to_floor", at_least=True)
NONE = Limit(bound=0)


@cache
def _emulator() -> str:
    """One Firestore emulator for all rows, warmed up."""
    running = ExitStack()
    host = running.enter_context(firestore_running())
    atexit.register(running.close)
    for kind in ("bare_set", "ledger"):
        _run(Load(kind=kind, emulator=host, project="", seconds=SECONDS))
    return host


def _run(load: Load) -> Count:
    from google.cloud import firestore

    load = fresh(load)
    os.environ["FIRESTORE_EMULATOR_HOST"] = load.emulator
    batch = (client := firestore.Client(project=load.project)).batch()
    for user in range(load.users):
        batch.set(client.document(f"users/u{user}"), {"plan": "bench"})
    batch.commit()
    return run(load)


def _rates(*kinds: str) -> list[float]:
    """Median answers a second of each kind, in turns."""
    rounds: list[Sequence[float]] = [
        [_run(Load(kind=kind, emulator=_emulator(), project="", seconds=SECONDS)).answers for kind in kinds]
        for _ in range(ROUNDS)
    ]
    return [statistics.median(rates) for rates in zip(*rounds, strict=True)]


@cache
def _dry(kind: str, cost: int) -> Count:
    return _run(Load(kind=kind, emulator=_emulator(), project="", dry=True, limit=DRY, cost=cost))


@row("quota.reserve", unit="1/s", limit=HALF)
def reserve() -> Measured:
    """Reservations under operation ids of 32 users; floor: set() on distinct documents; peer: a transaction."""
    floor, ours, peer = _rates("bare_set", "ledger", "naive")
    return Measured(value=ours, floor=floor, peer=peer)


@row("quota.reserve_one_account", unit="1/s", limit=HALF)
def reserve_one_account() -> Measured:
    """The same when all workers are one account; peer: the guide's counter, which does not keep its limit."""
    floor, ours, peer = _rates("bare_set", "ledger_one_account", "guide")
    return Measured(value=ours, floor=floor, peer=peer)


@row("quota.block", unit="1/s", limit=Limit(bound=1, of="ratio_to_floor", at_least=True))
def block() -> Measured:
    """Calls drawn from blocks of 50."""
    floor, ours = _rates("bare_set", "block")
    return Measured(value=ours, floor=floor)


@row("quota.over_limit", unit="units", limit=NONE)
def over_limit() -> Measured:
    """Units granted over a quota of 1,000 that 32 workers run dry; peer: the guide's counter."""
    over = {kind: max(0, _dry(kind, 1).granted - DRY) for kind in ("ledger", "block", "guide")}
    return Measured(value=over["ledger"] + over["block"], peer=over["guide"])


@row("quota.stranded_cost_1", unit="units", limit=NONE)
def stranded_cost_1() -> Measured:
    """Units left when everybody was refused, at cost 1."""
    return Measured(value=sum(DRY - _dry(kind, 1).granted for kind in ("ledger", "block")))


@row("quota.stranded_cost_7", unit="units", limit=Limit(bound=6))
def stranded_cost_7() -> Measured:
    """Units left at cost 7, of 1,000 = 142 x 7 + 6; the worse of calls and blocks."""
    return Measured(value=max(DRY - 7 * _dry(kind, 7).granted for kind in ("ledger", "block")))


@row("quota.busiest_document", unit="writes/s", limit=Limit(bound=1))
def busiest_document() -> Measured:
    """16 instances, 20 reservations a second in blocks, virtual time: the busiest document's worst 10 s."""
    return Measured(value=quota_model.run(quota_model.collectors).busiest(timedelta(seconds=10)))


@row("quota.busiest_document_users", unit="writes/s", limit=Limit(bound=1))
def busiest_document_users() -> Measured:
    """The same with a write for each reservation of 50 users, to the last unit: the worst minute."""
    return Measured(value=quota_model.run(quota_model.users).busiest(timedelta(minutes=1)))


@row("quota.writes_leased", unit="writes/call", limit=Limit(bound=0.1))
def writes_leased() -> Measured:
    """Document writes for each call of a block; peer: for each reservation of a user."""
    ours, peer = quota_model.run(quota_model.collectors), quota_model.run(quota_model.users)
    return Measured(value=ours.written / ours.granted, peer=peer.written / peer.granted)


@row("quota.limiter", unit="1/s", limit=HALF)
def limiter() -> Measured:
    """Admissions, a key for each worker; floor: set() on distinct documents; peer: a new key for each call."""
    floor, ours, peer = _rates("bare_set", "limiter", "limiter_new")
    return Measured(value=ours, floor=floor, peer=peer)


@row("quota.limiter_hot_key", unit="1/s")
def limiter_hot_key() -> Measured:
    """Admissions on one key for all, in the emulator; floor: set() on distinct documents; peer: a transaction."""
    floor, ours, peer = _rates("bare_set", "limiter_hot", "naive")
    return Measured(value=ours, floor=floor, peer=peer)


@row("quota.limiter_denials", unit="1/s", limit=Limit(bound=1, of="ratio_to_floor", at_least=True))
def limiter_denials() -> Measured:
    """Denials on one hot key; floor: bare reads; peer: each denial read from storage again."""
    floor, ours, peer = _rates("bare_get", "limiter_denials", "limiter_looks")
    return Measured(value=ours, floor=floor, peer=peer)
