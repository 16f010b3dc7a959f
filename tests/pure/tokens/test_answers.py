import base64
import json
from datetime import UTC, datetime

import pytest

from shared.errors import CorruptData, Misconfigured
from shared.tokens.google_oauth import OAuthClient
from shared.tokens.health import Outcome, classify, tokens

HTML = b"<!DOCTYPE html><title>Error 502 (Server Error)!!1</title>"


def error(word):
    return json.dumps({"error": word, "error_description": "Bad Request"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"{}", Outcome.GOOD),
        (400, error("invalid_grant"), Outcome.GRANT_DEAD),
        (401, error("invalid_client"), Outcome.CLIENT_WRONG),
        (400, error("invalid_client"), Outcome.CLIENT_WRONG),
        (401, error("unauthorized_client"), Outcome.CLIENT_WRONG),
        (400, error("admin_policy_enforced"), Outcome.REFUSED),
        (401, error("deleted_client"), Outcome.CLIENT_WRONG),
        (401, error("disabled_client"), Outcome.CLIENT_WRONG),
        (400, error("invalid_request"), Outcome.CLIENT_WRONG),
        (400, error("invalid_scope"), Outcome.CLIENT_WRONG),
        (400, error("unsupported_grant_type"), Outcome.CLIENT_WRONG),
        (403, error("rate_limit_exceeded"), Outcome.UNAVAILABLE),
        (400, error("a_word_of_tomorrow"), Outcome.UNAVAILABLE),
        (500, error("internal_failure"), Outcome.UNAVAILABLE),
        (429, error("rate_limited"), Outcome.UNAVAILABLE),
        (302, b"", Outcome.UNAVAILABLE),
    ],
)
def test_each_answer_of_the_token_endpoint_has_one_outcome(status, body, outcome):
    assert classify(status, body)[0] is outcome


@pytest.mark.fault(14)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", HTML, error("invalid_grant"), error("invalid_client")])
def test_a_server_error_never_condemns_a_grant_or_a_client_whatever_its_body_says(status, body):
    assert classify(status, body)[0] is Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    "body", [b"", HTML, b"[]", b'{"error": {"code": 403}}', b'{"error": 7}', b"null", b"\xff"]
)
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_that_is_not_oauth_s_condemns_nobody(status, body):
    assert classify(status, body)[0] is Outcome.UNAVAILABLE


@pytest.mark.fault(18)
def test_an_error_word_that_is_no_word_is_not_repeated():
    assert classify(400, json.dumps({"error": "secret=ya29.canary token"}).encode()) == (Outcome.UNAVAILABLE, "")


@pytest.mark.parametrize("around", ["{}", '{{"web": {}}}'])
def test_the_client_is_read_from_our_json_and_from_google_s_download(around):
    payload = around.format('{"client_id": "id", "client_secret": "s3cret"}').encode()
    client = OAuthClient.parse(payload)
    assert client.client_id == "id"
    assert client.client_secret.reveal() == "s3cret"
    assert "s3cret" not in repr(client)


@pytest.mark.fault(18)
@pytest.mark.parametrize("payload", [b"", b"s3cret", b'"s3cret"', b'{"client_secret": "s3cret"}', b"\xffs3cret"])
def test_an_unreadable_client_is_the_operator_s_and_its_payload_is_not_repeated(payload):
    with pytest.raises(Misconfigured) as refused:
        OAuthClient.parse(payload)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("answer", [None, [], "x", 7, {"access_token": ""}])
def test_a_good_status_with_no_token_in_it_is_an_answer_that_cannot_be_read(answer):
    with pytest.raises(CorruptData):
        tokens(answer, NOW, issuer=GOOGLE, client_id="client-1")


NOW = datetime(2026, 11, 25, tzinfo=UTC)
GOOGLE = "https://accounts.google.com"
OURS = {"iss": GOOGLE, "aud": "client-1", "sub": "1044"}


@pytest.mark.parametrize(
    ("claims", "account"),
    [
        (OURS, "1044"),
        (OURS | {"iss": "accounts.google.com"}, "1044"),
        (OURS | {"iss": "https://accounts.example"}, None),
        (OURS | {"iss": None}, None),
        (OURS | {"aud": "client-2"}, None),
        (OURS | {"aud": ["client-1", "client-2"]}, None),
        (OURS | {"sub": ""}, None),
        ({"iss": OURS["iss"], "aud": OURS["aud"]}, None),
        ([], None),
        ("1044", None),
    ],
)
def test_the_account_is_believed_of_google_and_for_our_client_only(claims, account):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    answer = {"access_token": "ya29", "id_token": f"e30.{payload}.c2ln"}
    assert tokens(answer, NOW, issuer=GOOGLE, client_id="client-1").google_account == account
