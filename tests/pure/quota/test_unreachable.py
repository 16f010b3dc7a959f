"""The ledger does not answer, or too many meet there: what costs is refused, and nothing stays set aside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import next_reset
from shared.errors import QuotaRefused, Unavailable
from shared.quota.profile import Priority
from tests.pure.quota.stand import DOWNLOAD, NOON, UPLOAD, Stand


def test_with_the_ledger_down_costly_calls_are_refused_and_free_ones_go_on():
    stand = Stand()
    current, guide = stand.ledger("current"), stand.ledger("guide")
    stand.store.silent = ""
    with pytest.raises(Unavailable) as refusal:
        current.reserve(method=UPLOAD, account="a", operation_id="op")
    assert (refusal.value.code, refusal.value.reason) == (503, "ledgerUnavailable")
    assert refusal.value.retry_at == NOON + timedelta(seconds=30)
    for ledger in (current, guide):
        held = ledger.reserve(method=DOWNLOAD, account="system")
        ledger.settle(held, sent=True)
    stand.store.silent = None
    assert current.reserve(method=UPLOAD, account="a", operation_id="op").cost == 1


@pytest.mark.parametrize("method", [UPLOAD, DOWNLOAD])
def test_a_crowd_at_one_account_is_no_outage_and_nothing_goes_uncounted(method):
    stand = Stand()
    ledger = stand.ledger()
    ledger.reserve(method=method, account="a")
    stand.store.crowded = True
    with pytest.raises(Unavailable) as refusal:
        ledger.reserve(method=method, account="a")
    assert (refusal.value.reason, refusal.value.retry_at) == ("ledgerContended", NOON + timedelta(seconds=5))
    stand.store.crowded = False
    assert ledger.reserve(method=method, account="a").cost == 1


def test_google_s_closing_is_known_also_while_the_ledger_does_not_answer():
    stand = Stand()
    ledger = stand.ledger()
    ledger.close_bucket("uploads", reason="quotaExceeded")
    stand.store.silent = ""
    with pytest.raises(QuotaRefused) as refusal:
        ledger.reserve(method=UPLOAD, account="a", priority=Priority.CRITICAL)
    assert (refusal.value.reason, refusal.value.retry_at) == ("bucketClosedByGoogle", next_reset(NOON))
