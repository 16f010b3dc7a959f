"""Who Identity-Aware Proxy lets in: an assertion that holds in every part, or nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from infra.local.gateway.iap import IdentityAwareProxy
from infra.local.identity import IdentityKey
from infra.local.process import LOOPBACK, free_port
from shared.cloud.identity import TokenVerifier
from shared.console.page import ISSUER, operator
from shared.errors import Forbidden, NotSignedIn, Unavailable
from tests.stands.key_server import serving

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AUDIENCE = "/projects/1/global/backendServices/1"
PROXY = IdentityAwareProxy()
GOOGLE = IdentityKey.generate()


@pytest.fixture(scope="module")
def verifier() -> Iterator[TokenVerifier]:
    with serving(PROXY.jwks()["keys"] + GOOGLE.jwks()["keys"]) as address:
        yield TokenVerifier(frozenset({ISSUER}), AUDIENCE, jwt.PyJWKClient(address))


def ask(verifier, assertion):
    return operator(assertion, verifier, clock=lambda: NOW)


def test_whoever_the_proxy_asserts_is_let_in_by_name(verifier):
    assert ask(verifier, PROXY.assertion(audience=AUDIENCE, now=NOW, email="a@example.test")) == "a@example.test"


@pytest.mark.parametrize(
    "assertion",
    [
        None,
        "",
        "nonsense",
        "x" * 10_000,
        PROXY.assertion(audience="/projects/1/global/backendServices/2", now=NOW),
        PROXY.assertion(audience=AUDIENCE, now=NOW - timedelta(hours=1)),
        PROXY.assertion(audience=AUDIENCE, now=NOW + timedelta(hours=1)),
        IdentityAwareProxy().assertion(audience=AUDIENCE, now=NOW),
        GOOGLE.token(email="a@example.test", audience=AUDIENCE, now=NOW),
        jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "email": "a@example.test"}, None, algorithm="none"),
        PROXY.assertion(audience=AUDIENCE, now=NOW)[:-8] + "AAAAAAAA",
    ],
    ids=[
        "none", "empty", "nonsense", "oversized", "audience", "expired", "future", "another-key", "issuer",
        "alg-none", "signature",
    ],
)  # fmt: skip
def test_nobody_else_is(verifier, assertion):
    with pytest.raises(NotSignedIn):
        ask(verifier, assertion)


def test_an_assertion_about_no_person_is_refused(verifier):
    with pytest.raises(Forbidden):
        ask(verifier, PROXY.assertion(audience=AUDIENCE, now=NOW, email=""))


def test_keys_that_cannot_be_had_are_an_outage_not_a_door():
    keys = jwt.PyJWKClient(f"http://{LOOPBACK}:{free_port()}/keys", timeout=1)
    with pytest.raises(Unavailable):
        ask(TokenVerifier(frozenset({ISSUER}), AUDIENCE, keys), PROXY.assertion(audience=AUDIENCE, now=NOW))
