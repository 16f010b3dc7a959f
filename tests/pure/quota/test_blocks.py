"""Blocks of calls: drawn in memory, and given back whatever happens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import Conflict, QuotaRefused, Unavailable
from shared.quota.blocks import Block
from shared.quota.profile import Priority
from tests.pure.quota.stand import CHANNELS, DOWNLOAD, UPDATE, Stand


def test_a_block_is_one_reservation_for_many_calls():
    stand = Stand()
    ledger = stand.ledger()
    with Block(ledger, DOWNLOAD, "system", upto=50) as block:
        before = stand.store.commits
        for number in range(50):
            block.settle(block.reserve(method=DOWNLOAD, account="system"), sent=number < 40)
        assert stand.store.commits - before <= 2
        assert ledger.usage()["reporting"]["reserved"] == 50
    figures = ledger.usage()["reporting"]
    assert (figures["used"], figures["reserved"]) == (40, 0)
    with pytest.raises(Conflict):
        block.reserve(method=DOWNLOAD)


def test_a_block_that_finds_little_takes_little_and_gives_way_to_the_reason():
    ledger = Stand().ledger("current", "reporting=7")
    with Block(ledger, DOWNLOAD, "system", upto=5) as block:
        for _ in range(7):
            block.settle(block.reserve(method=DOWNLOAD), sent=True)
        with pytest.raises(QuotaRefused, match="too little"):
            block.reserve(method=DOWNLOAD)
    assert ledger.usage()["reporting"]["used"] == 7


def test_a_dead_holders_block_counts_as_spent_after_its_time():
    stand = Stand()
    ledger = stand.ledger()
    block = Block(ledger, DOWNLOAD, "system", upto=20)
    block.reserve(method=DOWNLOAD)
    stand.now += timedelta(minutes=11)
    assert ledger.sweep() == 1
    assert ledger.usage()["reporting"]["used"] == 20
    block.close()
    assert ledger.usage()["reporting"]["used"] == 20


def test_a_block_serves_what_its_bucket_pays_and_hands_on_the_rest():
    ledger = Stand().ledger()
    with Block(ledger, DOWNLOAD, "system", upto=10) as block:
        block.settle(block.reserve(method="youtubereporting.jobs.list"), sent=True)
        block.settle(block.reserve(method=CHANNELS), sent=True)
        block.settle(block.reserve(method=DOWNLOAD, account="a"), sent=True)
    figures = ledger.usage()
    assert (figures["reporting"]["used"], figures["default"]["used"]) == (2, 1)


def test_what_critical_work_took_from_the_reserve_serves_critical_work_alone():
    ledger = Stand().ledger("current", "default=1000")  # of which 100 units are the reserve
    ledger.settle(ledger.reserve(method=UPDATE, account="a", count=18, priority=Priority.HIGH), sent=True)
    with Block(ledger, UPDATE, "system", upto=2) as block:
        block.settle(block.reserve(method=UPDATE, priority=Priority.CRITICAL), sent=True)
        assert ledger.usage()["default"]["by_account"]["reserve"]["lent"] == 100
        for priority in (Priority.HIGH, Priority.NORMAL, Priority.BACKGROUND):
            with pytest.raises(QuotaRefused):
                block.reserve(method=UPDATE, priority=priority)
    assert ledger.usage()["default"]["by_account"]["reserve"]["lent"] == 50


def test_a_block_whose_bucket_google_closed_serves_nothing_more_even_while_the_ledger_is_silent():
    stand = Stand()
    ledger = stand.ledger()
    block = Block(ledger, UPDATE, "a", upto=5)
    block.reserve(method=UPDATE)
    ledger.close_bucket("default", reason="quotaExceeded")
    stand.store.silent = ""
    stand.now += timedelta(minutes=1)
    with pytest.raises(QuotaRefused) as refusal:
        block.reserve(method=UPDATE)
    assert refusal.value.reason == "bucketClosedByGoogle"


def test_while_the_ledger_is_silent_a_block_serves_what_it_holds_and_no_more():
    stand = Stand()
    ledger = stand.ledger()
    with Block(ledger, UPDATE, "a", upto=3) as block:
        block.settle(block.reserve(method=UPDATE), sent=True)
        stand.store.silent = ""
        stand.now += timedelta(minutes=1)
        for _ in range(2):
            block.settle(block.reserve(method=UPDATE), sent=True)
        with pytest.raises(Unavailable) as refusal:
            block.reserve(method=UPDATE)
        assert (refusal.value.reason, refusal.value.retry_at) == (
            "ledgerUnavailable",
            stand.now + timedelta(seconds=30),
        )
        stand.store.silent = None
        block.settle(block.reserve(method=UPDATE), sent=False)
    figures = ledger.usage()["default"]
    assert (figures["used"], figures["reserved"]) == (150, 0)


def test_while_the_ledger_is_silent_from_the_start_a_block_of_free_calls_goes_on():
    stand = Stand()
    stand.store.silent = ""
    with Block(stand.ledger(), DOWNLOAD, "system", upto=3) as block:
        block.settle(block.reserve(method=DOWNLOAD), sent=True)


def test_a_block_that_ends_while_the_ledger_is_silent_can_be_ended_again():
    stand = Stand()
    ledger = stand.ledger()
    with Block(ledger, UPDATE, "a", upto=5) as block:
        block.settle(block.reserve(method=UPDATE), sent=True)
        stand.store.silent = ""
    stand.store.silent = None
    assert ledger.usage()["default"]["reserved"] == 250
    block.close()
    figures = ledger.usage()["default"]
    assert (figures["used"], figures["reserved"]) == (50, 0)


def test_a_call_that_was_not_sent_comes_back_also_when_its_block_has_ended_meanwhile():
    ledger = Stand().ledger()
    with Block(ledger, UPDATE, "a", upto=1) as block:
        slow = block.reserve(method=UPDATE)
        block.settle(block.reserve(method=UPDATE), sent=True)
        block.settle(slow, sent=False)
        block.settle(slow, sent=False)
        figures = ledger.usage()["default"]
        assert (figures["used"], figures["reserved"]) == (0, 50)
    assert ledger.usage()["default"]["used"] == 50


def test_a_call_that_was_sent_stays_charged_when_it_is_settled_twice_under_a_block():
    ledger = Stand().ledger()
    with Block(ledger, UPDATE, "a", upto=3) as block:
        sent = block.reserve(method=UPDATE)
        for claim in (True, False):
            block.settle(sent, sent=claim)
    assert ledger.usage()["default"]["used"] == 50


def test_a_call_that_is_under_way_when_its_block_ends_is_charged():
    ledger = Stand().ledger()
    with Block(ledger, UPDATE, "a", upto=3) as block:
        late = block.reserve(method=UPDATE)
    block.settle(late, sent=False)
    assert ledger.usage()["default"]["used"] == 50


def test_a_block_ends_at_its_end_and_the_rest_goes_back():
    stand = Stand()
    ledger = stand.ledger()
    with Block(ledger, DOWNLOAD, "system", upto=20) as block:
        block.settle(block.reserve(method=DOWNLOAD), sent=True)
        stand.now += timedelta(minutes=10) - timedelta(microseconds=1)
        block.settle(block.reserve(method=DOWNLOAD), sent=True)
        figures = ledger.usage()["reporting"]
        assert (figures["used"], figures["reserved"]) == (0, 20)
        stand.now += timedelta(microseconds=1)
        block.settle(block.reserve(method=DOWNLOAD), sent=True)
        figures = ledger.usage()["reporting"]
        assert (figures["used"], figures["reserved"]) == (2, 20)
    assert ledger.usage()["reporting"]["used"] == 3
