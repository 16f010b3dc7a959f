"""What is answered to a hub, and whose notifications are believed."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Forbidden, NotFound
from shared.push.verification import LONGEST_LEASE, VERIFIES_AGAIN, State, answer, check_signature

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOPIC = "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UC1"


def query(**changes: str) -> dict[str, str]:
    asked = {"mode": "subscribe", "topic": TOPIC, "challenge": "c" * 20, "lease_seconds": "432000"}
    return {f"hub.{name}": value for name, value in {**asked, **changes}.items()}


def test_a_subscription_that_we_asked_for_is_confirmed_for_the_lease_that_the_hub_grants():
    confirmed = answer(query(lease_seconds="86400"), topic=TOPIC, asked_at=NOW, verified_at=None, now=NOW)
    assert confirmed.challenge == "c" * 20
    assert (confirmed.state, confirmed.lease_until) == (State.ACTIVE, NOW + timedelta(days=1))


@pytest.mark.fault(38)
@pytest.mark.parametrize(
    ("asked", "ago"),
    [
        (query(topic="https://www.youtube.com/xml/feeds/videos.xml?channel_id=UC2"), timedelta(0)),
        (query(mode="unsubscribe"), timedelta(0)),
        (query(), VERIFIES_AGAIN + timedelta(seconds=1)),
        (query(mode="publish"), timedelta(0)),
        (query(challenge=""), timedelta(0)),
        (query(challenge="c" * 5000), timedelta(0)),
        ({}, timedelta(0)),
    ],
)
def test_what_we_did_not_ask_for_is_not_confirmed(asked, ago):
    with pytest.raises(NotFound):
        answer(asked, topic=TOPIC, asked_at=NOW - ago, verified_at=NOW - ago, now=NOW)


def test_a_verification_whose_answer_was_lost_is_confirmed_once_more():
    first = answer(query(), topic=TOPIC, asked_at=NOW, verified_at=None, now=NOW)
    assert answer(query(), topic=TOPIC, asked_at=NOW, verified_at=NOW, now=NOW + timedelta(minutes=30)) == replace(
        first, lease_until=NOW + timedelta(days=5, minutes=30)
    )


def test_a_verification_may_come_as_late_as_it_likes_after_it_was_asked_for():
    late = answer(query(), topic=TOPIC, asked_at=NOW - timedelta(days=4), verified_at=None, now=NOW)
    renewed = answer(
        query(), topic=TOPIC, asked_at=NOW - timedelta(days=4), verified_at=NOW - timedelta(days=8), now=NOW
    )
    assert late == renewed


def test_a_denied_subscription_is_noted():
    noted = answer(query(mode="denied"), topic=TOPIC, asked_at=NOW - timedelta(days=3), verified_at=NOW, now=NOW)
    assert noted.state is State.DENIED


def test_a_lease_longer_than_the_longest_known_ends_with_that():
    granted = [
        answer(query(lease_seconds=seconds), topic=TOPIC, asked_at=NOW, verified_at=None, now=NOW).lease_until
        for seconds in ("863999", "864001", "99999999")
    ]
    longest = NOW + timedelta(days=10)
    assert granted == [longest - timedelta(seconds=1), longest, longest]


@given(st.integers(-10, 10**11).map(str) | st.text(max_size=12))
def test_no_lease_is_longer_than_the_longest_known_and_none_is_negative(text):
    confirmed = answer(query(lease_seconds=text), topic=TOPIC, asked_at=NOW, verified_at=None, now=NOW)
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
