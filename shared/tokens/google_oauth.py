"""Google's OAuth endpoints: the consent URL, the exchange of a code, refresh and revocation; and our client there.

The exchange goes through google-auth-oauthlib, with its traps stepped round: it is given the verifier and the
redirect URI that the consent URL was made with, and no scopes, because the library answers a box that the user
unticked with an exception; what was granted is compared in `features`. The consent URL is ten parameters, written
here, because loading the library costs a cold start a tenth of its time. Refresh and revocation are one POST each,
so that one table (`health`) says what every answer of the endpoint means, whoever asked.
Sources: developers.google.com/identity/protocols/oauth2/web-server, RFC 7009, RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from shared.clock import Clock
from shared.errors import InvalidRequest, Misconfigured, ReauthRequired
from shared.settings import Settings
from shared.tokens import health
from shared.tokens.health import Outcome, Tokens
from shared.vault.secret import Secret
from shared.youtube.transport import pool

CLIENT_AGE = timedelta(minutes=5)
"""How long our client is kept before Secret Manager is asked again, so that a new secret is noticed."""


@dataclass(frozen=True)
class OAuthClient:
    """Our registration at Google."""

    client_id: str
    client_secret: Secret

    @classmethod
    def parse(cls, payload: bytes) -> OAuthClient:
        """From the secret's JSON: {"client_id", "client_secret"}, or Google's download with "web" around it."""
        try:
            document = json.loads(payload)
            document = document.get("web", document)
            return cls(str(document["client_id"]), Secret(str(document["client_secret"])))
        except (ValueError, KeyError, TypeError, AttributeError):
            # From None: the original error would carry the payload.
            words = 'The OAuth client\'s secret is not JSON with "client_id" and "client_secret".'
            raise Misconfigured(words, reason="oauthClientSecret") from None


_TIMEOUT_SECONDS = 10
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True)
class GoogleOAuth:
    """Google's OAuth for one deployment. client: asked for on first use (it is read from Secret Manager)."""

    settings: Settings
    client: Callable[[], OAuthClient]
    clock: Clock

    def consent_url(
        self, *, state: str, verifier: Secret, scopes: tuple[str, ...], login_hint: str | None = None
    ) -> str:
        """Where the browser goes. `prompt=consent` and `offline`: only then Google sends a refresh token."""
        query = {
            "response_type": "code",
            "client_id": self.client().client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": " ".join(scopes),
            "state": state,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "include_granted_scopes": "true",
            "prompt": "consent",
        }
        if login_hint:
            query["login_hint"] = login_hint
        return f"{self.settings.oauth_auth_url}?{urlencode(query)}"

    def exchange(self, code: Secret, *, verifier: Secret, redirect_uri: str) -> Tokens:
        """Tokens for a code.

        Raises InvalidRequest (reason "codeRefused") when Google refuses the code or the verifier, Misconfigured
        for a wrong client, Forbidden for a policy, Unavailable otherwise.
        """
        _secured(self.settings.oauth_token_url)
        import requests  # google-auth-oauthlib's transport
        from google_auth_oauthlib.flow import Flow
        from oauthlib.oauth2.rfc6749.errors import OAuth2Error

        client = self.client()
        web = {
            "client_id": client.client_id,
            "client_secret": client.client_secret.reveal(),
            "auth_uri": self.settings.oauth_auth_url,
            "token_uri": self.settings.oauth_token_url,
        }
        asked = {"redirect_uri": redirect_uri, "code_verifier": verifier.reveal()}
        flow = Flow.from_client_config({"web": web}, scopes=None, **asked)
        flow.oauth2session.max_redirects = 0  # a 307 would carry the code, the verifier and our secret elsewhere
        flow.oauth2session.register_compliance_hook("access_token_response", _raise_unless_good)
        try:
            answer = flow.fetch_token(code=code.reveal(), include_client_id=True, timeout=_TIMEOUT_SECONDS)
        except ReauthRequired as error:
            words = "Google refused this sign-in. Start again from the app."
            raise InvalidRequest(words, reason="codeRefused") from error
        except requests.RequestException:
            raise health.error(Outcome.UNAVAILABLE) from None  # the original carries the code
        except (OAuth2Error, ValueError):
            raise health.unreadable("cannot be read") from None
        return self._tokens(answer)

    def refresh(self, refresh_token: Secret) -> Tokens:
        """A fresh access token.

        Raises ReauthRequired for invalid_grant, Misconfigured for a wrong client, Forbidden for another refusal,
        Unavailable when asking again may help.
        """
        client = self.client()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token.reveal(),
            "client_id": client.client_id,
            "client_secret": client.client_secret.reveal(),
        }
        status, body = _post(self.settings.oauth_token_url, form)
        health.raise_unless_good(status, body)
        try:
            return self._tokens(json.loads(body))
        except ValueError:
            raise health.unreadable("cannot be read") from None

    def revoke(self, token: Secret) -> bool:
        """Revoke everything that the account granted to this project. False: Google knows no such token any more.

        Raises Unavailable when Google does not say either.
        """
        status, body = _post(self.settings.oauth_revoke_url, {"token": token.reveal()})
        if status == 200:
            return True
        if status == 400 and health.error_word(body) in {"invalid_token", "invalid_grant", "invalid_request"}:
            return False
        raise health.error(Outcome.UNAVAILABLE)

    def _tokens(self, answer: object) -> Tokens:
        issuer, client_id = self.settings.oauth_issuer, self.client().client_id
        return health.tokens(answer, self.clock(), issuer=issuer, client_id=client_id)


def challenge(verifier: Secret) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, 4.2)."""
    hashed = hashlib.sha256(verifier.reveal().encode("ascii")).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def digest(text: str) -> str:
    """SHA-256 in hex: how a state, a binding or a code is stored, so that the database cannot replay it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _raise_unless_good(response: Any) -> Any:
    health.raise_unless_good(response.status_code, response.content)
    return response


def _secured(url: str) -> None:
    """Raises Misconfigured unless what is sent there is encrypted, or stays on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise Misconfigured(f"Secrets are not sent to {parts.hostname} in the clear.", reason="insecureTransport")


def _post(url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
    import urllib3

    _secured(url)
    seconds = urllib3.Timeout(connect=5, read=_TIMEOUT_SECONDS)
    try:
        answer = pool().request(
            "POST", url, fields=dict(form), encode_multipart=False, redirect=False, timeout=seconds
        )
        return answer.status, answer.data[:_MAX_ANSWER_BYTES]
    except urllib3.exceptions.HTTPError:
        raise health.error(Outcome.UNAVAILABLE) from None  # the original may carry the request
