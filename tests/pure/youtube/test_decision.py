"""A fault and its history in, one action out."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.youtube.decision import History, decide
from shared.youtube.faults import Fault
from shared.youtube.policy import LATER, RULES, Act, Alert

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
RESET = datetime(2026, 11, 23, 8, tzinfo=UTC)
reasons = st.sampled_from(sorted(RULES))


def clock():
    return NOW


def fault(reason, **more):
    return Fault(rule=RULES[reason], status=400, **more)


def decided(reason, history=None, seed=1, **more):
    return decide(fault(reason, **more), history or History(), clock=clock, dice=random.Random(seed))


@pytest.mark.fault(22)
def test_a_spent_quota_waits_for_tomorrow_and_is_critical():
    action = decided("quotaExceeded")
    assert (action.act, action.alert) == (Act.DEFER_TO_TOMORROW, Alert.CRITICAL)
    assert RESET < action.at < RESET + timedelta(minutes=31)


@pytest.mark.fault(26)
def test_a_channels_upload_limit_waits_a_day_for_that_channel():
    action = decided("uploadLimitExceeded")
    assert action.act is Act.DEFER_CHANNEL
    assert NOW + timedelta(hours=24) <= action.at <= NOW + timedelta(hours=24, minutes=10)


@pytest.mark.parametrize(("reason", "quick"), [("rateLimitExceeded", 3), ("backendError", 10), ("timeout", 10)])
def test_a_disturbance_is_waited_out_for_hours_after_the_quick_retries_and_then_fails(reason, quick):
    for tried, most in enumerate(LATER):
        action = decided(reason, History({reason: quick + tried}), seed=tried)
        assert (action.act, action.attempt) == (Act.TRY_LATER, quick + tried + 1)
        assert most / 2 <= action.at - NOW <= most
    assert timedelta(hours=12) < sum(LATER, timedelta(0)) < timedelta(days=1)
    ended = decided(reason, History({reason: quick + len(LATER)}))
    assert (ended.act, ended.at) == (Act.FAIL, None)


def test_a_fresh_token_that_is_refused_is_tried_for_a_while_before_its_owner_is_asked():
    assert decided("authRefused", History({"authRefused": 2})).at == NOW + timedelta(minutes=30)
    assert decided("authRefused", History({"authRefused": 3})).act is Act.REAUTHENTICATE


def test_a_rate_limit_is_retried_three_times_soon():
    history = History()
    for attempt in (1, 2, 3):
        action = decided("rateLimitExceeded", history)
        assert (action.act, action.attempt) == (Act.RETRY, attempt)
        history = history.after(fault("rateLimitExceeded"))
    assert decided("rateLimitExceeded", history).act is Act.TRY_LATER


def test_a_refused_token_is_renewed_once_and_then_a_person_is_asked():
    assert decided("authError").act is Act.REFRESH_TOKEN
    assert decided("authError", History({"authError": 1})).act is Act.REAUTHENTICATE


def test_a_failed_processing_is_looked_at_every_five_minutes_five_times():
    assert decided("processingFailure").at == NOW + timedelta(minutes=5)
    assert decided("processingFailure", History({"processingFailure": 4})).act is Act.LOOK_AGAIN
    assert decided("processingFailure", History({"processingFailure": 5})).act is Act.FAIL


@pytest.mark.parametrize(
    ("holds", "act"), [(None, Act.CHECK_GRANT), (False, Act.REAUTHENTICATE), (True, Act.FAIL)]
)
def test_a_forbidden_asks_a_person_to_connect_again_only_when_the_grant_is_at_fault(holds, act):
    assert decided("forbidden", History(grant_holds=holds)).act is act


@given(reasons, st.integers(0, 20), st.integers())
def test_a_reason_is_never_retried_more_often_than_its_row_allows(reason, made, seed):
    action = decided(reason, History({reason: made}), seed=seed)
    rule = RULES[reason]
    if rule.retry and made >= rule.limit:
        waits = rule.after is Act.TRY_LATER and made < rule.limit + len(LATER)
        assert action.act is (Act.FAIL if rule.after is Act.TRY_LATER and not waits else rule.after)
        assert (action.at is not None) == waits


@given(reasons, st.integers(0, 10), st.integers(), st.integers(0, 3600))
def test_nothing_is_scheduled_before_what_google_asked_for(reason, made, seed, wait):
    asked = timedelta(seconds=wait)
    action = decided(reason, History({reason: made}), seed=seed, retry_after=asked)
    if action.at is not None and RULES[reason].retry:
        most = max(LATER) if action.act is Act.TRY_LATER else timedelta(seconds=RULES[reason].cap)
        assert NOW + asked <= action.at <= NOW + asked + most


def test_waits_are_spread_over_their_whole_length():
    waits = [
        (decided("backendError", History({"backendError": 4}), seed=n).at - NOW).total_seconds()
        for n in range(500)
    ]
    assert min(waits) < 1
    assert 15 < max(waits) <= 16
    assert len({round(wait) for wait in waits}) == 17


def test_one_history_and_one_seed_give_one_decision():
    assert decided("backendError", seed=5) == decided("backendError", seed=5)
