"""What waits for an operator is said once when it begins and once when it ends."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from shared.monitoring import alerts
from shared.monitoring.alerts import OAUTH_CLIENT, Alert
from tests.emulators.wire import losing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WRONG = "Google refuses our OAuth client (invalid_client)."


def said(capsys):
    return [json.loads(line)["severity"] for line in capsys.readouterr().out.splitlines()]


def test_an_alert_stands_from_when_it_fired_first_until_it_is_resolved(firestore_client, capsys):
    for minutes in range(3):
        alerts.fire(firestore_client, OAUTH_CLIENT, WRONG, NOW + timedelta(minutes=minutes))
    assert alerts.firing(firestore_client) == (Alert(key=OAUTH_CLIENT, since=NOW, message=WRONG),)
    for _ in range(2):
        alerts.resolve(firestore_client, OAUTH_CLIENT, NOW + timedelta(hours=1))
    assert alerts.firing(firestore_client) == ()
    alerts.fire(firestore_client, OAUTH_CLIENT, WRONG, NOW + timedelta(hours=2))
    assert [alert.since for alert in alerts.firing(firestore_client)] == [NOW + timedelta(hours=2)]
    assert said(capsys) == ["CRITICAL", "NOTICE", "CRITICAL"]


def test_nothing_is_stored_or_said_while_all_is_well(firestore_client, capsys):
    alerts.resolve(firestore_client, OAUTH_CLIENT, NOW)
    assert list(firestore_client.collection("alerts").stream()) == []
    assert said(capsys) == []


def test_an_alert_whose_answer_was_lost_on_the_way_is_said_all_the_same(firestore_client, capsys):
    alerts.fire(losing(firestore_client, 1), OAUTH_CLIENT, WRONG, NOW)
    assert said(capsys) == ["CRITICAL"]


def test_many_who_notice_at_once_say_it_once(firestore_client, capsys):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: alerts.fire(firestore_client, OAUTH_CLIENT, WRONG, NOW), range(8)))
    assert said(capsys) == ["CRITICAL"]
