from dataclasses import replace
from datetime import timedelta

import pytest
from google.api_core.exceptions import ServiceUnavailable

from infra.local.simulator.consent import Choice
from shared import channels
from shared.access.disconnect import Disconnects
from shared.access.upkeep import Upkeep
from shared.errors import NotFound
from tests.emulators.wire import Died, dying

DAY = timedelta(days=1)


def nothing(*_told):
    return


@pytest.fixture
def disconnects(access):
    return Disconnects(access.client, access.revocations, access.simulator.clock, nothing, nothing, nothing)


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


def test_no_grant_goes_unrefreshed_for_a_day_though_google_fails_whenever_it_is_looked_at(access, upkeep):
    channel_id = access.connected()
    access.simulator.timepiece.advance(19 * 3600 + 300)
    access.refresher().fresh(channel_id)  # used an hour before its look, which then leaves it alone
    faults = {}
    for _ in range(70):
        access.simulator.timepiece.advance(3600)
        refreshed = access.stored("grants")[channel_id]["refreshed_at"]
        if refreshed not in faults:
            faults[refreshed] = access.fault(method="oauth.token", kind="html", times=1)
        upkeep().run()
        assert access.simulator.clock() - access.stored("grants")[channel_id]["refreshed_at"] < DAY
    assert sum(fault.hits for fault in faults.values()) >= 3


def test_a_grant_that_failed_is_tried_again_by_the_next_run_though_it_comes_a_little_early(access, upkeep):
    access.connected()
    access.simulator.timepiece.advance(20 * 3600)
    access.fault(method="oauth.token", kind="html", times=1)
    assert upkeep().run() == {"googleUnavailable": 1}
    access.simulator.timepiece.advance(3590)
    assert upkeep().run() == {"refreshed": 1}


def test_a_grant_that_cools_down_is_not_called_refreshed_and_is_tried_when_it_has_cooled_down(access, upkeep):
    channel_id = access.connected()
    access.simulator.timepiece.advance(20 * 3600)
    now = access.simulator.clock()
    usable = {
        "access_expires_at": now + timedelta(minutes=30),
        "cooldown_until": now + timedelta(minutes=3),
        "next_look": now,
    }
    access.client.document("grants", channel_id).update(usable)
    asked = access.token_requests()
    assert upkeep().run() == {"coolingDown": 1}
    access.simulator.timepiece.advance(170)
    assert upkeep().run() == {}
    assert access.token_requests() == asked
    access.simulator.timepiece.advance(20)
    assert upkeep().run() == {"refreshed": 1}


def test_a_grant_used_more_than_an_hour_before_its_look_is_refreshed_at_it(access, upkeep):
    channel_id = access.connected()
    access.simulator.timepiece.advance(20 * 3600)
    access.refresher().fresh(channel_id)
    access.simulator.timepiece.advance(3660)
    assert upkeep().run() == {"refreshed": 1}


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


@pytest.mark.parametrize("death", [1, 2, 3])
def test_a_run_that_dies_after_any_write_loses_no_warning_and_no_channel_differs_from_its_grant(
    access, upkeep, capsys, death
):
    channel_id, whole = access.connected(), access.client
    access.simulator.timepiece.advance(5.5 * 24 * 3600)
    access.client = dying(whole, death)
    with pytest.raises(Died):
        upkeep(testing=True).run()
    access.client = whole
    run_hourly(access, upkeep, 2, testing=True)
    warned = access.stored("grants")[channel_id]["warnings"]
    assert set(warned) == {"testing"}
    assert channels.get(access.client, channel_id).warnings == warned
    assert capsys.readouterr().out.count("a connection is going to end") == 1


def test_a_connection_made_anew_while_it_is_looked_at_is_not_warned_of_the_old_one_s_end(access, upkeep):
    channel_id = access.connected()
    access.simulator.timepiece.advance(5.5 * 24 * 3600)
    # The lease, the token, and then what was seen: at that moment its owner connects again.
    access.before_write(3, lambda owner: owner.connected())
    assert upkeep(testing=True).run() == {"refreshed": 1}
    assert access.stored("grants")[channel_id]["warnings"] == {}
    assert channels.get(access.client, channel_id).warnings == {}


def test_a_connection_that_is_disconnected_while_it_is_looked_at_stays_gone(access, upkeep, disconnects):
    channel_id = access.connected()
    access.simulator.timepiece.advance(5.5 * 24 * 3600)
    access.before_write(3, lambda _: disconnects.disconnect(channel_id, "u1"))
    assert upkeep(testing=True).run() == {"disconnected": 1}
    assert access.stored("channels") == access.stored("grants") == {}


def issued(access):
    """How many tokens are counted for each account."""
    return sorted(found["issued"] for found in access.stored("google_accounts").values())


def test_tokens_of_an_account_count_beyond_their_connections_until_google_has_revoked_them_all(
    access, disconnects
):
    first = access.connected(channel=0)
    access.connected(channel=1)
    disconnects.disconnect(first, "u1")
    assert (
        access.connect(channel=2, expect_channel="UC" + "b" * 22).reason == "otherChannel"
    )  # a token all the same
    assert issued(access) == [3]
    assert access.connected(channel=0) == first
    assert access.stored("grants")[first]["number"] == 4
    for channel_id in list(access.stored("channels")):
        disconnects.disconnect(channel_id, "u1")
    assert issued(access) == []


def test_a_token_with_almost_a_hundred_newer_ones_of_its_account_is_warned_of_until_it_is_renewed(access, upkeep):
    old = access.connected(account=0)
    [account] = access.client.collection("google_accounts").list_documents()
    other = access.connected(account=1)
    account.update({"issued": 81})
    access.simulator.timepiece.advance(20 * 3600)
    upkeep().run()
    assert set(channels.get(access.client, old).warnings) == {"crowded"}
    assert channels.get(access.client, other).warnings == {}
    assert access.connected(account=0) == old
    access.simulator.timepiece.advance(20 * 3600)
    upkeep().run()
    assert channels.get(access.client, old).warnings == {}


def test_tokens_of_an_account_that_google_did_not_name_count_for_their_user_and_it_is_said(access, capsys):
    google = replace(access.google, settings=replace(access.settings, oauth_issuer="https://another.example"))
    access.google = google
    for channel in (0, 1):
        access.connected(user="u1", channel=channel)
    access.cookie = None
    access.connected(user="u2", account=1)
    assert issued(access) == [1, 2]
    assert capsys.readouterr().out.count("Google named no account") == 3


def test_one_grant_s_trouble_does_not_keep_another_from_its_look(access, upkeep):
    bad, good = access.connected(channel=0), access.connected(channel=1)
    access.client.document("grants", bad).update({"refresh_token": {"v": 1, "n": b"0" * 12, "c": b"spoilt"}})
    access.simulator.timepiece.advance(20 * 3600)
    before = access.stored("grants")[good]["refreshed_at"]
    assert upkeep().run() == {"corruptData": 1, "refreshed": 1}
    assert access.stored("grants")[good]["refreshed_at"] > before


@pytest.mark.case("A3")
@pytest.mark.fault(69)
@pytest.mark.parametrize(
    ("collection", "fields"),
    [
        ("grants", {"granted_scopes": 7}),
        ("grants", {"generation": "x"}),
        ("channels", {"title": 7}),
        ("channels", {"state": "disconnecting", "state_since": "yesterday"}),
    ],
)
def test_a_record_that_cannot_be_read_keeps_nobody_else_from_upkeep(
    access, upkeep, disconnects, collection, fields
):
    bad, good, half = (access.connected(account=number) for number in range(3))
    disconnects._mark(half, "user")
    access.client.document(collection, bad).update(fields)
    access.simulator.timepiece.advance(20 * 3600)
    before = access.stored("grants")[good]["refreshed_at"]
    upkeep().run()
    assert access.stored("grants")[good]["refreshed_at"] > before
    assert half not in access.stored("channels")


@pytest.mark.fault(69)
def test_a_channel_that_cannot_be_read_is_told_left_out_and_not_taken_for_gone(access, capsys):
    bad, good = access.connected(channel=0), access.connected(channel=1)
    access.client.document("channels", bad).update({"title": 7})
    assert [channel.channel_id for channel in channels.list_all(access.client)] == [good]
    assert f"channels/{bad} does not hold what it should in title" in capsys.readouterr().out
    assert channels.gone(access.client, [bad, good, "UC" + "z" * 22]) == ["UC" + "z" * 22]


@pytest.mark.case("A3")
@pytest.mark.fault(69)
@pytest.mark.parametrize("trouble", [ServiceUnavailable("Pub/Sub is away"), KeyError("generation")])
def test_a_disconnect_that_is_stuck_keeps_nobody_else_from_upkeep(access, upkeep, disconnects, trouble):
    stuck, good, half = (access.connected(account=number) for number in range(3))

    def rows(_receipt, channel):
        if channel == stuck:
            raise trouble

    for channel_id in (stuck, half):
        disconnects._mark(channel_id, "user")
    access.simulator.timepiece.advance(20 * 3600)
    kept = upkeep()
    ended = replace(kept, disconnects=replace(disconnects, erase_rows=rows)).run()
    assert (ended["disconnected"], ended["internal"], ended["refreshed"]) == (1, 1, 1)
    assert sorted(access.stored("channels")) == sorted([stuck, good])
    assert kept.run()["disconnected"] == 1


@pytest.mark.fault(49)
def test_a_disconnect_left_half_done_and_a_revoke_left_waiting_are_finished(access, upkeep, disconnects):
    half, whole = access.connected(account=0), access.connected(account=1)
    disconnects._mark(half, "user")
    access.fault(method="oauth.revoke", kind="html", times=1)
    receipt = disconnects.disconnect(whole, "u1")
    assert receipt.revocation == "pending"
    access.simulator.timepiece.advance(600)
    assert upkeep().run() == {"disconnected": 1, "revocationSettled": 1, "erasureAskedAgain": 1}
    assert access.stored("channels") == access.stored("revocations") == {}
    assert access.simulator.grants.describe() == []


@pytest.mark.fault(68)
@pytest.mark.case("A2")
def test_an_erasure_that_was_not_answered_is_asked_again_every_hour_until_its_receipt_says_it(access, upkeep):
    asked = []
    first, second = access.connected(account=0), access.connected(account=1)
    disconnects = Disconnects(
        *(access.client, access.revocations, access.simulator.clock),
        *(lambda *each: asked.append(each), nothing, nothing),
    )
    done, lost = (disconnects.disconnect(channel, "u1").receipt_id for channel in (first, second))
    disconnects.receipts.found(done, "warehouse", 7)
    disconnects.receipts.confirm(done, "warehouse")
    kept = replace(upkeep(), disconnects=disconnects)
    for hours in range(1, 25):  # BigQuery is away for a day, and every delivery of every message fails
        access.simulator.timepiece.advance(3600)
        asked.clear()
        assert kept.run().get("erasureAskedAgain") == 1, hours
        assert asked == [(lost, second)]
    disconnects.receipts.found(lost, "warehouse", 3)
    assert disconnects.receipts.get(lost).as_json()["deleted"]["warehouse"] is None
    disconnects.receipts.confirm(lost, "warehouse")
    disconnects.receipts.begin(lost, "warehouse")  # a second run of its disconnect, which lags behind
    access.simulator.timepiece.advance(3600)
    assert "erasureAskedAgain" not in kept.run()
    assert disconnects.receipts.get(lost).as_json()["deleted"]["warehouse"] == 3


@pytest.mark.fault(69)
@pytest.mark.parametrize(
    ("odd", "asked"),
    [
        ({"requested_at": "yesterday"}, 1),
        ({"steps.warehouse.at": "now"}, 2),
        ({"steps.warehouse": {"count": None}}, 2),
    ],
)
def test_a_receipt_that_cannot_be_read_keeps_no_other_erasure_from_being_asked_again(
    access, upkeep, disconnects, odd, asked
):
    receipts = [disconnects.disconnect(access.connected(account=each), "u1").receipt_id for each in range(2)]
    access.client.document("receipts", receipts[0]).update(odd)
    access.simulator.timepiece.advance(3600)
    assert upkeep().run()["erasureAskedAgain"] == asked


def test_a_disconnect_that_may_still_be_under_way_is_left_alone_for_five_minutes(access, upkeep, disconnects):
    channel_id = access.connected()
    disconnects._mark(channel_id, "user")
    access.simulator.timepiece.advance(290)
    assert upkeep().run() == {"disconnecting": 1}
    assert list(access.stored("channels")) == [channel_id]
    access.simulator.timepiece.advance(20)
    assert upkeep().run() == {"disconnected": 1}


def test_a_run_ends_in_time_and_the_next_goes_on(access, upkeep):
    for number in range(3):
        access.connected(channel=number)
    access.simulator.timepiece.advance(20 * 3600)
    assert upkeep().run(until=access.simulator.clock()) == {"postponed": 3}
    assert upkeep().run() == {"refreshed": 3}
