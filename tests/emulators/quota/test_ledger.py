"""The ledger's promises, kept on the real Firestore emulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import next_reset
from shared.errors import QuotaRefused
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.quota.profile import Priority, adjusted, load

NOON = datetime(2026, 11, 22, 20, tzinfo=UTC)
CHANNELS, UPLOAD = "youtube.channels.list", "youtube.videos.insert"


class Hands:
    """A clock that a test moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


def the_ledger(client, clock, *, limits=(), profile="current", users_max=4) -> Ledger:
    return Ledger(client, adjusted(load(profile), limits=limits), clock, users_max=users_max)


def test_the_last_unit_can_be_spent_and_not_one_more(firestore_client, clock):
    ledger = the_ledger(firestore_client, clock, limits=("uploads=5",))
    for number in range(5):
        reservation = ledger.reserve(method=UPLOAD, account=f"u{number % 2}", operation_id=f"op{number}")
        ledger.settle(reservation, sent=True)
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=UPLOAD, account="u1", operation_id="op9")
    assert refusal.value.reason == "bucketSpent"
    assert refusal.value.retry_at == next_reset(NOON)
    assert "Video uploads" in refusal.value.message
    assert "5 of 5" in refusal.value.message


def test_twice_under_one_operation_is_one_reservation(firestore_client, clock):
    ledger = the_ledger(firestore_client, clock)
    first = ledger.reserve(method=UPLOAD, account="u1", operation_id="op")
    again = the_ledger(firestore_client, clock).reserve(method=UPLOAD, account="u1", operation_id="op")
    assert (again.entry and again.entry.token) == (first.entry and first.entry.token)
    ledger.settle(again, sent=True)
    ledger.settle(first, sent=True)
    ledger.settle(first, sent=False)
    day = firestore_client.document("quota/2026-11-22:uploads")
    assert sum(a.to_dict().get("spent", 0) for a in day.collection("accounts").stream()) == 1


def test_what_was_not_sent_comes_back(firestore_client, clock):
    ledger = the_ledger(firestore_client, clock, limits=("uploads=1",))
    for _ in range(3):
        ledger.settle(ledger.reserve(method=UPLOAD, account="u1", operation_id="op"), sent=False)
        ledger.settle(ledger.reserve(method=UPLOAD, account="u2"), sent=False)
    ledger.settle(ledger.reserve(method=UPLOAD, account="u2", operation_id="op"), sent=True)
    with pytest.raises(QuotaRefused):
        ledger.reserve(method=UPLOAD, account="u2")


def test_a_block_writes_once_for_many_calls_and_gives_the_rest_back(firestore_client, clock):
    ledger = the_ledger(firestore_client, clock)
    with Block(ledger, "youtubereporting.media.download", "system", upto=50) as block:
        for number in range(60):
            reservation = block.reserve(method="youtubereporting.media.download", account="system")
            block.settle(reservation, sent=number != 7)
    day = firestore_client.document("quota/2026-11-22:reporting")
    assert sum(a.to_dict().get("spent", 0) for a in day.collection("accounts").stream()) == 59
    assert len(list(day.collection("entries").stream())) == 2


def test_an_upload_borrows_from_as_many_as_it_takes(firestore_client, clock):
    for user in ("a", "b", "c", "d"):
        firestore_client.document(f"users/{user}").set({"plan": "free"})
    ledger = the_ledger(firestore_client, clock, profile="guide")
    # 7,000 units among four users: 1,750 each.
    ledger.settle(ledger.reserve(method=UPLOAD, account="a", operation_id="first"), sent=True)
    second = ledger.reserve(method=UPLOAD, account="a", operation_id="second")
    assert second.cost == 1600
    assert sum(loan.units for loan in second.entry.loans) == 1450
    assert len(second.entry.loans) >= 1


def test_google_closing_a_bucket_stops_everybody(firestore_client, clock):
    ledger, other = (the_ledger(firestore_client, clock) for _ in range(2))
    other.reserve(method=UPLOAD, account="u1")
    ledger.close_bucket("uploads", reason="quotaExceeded")
    clock.now += timedelta(seconds=3)
    for each in (ledger, other):
        with pytest.raises(QuotaRefused) as refusal:
            each.reserve(method=UPLOAD, account="u1", priority=Priority.CRITICAL)
        assert refusal.value.reason == "bucketClosedByGoogle"
        assert refusal.value.retry_at == next_reset(clock())
    clock.now = next_reset(clock()) + timedelta(minutes=2)
    assert ledger.reserve(method=UPLOAD, account="u1").cost == 1
