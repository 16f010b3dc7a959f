"""The ledger does not answer, or too many meet there: what costs is refused, and nothing stays set aside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import next_reset, pacific_day
from shared.errors import QuotaRefused, Unavailable
from shared.quota.profile import Priority
from tests.pure.quota.stand import DOWNLOAD, NOON, UPDATE, UPLOAD, Stand


def test_with_the_ledger_down_costly_calls_are_refused_and_free_ones_go_on():
    stand = Stand()
    current, guide = stand.ledger("current"), stand.ledger("guide")
    stand.shelf.silent = ""
    with pytest.raises(Unavailable) as refusal:
        current.reserve(method=UPLOAD, account="a", operation_id="op")
    assert (refusal.value.code, refusal.value.reason) == (503, "ledgerUnavailable")
    assert refusal.value.retry_at == NOON + timedelta(seconds=30)
    for ledger in (current, guide):
        held = ledger.reserve(method=DOWNLOAD, account="system")
        ledger.settle(held, sent=True)
    stand.shelf.silent = None
    assert current.reserve(method=UPLOAD, account="a", operation_id="op").cost == 1


@pytest.mark.parametrize("method", [UPLOAD, DOWNLOAD])
def test_a_crowd_at_one_account_is_no_outage_and_nothing_goes_uncounted(method):
    stand = Stand()
    ledger = stand.ledger()
    ledger.reserve(method=method, account="a")
    stand.shelf.crowded = True
    with pytest.raises(Unavailable) as refusal:
        ledger.reserve(method=method, account="a")
    assert (refusal.value.reason, refusal.value.retry_at) == ("ledgerContended", NOON + timedelta(seconds=5))
    stand.shelf.crowded = False
    assert ledger.reserve(method=method, account="a").cost == 1


@pytest.mark.fault(21)
@pytest.mark.parametrize("method", [UPDATE, DOWNLOAD])
def test_what_the_first_of_two_days_granted_goes_back_when_the_second_does_not_answer(method):
    stand = Stand(next_reset(NOON))
    ledger, tomorrow = stand.ledger(), pacific_day(stand.now)
    stand.shelf.silent = f"quota/{tomorrow.isoformat()}"
    if method == DOWNLOAD:  # costs no unit of YouTube's, so it goes on
        assert ledger.reserve(method=method, account="system").holds == ()
    else:
        with pytest.raises(Unavailable):
            ledger.reserve(method=method, account="a", operation_id="op")
    figures = ledger.usage(tomorrow - timedelta(days=1))
    assert all(bucket["used"] + bucket["reserved"] == 0 for bucket in figures.values())


@pytest.mark.fault(21)
def test_a_second_delivery_gives_back_nothing_that_the_first_relies_on():
    stand = Stand(next_reset(NOON) - timedelta(minutes=5))
    ledger, today = stand.ledger(), pacific_day(stand.now)
    ledger.reserve(method=UPLOAD, account="a", operation_id="op")
    stand.now = next_reset(NOON)
    stand.shelf.silent = f"quota/{pacific_day(stand.now).isoformat()}"
    with pytest.raises(Unavailable):
        ledger.reserve(method=UPLOAD, account="a", operation_id="op")
    assert ledger.usage(today)["uploads"]["reserved"] == 1


def test_google_s_closing_is_known_also_while_the_ledger_does_not_answer():
    stand = Stand()
    ledger = stand.ledger()
    ledger.close_bucket("uploads", reason="quotaExceeded")
    stand.shelf.silent = ""
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=UPLOAD, account="a", priority=Priority.CRITICAL)
    assert (refusal.value.reason, refusal.value.retry_at) == ("bucketClosedByGoogle", next_reset(NOON))
