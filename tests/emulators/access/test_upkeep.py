from datetime import timedelta

import pytest

from infra.local.simulator.consent import Choice
from shared.access import channels
from shared.access.disconnect import Disconnects
from shared.access.upkeep import Upkeep
from shared.errors import NotFound

DAY = timedelta(days=1)


def nothing(_receipt, _channel):
    return


@pytest.fixture
def disconnects(access):
    return Disconnects(access.client, access.vault, access.google, access.simulator.clock, nothing, nothing)


@pytest.fixture
def upkeep(access, disconnects):
    def upkeep(*, testing=False):
        return Upkeep(access.client, access.refresher(), disconnects, access.simulator.clock, testing)

    return upkeep


def run_hourly(access, upkeep, hours, **changes):
    """Let hours pass, with a run in each; the ends of all runs."""
    ended = {}
    for _ in range(hours):
        access.simulator.timepiece.advance(3600)
        for name, count in upkeep(**changes).run().items():
            ended[name] = ended.get(name, 0) + count
    return ended


def test_no_grant_goes_unrefreshed_for_a_day(access, upkeep):
    ids = [access.connected(channel=number) for number in range(3)]
    for _ in range(60):
        access.simulator.timepiece.advance(3600)
        upkeep().run()
        oldest = min(access.stored("grants")[channel_id]["refreshed_at"] for channel_id in ids)
        assert access.simulator.clock() - oldest < DAY


def test_a_run_reads_and_asks_for_what_is_due_only(access, upkeep):
    access.connected()
    asked = access.token_requests()
    assert run_hourly(access, upkeep, 10) == {}
    assert access.token_requests() == asked


def test_a_grant_in_use_is_not_refreshed_once_more(access, upkeep):
    channel_id = access.connected()
    access.simulator.timepiece.advance(20 * 3600)
    access.refresher().fresh(channel_id)
    asked = access.token_requests()
    assert upkeep().run() == {"fresh": 1}
    assert access.token_requests() == asked


@pytest.mark.fault(13)
def test_a_permission_taken_back_at_google_is_noticed_within_a_day_and_told_once(access, upkeep, capsys):
    channel_id = access.connected()
    access.simulator.grants.revoke_account(access.account().id)
    run_hourly(access, upkeep, 24)
    assert channels.get(access.client, channel_id).state == "reauth_required"
    run_hourly(access, upkeep, 48)
    assert capsys.readouterr().out.count('"notice": "reconnect"') == 1


def test_what_stays_lost_for_a_week_is_deleted_like_a_disconnected_channel(access, upkeep):
    channel_id = access.connected()
    access.client.document("videos", "v1").set({"channel_id": channel_id})
    access.simulator.grants.revoke_account(access.account().id)
    run_hourly(access, upkeep, 24)
    access.simulator.timepiece.advance(7 * 24 * 3600)
    assert upkeep().run()["disconnected"] == 1
    assert access.stored("channels") == access.stored("grants") == access.stored("videos") == {}
    with pytest.raises(NotFound):
        access.refresher().fresh(channel_id)


def test_an_outage_of_a_day_loses_no_grant_and_asks_nobody(access, upkeep, capsys):
    channel_id = access.connected()
    access.simulator.timepiece.advance(20 * 3600)
    access.fault(method="oauth.token", kind="html", times=10)
    run_hourly(access, upkeep, 10)
    assert channels.get(access.client, channel_id).state == "troubled"
    run_hourly(access, upkeep, 2)
    assert channels.get(access.client, channel_id).state == "connected"
    said = capsys.readouterr().out
    assert '"notice": "reconnect"' not in said
    assert said.count('"notice": "recovered"') == 1


def test_a_grant_of_limited_time_is_announced_a_week_before_its_end_and_once(access, upkeep, capsys):
    who = access.account()
    choice = Choice(user=who.email, channel_id=who.channels[0].id, lifetime=30 * DAY)
    access.finish(access.decide(access.start(), choice))
    run_hourly(access, upkeep, 22 * 24 // 20)
    for _ in range(30):
        access.simulator.timepiece.advance(20 * 3600)
        upkeep().run()
        if access.stored("channels")[who.channels[0].id]["warnings"]:
            break
    ends = access.stored("channels")[who.channels[0].id]["warnings"]["timeLimited"]
    left = ends - access.simulator.clock()
    assert timedelta(days=5) < left <= timedelta(days=7)
    run_hourly(access, upkeep, 21)
    assert capsys.readouterr().out.count("a connection is going to end") == 1


def test_in_testing_every_grant_s_week_is_announced(access, upkeep):
    channel_id = access.connected()
    access.simulator.timepiece.advance(5.5 * 24 * 3600)
    upkeep(testing=True).run()
    assert set(channels.get(access.client, channel_id).warnings) == {"testing"}
    access.connected()  # connecting again starts a new week
    assert channels.get(access.client, channel_id).warnings == {}


def test_one_grant_s_trouble_does_not_keep_another_from_its_look(access, upkeep):
    bad, good = access.connected(channel=0), access.connected(channel=1)
    access.client.document("grants", bad).update({"refresh_token": {"v": 1, "n": b"0" * 12, "c": b"spoilt"}})
    access.simulator.timepiece.advance(20 * 3600)
    before = access.stored("grants")[good]["refreshed_at"]
    assert upkeep().run() == {"corruptData": 1, "refreshed": 1}
    assert access.stored("grants")[good]["refreshed_at"] > before


@pytest.mark.fault(49)
def test_a_disconnect_left_half_done_and_a_revoke_left_waiting_are_finished(access, upkeep, disconnects):
    half, whole = access.connected(account=0), access.connected(account=1)
    disconnects._mark(half, "user")
    access.fault(method="oauth.revoke", kind="html", times=1)
    receipt = disconnects.disconnect(whole, "u1")
    assert receipt.revocation == "pending"
    access.simulator.timepiece.advance(600)
    assert upkeep().run() == {"disconnected": 1, "revocationSettled": 1}
    assert access.stored("channels") == access.stored("revocations") == {}
    assert access.simulator.grants.describe() == []


def test_a_run_ends_in_time_and_the_next_goes_on(access, upkeep):
    for number in range(3):
        access.connected(channel=number)
    access.simulator.timepiece.advance(20 * 3600)
    assert upkeep().run(until=access.simulator.clock()) == {"postponed": 3}
    assert upkeep().run() == {"refreshed": 3}
