"""Google's own OAuth client against the simulator, unmodified but for the endpoints."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import google.auth.exceptions
import google.auth.transport.requests
import google.oauth2.credentials
import google.oauth2.id_token
import jwt
import pytest
from google_auth_oauthlib.flow import Flow
from googleapiclient.discovery import build

from infra.local.simulator.grants import Client
from infra.local.simulator.state import Simulator
from tests.end_to_end.simulator import plain

EMAIL = "user-001@example.test"
YOUTUBE = "https://www.googleapis.com/auth/youtube"
ANALYTICS = "https://www.googleapis.com/auth/yt-analytics.readonly"
MONETARY = "https://www.googleapis.com/auth/yt-analytics-monetary.readonly"


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return next(iter(simulator.grants.clients.values()))


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def flow_for(simulator: Simulator, client: Client, *scopes: str) -> Flow:
    config = {
        "web": {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "auth_uri": f"{simulator.root}/o/oauth2/v2/auth",
            "token_uri": f"{simulator.root}/token",
            "redirect_uris": list(client.redirect_uris),
        }
    }
    return Flow.from_client_config(config, scopes=list(scopes), redirect_uri=client.redirect_uris[0])


def prepare(simulator: Simulator, **choice: object) -> None:
    plain.http().post(f"{simulator.root}/control/consent", json={"user": EMAIL, **choice}).raise_for_status()


def consent(flow: Flow, **parameters: str) -> str:
    """Ask for consent as a browser would; the address of the callback."""
    parameters = {"access_type": "offline", "prompt": "consent", "login_hint": EMAIL, **parameters}
    address, _ = flow.authorization_url(**parameters)
    answer = plain.http().get(address)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def test_a_consent_becomes_credentials_for_the_chosen_channel(simulator: Simulator, client: Client):
    channel = simulator.world.account(EMAIL).channels[1]
    prepare(simulator, channel_id=channel.id)
    flow = flow_for(simulator, client, YOUTUBE)
    flow.fetch_token(authorization_response=consent(flow))
    credentials = flow.credentials
    youtube = build(
        "youtube",
        "v3",
        credentials=credentials,
        static_discovery=True,
        client_options={"api_endpoint": simulator.root},
    )
    answer = youtube.channels().list(part="id,snippet", mine=True).execute()
    assert [item["id"] for item in answer["items"]] == [channel.id]
    assert credentials.refresh_token


def test_the_callback_names_issuer_scopes_and_state(simulator: Simulator, client: Client):
    prepare(simulator)
    query = parse_qs(urlsplit(consent(flow_for(simulator, client, YOUTUBE), state="s-1")).query)
    assert query["state"] == ["s-1"]
    assert query["iss"] == ["https://accounts.google.com"]
    assert query["scope"] == [YOUTUBE]
    assert query["prompt"] == ["consent"]


def test_an_expired_access_token_is_refreshed_by_googles_library(simulator: Simulator, client: Client):
    prepare(simulator)
    flow = flow_for(simulator, client, YOUTUBE)
    flow.fetch_token(authorization_response=consent(flow))
    credentials = flow.credentials
    before = credentials.token
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    plain.http().post(f"{simulator.root}/control/grants", json={"action": "expire_access"}).raise_for_status()
    assert session.get(f"{simulator.root}/youtube/v3/channels?part=id&mine=true").status_code == 200
    assert credentials.token != before


def test_revoking_ends_refreshing_and_calling(simulator: Simulator, client: Client):
    prepare(simulator)
    flow = flow_for(simulator, client, YOUTUBE)
    flow.fetch_token(authorization_response=consent(flow))
    credentials = flow.credentials
    revoked = plain.http().post(f"{simulator.root}/revoke", data={"token": credentials.refresh_token})
    assert revoked.status_code == 200
    call = plain.http().get(
        f"{simulator.root}/youtube/v3/channels?part=id&mine=true",
        headers={"authorization": f"Bearer {credentials.token}"},
    )
    assert call.status_code == 401
    with pytest.raises(google.auth.exceptions.RefreshError, match="expired or revoked"):
        credentials.refresh(google.auth.transport.requests.Request())
    again = plain.http().post(f"{simulator.root}/revoke", data={"token": credentials.refresh_token})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


def test_an_unticked_scope_is_not_granted_and_the_library_notices(simulator: Simulator, client: Client):
    prepare(simulator, untick=[MONETARY])
    flow = flow_for(simulator, client, YOUTUBE, ANALYTICS, MONETARY)
    with pytest.raises(Warning, match="Scope has changed"):
        flow.fetch_token(authorization_response=consent(flow))


def test_granted_scopes_tell_what_was_left(simulator: Simulator, client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    prepare(simulator, untick=[MONETARY])
    flow = flow_for(simulator, client, YOUTUBE, ANALYTICS, MONETARY)
    flow.fetch_token(authorization_response=consent(flow))
    assert set(flow.credentials.granted_scopes) == {YOUTUBE, ANALYTICS}


def test_earlier_scopes_come_along_when_the_client_asks_for_them(
    simulator: Simulator, client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    prepare(simulator)
    first = flow_for(simulator, client, YOUTUBE)
    first.fetch_token(authorization_response=consent(first))
    second = flow_for(simulator, client, ANALYTICS)
    second.fetch_token(authorization_response=consent(second, include_granted_scopes="true"))
    assert set(second.credentials.granted_scopes) == {YOUTUBE, ANALYTICS}


def test_no_refresh_token_when_consent_need_not_be_shown_again(simulator: Simulator, client: Client):
    prepare(simulator)
    first = flow_for(simulator, client, YOUTUBE)
    first.fetch_token(authorization_response=consent(first))
    second = flow_for(simulator, client, YOUTUBE)
    address, _ = second.authorization_url(access_type="offline", login_hint=EMAIL)
    second.fetch_token(authorization_response=plain.http().get(address).headers["location"])
    assert second.credentials.token
    assert second.credentials.refresh_token is None


def test_an_identity_token_verifies_against_the_published_keys(simulator: Simulator, client: Client):
    prepare(simulator)
    flow = flow_for(simulator, client, "openid", "https://www.googleapis.com/auth/userinfo.email", YOUTUBE)
    flow.fetch_token(authorization_response=consent(flow, nonce="n-1"))
    keys = jwt.PyJWKClient(f"{simulator.root}/oauth2/v3/certs")
    token = flow.credentials.id_token
    claims = jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["RS256"],
        audience=client.client_id,
        issuer="https://accounts.google.com",
    )
    assert (claims["email"], claims["nonce"]) == (EMAIL, "n-1")
    assert claims["sub"] == simulator.world.account(EMAIL).id


def test_time_based_access_says_when_it_ends(simulator: Simulator, client: Client):
    prepare(simulator, days=30)
    flow = flow_for(simulator, client, YOUTUBE)
    answer = flow.fetch_token(authorization_response=consent(flow))
    assert 30 * 86400 - 60 < answer["refresh_token_expires_in"] <= 30 * 86400
    simulator.timepiece.advance(30 * 86400 + 1)
    with pytest.raises(google.auth.exceptions.RefreshError, match="expired or revoked"):
        flow.credentials.refresh(google.auth.transport.requests.Request())
