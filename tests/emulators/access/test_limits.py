import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from infra.local.simulator.consent import Choice
from shared.access.consent import STARTS
from shared.errors import RateLimited
from shared.rate_limits.limits import unpacked
from tests.emulators.wire import losing


def test_a_channel_owned_by_another_user_is_not_taken_over(access):
    channel_id = access.connected(user="owner")
    before = access.stored("grants")
    access.cookie = None
    assert access.connect(user="other").reason == "channelTaken"
    assert access.stored("grants") == before
    assert access.stored("channels")[channel_id]["user_id"] == "owner"


def test_a_user_connects_as_many_channels_as_the_setting_says(access):
    access.settings = replace(access.settings, channels_per_user=2)
    assert [access.connect(channel=number).reason for number in range(3)] == [
        "connected",
        "connected",
        "channelLimit",
    ]
    assert access.connect(channel=1).reason == "connected"  # one that is connected may be connected again


def test_as_many_users_connect_as_the_setting_says(access):
    access.settings = replace(access.settings, users_max=2)
    assert access.connect(user="u1", account=0).reason == "connected"
    assert access.connect(user="u2", account=1).reason == "connected"
    assert access.connect(user="u3", account=2).reason == "userLimit"
    assert access.connect(user="u2", account=1, channel=1).reason == "connected"


def test_callbacks_at_once_do_not_slip_past_the_limits(access):
    access.settings = replace(access.settings, channels_per_user=1, users_max=2)
    backs = []
    for user, account, channel in [
        ("u1", 0, 0),
        ("u1", 0, 1),
        ("u1", 0, 2),
        ("u2", 1, 0),
        ("u3", 2, 0),
        ("u4", 3, 0),
    ]:
        who = access.account(account)
        backs.append(
            access.decide(access.start(user), Choice(user=who.email, channel_id=who.channels[channel].id))
        )
    gate, ends = threading.Barrier(len(backs)), []

    def arrive(back):
        gate.wait()
        ends.append(access.finish(back).reason)

    arrivals = [threading.Thread(target=arrive, args=(back,)) for back in backs]
    for arrival in arrivals:
        arrival.start()
    for arrival in arrivals:
        arrival.join()
    owners = [found["user_id"] for found in access.stored("channels").values()]
    assert len(owners) == len(set(owners)) == 2
    assert ends.count("connected") == 2
    assert set(ends) <= {"connected", "channelLimit", "userLimit"}


def test_of_two_callbacks_that_race_for_the_last_of_five_channels_one_wins(access):
    for account, channel in [(0, 0), (0, 1), (0, 2), (1, 0)]:
        access.connected(account=account, channel=channel)
    backs = []
    for channel in (1, 2):
        who = access.account(1)
        backs.append(access.decide(access.start(), Choice(user=who.email, channel_id=who.channels[channel].id)))
    # The state, the token's number, and then the connection: at that moment the other one connects.
    access.before_write(3, lambda faster: faster.finish(backs[1]))
    assert access.finish(backs[0]).reason == "channelLimit"
    assert len(access.stored("channels")) == len(access.stored("users")["u1"]["channels"]) == 5
    assert access.account(1).channels[2].id in access.stored("channels")


def test_of_two_users_who_race_for_the_last_seat_one_wins(access):
    access.settings = replace(access.settings, users_max=1)
    who, rival = access.account(0), access.account(1)
    back = access.decide(access.start("u1"), Choice(user=who.email, channel_id=who.channels[0].id))
    rival_back = access.decide(access.start("u2"), Choice(user=rival.email, channel_id=rival.channels[0].id))
    access.before_write(3, lambda faster: faster.finish(rival_back))
    assert access.finish(back).reason == "userLimit"
    assert access.stored("access")["users"]["connected"] == ["u2"]


def test_ten_thousand_starts_of_one_user_are_limited_and_nobody_else_is(access):
    for _ in range(STARTS.calls):
        access.start("eager")
    for _ in range(200):
        with pytest.raises(RateLimited) as refused:
            access.start("eager")
    assert refused.value.retry_at <= access.simulator.clock() + timedelta(minutes=10)
    assert len(access.stored("consents")) == STARTS.calls
    access.start("calm")
    access.simulator.timepiece.advance(601)
    access.start("eager")


def test_a_start_whose_answer_was_lost_on_the_way_is_a_start_and_counts_once(access):
    access.client = losing(access.client, 1)
    assert access.start()["state"]
    assert len(access.stored("consents")) == 1
    assert len(unpacked(access.stored("rate_limits")["oauthStarts:user:u1"]).stamps) == 1
