"""A fault and its history in, one retry decision out."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.youtube.faults import Fault, decide
from shared.youtube.policy import Action, Alert, policy

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
RESET = datetime(2026, 11, 23, 8, tzinfo=UTC)
RULES = policy().rules
LATER = policy().retry_later
reasons = st.sampled_from(sorted(RULES))


def clock():
    return NOW


def fault(reason, **more):
    return Fault(rule=RULES[reason], status=400, **more)


def decided(reason, made=0, seed=1, holds=None, **more):
    return decide(fault(reason, **more), made, clock=clock, rng=random.Random(seed), grant_holds=holds)


@pytest.mark.fault(22)
def test_a_spent_quota_waits_for_tomorrow_and_is_critical():
    decision = decided("quotaExceeded")
    assert (decision.action, decision.alert) == (Action.DEFER_TO_TOMORROW, Alert.CRITICAL)
    assert RESET < decision.at < RESET + timedelta(minutes=31)


@pytest.mark.fault(26)
def test_a_channels_upload_limit_waits_a_day_for_that_channel():
    decision = decided("uploadLimitExceeded")
    assert decision.action is Action.DEFER_CHANNEL
    assert NOW + timedelta(hours=24) <= decision.at <= NOW + timedelta(hours=24, minutes=10)


@pytest.mark.parametrize(("reason", "quick"), [("rateLimitExceeded", 3), ("backendError", 10), ("timeout", 10)])
def test_a_disturbance_is_waited_out_for_hours_after_the_quick_retries_and_then_fails(reason, quick):
    for tried, most in enumerate(LATER):
        decision = decided(reason, quick + tried, seed=tried)
        assert (decision.action, decision.attempt) == (Action.RETRY_LATER, quick + tried + 1)
        assert most / 2 <= decision.at - NOW <= most
    assert timedelta(hours=12) < sum(LATER, timedelta(0)) < timedelta(days=1)
    ended = decided(reason, quick + len(LATER))
    assert (ended.action, ended.at) == (Action.FAIL, None)


def test_a_fresh_token_that_is_refused_is_tried_for_a_while_before_its_owner_is_asked():
    assert decided("authRefused", 2).at == NOW + timedelta(minutes=30)
    assert decided("authRefused", 3).action is Action.REAUTHENTICATE


def test_a_rate_limit_is_retried_three_times_soon():
    for attempt in (1, 2, 3):
        decision = decided("rateLimitExceeded", attempt - 1)
        assert (decision.action, decision.attempt) == (Action.RETRY, attempt)
    assert decided("rateLimitExceeded", 3).action is Action.RETRY_LATER


def test_a_refused_token_is_renewed_once_and_then_a_person_is_asked():
    assert decided("authError").action is Action.REFRESH_TOKEN
    assert decided("authError", 1).action is Action.REAUTHENTICATE


def test_a_failed_processing_is_looked_at_every_five_minutes_five_times():
    assert decided("processingFailure").at == NOW + timedelta(minutes=5)
    assert decided("processingFailure", 4).action is Action.LOOK_AGAIN
    assert decided("processingFailure", 5).action is Action.FAIL


@pytest.mark.parametrize(
    ("holds", "action"), [(None, Action.CHECK_GRANT), (False, Action.REAUTHENTICATE), (True, Action.FAIL)]
)
def test_a_forbidden_asks_a_person_to_connect_again_only_when_the_grant_is_at_fault(holds, action):
    assert decided("forbidden", holds=holds).action is action


@given(reasons, st.integers(0, 20), st.integers())
def test_a_reason_is_never_retried_more_often_than_its_row_allows(reason, made, seed):
    decision = decided(reason, made, seed=seed)
    rule = RULES[reason]
    if rule.retry and made >= rule.limit:
        waits = rule.after is Action.RETRY_LATER and made < rule.limit + len(LATER)
        assert decision.action is (Action.FAIL if rule.after is Action.RETRY_LATER and not waits else rule.after)
        assert (decision.at is not None) == waits


@given(reasons, st.integers(0, 10), st.integers(), st.integers(0, 3600))
def test_nothing_is_scheduled_before_what_google_asked_for(reason, made, seed, wait):
    asked = timedelta(seconds=wait)
    decision = decided(reason, made, seed=seed, retry_after=asked)
    if decision.at is not None and RULES[reason].retry:
        most = max(LATER) if decision.action is Action.RETRY_LATER else timedelta(seconds=RULES[reason].cap)
        assert NOW + asked <= decision.at <= NOW + asked + most


def test_waits_are_spread_over_their_whole_length():
    waits = [(decided("backendError", 4, seed=n).at - NOW).total_seconds() for n in range(500)]
    assert min(waits) < 1
    assert 15 < max(waits) <= 16
    assert len({round(wait) for wait in waits}) == 17


def test_one_history_and_one_seed_give_one_decision():
    assert decided("backendError", seed=5) == decided("backendError", seed=5)
