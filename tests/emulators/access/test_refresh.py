import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from shared import channels
from shared.errors import CorruptData, Misconfigured, NotFound, ReauthRequired, Unavailable
from shared.monitoring import alerts
from shared.tokens.refresh import MARGIN, SharedTokens
from tests.emulators.wire import losing, met

TOKEN = 2
"""A refresh's second write: the first takes the lease, this one keeps what Google answered."""


def grant(access, channel_id):
    return access.stored("grants")[channel_id]


def forget_cooldown(access, channel_id):
    access.simulator.timepiece.advance(301)
    access.expire(channel_id)


def test_a_token_with_time_left_is_used_without_asking_google(access):
    channel_id = access.connected()
    asked = access.token_requests()
    token = access.refresher().fresh(channel_id)
    assert token.expires_at - access.simulator.clock() > MARGIN
    assert access.token_requests() == asked


def test_a_token_close_to_its_end_is_refreshed_before_it_is_handed_out(access):
    channel_id = access.connected()
    first = access.refresher().fresh(channel_id)
    access.simulator.timepiece.advance(3599 - 200)
    second = access.refresher().fresh(channel_id)
    assert first.secret != second.secret
    assert second.expires_at - access.simulator.clock() > timedelta(minutes=50)
    assert grant(access, channel_id)["lease"] is None


def test_a_token_that_google_refused_is_replaced_once_for_all_who_held_it(access):
    channel_id = access.connected()
    refused = access.refresher().fresh(channel_id).secret
    asked = access.token_requests()
    fresh = [access.refresher().fresh(channel_id, refused=refused).secret for _ in range(5)]
    assert fresh[0] != refused
    assert all(token == fresh[0] for token in fresh)
    assert access.token_requests() == asked + 1


@pytest.mark.fault(12)
def test_when_the_refresher_dies_with_its_lease_another_takes_over(access):
    channel_id = access.connected()
    access.expire(channel_id)
    now = access.simulator.clock()
    lease = {"owner": "dead", "generation": 2, "until": now + timedelta(seconds=0.5)}
    access.client.document("grants", channel_id).update({"generation": 2, "lease": lease})
    assert access.refresher().fresh(channel_id).secret.reveal()
    assert grant(access, channel_id)["generation"] == 3


@pytest.mark.parametrize("number", [1, 2], ids=["lease", "token"])
def test_a_refresh_whose_write_s_answer_was_lost_on_the_way_goes_on_at_once(access, number):
    channel_id = access.connected()
    access.expire(channel_id)
    whole, asked, pauses = access.client, access.token_requests(), []
    access.client = losing(whole, number)
    token = access.refresher(sleep=pauses.append).fresh(channel_id).secret
    assert sum(pauses) < 0.1
    access.client = whole
    assert access.refresher().fresh(channel_id).secret == token
    assert grant(access, channel_id)["lease"] is None
    assert access.token_requests() == asked + 1


def test_a_refresh_reads_its_grant_once_and_the_alert_about_our_client_in_five_minutes(access, reads):
    channel_id, refresher, billed = access.connected(), access.refresher(), []
    for _ in range(2):
        access.expire(channel_id)
        reads()
        refresher.fresh(channel_id)
        billed.append(reads())
    assert billed == [2, 1]
    assert grant(access, channel_id)["lease"] is None


@pytest.mark.fault(12)
def test_a_late_write_of_an_older_generation_is_fenced_off(access, capsys):
    channel_id = access.connected()
    access.expire(channel_id)
    won = []

    def overtake(other):
        won.extend([other.refresher().fresh(channel_id).secret, grant(other, channel_id)])

    access.before_write(TOKEN, overtake)
    slow = access.refresher(lease=timedelta(0)).fresh(channel_id).secret
    assert [slow, grant(access, channel_id)] == won  # the slow one goes on with the token that stands
    assert "fenced off" in capsys.readouterr().out


@pytest.mark.fault(13)
def test_invalid_grant_stops_the_connection_at_once_with_one_notice_and_no_storm(access, capsys):
    channel_id = access.connected()
    access.expire(channel_id)
    access.simulator.grants.revoke_account(access.account().id)
    asked = access.token_requests()
    capsys.readouterr()
    for _ in range(10):
        with pytest.raises(ReauthRequired):
            access.refresher().fresh(channel_id)
    assert access.token_requests() == asked + 1
    assert channels.get(access.client, channel_id).state == "reauth_required"
    assert not channels.get(access.client, channel_id).working
    assert capsys.readouterr().out.count('"notice": "reconnect"') == 1


@pytest.mark.fault(14)
def test_a_server_error_and_then_a_success_is_no_reason_to_reconnect(access, capsys):
    channel_id = access.connected()
    access.expire(channel_id)
    access.fault(method="oauth.token", kind="internal_failure", times=1)
    with pytest.raises(Unavailable) as away:
        access.refresher().fresh(channel_id)
    assert away.value.reason == "googleUnavailable"
    with pytest.raises(Unavailable) as cooling:
        access.refresher().fresh(channel_id)
    assert cooling.value.retry_at > access.simulator.clock()
    access.simulator.timepiece.advance(6)
    access.refresher().fresh(channel_id)
    assert channels.get(access.client, channel_id).state == "connected"
    assert '"notice"' not in capsys.readouterr().out


def test_three_failures_are_shown_as_trouble_and_recovery_is_announced_once(access, capsys):
    channel_id = access.connected()
    access.fault(method="oauth.token", kind="html", times=4)
    for _ in range(4):
        forget_cooldown(access, channel_id)
        with pytest.raises(Unavailable):
            access.refresher().fresh(channel_id)
    assert channels.get(access.client, channel_id).state == "troubled"
    assert channels.get(access.client, channel_id).working
    for _ in range(2):
        forget_cooldown(access, channel_id)
        access.refresher().fresh(channel_id)
    assert channels.get(access.client, channel_id).state == "connected"
    said = capsys.readouterr().out
    assert (said.count('"notice": "troubled"'), said.count('"notice": "recovered"')) == (1, 1)


@pytest.mark.alarm("oauthClient")
def test_a_wrong_client_alarms_the_operator_and_breaks_no_user(access, capsys):
    channel_id = access.connected()
    access.fault(method="oauth.token", kind="invalid_client", times=5)
    for _ in range(5):
        forget_cooldown(access, channel_id)
        with pytest.raises(Misconfigured):
            access.refresher().fresh(channel_id)
    assert channels.get(access.client, channel_id).state == "connected"
    assert grant(access, channel_id)["failures"] == 0
    said = capsys.readouterr().out
    assert said.count('"notice": "operator"') == 5
    assert said.count('"message": "alert firing"') == 1
    (alert,) = alerts.firing(access.client)
    assert "invalid_client" in alert.message
    forget_cooldown(access, channel_id)
    access.refresher().fresh(channel_id)
    assert alerts.firing(access.client) == ()


@pytest.mark.fault(15)
def test_a_connection_deleted_while_it_refreshes_ends_cleanly(access):
    channel_id = access.connected()
    access.expire(channel_id)

    def delete(other):
        other.client.document("grants", channel_id).delete()
        other.client.document("channels", channel_id).delete()

    access.before_write(TOKEN, delete)
    with pytest.raises(NotFound) as gone:
        access.refresher().fresh(channel_id)
    assert gone.value.reason == "notConnected"
    assert access.stored("grants") == access.stored("channels") == {}


@pytest.mark.parametrize("ends", ["recovered", "lost"])
def test_a_grant_whose_channel_is_missing_is_as_good_as_disconnected(access, ends):
    channel_id = access.connected()
    access.expire(channel_id)
    if ends == "recovered":
        access.client.document("grants", channel_id).update({"state": "troubled"})
    else:
        access.simulator.grants.revoke_account(access.account().id)
    access.client.document("channels", channel_id).delete()
    before = access.token_requests()
    with pytest.raises(NotFound) as gone:
        access.refresher().fresh(channel_id)
    assert gone.value.reason == "notConnected"
    assert access.token_requests() == before + 1


def test_a_refresh_that_somebody_precedes_at_every_write_pauses_and_gives_up(access):
    channel_id = access.connected()
    access.expire(channel_id)
    document, pauses = access.client.document("grants", channel_id), []
    # Its first write is the lease; from then on somebody is always faster.
    access.client = met(access.client, lambda number: number > 1 and document.update({"touched": number}))
    with pytest.raises(Unavailable) as busy:
        access.refresher(sleep=pauses.append).fresh(channel_id)
    assert busy.value.reason == "contended"
    assert 3 <= len(pauses) <= 12


def test_a_reconnect_while_a_refresh_is_under_way_is_not_overwritten(access):
    channel_id = access.connected()
    access.expire(channel_id)
    reconnected = []

    def reconnect(other):
        other.connected()
        reconnected.append(grant(other, channel_id))

    access.before_write(TOKEN, reconnect)
    token = access.refresher().fresh(channel_id).secret
    assert [grant(access, channel_id)] == reconnected
    assert reconnected[0]["number"] == 2
    assert token == access.refresher().fresh(channel_id).secret


def test_a_refusal_of_the_old_token_says_nothing_of_a_connection_made_anew_meanwhile(access, capsys):
    channel_id = access.connected()
    access.expire(channel_id)
    access.simulator.grants.revoke_account(access.account().id)
    access.before_write(TOKEN, lambda owner: owner.connected())
    token = access.refresher().fresh(channel_id).secret
    assert channels.get(access.client, channel_id).state == "connected"
    assert access.refresher().fresh(channel_id).secret == token
    said = capsys.readouterr().out
    assert "fenced off" in said
    assert '"notice"' not in said


def test_something_else_written_during_a_refresh_is_kept_and_the_token_stored(access):
    channel_id = access.connected()
    access.expire(channel_id)
    asked, warned = access.token_requests(), {"warnings": {"unused": access.simulator.clock()}}
    access.before_write(TOKEN, lambda other: other.client.document("grants", channel_id).update(warned))
    token = access.refresher().fresh(channel_id).secret
    assert access.token_requests() == asked + 1
    assert "unused" in grant(access, channel_id)["warnings"]
    assert grant(access, channel_id)["lease"] is None
    assert token == access.refresher().fresh(channel_id).secret


@pytest.mark.fault(16)
def test_a_token_moved_to_another_user_s_record_does_not_decrypt(access):
    mine = access.connected(user="u1", account=0)
    access.cookie = None
    theirs = access.connected(user="u2", account=1)
    stolen = grant(access, theirs)
    moved = {name: stolen[name] for name in ("access_token", "refresh_token", "access_expires_at")}
    access.client.document("grants", mine).update(moved)
    with pytest.raises(CorruptData):
        access.refresher().fresh(mine)
    assert access.refresher().fresh(theirs).secret.reveal()


def test_a_refresh_token_that_google_sends_anew_replaces_the_old_one_and_nothing_else_does(access):
    channel_id = access.connected()
    before = grant(access, channel_id)["refresh_token"]
    access.expire(channel_id)
    access.refresher().fresh(channel_id)
    assert grant(access, channel_id)["refresh_token"] == before


def test_threads_of_one_process_share_one_flight_and_one_look(access):
    channel_id = access.connected()
    access.expire(channel_id)
    shared = SharedTokens(access.refresher(), access.simulator.clock)
    source = partial(shared.token, channel_id)
    asked, gate, tokens = access.token_requests(), threading.Barrier(10), []

    def work():
        gate.wait()
        tokens.append(source(None))

    workers = [threading.Thread(target=work) for _ in range(10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(tokens)) == 1
    assert len(tokens) == 10
    assert access.token_requests() == asked + 1
    assert source(tokens[0]) != tokens[0]
    assert source(None) != tokens[0]


def test_a_disconnect_is_noticed_within_a_minute(access):
    channel_id = access.connected()
    shared = SharedTokens(access.refresher(), access.simulator.clock)
    shared.token(channel_id)
    access.client.document("grants", channel_id).delete()
    access.simulator.timepiece.advance(61)
    with pytest.raises(NotFound):
        shared.token(channel_id)


def test_who_needs_everybodys_token_each_hour_has_its_own_and_writes_nothing_unless_google_refuses(access, reads):
    channel_id = access.connected()
    stored, asked = grant(access, channel_id), access.token_requests()
    own = SharedTokens(access.refresher(), access.simulator.clock, own=timedelta.max)
    first = own.token(channel_id)
    assert access.token_requests() == asked  # what is stored is still good
    access.simulator.timepiece.advance(3_600)
    second = own.token(channel_id)
    access.simulator.timepiece.advance(1_800)
    assert own.token(channel_id) == second != first
    assert (access.token_requests(), grant(access, channel_id)) == (asked + 1, stored)
    access.simulator.timepiece.advance(3_600)
    reads()
    second, before = own.token(channel_id), second
    assert (reads(), second == before) == (0, False)  # by the permission that it holds

    briefly = SharedTokens(access.refresher(), access.simulator.clock, own=timedelta(minutes=5))
    held = briefly.token(channel_id)
    access.simulator.timepiece.advance(240)
    assert briefly.token(channel_id) == held
    access.simulator.timepiece.advance(120)
    assert briefly.token(channel_id) != held  # whatever the connection's permissions are by now
    assert grant(access, channel_id) == stored

    access.simulator.grants.revoke(second)
    with pytest.raises(ReauthRequired):
        own.token(channel_id, second)
    assert grant(access, channel_id)["state"] == "reauth_required"


def test_a_client_secret_that_cannot_be_read_is_no_failure_of_the_grant(access):
    channel_id = access.connected()
    access.expire(channel_id)

    def away():
        raise Unavailable("Secret Manager does not answer.", reason="secretsUnavailable")

    access.google = replace(access.google, client=away)
    with pytest.raises(Unavailable):
        access.refresher().fresh(channel_id)
    stored = grant(access, channel_id)
    assert (stored["failures"], stored["lease"], stored["state"]) == (0, None, "connected")
