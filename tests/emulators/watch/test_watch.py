"""The watch on Firestore: alarms open once, are kept up to date and end once; and somebody misses the watch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared import channels
from shared.access.receipts import PENDING, RECEIPTS, Receipt, Receipts
from shared.data_map import CALL_SUMMARY
from shared.errors import InvalidRequest, QuotaRefused
from shared.monitoring import alerts
from shared.quota.ledger import Ledger
from shared.quota.profile import Priority, load
from shared.watch import dead_letters, watching
from shared.watch.conditions import INTERVAL, MOST, SILENT_AFTER, WATCH
from shared.watch.reading import RECENT
from shared.watch.watching import Watch
from tests.emulators.wire import Died, dying

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIST = "youtube.videos.list"


@dataclass
class Room:
    """The watch with its surroundings. notices: what operators were told; checks: the tasks that are queued."""

    client: Any
    now: datetime = START
    notices: list[tuple[str, str, str]] = field(default_factory=list)
    checks: list[datetime] = field(default_factory=list)
    calls_taken: int = 0
    broken: bool = False

    def watch(self, client: Any = None) -> Watch:
        return Watch(
            client=client or self.client,
            quota=self.ledger,
            clock=lambda: self.now,
            publish=self.told,
            check_later=self.checks.append,
            take_calls=self.take_calls,
            app="https://app.example",
        )

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.client, load("current"), lambda: self.now)

    def take_calls(self) -> None:
        self.calls_taken += 1

    def run(self) -> dict[str, int]:
        return self.watch().run()

    def told(self, notices: Any) -> None:
        if self.broken:
            raise ServiceUnavailable("Pub/Sub is away")
        self.notices += [(each["alert"], each["state"], each["severity"]) for each in notices]
        json.dumps(notices)

    def sum_up(self, *, errors: int = 0, slow: int = 0) -> None:
        """The call log has come: a hundred calls within the hour, twenty of them just now."""
        counts = {"long": [100, errors, slow], "short": [20, errors, slow], "reasons": {"backendError": errors}}
        summary = {"at": self.now, "endpoints": {LIST: counts}}
        self.client.document(CALL_SUMMARY.path, "lately").set(summary)

    def check(self, since: datetime) -> bool:
        return watching.check(self.client, self.told, since=since, now=self.now)

    def give_up(self, message_id: str = "1", **more: Any) -> None:
        """A message arrives from the dead-letter topic."""
        push = {
            "message": {"messageId": message_id, "attributes": {"kind": "erase"}, "data": ""},
            "subscription": "projects/p/subscriptions/ingest-dead-noted",
        }
        dead_letters.note(self.client, {**push, **more}, self.now)

    def end_connection(self, channel: str) -> str:
        """A connection ends; its erasure is asked for, now."""
        receipt_id = channels.connection_of(channel, self.now)
        opened = Receipt(
            receipt_id=receipt_id, channel_id=channel, user_id="u1", by="user", requested_at=self.now,
            revocation=PENDING, expires_at=self.now + timedelta(days=400),
        )  # fmt: skip
        self.client.document("receipts", receipt_id).set(RECEIPTS.fields(opened))
        Receipts(self.client, lambda: self.now).begin(receipt_id, "warehouse")
        return receipt_id

    def firing(self) -> dict[str, str]:
        return {alert.key: alert.message for alert in alerts.firing(self.client)}


@pytest.fixture
def room(firestore_client) -> Room:
    return Room(firestore_client)


def test_while_all_is_well_a_run_says_nothing_and_reads_next_to_nothing(room, reads, capsys):
    room.client.document("operations", "o1").set({"due_at": START + HOUR})
    room.client.document("operations", "o2").set({"due_at": None})
    room.client.document("channels", "UC1").set({"state": "connected", "state_since": START})
    read = []
    for _ in range(12):
        room.sum_up()
        assert room.run() == {"alarms": 0, "told": 0}
        read.append(reads())
        room.now += INTERVAL
    # 1,704 in a day of runs, and some for each bucket that was spent of
    assert read == [8, 5, 6, 6, 7, 5, 8, 5, 5, 6, 5, 5]
    assert (room.notices, room.firing(), capsys.readouterr().out) == ([], {}, "")


def test_whatever_is_wrong_a_run_reads_at_most_300_documents(room, reads):
    for number in range(MOST + 20):
        room.give_up(str(number))
        room.client.document("operations", f"o{number}").set({"due_at": START + timedelta(seconds=number)})
        room.end_connection(f"UC{number}")
        room.client.document("channels", f"UC{number}").set({"state": "troubled", "state_since": START})
        room.client.document("subscriptions", f"UC{number}").set({"lease_until": START - 6 * HOUR})
        differing = {"verify_at": START - 60 * HOUR, "differs": "rows", "differs_since": START}
        room.client.document("certificates", f"UC{number}:2026-10").set(differing)
        lost = {"lost_at": START, "capabilities": {"captions": {"have": False, "reason": "withdrawn"}}}
        room.client.document("channels", f"UC{number}").update(lost)
    for number in range(5):
        alerts.tell(room.client, f"alert{number}", "wrong", START)
    room.now += 3 * HOUR
    reads()
    for minutes in (0, 0, 10, 10):
        room.now += timedelta(minutes=minutes)
        room.sum_up()
        assert room.run()["alarms"] == {0: 5, 10: 4, 20: 5}[room.now.minute]
        assert 3 * MOST < reads() <= 300
    assert {"lostCapabilities", "certificates", "unverified"} <= room.firing().keys()


@pytest.mark.alarm("deadLetters")
@pytest.mark.fault(44)
@pytest.mark.case("A2")
def test_a_message_that_was_given_up_is_an_alarm_from_the_next_run_until_a_day_after_the_last_one(room, capsys):
    room.give_up("1")
    room.give_up("1")  # delivered twice
    assert room.run() == {"alarms": 1, "told": 1}
    room.now += HOUR
    room.give_up("2")
    assert room.run() == {"alarms": 1, "told": 0}
    assert ": 2, the first at 2026-11-22T12:00:00+00:00" in room.firing()["deadLetters"]
    room.now = START + RECENT + timedelta(minutes=1)
    room.run()
    assert ": 1, the first at 2026-11-22T13:00:00+00:00" in room.firing()["deadLetters"]
    room.now += HOUR
    assert room.run() == {"alarms": 0, "told": 1}
    room.run()
    assert room.notices == [("deadLetters", "firing", "ERROR"), ("deadLetters", "resolved", "ERROR")]
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["severity"], each["message"]) for each in said] == [
        ("ERROR", "a message was given up"),
        ("ERROR", "alert firing"),
        ("ERROR", "a message was given up"),
        ("NOTICE", "alert resolved"),
    ]
    assert said[0]["kind"] == "erase"


@pytest.mark.parametrize("message", [None, [], {}, {"messageId": "../x"}, {"messageId": "1", "attributes": 3}])
def test_what_is_no_message_is_refused(room, message):
    with pytest.raises(InvalidRequest):
        room.give_up(message=message)


@pytest.mark.alarm("erasures")
@pytest.mark.fault(68)
@pytest.mark.case("A2")
def test_an_erasure_that_is_not_confirmed_for_an_hour_is_an_alarm_until_its_receipt_says_it(room):
    receipt_id = room.end_connection("UC1")
    room.now += HOUR - timedelta(seconds=1)
    assert room.run()["alarms"] == 0
    room.now += timedelta(seconds=1)
    assert room.run()["alarms"] == 1
    assert "2026-11-22T12:00:00" in room.firing()["erasures"]
    Receipts(room.client, lambda: room.now).confirm(receipt_id, "warehouse")
    assert room.run() == {"alarms": 0, "told": 1}


@pytest.mark.alarm("operations")
def test_operations_that_nobody_goes_on_with_are_an_alarm_though_none_can_be_read(room):
    for number in range(3):
        room.client.document("operations", f"o{number}").set({"due_at": START + timedelta(seconds=number)})
    room.now += 3 * HOUR
    assert room.run()["alarms"] == 1
    assert ": 3, the oldest at 2026-11-22T12:00:00" in room.firing()["operations"]


def test_what_others_have_noticed_is_told_too_once_when_it_begins_and_once_when_it_ends(room):
    alerts.tell(room.client, alerts.OAUTH_CLIENT, "Google refuses our OAuth client.", room.now)
    for _ in range(2):
        room.run()
    alerts.tell(room.client, alerts.OAUTH_CLIENT, None, room.now + HOUR)
    for _ in range(2):
        room.run()
    assert room.notices == [("oauthClient", "firing", "CRITICAL"), ("oauthClient", "resolved", "CRITICAL")]


def test_a_notice_that_could_not_be_sent_is_sent_by_the_next_run(room):
    room.give_up()
    room.broken = True
    with pytest.raises(ServiceUnavailable):
        room.run()
    assert "deadLetters" in room.firing()
    room.broken = False
    room.run()
    assert room.notices == [("deadLetters", "firing", "ERROR")]


def test_wherever_a_run_dies_the_next_one_tells_and_nothing_is_lost(room):
    deaths = 0
    for number in range(1, 10):
        client = dying(room.client, number)
        room.give_up()
        try:
            room.watch(client).run()
        except Died:
            deaths += 1
            room.run()
        assert set(room.notices) == {("deadLetters", "firing", "ERROR")}
        for collection in ("alerts", "dead_letters", "heartbeats"):
            for found in room.client.collection(collection).stream():
                found.reference.delete()
        room.notices.clear()
    assert deaths == 3  # fired; beaten; told


@pytest.mark.alarm("watch")
@pytest.mark.fault(75)
def test_a_watch_that_dies_is_missed_within_its_interval_and_a_half_and_found_again(room, capsys):
    room.run()
    room.now += INTERVAL
    room.run()
    first, last = room.checks
    room.now = first + SILENT_AFTER
    assert room.check(first)
    room.now = last + SILENT_AFTER
    assert not room.check(last)
    assert not room.check(last)  # delivered twice
    assert room.notices == [(WATCH.key, "firing", "CRITICAL")]
    assert "since 2026-11-22T12:05:00+00:00" in room.firing()[WATCH.key]
    room.now += INTERVAL
    assert room.run() == {"alarms": 0, "told": 1}
    assert room.notices[-1] == (WATCH.key, "resolved", "CRITICAL")
    assert '"severity": "CRITICAL"' in capsys.readouterr().out


@pytest.mark.fault(75)
def test_a_watch_that_cannot_read_everything_counts_as_dead_and_says_all_the_same_what_it_could_read(
    room, monkeypatch
):
    room.run()
    room.end_connection("UC1")
    room.now += HOUR
    room.give_up()
    room.run()
    monkeypatch.setattr(watching, "READERS", watching.READERS | {"erasures": (1, 0, _away)})
    for _ in range(2):
        room.now += INTERVAL
        with pytest.raises(ServiceUnavailable):
            room.run()
    assert set(room.firing()) == {"deadLetters", "erasures"}  # what cannot be read stays as it was
    assert not room.check(room.checks[-2])
    assert WATCH.key in room.firing()


def _away(_sources: Any, _now: datetime) -> dict[str, Any]:
    raise ServiceUnavailable("Firestore is away")


@pytest.mark.alarm("youtube_api_quota_used")
def test_a_quota_that_reaches_its_threshold_is_an_alarm_that_ends_at_midnight_and_reads_are_put_off_meanwhile(
    room,
):
    spending = room.ledger
    room.now = datetime(2026, 11, 22, 18, tzinfo=UTC)
    held = spending.reserve(method=LIST, account="system", count=2_000, priority=Priority.HIGH)
    spending.settle(held, sent=True)
    assert room.run()["alarms"] == 0
    for user in range(3):
        held = spending.reserve(method=LIST, account=f"u{user}", count=2_000, priority=Priority.HIGH)
        spending.settle(held, sent=True)
    room.run()
    assert "Everything else: 8,000 of 10,000 units" in room.firing()["youtube_api_quota_used"]
    with pytest.raises(QuotaRefused) as refused:
        spending.reserve(method=LIST, account="u9")
    assert refused.value.reason == "cacheOnly"
    room.now += timedelta(hours=14)
    room.run()
    assert "youtube_api_quota_used" not in room.firing()


@pytest.mark.alarm("youtube_api_response_time_ms")
def test_an_endpoint_that_is_slow_rests_for_calls_that_can_wait_and_the_alarm_ends_when_it_is_not(room):
    room.ledger.reserve(method=LIST, account="u1")
    room.sum_up(slow=6)
    room.run()
    assert set(room.firing()) == {"youtube_api_response_time_ms"}
    with pytest.raises(QuotaRefused) as refused:
        room.ledger.reserve(method=LIST, account="u1")
    assert (refused.value.reason, refused.value.retry_at) == ("resting", room.now + watching.REST)
    room.ledger.reserve(method=LIST, account="u1", priority=Priority.HIGH)  # somebody waits for it
    room.ledger.reserve(method="youtube.playlists.insert", account="u1")
    room.now += watching.REST
    room.sum_up(slow=0)
    room.run()
    assert room.firing() == {}
    room.ledger.reserve(method=LIST, account="u1")


@pytest.mark.alarm("youtube_api_error_rate", "callLog")
def test_an_error_rate_is_an_alarm_and_what_is_old_ends_none(room):
    room.sum_up(errors=5)
    room.run()
    assert f"{LIST}: 5 of 100, mostly backendError" in room.firing()["youtube_api_error_rate"]
    room.now += timedelta(minutes=30)
    room.run()
    assert set(room.firing()) == {"youtube_api_error_rate", "callLog"}
    room.sum_up()
    room.run()
    assert (room.firing(), room.calls_taken) == ({}, 3)


@pytest.mark.fault(75)
def test_the_console_misses_the_watch_though_nobody_else_has_noticed(room):
    [never] = watching.wrong_now(room.client, room.now)
    assert "since it was deployed" in never.message
    room.run()
    room.now += SILENT_AFTER - timedelta(seconds=1)
    assert watching.wrong_now(room.client, room.now) == ()
    room.now += timedelta(seconds=1)
    [silent] = watching.wrong_now(room.client, room.now)
    assert (silent.key, silent.since) == (WATCH.key, START)
    room.check(START)
    assert [alert.key for alert in watching.wrong_now(room.client, room.now)] == [WATCH.key]
