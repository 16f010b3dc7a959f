"""Addresses and secrets of subscriptions that follow from one key."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Misconfigured, NotFound
from shared.push.keys import VARIABLE, HubKeys, from_environment

OLD, NEW = HubKeys((b"o" * 32,)), HubKeys((b"n" * 32,))
CHANGING = HubKeys(NEW.keys + OLD.keys)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_two_channels_share_an_address_or_a_secret(one, other):
    names = {one, other}
    assert len({NEW.token(name) for name in names}) == len({NEW.secret(name) for name in names}) == len(names)
    assert NEW.secret(one) not in NEW.token(one)


@pytest.mark.fault(37)
def test_while_the_key_changes_old_and_new_are_believed_and_the_new_one_is_asked_with():
    assert (CHANGING.token("c"), CHANGING.secret("c")) == (NEW.token("c"), NEW.secret("c"))
    for known in (OLD, NEW):
        assert known.secret("c").encode() in CHANGING.secrets("c", known.token("c"))
    assert CHANGING.version == NEW.version != OLD.version


@pytest.mark.fault(38)
@pytest.mark.parametrize("token", ["", "guessed", OLD.token("c"), NEW.token("d"), NEW.token("c") + "=", "é"])
def test_an_address_that_was_never_given_away_is_not_found(token):
    with pytest.raises(NotFound):
        NEW.secrets("c", token)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "short",
        base64.b64encode(b"k" * 31).decode(),
        ",",
        ",".join([base64.b64encode(b"k" * 32).decode()] * 4),
    ],
)
def test_a_key_that_is_none_is_refused_without_being_shown(text):
    with pytest.raises(Misconfigured) as refusal:
        from_environment({} if text is None else {VARIABLE: text})
    assert not text or text == "," or text not in refusal.value.message


def test_keys_are_read_from_the_environment_and_never_printed():
    text = ", ".join(base64.b64encode(key).decode() for key in CHANGING.keys)
    assert from_environment({VARIABLE: text}) == CHANGING
    assert "nnn" not in repr(CHANGING)
