"""What waits for an operator is said once when it begins and once when it ends."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from google.api_core.exceptions import Forbidden

from shared.monitoring import alerts
from shared.monitoring.alerts import LOOK_EVERY, OAUTH_CLIENT, Alert, ProcessAlerts
from tests.emulators.wire import failing, losing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WRONG = "Google refuses our OAuth client (invalid_client)."


def said(capsys):
    return [json.loads(line)["severity"] for line in capsys.readouterr().out.splitlines()]


def test_an_alert_stands_from_when_it_fired_first_until_it_is_resolved(firestore_client, capsys):
    for minutes in range(3):
        alerts.tell(firestore_client, OAUTH_CLIENT, WRONG, NOW + timedelta(minutes=minutes))
    assert alerts.firing(firestore_client) == (Alert(key=OAUTH_CLIENT, since=NOW, message=WRONG),)
    for _ in range(2):
        alerts.tell(firestore_client, OAUTH_CLIENT, None, NOW + timedelta(hours=1))
    assert alerts.firing(firestore_client) == ()
    alerts.tell(firestore_client, OAUTH_CLIENT, WRONG, NOW + timedelta(hours=2))
    assert [alert.since for alert in alerts.firing(firestore_client)] == [NOW + timedelta(hours=2)]
    assert said(capsys) == ["CRITICAL", "NOTICE", "CRITICAL"]


def test_nothing_is_stored_or_said_while_all_is_well(firestore_client, capsys):
    alerts.tell(firestore_client, OAUTH_CLIENT, None, NOW)
    assert list(firestore_client.collection("alerts").stream()) == []
    assert said(capsys) == []


def test_an_alert_whose_answer_was_lost_on_the_way_is_said_all_the_same(firestore_client, capsys):
    alerts.tell(losing(firestore_client, 1), OAUTH_CLIENT, WRONG, NOW)
    assert said(capsys) == ["CRITICAL"]


def test_what_a_process_sees_work_costs_a_read_in_five_minutes_and_ends_what_it_saw_fail_at_once(
    firestore_client, reads
):
    now = [NOW]
    seen, other = (ProcessAlerts(firestore_client, lambda: now[0]) for _ in range(2))
    for _ in range(3):
        seen.worked(OAUTH_CLIENT)
    assert reads() == 1
    seen.failed(OAUTH_CLIENT, WRONG)
    assert alerts.firing(firestore_client)
    seen.worked(OAUTH_CLIENT)
    assert alerts.firing(firestore_client) == ()
    other.failed(OAUTH_CLIENT, WRONG)
    now[0] += LOOK_EVERY
    seen.worked(OAUTH_CLIENT)
    assert alerts.firing(firestore_client) == ()


def test_an_alert_that_cannot_be_changed_undoes_nothing_and_is_tried_again_with_the_next_success(
    firestore_client, capsys
):
    ProcessAlerts(firestore_client, lambda: NOW).failed(OAUTH_CLIENT, WRONG)
    seen = ProcessAlerts(failing(firestore_client, 1, Forbidden("no"), after=False), lambda: NOW)
    seen.worked(OAUTH_CLIENT)
    assert "an alert could not be changed" in capsys.readouterr().out
    seen.worked(OAUTH_CLIENT)
    assert alerts.firing(firestore_client) == ()


def test_operators_wait_for_what_fires_and_for_what_they_were_not_told(firestore_client, reads):
    for key in ("old", "ended", "new"):
        alerts.tell(firestore_client, key, WRONG, NOW)
    for alert in alerts.pending(firestore_client):
        if alert.key != "new":
            alerts.told(firestore_client, alert)
    alerts.tell(firestore_client, "ended", None, NOW)
    alerts.tell(firestore_client, "over", WRONG, NOW)
    alerts.tell(firestore_client, "over", None, NOW)
    for alert in alerts.pending(firestore_client):
        if alert.key == "over":
            alerts.told(firestore_client, alert)
    reads()
    found = {alert.key: (alert.state, alert.told) for alert in alerts.pending(firestore_client)}
    assert found == {"old": ("firing", True), "ended": ("resolved", False), "new": ("firing", False)}
    assert reads() == 3


def test_many_who_notice_at_once_say_it_once(firestore_client, capsys):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: alerts.tell(firestore_client, OAUTH_CLIENT, WRONG, NOW), range(8)))
    assert said(capsys) == ["CRITICAL"]
