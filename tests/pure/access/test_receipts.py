from datetime import UTC, datetime

from shared.access import receipts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_two_requests_to_end_one_connection_share_a_receipt_and_two_connections_do_not():
    assert receipts.name_of("UC1", NOW) == receipts.name_of("UC1", NOW)
    assert receipts.name_of("UC1", NOW) != receipts.name_of("UC1", NOW.replace(hour=13))
    assert receipts.name_of("UC1", NOW) != receipts.name_of("UC2", NOW)
