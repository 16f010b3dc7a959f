"""Requests, leases, signatures and retries of the hub."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.simulator.hub.delivery import BACKOFF, Delivery, signature
from infra.local.simulator.hub.subscriptions import (
    DEFAULT_LEASE,
    LONGEST_LEASE,
    Subscriptions,
    Unfit,
    Wish,
    read_wish,
)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
CHANNEL = "UC" + "a" * 22
FORM = {
    "hub.mode": "subscribe",
    "hub.topic": f"https://www.youtube.com/xml/feeds/videos.xml?channel_id={CHANNEL}",
    "hub.callback": "http://127.0.0.1:9/webhooks/youtube/x",
    "hub.secret": "first",
}


def wish(**changes: str) -> Wish:
    read = read_wish({**FORM, **{f"hub.{name}": value for name, value in changes.items()}}, ["async"])
    assert isinstance(read, Wish)
    return read


@pytest.mark.parametrize(
    ("asked", "given"), [("", DEFAULT_LEASE), ("3600", 3600), ("9999999", LONGEST_LEASE), ("0", DEFAULT_LEASE)]
)
def test_a_lease_is_five_days_unless_asked_and_ten_at_most(asked: str, given: int):
    assert wish(lease_seconds=asked).lease_seconds == given


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hub.mode", "publish"),
        ("hub.topic", "https://www.youtube.com/xml/feeds/videos.xml"),
        ("hub.callback", "https://example.com/hook"),
        ("hub.callback", "http://10.0.0.1/hook"),
        ("hub.callback", "file:///etc/passwd"),
        ("hub.lease_seconds", "-5"),
        ("hub.lease_seconds", "soon"),
        ("hub.secret", "s" * 200),
    ],
)
def test_an_unfit_request_is_refused_and_says_which_field(name: str, value: str):
    read = read_wish({**FORM, name: value}, ["async"])
    assert isinstance(read, Unfit)
    assert name in read.message


def test_the_first_kind_of_verification_that_is_known_counts():
    assert read_wish(FORM, []).sync is False  # type: ignore[union-attr]
    assert read_wish(FORM, ["sync", "async"]).sync is True  # type: ignore[union-attr]
    assert isinstance(read_wish(FORM, ["later"]), Unfit)


def test_a_lease_ends_by_the_clock():
    held = Subscriptions()
    held.accept(wish(lease_seconds="60"), NOW)
    assert len(held.of_channel(CHANNEL, NOW + timedelta(seconds=59))) == 1
    assert held.of_channel(CHANNEL, NOW + timedelta(seconds=60)) == []


def test_a_renewal_replaces_and_remembers_the_secret_before():
    held = Subscriptions()
    held.accept(wish(), NOW)
    held.accept(wish(secret="second"), NOW + timedelta(days=1))
    (one,) = held.of_channel(CHANNEL, NOW + timedelta(days=2))
    assert (one.secret, one.old_secret) == ("second", "first")
    assert "second" not in repr(one)


def test_an_unsubscription_ends_it():
    held = Subscriptions()
    held.accept(wish(), NOW)
    held.accept(wish(mode="unsubscribe"), NOW)
    assert held.everything() == []


def delivery() -> Delivery:
    held = Subscriptions()
    held.accept(wish(), NOW)
    held.accept(wish(secret="second"), NOW)
    (one,) = held.everything()
    return Delivery(
        number=1, channel_id=CHANNEL, video_id="v", kind="notification", subscription=one, body=b"<feed/>", due=NOW
    )


@pytest.mark.parametrize(
    ("signing", "secret", "algorithm"),
    [("sha1", "second", "sha1"), ("sha256", "second", "sha256"), ("old secret", "first", "sha1")],
)
def test_a_delivery_is_signed_over_its_raw_body(signing: str, secret: str, algorithm: str):
    one = delivery()
    digest = hmac.new(secret.encode(), one.body, algorithm).hexdigest()
    header = signature(one.body, one.subscription, signing)  # type: ignore[arg-type]
    assert header == {"X-Hub-Signature": f"{algorithm}={digest}"}


def test_a_delivery_can_be_signed_wrongly_or_not_at_all():
    one = delivery()
    right = hmac.new(b"second", one.body, hashlib.sha1).hexdigest()
    assert signature(one.body, one.subscription, "none") == {}
    assert right not in signature(one.body, one.subscription, "wrong")["X-Hub-Signature"]


def test_a_refused_delivery_is_tried_again_later_and_at_last_given_up():
    one, now = delivery(), NOW
    for wait in BACKOFF:
        one.note(500, now)
        assert one.outcome == "pending"
        assert one.due == now + timedelta(seconds=wait)
        now = one.due
    one.note(500, now)
    assert one.outcome == "given up"


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "delivered"), (204, "delivered"), (410, "gone"), (0, "pending")]
)
def test_an_answer_decides_what_follows(status: int, outcome: str):
    one = delivery()
    one.note(status, NOW)
    assert one.outcome == outcome
