from datetime import UTC, datetime

from shared.access import receipts
from shared.access.disconnect import ERASURES
from shared.access.rotation import SEALED

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_two_requests_to_end_one_connection_share_a_receipt_and_two_connections_do_not():
    assert receipts.name_of("UC1", NOW) == receipts.name_of("UC1", NOW)
    assert receipts.name_of("UC1", NOW) != receipts.name_of("UC1", NOW.replace(hour=13))
    assert receipts.name_of("UC1", NOW) != receipts.name_of("UC2", NOW)


def test_tokens_go_first():
    assert ERASURES[0].collection == "grants"


def test_whatever_is_sealed_about_a_channel_is_deleted_with_it():
    erased = {erasure.collection for erasure in ERASURES}
    kept_on_purpose = {"consents", "revocations"}  # end by themselves, within minutes and with Google's answer
    assert {collection for collection, _field in SEALED} <= erased | kept_on_purpose
