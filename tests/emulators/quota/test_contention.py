"""Thirty-two workers in four processes at the last units: never one over, and the last one can be spent."""

from __future__ import annotations

import pytest

from infra.bench.contention import NOON, PROCESSES, THREADS, Load, clock, fresh, run
from infra.bench.contention import profile as bench_profile
from shared.clock import pacific_day
from shared.quota.accounts import FUNDS
from shared.quota.ledger import Ledger

WORKERS = PROCESSES * THREADS


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("kind", "limit", "cost"),
    [
        ("ledger", 200, 1),  # every worker a user, every call an operation
        ("ledger", 200, 7),
        ("ledger_one_account", 60, 1),
        ("block", 500, 1),
        ("block", 500, 7),
    ],
)
def test_contending_workers_get_exactly_what_there_is(firestore_emulator, firestore_client, kind, limit, cost):
    from google.cloud import firestore

    load = fresh(Load(kind=kind, emulator=firestore_emulator, project="", dry=True, limit=limit, cost=cost))
    client = firestore.Client(project=load.project)
    for user in range(WORKERS):
        client.document(f"users/u{user}").set({"plan": "test"})
    count = run(load)
    assert count.granted == limit // cost
    assert count.denied == WORKERS
    assert count.errors == 0
    ledger = Ledger(client, bench_profile(load), clock, users_max=WORKERS)
    figures = ledger.usage()["bench"]
    assert figures["used"] + figures["reserved"] == count.granted * cost
    day = client.document(f"quota/{pacific_day(NOON).isoformat()}:bench")
    accounts = [account.to_dict() for account in day.collection("accounts").stream()]
    stored = day.get().to_dict()
    assert sum(account["borrowed"] for account in accounts) == (
        sum(account["lent"] for account in accounts) + sum(stored[fund]["lent"] for fund in FUNDS)
    )
    assert all(account["left"] >= 0 for account in accounts)
    assert (
        sum(stored[fund]["left"] for fund in FUNDS) + sum(account["left"] for account in accounts)
        == limit - count.granted * cost
    )
