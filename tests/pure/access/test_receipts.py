from datetime import UTC, datetime

from shared.channels import connection_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_two_requests_to_end_one_connection_share_a_receipt_and_two_connections_do_not():
    assert connection_of("UC1", NOW) == connection_of("UC1", NOW)
    assert connection_of("UC1", NOW) != connection_of("UC1", NOW.replace(hour=13))
    assert connection_of("UC1", NOW) != connection_of("UC2", NOW)
