"""The hub's requests as they come: what stands in an address, and which forms a body may have."""

from __future__ import annotations

import base64
import gzip
from io import BytesIO
from typing import Any

import functions_framework
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from infra.deployment import ROOT
from infra.local.addresses import PARTS, Addresses
from infra.push import signed
from shared.push.keys import VARIABLE, HubKeys

CHANNEL, KEY = "UC" + "a" * 22, b"k" * 32
EMPTY = b'<feed xmlns="http://www.w3.org/2005/Atom"/>'


@pytest.fixture
def webhook(fresh_process, monkeypatch) -> FlaskClient:
    """The function with a key and with settings; no service is there, and no request of these needs one."""
    environment = Addresses(dict.fromkeys(PARTS, 9), {}).environment(users=1, channels_per_user=1)
    for name, value in {**environment, VARIABLE: base64.b64encode(KEY).decode()}.items():
        monkeypatch.setenv(name, value)
    return functions_framework.create_app("webhook", str(ROOT / "functions" / "webhook" / "main.py")).test_client()


def post(webhook: FlaskClient, body: bytes, *, chunked: bool = False, **changes: str | None) -> TestResponse:
    """A notification that the secret signed. changes: to its headers, with _ for -; None: without it."""
    path, headers = signed(HubKeys((KEY,)), CHANNEL, body)
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}  # type: ignore[misc]
    sent = {name: value for name, value in headers.items() if value is not None}
    how: dict[str, Any] = {"data": body}
    if chunked:  # what gunicorn makes of it: no length, and a stream that ends by itself
        sent["Transfer-Encoding"] = "chunked"
        how = {"input_stream": BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}
    return webhook.post(path, headers=sent, **how)


def reason(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, (answer.get_json() or {"error": {"reason": ""}})["error"]["reason"]


@pytest.mark.case("A9")
@pytest.mark.fault(71)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "channel", ["__x__", ".", "..", "%2e%2e", "%2F", "UC1", "UC" + "a" * 23, "UC" + "%C3%A9" * 22, "x" * 2000, ""]
)
def test_an_address_that_names_no_channel_is_not_found(method, channel, capsys):
    app = functions_framework.create_app("webhook", str(ROOT / "functions" / "webhook" / "main.py"))
    answer = app.test_client().open(f"/webhooks/youtube/{channel}/t", method=method)
    assert (answer.status_code, answer.get_json()["error"]["reason"]) == (404, "notSubscribed")
    assert "stack" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "kind",
    [
        *(None, "", "text/html", "application/json", "application/atom+xml; charset=none-such", "x" * 900),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=feed"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_what_was_signed_whatever_its_type_is_said_to_be_and_an_empty_feed_is_taken(
    webhook, kind, chunked
):
    assert reason(post(webhook, EMPTY, chunked=chunked, Content_Type=kind)) == (204, "")


@pytest.mark.fault(39)
@pytest.mark.parametrize("text", [EMPTY, b" " * 10_000_000], ids=["a feed", "ten megabytes"])
def test_a_compressed_body_is_never_unpacked_and_is_no_feed(webhook, text):
    answer = post(webhook, gzip.compress(text), Content_Encoding="gzip")
    assert reason(answer) == (400, "feedUnreadable")


@pytest.mark.fault(39)
@pytest.mark.parametrize("chunked", [False, True])
def test_ten_thousand_entries_are_more_than_is_read(webhook, chunked):
    body = b"<feed>" + b"<entry/>" * 10_000 + b"</feed>"
    assert reason(post(webhook, body, chunked=chunked)) == (413, "tooLarge")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_notification_without_a_body_is_no_feed(webhook, chunked):
    assert reason(post(webhook, b"", chunked=chunked)) == (400, "feedUnreadable")
