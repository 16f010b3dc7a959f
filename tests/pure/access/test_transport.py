from datetime import UTC, datetime

import pytest

from shared.access.google_oauth import GoogleOAuth, OAuthClient, challenge
from shared.access.secret import Secret
from shared.errors import Misconfigured
from shared.settings import Settings


def google(root):
    settings = Settings(
        project="test",
        app_url="https://app.ytempire.com",
        api_url="https://api.ytempire.com",
        id_token_issuer="https://app.ytempire.com",
        id_token_audience="ytempire",
        id_token_keys_url="https://app.ytempire.com/keys",
        oauth_token_url=f"{root}/token",
        oauth_revoke_url=f"{root}/revoke",
    )
    return GoogleOAuth(
        settings, lambda: OAuthClient("id", Secret("s3cret")), lambda: datetime(2026, 11, 22, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "send",
    [
        lambda oauth: oauth.exchange(
            Secret("4/0A"), verifier=Secret("v" * 43), redirect_uri="https://app/callback"
        ),
        lambda oauth: oauth.refresh(Secret("1//0")),
        lambda oauth: oauth.revoke(Secret("1//0")),
    ],
    ids=["code", "refresh token", "revoked token"],
)
def test_no_code_and_no_token_travels_in_the_clear(send):
    with pytest.raises(Misconfigured) as refused:
        send(google("http://token.example"))
    assert refused.value.reason == "insecureTransport"


def test_the_challenge_is_the_one_of_rfc_7636():
    """Appendix B's example."""
    verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
