"""A callback's signature is what others' libraries of Standard Webhooks take, and nothing but that body's."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from shared.errors import Misconfigured
from shared.publishing.tasks import key, signed
from shared.settings import HTTPS_URL, load

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
EVENT = "op-000000000000000000000000-failed-3"


@given(st.dictionaries(st.text(), st.text()))
def test_the_specifications_own_library_takes_what_we_sign(told):
    body = json.dumps(told).encode()
    headers = signed(EVENT, body, key=key(SECRET.encode()), now=datetime.now(UTC))
    assert Webhook(SECRET).verify(body, headers) == told


@pytest.mark.parametrize(
    ("body", "age", "header"),
    [
        (b'{"a": 2}', timedelta(0), {}),
        (b'{"a": 1}', timedelta(minutes=6), {}),
        (b'{"a": 1}', timedelta(0), {"webhook-id": "op-000000000000000000000000-failed-4"}),
        (b'{"a": 1}', timedelta(0), {"webhook-timestamp": str(int(datetime.now(UTC).timestamp()) - 60)}),
    ],
)
def test_the_signature_holds_body_time_and_id_together(body, age, header):
    headers = signed(EVENT, b'{"a": 1}', key=key(SECRET.encode()), now=datetime.now(UTC) - age)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, {**headers, **header})


@pytest.mark.parametrize(
    "secret", [b"", b"whsec_", b"whsec_c2hvcnQ=", b"whsec_" + b"!" * 40, b"\xff" * 40, b"whsec_" + b"a" * 33]
)
def test_a_secret_of_another_form_is_refused_without_being_shown(secret):
    with pytest.raises(Misconfigured) as refused:
        key(secret)
    assert not secret or repr(secret) not in str(refused.value)


ENVIRONMENT = {
    "GOOGLE_CLOUD_PROJECT": "p",
    **dict.fromkeys(
        ("YT_APP_URL", "YT_API_URL", "YT_ID_TOKEN_ISSUER", "YT_ID_TOKEN_KEYS_URL"), "https://a.example"
    ),
    "YT_ID_TOKEN_AUDIENCE": "app",
}


@pytest.mark.parametrize("url", ["https://app.example/hooks?x=1", "https://app.example", "http://127.0.0.1:9/app"])
def test_the_app_is_told_over_https_or_on_this_very_machine(url):
    assert load({**ENVIRONMENT, "YT_CALLBACK_URL": url}).callback_url == url
    assert load(ENVIRONMENT).callback_url == ""


@pytest.mark.parametrize(
    "url",
    ["http://app.example", "http://127.0.0.1.example", "http://127.0.0.1:1@app.example", "https://u:p@app.example",
     "https:///x", "ftp://app.example", "https://app.example/#part"],
)  # fmt: skip
def test_every_other_address_is_refused_at_the_start(url):
    with pytest.raises(Misconfigured) as refused:
        load({**ENVIRONMENT, "YT_CALLBACK_URL": url})
    assert refused.value.message == f"settings: YT_CALLBACK_URL must be {HTTPS_URL.words}"
