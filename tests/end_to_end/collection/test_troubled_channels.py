"""One channel's end is its own: a lost grant and a disconnect leave the others' collection as it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.end_to_end.collection.network import Network
from tests.stands import packed

DAY = timedelta(days=1)


def rows_of(network: Network, channel: str) -> int:
    tables = ("report_loads", "report_channel_basic_a3")
    counts = [
        network.query(f"SELECT COUNT(*) FROM `DATASET.{table}` WHERE channel_id = '{channel}'")[0][0]
        for table in tables
    ]
    return int(sum(counts))


def disconnect(network: Network, channel: str) -> dict[str, Any]:
    person = next(person for person in network.people if channel in person.channels)
    headers = {"Authorization": f"Bearer {network.stack.user_token(person.user)}"}
    url = f"{network.stack.url('gateway')}/auth/youtube/disconnect"
    answer = network.http.post(url, json={"channel_id": channel}, headers=headers)
    return dict(answer.raise_for_status().json())


def test_a_channel_whose_grant_is_lost_waits_for_its_owner_and_the_others_go_on(network: Network):
    person = network.people[0]
    network.control("grants", action="revoke", user=person.email)
    network.pass_time(DAY)
    answer = network.call("collect_reports", {"channels": network.channels})
    assert answer.status_code == 200, answer.text
    assert answer.json()["unfinished"] == len(person.channels)
    network.settle()
    for channel in person.channels:
        network.connect(person, channel)
    network.pass_time(DAY)
    network.collect()
    assert network.wrong() == []
    assert set(network.states()) == {"loaded"}


def test_a_disconnected_channel_leaves_no_row_and_late_work_for_it_brings_none_back(network: Network):
    channel = network.channels[3]
    late = network.report_message(channel)
    assert rows_of(network, channel) > 0
    receipt = disconnect(network, channel)
    network.eventually(lambda: rows_of(network, channel) == 0)
    stored = network.state.document("receipts", receipt["receipt"])
    network.eventually(lambda: (stored.get().to_dict() or {})["steps"]["warehouse"]["count"])

    deliveries, errors = network.quiet(), network.stack.logs("ingest").count('"ERROR"')
    network.publish("reports", late)
    note = {"video_id": "lateVideo01", "channel_id": channel, "updated": "2026-11-22T00:00:00Z",
            "deleted": False, "title": "Late", "published": None}  # fmt: skip
    network.publish("videos", {"videos": [note]})
    network.eventually(lambda: network.ingested() >= deliveries + 2)
    # A process that still holds the channel's token lists once more, and takes back what it noted.
    for wait in (0, 61):
        network.stack.advance(wait)
        answer = network.call("collect_reports", {"channels": network.channels})
        assert (answer.status_code, answer.json()["unfinished"]) == (200, 1)
    network.settle()
    assert rows_of(network, channel) == 0
    assert not network.state.document("videos", "lateVideo01").get().exists
    assert channel not in set().union(*packed.stored(network.state).values())
    assert network.stack.logs("ingest").count('"ERROR"') == errors


def truth(network: Network, channel: str) -> dict[str, Any]:
    """The reports that YouTube has issued for a channel's last 90 days, by day."""
    now = network.stack.now().date()
    span = {"from": (now - 90 * DAY).isoformat(), "to": now.isoformat()}
    return dict(network.ask("truth", channel_id=channel, **span)["days"])


def listed(network: Network, channel: str) -> set[str]:
    return {day for day, report in truth(network, channel).items() if report["listed"]}


def test_a_channel_that_comes_back_is_collected_from_its_beginning(network: Network):
    channel = network.channels[3]
    network.connect(network.people[1], channel)
    network.settle()
    had = listed(network, channel)  # YouTube keeps history for 30 days: what it had then may be gone a day later
    network.pass_time(DAY)
    network.collect()
    had |= listed(network, channel)
    assert {day for owner, day in network.days() if owner == channel} == had
    issued = truth(network, channel).items()
    lost = {f"{channel} {day}: report {each['report_id']} is missing" for day, each in issued if day not in had}
    assert [text for text in network.wrong() if text not in lost] == []
