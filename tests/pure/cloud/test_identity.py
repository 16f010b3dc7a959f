"""Whom a signed identity token is believed, and for how long its key is."""

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local.process import LOOPBACK
from shared.cloud.identity import KeySet, TokenVerifier
from shared.errors import NotSignedIn, Unavailable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY, NEXT_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def key_set(**keys):
    described = [
        json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid}
        for kid, key in keys.items()
    ]
    return json.dumps({"keys": described}).encode()


@pytest.fixture
def provider():
    class Keys(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Keys)
    server.answer = key_set(a=KEY)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def verifier(provider):
    return TokenVerifier(frozenset({"iss"}), "aud", KeySet(f"http://{LOOPBACK}:{provider.server_port}/keys"))


def token(**claims):
    now = NOW.timestamp()
    signed = {"iss": "iss", "aud": "aud", "sub": "u", "iat": now, "exp": now + 600} | claims
    return jwt.encode(signed, KEY, algorithm="RS256", headers={"kid": "a"})


def subject(verifier, text):
    return verifier.claims(text, clock=lambda: NOW)["sub"]


def test_a_withdrawn_key_is_trusted_no_longer_than_the_key_set_is_held(provider, verifier):
    assert subject(verifier, token()) == "u"
    provider.answer = key_set(b=NEXT_KEY)
    assert subject(verifier, token()) == "u"
    verifier.keys.jwk_set_cache.lifespan = 0  # its five minutes are over
    with pytest.raises(NotSignedIn):
        subject(verifier, token())


def test_the_key_set_is_held_for_five_minutes(verifier):
    assert verifier.keys.jwk_set_cache.lifespan == 300


@pytest.mark.parametrize(
    "answer", [b"<html>oops", b'{"keys": []}', b"null", b"\xff\xfe\xff", b'{"keys": [{"kty": "x"}]}']
)
def test_an_answer_without_a_key_is_the_provider_s_outage_and_nobody_s_fault(provider, verifier, answer):
    provider.answer = answer
    with pytest.raises(Unavailable):
        subject(verifier, token())


@pytest.mark.parametrize("nbf", [NOW.timestamp() + 3600, "soon", None])
def test_a_token_that_is_not_valid_yet_is_refused(verifier, nbf):
    with pytest.raises(NotSignedIn):
        subject(verifier, token(nbf=nbf))


def test_a_token_that_has_just_become_valid_is_taken_from_a_slow_clock(verifier):
    assert subject(verifier, token(nbf=(NOW + timedelta(seconds=30)).timestamp())) == "u"


@pytest.mark.parametrize("text", ["a.b.c", "\u00e9.b.c", "\udc80.b.c", "x" * 10_000])
def test_what_is_no_token_is_nobody_s(verifier, text):
    with pytest.raises(NotSignedIn):
        subject(verifier, text)


@pytest.mark.fault(71)
@pytest.mark.parametrize("header", ["[" * 6000, '{"a":' * 1000, "\u00e9"])
def test_a_token_whose_header_is_nested_or_no_json_is_refused(verifier, header):
    encoded = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    with pytest.raises(NotSignedIn):
        subject(verifier, f"{encoded}.e30.AAAA")
