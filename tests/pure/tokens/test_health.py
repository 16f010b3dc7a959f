from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tokens.health import (
    CONNECTED,
    REAUTH_REQUIRED,
    THRESHOLD,
    TROUBLED,
    Health,
    Notice,
    Outcome,
    after,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def run(*outcomes, health=None):
    """Health and notices after a row of refreshes, a minute apart."""
    health, notices = health or Health(), []
    for number, outcome in enumerate(outcomes):
        health, notice = after(health, outcome, NOW + timedelta(minutes=number))
        notices.append(notice)
    return health, notices


@pytest.mark.fault(13)
def test_invalid_grant_ends_a_connection_at_once_and_says_so_once():
    health, notices = run(Outcome.GRANT_DEAD, Outcome.GRANT_DEAD)
    assert health.state == REAUTH_REQUIRED
    assert notices == [Notice.RECONNECT, None]


@pytest.mark.fault(14)
def test_an_outage_never_asks_anybody_to_reconnect():
    health, notices = run(*[Outcome.UNAVAILABLE] * 50)
    assert health.state == TROUBLED
    assert [notice for notice in notices if notice] == [Notice.TROUBLED]


@pytest.mark.fault(14)
def test_a_single_server_error_is_not_worth_a_word():
    health, notices = run(Outcome.UNAVAILABLE, Outcome.GOOD)
    assert health == Health()
    assert notices == [None, None]


def test_recovery_is_announced_once():
    health, notices = run(*[Outcome.UNAVAILABLE] * 4, Outcome.GOOD, Outcome.GOOD)
    assert health == Health(state=CONNECTED)
    assert [notice for notice in notices if notice] == [Notice.TROUBLED, Notice.RECOVERED]


def test_three_refusals_that_name_the_grant_ask_its_owner():
    health, notices = run(*[Outcome.REFUSED] * THRESHOLD)
    assert THRESHOLD == 3
    assert health.state == REAUTH_REQUIRED
    assert notices == [None, None, Notice.RECONNECT]


def test_a_wrong_client_alarms_the_operator_and_breaks_no_user():
    health, notices = run(*[Outcome.CLIENT_WRONG] * 10)
    assert health.state == CONNECTED
    assert health.failures == 0
    assert set(notices) == {Notice.OPERATOR}


def test_each_failure_waits_longer_up_to_five_minutes():
    health, waits = Health(), []
    for _ in range(12):
        health, _notice = after(health, Outcome.UNAVAILABLE, NOW)
        waits.append((health.cooldown_until - NOW).total_seconds())
    assert waits == sorted(waits)
    assert waits[0] == 5
    assert waits[-1] == 300


@given(st.lists(st.sampled_from(Outcome)))
def test_a_success_heals_whatever_happened_before(outcomes):
    health, _ = run(*outcomes, Outcome.GOOD)
    assert health == Health()


@given(st.lists(st.sampled_from([Outcome.UNAVAILABLE, Outcome.CLIENT_WRONG, Outcome.GOOD])))
def test_only_what_names_the_grant_can_lose_it(outcomes):
    assert run(*outcomes)[0].state != REAUTH_REQUIRED
