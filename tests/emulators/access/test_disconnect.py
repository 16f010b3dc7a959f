import contextlib
from dataclasses import replace
from functools import partial

import pytest
import urllib3
from google.cloud.firestore import DELETE_FIELD

from infra.data_map import WORDS
from infra.local.simulator.grants import Grants
from shared import channels, data_map
from shared.access.disconnect import _EndedElsewhere
from shared.collection import places
from shared.collection.jobs import Job
from shared.errors import Conflict, Forbidden, NotFound, Unavailable
from shared.push.keys import HubKeys
from shared.push.receiving import receive
from shared.push.subscriptions import Push
from tests.emulators.wire import Died, dying, losing
from tests.stands import packed


def collect_something(access, channel_id):
    """What the other rooms keep about a channel."""
    for number in range(3):
        access.client.document("videos", f"v{number}-{channel_id}").set({"channel_id": channel_id})
        access.client.document("operations", f"o{number}-{channel_id}").set({"channel_id": channel_id})
    packed.place(access.client, channel_id)
    listed = {"job_id": "j", "created_at": access.simulator.clock(), "since": access.simulator.clock()}
    packed.put(access.client, Job(name=f"{channel_id}:k", channel_id=channel_id, report_type="k", **listed))
    access.client.document("analytics", channel_id).set({"connection": "c"})
    access.client.document("video_readings", channel_id).set({"channel_id": channel_id})
    access.client.document("cache", channel_id).set({"channel_id": channel_id})
    access.client.document("certificates", f"{channel_id}:2026-11").set({"channel_id": channel_id})
    access.client.document("upload_pauses", channel_id).set({"until": access.simulator.clock()})
    access.client.document("subscriptions", channel_id).set({"secret": {"v": 1, "n": b"", "c": b""}})


DELETED = {
    "tokens": 1,
    "queuedWork": 3,
    "uploadPause": 1,
    "pushSubscription": 1,
    "videos": 3,
    "videoReadings": 1,
    "cache": 1,
    "analyticsState": 1,
    "certificates": 1,
    "warehouse": None,
}
"""What a receipt says of it."""


def erase_all(disconnecting, kind, channel_id, receipt_id):
    while disconnecting._erase_page(kind, channel_id, receipt_id):
        pass


def live_tokens(access):
    grants: Grants = access.simulator.grants
    return len(grants.describe())


def test_a_disconnect_deletes_everything_of_the_channel_and_nothing_of_another(access, disconnects, asked):
    mine, other = access.connected(channel=0), access.connected(channel=1)
    collect_something(access, mine)
    collect_something(access, other)
    receipt = disconnects().disconnect(mine, "u1")
    left = {name: list(access.stored(name)) for name in [kind.path for kind in data_map.erased()]}
    assert not [found for ids in left.values() for found in ids if mine in found]
    assert left["grants"] == [other]
    assert len(left["videos"]) == 3
    assert list(packed.stored(access.client).values()) == [{other}]
    assert places.places(access.client).keys() == {other}
    assert list(access.stored("channels")) == [other]
    assert access.stored("users")["u1"]["channels"] == [other]
    assert receipt.as_json()["deleted"] == DELETED
    assert ("rows", receipt.receipt_id, mine) in asked
    disconnects().receipts.found(receipt.receipt_id, "warehouse", 4711)
    disconnects().receipts.confirm(receipt.receipt_id, "warehouse")
    assert disconnects().disconnect(mine, "u1").as_json()["deleted"]["warehouse"] == 4711


@pytest.mark.case("A12")
def test_what_names_a_channel_or_its_user_after_a_disconnect_is_in_the_data_map_and_expires(access, disconnects):
    channel_id = access.connected()
    collect_something(access, channel_id)
    title = channels.get(access.client, channel_id).title
    disconnects().disconnect(channel_id, "u1")
    known = {kind.path: kind for kind in data_map.COLLECTIONS}
    left = {}
    for collection in access.client.collections():
        for name, fields in access.stored(collection.id).items():
            if any(word in f"{name!r} {fields!r}" for word in (channel_id, title, "u1'")):
                left[collection.id] = fields
    assert left.keys() == {"consents", "rate_limits", "receipts"}
    for path, fields in left.items():
        assert WORDS[path].remains != "nothing"
        assert known[path].ttl in fields


def test_google_is_asked_to_revoke_with_the_account_s_last_channel_only(access, disconnects):
    first, second = access.connected(channel=0), access.connected(channel=1)
    assert disconnects().disconnect(first, "u1").revocation == "keptForOtherChannels"
    assert live_tokens(access) == 2
    access.expire(second)
    assert access.refresher().fresh(second).secret.reveal()
    assert disconnects().disconnect(second, "u1").revocation == "revoked"
    assert live_tokens(access) == 0


def test_the_account_counts_and_not_the_user(access, disconnects):
    first = access.connected(account=0)
    access.connected(account=1)
    assert disconnects().disconnect(first, "u1").revocation == "revoked"
    assert live_tokens(access) == 1


def test_another_user_s_channel_of_the_same_google_account_keeps_the_permission(access, disconnects):
    leaving = access.connected(user="u1", account=0, channel=0)
    staying = access.connected(user="u2", account=0, channel=1)
    assert disconnects().disconnect(leaving, "u1").revocation == "keptForOtherChannels"
    access.expire(staying)
    assert access.refresher().fresh(staying).secret.reveal()
    assert disconnects().disconnect(staying, "u2").revocation == "revoked"


@pytest.mark.fault(49)
def test_google_failing_delays_no_deletion_and_the_revoke_is_asked_again(access, disconnects, asked):
    channel_id = access.connected()
    access.fault(method="oauth.revoke", kind="html", times=2)
    receipt = disconnects().disconnect(channel_id, "u1")
    assert receipt.finished_at is not None
    assert receipt.revocation == "pending"
    assert access.stored("grants") == access.stored("channels") == {}
    assert ("revoke", receipt.receipt_id, channel_id) in asked
    assert live_tokens(access) == 1
    with pytest.raises(Unavailable):
        disconnects().revocations.ask(receipt.receipt_id)
    assert disconnects().revocations.ask(receipt.receipt_id) == "revoked"
    assert disconnects().revocations.ask(receipt.receipt_id) == "revoked"  # delivered once more
    assert live_tokens(access) == 0
    assert access.stored("revocations") == {}


@pytest.mark.fault(49)
def test_a_late_revoke_does_not_end_a_connection_made_since(access, disconnects):
    channel_id = access.connected()
    access.fault(method="oauth.revoke", kind="html", times=1)
    receipt = disconnects().disconnect(channel_id, "u1")
    assert access.connected() == channel_id
    assert disconnects().revocations.ask(receipt.receipt_id) == "keptForOtherChannels"
    access.expire(channel_id)
    assert access.refresher().fresh(channel_id).secret.reveal()


def test_asked_twice_the_answer_is_the_same_receipt(access, disconnects):
    channel_id = access.connected()
    first = disconnects().disconnect(channel_id, "u1")
    assert disconnects().disconnect(channel_id, "u1") == first


def test_nobody_disconnects_another_user_s_channel(access, disconnects):
    channel_id = access.connected(user="owner")
    with pytest.raises(NotFound):
        disconnects().disconnect(channel_id, "stranger")
    assert list(access.stored("channels")) == [channel_id]


# Marked, token set aside, each kind of data, its place ended, taken out, its place gone, warehouse noted, account
# marked, Google's answer noted, channel gone.
@pytest.mark.parametrize("death", range(1, len(data_map.erased()) + 10))
def test_wherever_a_disconnect_dies_the_next_one_ends_as_if_nothing_had_happened(
    access, disconnects, asked, death
):
    channel_id, whole = access.connected(), access.client
    collect_something(access, channel_id)
    access.client = dying(whole, death)
    with pytest.raises(Died):
        disconnects().disconnect(channel_id, "u1")
    access.client = whole
    with pytest.raises(NotFound):
        access.refresher().fresh(channel_id)  # work stopped with the first write
    receipt = disconnects().disconnect(channel_id, "u1")
    assert receipt.as_json()["deleted"] == DELETED
    assert receipt.revocation == "revoked"
    assert receipt.finished_at is not None
    assert list(access.stored("receipts")) == [receipt.receipt_id]
    assert ("rows", receipt.receipt_id, channel_id) in asked
    assert live_tokens(access) == 0
    left = {collection.id for collection in whole.collections() if list(collection.stream())}
    assert left == {"access", "consents", "rate_limits", "receipts", "reports"}
    assert (packed.stored(whole), places.places(whole)) == ({}, {})
    assert access.stored("access")["users"]["connected"] == []


@pytest.mark.parametrize("steps", range(len(data_map.erased()) + 2))
def test_a_second_request_that_lags_behind_touches_nothing_of_what_is_connected_since(access, disconnects, steps):
    channel_id = access.connected()
    collect_something(access, channel_id)
    lagging = disconnects()
    receipt_id = lagging._mark(channel_id, "user")  # a double click: both have read the old connection
    todo = [lambda: lagging.revocations.set_aside(channel_id, receipt_id)]
    todo += [partial(erase_all, lagging, each, channel_id, receipt_id) for each in data_map.erased()]
    for step in todo[:steps]:
        step()
    assert disconnects().end(channel_id).receipt_id == receipt_id
    assert access.connected() == channel_id
    collect_something(access, channel_id)
    before = access.everything()
    for step in [*todo[steps:], lambda: lagging._forget_channel(channel_id, receipt_id)]:
        with contextlib.suppress(_EndedElsewhere):
            step()
    assert access.everything() == before
    access.expire(channel_id)
    assert access.refresher().fresh(channel_id).secret.reveal()


def test_what_was_lost_and_is_connected_again_meanwhile_is_not_ended(access, disconnects):
    channel_id = access.connected()
    seen = access.stored("channels")[channel_id]["state_since"]
    assert access.connected() == channel_id
    with pytest.raises(Conflict):
        disconnects().end(channel_id, as_of=seen)
    assert access.stored("channels")[channel_id]["state"] == "connected"


def test_what_is_connected_again_in_the_very_moment_of_its_end_is_not_ended(access, disconnects):
    channel_id = access.connected()
    seen = access.stored("channels")[channel_id]["state_since"]
    access.simulator.timepiece.advance(1)
    access.before_write(1, lambda owner: owner.connected())
    with pytest.raises(Conflict) as changed:
        disconnects().end(channel_id, as_of=seen)
    assert changed.value.reason == "changedMeanwhile"
    assert access.stored("channels")[channel_id]["state"] == "connected"
    assert access.stored("receipts") == {}


def test_a_refresh_that_was_under_way_does_not_bring_a_disconnecting_connection_back(access, disconnects):
    channel_id = access.connected()
    access.expire(channel_id)
    marked = disconnects()
    # The lease, and then Google's good answer: at that moment the connection is marked.
    access.before_write(2, lambda _: marked._mark(channel_id, "user"))
    with pytest.raises(NotFound):
        access.refresher().fresh(channel_id)
    assert access.stored("grants")[channel_id]["state"] == "disconnecting"
    assert access.stored("channels")[channel_id]["state"] == "disconnecting"


@pytest.mark.parametrize("number", [199, 200, 201])
def test_everything_is_deleted_and_counted_however_many_documents_there_are(access, disconnects, number):
    channel_id = access.connected()
    batch = access.client.batch()
    for each in range(number):
        batch.set(access.client.document("videos", f"v{each}"), {"channel_id": channel_id})
    batch.commit()
    receipt = disconnects().disconnect(channel_id, "u1")
    assert receipt.as_json()["deleted"]["videos"] == number
    assert access.stored("videos") == {}


@pytest.mark.parametrize("trouble", ["answerLost", "secondRun"])
def test_what_is_deleted_counts_once_though_an_answer_is_lost_or_two_run_at_once(access, disconnects, trouble):
    channel_id, twin = access.connected(), disconnects()
    collect_something(access, channel_id)
    receipt_id = twin._mark(channel_id, "user")
    # The token is set aside, and then the grant goes.
    if trouble == "answerLost":
        access.client = losing(access.client, 2)
    else:
        access.before_write(2, lambda _: erase_all(twin, data_map.erased()[0], channel_id, receipt_id))
    assert disconnects().disconnect(channel_id, "u1").as_json()["deleted"] == DELETED


def test_a_token_that_does_not_open_is_deleted_and_google_is_not_asked(access, disconnects):
    channel_id = access.connected()
    spoilt = {"v": 1, "n": b"0" * 12, "c": b"spoilt"}
    access.client.document("grants", channel_id).update({"refresh_token": spoilt})
    receipt = disconnects().disconnect(channel_id, "u1")
    assert receipt.revocation == "tokenUnreadable"
    assert receipt.finished_at is not None
    assert access.stored("grants") == access.stored("channels") == access.stored("revocations") == {}
    assert live_tokens(access) == 1


def test_a_token_set_aside_that_no_longer_opens_is_given_up(access, disconnects, asked):
    channel_id = access.connected()
    access.fault(method="oauth.revoke", kind="html", times=1)
    receipt_id = disconnects().disconnect(channel_id, "u1").receipt_id
    access.client.document("revocations", receipt_id).update({"token": {"v": 1, "n": b"0" * 12, "c": b"spoilt"}})
    assert disconnects().revocations.ask(receipt_id) == "tokenUnreadable"
    assert disconnects().receipts.get(receipt_id).revocation == "tokenUnreadable"
    assert access.stored("revocations") == {}


def test_a_channel_of_the_same_user_whose_account_is_unknown_keeps_the_permission(access, disconnects):
    leaving, staying = access.connected(channel=0), access.connected(channel=1)
    access.client.document("grants", staying).update({"google_account": None})
    assert disconnects().disconnect(leaving, "u1").revocation == "keptForOtherChannels"


def test_the_hub_hears_of_no_subscription_any_more_once_its_channel_is_disconnected(access, disconnects):
    channel_id = access.connected()
    settings = replace(access.settings, hub_url=f"{access.simulator.root}/subscribe")
    keys, http = HubKeys((b"k" * 32,)), urllib3.PoolManager(retries=False)
    push = Push(lambda: access.client, lambda: keys, settings, lambda: http, access.simulator.clock)
    push.subscribe(channel_id)
    token = keys.token(channel_id)
    asks = {
        "hub.mode": "subscribe",
        "hub.topic": push.topics(channel_id)[0],
        "hub.challenge": "c",
        "hub.lease_seconds": "432000",
    }
    assert push.verify(channel_id, asks) == "c"
    disconnects().disconnect(channel_id, "u1")
    for late in (
        lambda: push.verify(channel_id, asks),
        lambda: receive(channel_id, keys.secrets(channel_id, token), "sha1=00", b"<feed/>", count=print),
    ):
        with pytest.raises((NotFound, Forbidden)):
            late()
    push.verify(channel_id, asks | {"hub.mode": "unsubscribe"})
    push.remember(channel_id, {"v1": "seen"})  # a poll that was under way
    assert access.stored("subscriptions") == {}


def test_a_user_s_seat_goes_with_the_last_channel(access, disconnects):
    ids = [access.connected(channel=number) for number in range(2)]
    disconnects().disconnect(ids[0], "u1")
    assert access.stored("access")["users"]["connected"] == ["u1"]
    disconnects().disconnect(ids[1], "u1")
    assert access.stored("access")["users"]["connected"] == []


def test_a_channel_being_disconnected_cannot_be_connected_meanwhile(access, disconnects):
    channel_id = access.connected()
    disconnects()._mark(channel_id, "user")
    assert access.connect().reason == "disconnecting"


def test_a_grant_that_google_ended_already_disconnects_all_the_same(access, disconnects):
    channel_id = access.connected()
    access.simulator.grants.revoke_account(access.account().id)
    assert disconnects().disconnect(channel_id, "u1").revocation == "alreadyRevoked"


@pytest.mark.parametrize("fields", [{"granted_scopes": 7}, {"generation": "x"}, {"generation": DELETE_FIELD}])
def test_a_connection_whose_grant_cannot_be_read_is_ended_all_the_same(access, disconnects, fields):
    channel_id = access.connected()
    access.client.document("grants", channel_id).update(fields)
    receipt = disconnects().disconnect(channel_id, "u1")
    assert receipt.finished_at is not None
    assert receipt.revocation == ("tokenUnreadable" if "granted_scopes" in fields else "revoked")
    assert access.stored("grants") == access.stored("channels") == {}


def test_another_grant_that_says_no_state_keeps_the_permission_and_stops_no_disconnect(access, disconnects):
    leaving, odd = access.connected(channel=0), access.connected(channel=1)
    access.client.document("grants", odd).update({"state": DELETE_FIELD})
    assert disconnects().disconnect(leaving, "u1").revocation == "keptForOtherChannels"


def test_a_connection_whose_grant_is_missing_can_still_be_ended(access, disconnects):
    channel_id = access.connected()
    access.client.document("grants", channel_id).delete()
    assert disconnects().disconnect(channel_id, "u1").finished_at is not None
    assert access.stored("channels") == {}


@pytest.mark.fault(18)
def test_no_token_remains_anywhere_after_a_disconnect(access, disconnects, capsys):
    channel_id = access.connected()
    access.fault(method="oauth.revoke", kind="backendError", times=1)
    disconnects().disconnect(channel_id, "u1")
    written = access.everything() + capsys.readouterr().out
    for kind in access.simulator.journal.secrets().values():
        for canary in kind:
            assert canary not in written
