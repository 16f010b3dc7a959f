"""When the hub is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.push.renewal import AFTER_DENIAL, ASK_AGAIN, Standing, next_ask, to_ask, topic_to_ask
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


TOPICS = ("https://y/xml/feeds/videos.xml?c", "https://y/feeds/videos.xml?c")


@pytest.mark.parametrize(
    ("state", "asked", "verified", "next_asked"),
    [
        (State.ACTIVE, 0, 0, 0),
        (State.ACTIVE, 1, 1, 1),  # the address that the hub verified is remembered
        (State.PENDING, 0, None, 1),  # one that it did not verify is not insisted on
        (State.PENDING, 1, None, 0),
        (State.DENIED, 0, 0, 1),
    ],
)
def test_of_a_feed_s_two_addresses_the_one_that_the_hub_verified_is_asked_for(state, asked, verified, next_asked):
    known = Standing(
        channel_id="c", state=state, next_ask=NOW, topic=TOPICS[asked],
        verified="" if verified is None else TOPICS[verified],
    )  # fmt: skip
    assert topic_to_ask(known, TOPICS) == TOPICS[next_asked]
    assert topic_to_ask(None, TOPICS) == TOPICS[0]
