"""What is answered to a hub, and whose notifications are believed."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Forbidden, NotFound
from shared.push.verification import LONGEST_LEASE, State, Verified, answer, check_signature

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOPIC = "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UC1"
TOPICS = (TOPIC, TOPIC.replace("/xml/", "/"))


def query(**changes: str) -> dict[str, str]:
    asked = {"mode": "subscribe", "topic": TOPIC, "challenge": "c" * 20, "lease_seconds": "432000"}
    return {f"hub.{name}": value for name, value in {**asked, **changes}.items()}


def test_a_subscription_that_we_asked_for_is_confirmed_for_the_lease_that_the_hub_grants():
    confirmed = answer(query(lease_seconds="86400"), topics=TOPICS, now=NOW)
    assert confirmed.challenge == "c" * 20
    assert (confirmed.state, confirmed.lease_until) == (State.ACTIVE, NOW + timedelta(days=1))


@pytest.mark.fault(38)
@pytest.mark.parametrize(
    "asked",
    [
        query(topic="https://www.youtube.com/xml/feeds/videos.xml?channel_id=UC2"),
        query(topic="https://elsewhere.example/xml/feeds/videos.xml?channel_id=UC1"),
        query(topic=TOPIC + "&x=1"),
        query(mode="publish"),
        query(challenge=""),
        query(challenge="c" * 5000),
        query(mode="unsubscribe", challenge=""),
        {},
    ],
)
def test_what_we_never_ask_for_is_not_confirmed(asked):
    with pytest.raises(NotFound):
        answer(asked, topics=TOPICS, now=NOW)


@pytest.mark.parametrize("topic", TOPICS)
def test_both_addresses_of_a_feed_are_confirmed_and_a_verification_may_be_repeated(topic):
    once, again = (answer(query(topic=topic), topics=TOPICS, now=NOW) for _ in range(2))
    assert once == again == Verified("c" * 20, State.ACTIVE, NOW + timedelta(days=5))


def test_the_end_of_a_subscription_is_told_apart_and_has_no_lease():
    asked = query(mode="unsubscribe")
    assert answer(asked, topics=TOPICS, now=NOW) == Verified("c" * 20, State.ENDED)


def test_a_denied_subscription_is_noted():
    assert answer(query(mode="denied"), topics=TOPICS, now=NOW).state is State.DENIED


def test_a_lease_longer_than_the_longest_known_ends_with_that():
    granted = [
        answer(query(lease_seconds=seconds), topics=TOPICS, now=NOW).lease_until
        for seconds in ("863999", "864001", "99999999")
    ]
    longest = NOW + timedelta(days=10)
    assert granted == [longest - timedelta(seconds=1), longest, longest]


@given(st.integers(-10, 10**11).map(str) | st.text(max_size=12))
def test_no_lease_is_longer_than_the_longest_known_and_none_is_negative(text):
    confirmed = answer(query(lease_seconds=text), topics=TOPICS, now=NOW)
    assert NOW <= confirmed.lease_until <= NOW + LONGEST_LEASE


def signed(body: bytes, secret: bytes, method: str = "sha1") -> str:
    return f"{method}={hmac.new(secret, body, getattr(hashlib, method)).hexdigest()}"


@pytest.mark.case("A10")
@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("secret", [b"new", b"old"])
def test_the_present_and_the_former_secret_both_sign(method, secret):
    check_signature(signed(b"body", secret, method), b"body", [b"new", b"old"])


@pytest.mark.case("A9")
@pytest.mark.fault(37)
@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "signatureMissing"),
        ("", "signatureMissing"),
        ("md5=00", "signatureMissing"),
        ("sha1=", "signatureWrong"),
        ("sha1=é", "signatureWrong"),
        ("é=" + "0" * 40, "signatureMissing"),
        ("sha512=" + "0" * 40, "signatureWrong"),
        ("sha1=" + "0" * 40, "signatureWrong"),
        (signed(b"body", b"older than old"), "signatureWrong"),
        (signed(b"another body", b"new"), "signatureWrong"),
    ],
)
def test_a_body_that_our_secret_did_not_sign_is_refused(header, reason):
    with pytest.raises(Forbidden) as refusal:
        check_signature(header, b"body", [b"new", b"old"])
    assert refusal.value.reason == reason


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=40), st.integers(0, 10**6))
def test_changing_one_bit_of_the_body_breaks_the_signature(body, secret, position):
    header = signed(body + b"x", secret)
    changed = bytearray(body + b"x")
    changed[position % len(changed)] ^= 1
    with pytest.raises(Forbidden):
        check_signature(header, bytes(changed), [secret])
