import threading

import pytest
from google.api_core.exceptions import DeadlineExceeded

from infra.local.simulator.consent import Choice
from shared import channels
from shared.access.features import MANAGE, READ, REVENUE
from shared.data_map import CONSENTS
from shared.errors import Forbidden, InvalidRequest
from tests.emulators.wire import Died, dying, failing, losing

NOTHING: dict = {}


def nothing_connected(access):
    return access.stored("channels") == access.stored("grants") == NOTHING


def test_a_consent_connects_the_channel_that_was_chosen(access):
    chosen = access.account().channels[1]
    finished = access.connect(channel=1)
    channel = channels.get(access.client, chosen.id)
    assert finished.reason == "connected"
    assert (channel.user_id, channel.title, channel.uploads_playlist) == (
        "u1",
        chosen.title,
        chosen.uploads_playlist,
    )
    assert channel.google_account == access.account().id
    assert channel.state == "connected"
    assert all(channel.can(feature) for feature in ("analytics", "revenue", "publish"))


def test_one_grant_is_one_channel_so_a_user_s_second_channel_leaves_the_first_alone(access):
    first, second = access.connected(channel=0), access.connected(channel=1)
    assert first != second
    assert {first, second} == set(access.stored("grants"))
    assert [channel.channel_id for channel in channels.list_all(access.client)] == sorted([first, second])


def test_the_browser_goes_on_to_an_address_that_carries_nothing_secret(access):
    finished = access.connect()
    location = finished.location("https://app/auth/youtube/done")
    assert location == f"https://app/auth/youtube/done?ref={finished.reference}"
    back = access.connect(channel=1, return_to=access.settings.return_to[0])
    assert back.location("unused") == f"{access.settings.return_to[0]}?connected={back.connected.channel_id}"


def test_the_result_is_shown_to_the_browser_that_finished_and_to_no_other(access):
    finished = access.connect(features="analytics,revenue", untick=[REVENUE])
    shown = access.consents.outcome(finished.reference, access.cookie)
    assert shown["title"] == access.account().channels[0].title
    assert shown["missing"] == ["revenue"]
    assert access.consents.outcome(finished.reference, "x" * 43) is None
    assert access.consents.outcome(finished.reference, None) is None
    assert access.consents.outcome("../users/u1", access.cookie) is None
    access.simulator.timepiece.advance(CONSENTS.keep.total_seconds())
    assert access.consents.outcome(finished.reference, access.cookie) is None


@pytest.mark.fault(1)
def test_a_state_replayed_after_success_is_refused(access):
    query = access.start()
    who = access.account()
    back = access.decide(query, Choice(user=who.email, channel_id=who.channels[0].id))
    assert access.finish(back).reason == "connected"
    asked = access.token_requests()
    with pytest.raises(InvalidRequest) as refused:
        access.finish(back)
    assert refused.value.reason == "stateUsed"
    assert access.token_requests() == asked


@pytest.mark.fault(2)
@pytest.mark.parametrize("cookie", [None, "", "short", "A" * 43])
def test_a_state_that_comes_back_in_another_browser_is_refused(access, cookie):
    who = access.account()
    back = access.decide(access.start("attacker"), Choice(user=who.email, channel_id=who.channels[0].id))
    with pytest.raises(Forbidden) as refused:
        access.finish(back, cookie=cookie)
    assert refused.value.reason == "otherBrowser"
    assert nothing_connected(access)
    assert access.token_requests() == 0


@pytest.mark.fault(3)
def test_an_expired_state_is_refused_though_its_record_is_still_there(access):
    who = access.account()
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    access.simulator.timepiece.advance(CONSENTS.keep.total_seconds() + 1)
    assert len(access.stored("consents")) == 1
    with pytest.raises(InvalidRequest) as refused:
        access.finish(back)
    assert refused.value.reason == "stateExpired"
    assert nothing_connected(access)


def test_a_state_that_was_never_issued_is_refused(access):
    access.start()
    with pytest.raises(InvalidRequest) as refused:
        access.finish({"state": ["x" * 43], "code": ["4/0A"]})
    assert refused.value.reason == "stateUnknown"


@pytest.mark.fault(4)
def test_of_callbacks_with_the_same_code_at_once_one_wins(access):
    who = access.account()
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    gate, ends = threading.Barrier(4), []

    def arrive():
        gate.wait()
        try:
            ends.append(access.finish(back).reason)
        except InvalidRequest as refused:
            ends.append(refused.reason)

    arrivals = [threading.Thread(target=arrive) for _ in range(4)]
    for arrival in arrivals:
        arrival.start()
    for arrival in arrivals:
        arrival.join()
    assert sorted(ends) == ["connected", "stateUsed", "stateUsed", "stateUsed"]
    assert len(access.stored("channels")) == 1
    assert access.token_requests() == 1


def test_a_callback_whose_first_answer_was_lost_on_the_way_connects(access):
    who = access.account()
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    access.client = losing(access.client, 1)
    assert access.finish(back).reason == "connected"


@pytest.mark.case("A5")
def test_a_first_connection_whose_answer_was_lost_is_no_reconnection(access):
    who = access.account()
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    access.client = losing(access.client, 3)
    finished = access.finish(back)
    assert (finished.reason, finished.connected.reconnected) == ("connected", False)
    assert access.consents.outcome(finished.reference, access.cookie)["reconnected"] is False
    assert access.connect().connected.reconnected


@pytest.mark.case("A5")
def test_what_the_page_tells_is_kept_with_the_connection_so_whoever_dies_after_it_has_told_it(access):
    who, whole = access.account(), access.client
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    access.client = dying(whole, 3)
    with pytest.raises(Died):
        access.finish(back)
    access.client = whole
    [(reference, _)] = access.stored("consents").items()
    assert access.consents.outcome(reference, access.cookie) == {
        "channel_id": who.channels[0].id,
        "title": who.channels[0].title,
        "reconnected": False,
        "missing": [],
    }


@pytest.mark.case("A5")
@pytest.mark.parametrize("stored", [True, False])
def test_when_firestore_does_not_say_whether_a_channel_is_connected_neither_do_we(access, stored):
    who = access.account()
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    whole, silence = access.client, DeadlineExceeded("No answer came.")
    access.client = failing(whole, 3, silence, after=stored)
    assert access.finish(back).reason == "connectionUnknown"
    access.client = whole
    assert nothing_connected(access) is not stored


@pytest.mark.case("A4")
@pytest.mark.fault(70)
def test_a_connection_made_while_the_account_s_last_channel_is_disconnected_is_refused(access, disconnects):
    last, ending = access.connected(channel=0), disconnects()
    # Started, the state spent, the token numbered: right before the connection the other tab disconnects.
    access.before_write(4, lambda _: ending.disconnect(last, "u1"))
    assert access.connect(channel=1).reason == "revokedMeanwhile"
    assert nothing_connected(access)
    access.client = ending.client
    again = access.connected(channel=1)
    access.expire(again)
    assert access.refresher().fresh(again).secret.reveal()


@pytest.mark.case("A4")
# Marked as being revoked, Google's answer noted: the new connection comes right before either.
@pytest.mark.fault(70)
@pytest.mark.parametrize(
    ("write", "ends"), [(1, ["connected", "keptForOtherChannels"]), (2, ["revokedMeanwhile", "revoked"])]
)
def test_a_connection_that_meets_the_revocation_of_its_account_lives_or_is_refused(
    access, disconnects, write, ends
):
    last, ended = access.connected(channel=0), []
    access.fault(method="oauth.revoke", kind="html", times=1)
    receipt = disconnects().disconnect(last, "u1").receipt_id
    access.before_write(write, lambda owner: ended.append(owner.connect(channel=1).reason))
    ended.append(access.revocations.ask(receipt))
    assert ended == ends
    for channel_id in access.stored("channels"):
        access.expire(channel_id)
        assert access.refresher().fresh(channel_id).secret.reveal()


def test_a_revocation_that_google_did_not_answer_keeps_nobody_from_connecting(access, disconnects):
    last = access.connected(channel=0)
    access.fault(method="oauth.revoke", kind="html", times=1)
    disconnects().disconnect(last, "u1")
    assert access.connect(channel=1).reason == "connected"


# The state spent, the token numbered, the connection made with what the page tells.
@pytest.mark.parametrize("death", [1, 2, 3])
def test_wherever_a_callback_dies_its_state_is_spent_and_the_next_consent_ends_as_if_nothing_had_happened(
    access, death
):
    who, whole = access.account(), access.client
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    access.client = dying(whole, death)
    with pytest.raises(Died):
        access.finish(back)
    access.client = whole
    with pytest.raises(InvalidRequest) as refused:
        access.finish(back)
    assert refused.value.reason == "stateUsed"
    assert len(access.stored("channels")) == len(access.stored("grants")) == (1 if death >= 3 else 0)
    channel_id = access.connected()
    assert channels.get(access.client, channel_id).can("publish")
    assert access.stored("users") == {"u1": {"channels": [channel_id]}}
    assert access.stored("access") == {"users": {"connected": ["u1"]}}
    access.expire(channel_id)
    assert access.refresher().fresh(channel_id).secret.reveal()


@pytest.mark.fault(5)
def test_access_denied_stores_nothing(access):
    back = access.decide(access.start(), Choice(user=access.account().email, deny=True))
    assert back["error"] == ["access_denied"]
    finished = access.finish(back)
    assert finished.reason == "denied"
    assert finished.location("/done") == "/done?outcome=denied"
    assert nothing_connected(access)
    assert access.token_requests() == 0


@pytest.mark.fault(6)
def test_an_unticked_monetary_scope_connects_without_revenue(access):
    channel_id = access.connected(untick=[REVENUE])
    channel = channels.get(access.client, channel_id)
    assert not channel.can("revenue")
    assert channel.capabilities["revenue"].reason == "unticked"
    assert channel.can("analytics")
    assert channel.can("publish")


def test_without_the_permission_to_see_the_channel_nothing_is_connected(access):
    finished = access.connect(features="analytics", untick=[READ])
    assert finished.reason == "readMissing"
    assert nothing_connected(access)


def test_a_feature_added_later_joins_the_ones_that_were_granted(access):
    channel_id = access.connected(features="analytics")
    assert channels.get(access.client, channel_id).capabilities["publish"].reason == "notAsked"
    assert access.connected(features="publish") == channel_id
    channel = channels.get(access.client, channel_id)
    assert channel.can("analytics")
    assert channel.can("publish")
    assert MANAGE in access.stored("grants")[channel_id]["granted_scopes"]


@pytest.mark.fault(7)
def test_an_answer_without_a_refresh_token_keeps_the_stored_one(access):
    channel_id = access.connected()
    before = access.stored("grants")[channel_id]
    query = access.start()
    query["access_type"] = "online"  # what makes Google leave it out
    who = access.account()
    finished = access.finish(access.decide(query, Choice(user=who.email, channel_id=channel_id)))
    after = access.stored("grants")[channel_id]
    assert finished.reason == "connected"
    assert after["refresh_token"] == before["refresh_token"]
    assert after["access_token"] != before["access_token"]
    access.expire(channel_id)
    assert access.refresher().fresh(channel_id).secret.reveal()


@pytest.mark.fault(7)
def test_an_answer_without_a_refresh_token_asks_again_when_none_is_stored(access):
    query = access.start()
    query["access_type"] = "online"
    who = access.account()
    finished = access.finish(access.decide(query, Choice(user=who.email, channel_id=who.channels[0].id)))
    assert finished.reason == "noRefreshToken"
    assert nothing_connected(access)


@pytest.mark.fault(8)
def test_a_code_bound_to_another_verifier_is_refused_and_nothing_stored(access):
    query = access.start()
    query["code_challenge"] = "A" * 43  # the code of somebody else's flow, injected into this one
    who = access.account()
    finished = access.finish(access.decide(query, Choice(user=who.email, channel_id=who.channels[0].id)))
    assert finished.reason == "codeRefused"
    assert nothing_connected(access)


@pytest.mark.fault(8)
def test_a_record_that_lost_its_verifier_is_refused_and_nothing_stored(access):
    who = access.account()
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    [reference] = access.stored("consents")
    access.client.document("consents", reference).update({"verifier": {"v": 1, "n": b"0" * 12, "c": b"1" * 40}})
    with pytest.raises(Exception, match="does not open"):
        access.finish(back)
    assert nothing_connected(access)
    assert access.token_requests() == 0


def test_a_code_that_google_never_issued_is_refused_and_nothing_stored(access):
    state = access.start()["state"]
    assert access.finish({"state": [state], "code": ["4/0Anonsense"]}).reason == "codeRefused"
    assert nothing_connected(access)


@pytest.mark.fault(9)
def test_a_reconnect_that_chooses_another_channel_changes_nothing_and_says_so(access):
    channel_id = access.connected(channel=0)
    before = access.stored("grants"), access.stored("channels")
    finished = access.connect(channel=1, expect_channel=channel_id)
    assert finished.reason == "otherChannel"
    assert (access.stored("grants"), access.stored("channels")) == before


def test_a_reconnect_of_the_same_channel_heals_it(access):
    channel_id = access.connected()
    access.client.document("grants", channel_id).update({"state": "reauth_required"})
    access.client.document("channels", channel_id).update({"state": "reauth_required"})
    finished = access.connect(expect_channel=channel_id)
    assert finished.connected.reconnected
    assert access.stored("grants")[channel_id]["state"] == "connected"
    assert access.stored("channels")[channel_id]["state"] == "connected"
    assert len(access.stored("channels")) == 1


@pytest.mark.fault(10)
@pytest.mark.parametrize("address", ["https://evil", "//evil", "/\\evil", "https:%2f%2fevil"])
def test_a_start_with_a_foreign_return_address_is_refused_before_anything_is_kept(access, address):
    with pytest.raises(InvalidRequest) as refused:
        access.start(return_to=address)
    assert refused.value.field == "return_to"
    assert access.stored("consents") == NOTHING


def test_an_answer_of_another_issuer_is_refused(access):
    who = access.account()
    back = access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[0].id))
    assert back["iss"] == [access.settings.oauth_issuer]
    with pytest.raises(InvalidRequest) as refused:
        access.finish({**back, "iss": ["https://evil.example"]})
    assert refused.value.reason == "issuerMismatch"
    assert access.finish(back).reason == "connected"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": ["a", "b"]}, "repeatedParameter"),
        ({"code": ["a", "b"]}, "repeatedParameter"),
        ({"code": ["x" * 5000]}, "oversizedParameter"),
        ({"state": ["x" * 5000]}, "oversizedParameter"),
        ({"error": ["access_denied"]}, "codeMissing"),
        ({"code": []}, "codeMissing"),
        ({"state": []}, "stateUnknown"),
    ],
)
def test_oversized_repeated_and_missing_parameters_are_refused(access, change, reason):
    query = access.start()
    with pytest.raises(InvalidRequest) as refused:
        access.finish({"state": [query["state"]], "code": ["4/0A"], **change})
    assert refused.value.reason == reason
    assert access.token_requests() == 0


def test_an_account_without_a_channel_is_told_so(access):
    query = access.start()
    who = access.account()
    who.channels.clear()
    assert access.finish(access.decide(query, Choice(user=who.email))).reason == "youtubeSignupRequired"
    assert nothing_connected(access)


def test_a_suspended_account_is_told_so(access):
    access.fault(method="youtube.channels.list", kind="authenticatedUserAccountSuspended")
    assert access.connect().reason == "authenticatedUserAccountSuspended"
    assert nothing_connected(access)


@pytest.mark.parametrize("kind", ["backendError", "html", "reset", "empty"])
def test_a_token_endpoint_that_is_down_is_told_and_nothing_stored(access, kind):
    access.fault(method="oauth.token", kind=kind, times=1)
    assert access.connect().reason in {"googleUnavailable", "corruptData"}
    assert nothing_connected(access)


def test_a_wrong_client_secret_is_the_operator_s(access):
    access.fault(method="oauth.token", kind="invalid_client", times=1)
    assert access.connect().reason == "oauthClient"
    assert nothing_connected(access)


@pytest.mark.fault(18)
def test_no_state_code_verifier_cookie_or_token_lies_in_firestore_in_the_clear(access, capsys):
    access.connected(channel=0)
    query = access.start()
    access.decide(query, Choice(user=access.account().email, deny=True))
    written = access.everything() + capsys.readouterr().out
    issued = [each for kind in access.simulator.journal.secrets().values() for each in kind]
    assert len(issued) >= 4
    for canary in [*issued, query["state"], access.cookie]:
        assert canary not in written
