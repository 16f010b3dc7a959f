"""When the hub is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.push.renewal import AFTER_DENIAL, ASK_AGAIN, Standing, new_secret_due, next_ask, to_ask
from shared.push.verification import State

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
DAY = timedelta(days=1)
TERMS = "https://hub topic https://api"


def standing(channel: str, ask: datetime) -> Standing:
    return Standing(channel_id=channel, state=State.ACTIVE, lease_until=NOW + DAY, next_ask=ask, terms=TERMS)


def due(channels, known, terms=TERMS):
    return to_ask(channels, known, lambda _: terms, NOW)


@pytest.mark.parametrize(
    ("state", "lease_until", "after"),
    [
        (State.ACTIVE, NOW + 5 * DAY, 2.5 * DAY),
        (State.ACTIVE, NOW + 10 * DAY, 5 * DAY),
        (State.PENDING, None, ASK_AGAIN),
        (State.DENIED, None, AFTER_DENIAL),
    ],
)
def test_a_lease_is_renewed_at_half_and_a_refusal_is_not_the_end(state, lease_until, after):
    assert next_ask(state, lease_until, NOW) == NOW + after


@pytest.mark.fault(43)
def test_whoever_waits_longest_is_asked_for_first_and_a_channel_without_a_subscription_before_all():
    known = {name: standing(name, NOW + wait) for name, wait in
             {"later": DAY, "due": -DAY, "long due": -2 * DAY}.items()}  # fmt: skip
    assert due([*known, "new"], known) == ["new", "long due", "due"]
    assert due(["new"], known) == ["new"]


@pytest.mark.case("A15")
def test_a_subscription_on_other_terms_than_today_s_is_asked_for_at_once():
    known = {"alive": standing("alive", NOW + DAY)}
    assert due(["alive"], known) == []
    assert due(["alive"], known, terms="https://hub another https://api") == ["alive"]


@pytest.mark.parametrize(
    ("verified_at", "since_asked", "due"),
    [
        (None, DAY, False),  # never verified: the hub may still act on what it was asked
        (NOW - DAY, DAY, False),  # asked since it verified last
        (NOW, ASK_AGAIN - timedelta(seconds=1), False),  # another has just asked
        (NOW, ASK_AGAIN, True),
    ],
)
def test_a_new_secret_waits_until_the_hub_has_verified_the_last_and_nobody_asked_just_now(
    verified_at, since_asked, due
):
    assert new_secret_due(NOW, verified_at, NOW + since_asked) is due
