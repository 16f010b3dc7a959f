"""Google's OAuth endpoints: the consent URL, the exchange of a code, the refresh and the revocation.

The exchange goes through google-auth-oauthlib, with its traps stepped round: it is given the verifier and the
redirect URI that the consent URL was made with, and no scopes, because the library answers a box that the user
unticked with an exception; what was granted is compared in `features`. The consent URL is ten parameters, written
here, because loading the library costs a cold start a tenth of its time. Refresh and revocation are one POST each,
so that every answer of the endpoint, whoever asked, is judged by one table (`judge`).
Sources: developers.google.com/identity/protocols/oauth2/web-server, RFC 6749 section 5, RFC 7009, RFC 7636.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from shared.clock import Clock
from shared.errors import (
    CorruptData,
    Forbidden,
    InvalidRequest,
    Misconfigured,
    ReauthRequired,
    Unavailable,
    YtempireError,
)
from shared.monitoring.log import log
from shared.settings import Settings
from shared.vault.secret import Secret

if TYPE_CHECKING:
    import urllib3
    from google_auth_oauthlib.flow import Flow

_TIMEOUT_SECONDS = 10
_DEFAULT_LIFETIME = 3600
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_MAX_ANSWER_BYTES = 64 * 1024


class Verdict(enum.Enum):
    """What an answer of the token endpoint means."""

    GOOD = "good"
    GRANT_DEAD = "grantDead"  # only a person can bring it back
    CLIENT_WRONG = "clientWrong"  # our own client id or secret; no user did anything wrong
    REFUSED = "refused"  # a policy of the user's organisation, or the user
    UNAVAILABLE = "unavailable"  # ask again later


# Only what names the grant may cost a user the connection. What names the client or the request is our own fault,
# whoever's token it was about; what nobody knows is waited out, and told.
_WORDS: Mapping[Verdict, str] = {
    Verdict.GRANT_DEAD: "invalid_grant",
    Verdict.REFUSED: "access_denied admin_policy_enforced",
    Verdict.CLIENT_WRONG: "invalid_client unauthorized_client deleted_client disabled_client restricted_client "
    "org_internal redirect_uri_mismatch invalid_request invalid_scope unsupported_grant_type",
    Verdict.UNAVAILABLE: "temporarily_unavailable server_error internal_failure rate_limit_exceeded",
}
_BY_WORD = {word: verdict for verdict, words in _WORDS.items() for word in words.split()}


def judge(status: int, body: bytes) -> tuple[Verdict, str]:
    """What the token endpoint said, and its error word ("" when it has none).

    A word is believed only on a 4xx: a gateway's error page may carry any text.
    """
    if status == 200:
        return Verdict.GOOD, ""
    if status >= 500 or status in {408, 429} or status < 400:
        return Verdict.UNAVAILABLE, ""
    word = _error_word(body)
    if not word:
        return Verdict.UNAVAILABLE, ""  # a 4xx that is not OAuth's shape comes from something in between
    return _BY_WORD.get(word, Verdict.UNAVAILABLE), word


def _error_word(body: bytes) -> str:
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return error[:60] if isinstance(error, str) and error.replace("_", "").isalnum() else ""


@dataclass(frozen=True)
class Tokens:
    """One good answer of the token endpoint. scopes: None when the answer did not name any (RFC 6749, 5.1)."""

    access_token: Secret
    expires_at: datetime
    refresh_token: Secret | None
    scopes: frozenset[str] | None
    refresh_expires_at: datetime | None
    google_account: str | None


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
            raise Misconfigured(
                'The OAuth client\'s secret is not JSON with "client_id" and "client_secret".',
                reason="oauthClientSecret",
            ) from None


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
        import requests  # noqa: PLC0415 - google-auth-oauthlib's transport
        from oauthlib.oauth2.rfc6749.errors import OAuth2Error  # noqa: PLC0415

        flow = self._flow(redirect_uri, verifier)
        flow.oauth2session.max_redirects = 0  # a 307 would carry the code, the verifier and our secret elsewhere
        flow.oauth2session.register_compliance_hook("access_token_response", _raise_unless_good)
        try:
            answer = flow.fetch_token(code=code.reveal(), include_client_id=True, timeout=_TIMEOUT_SECONDS)
        except ReauthRequired as error:
            raise InvalidRequest(
                "Google refused this sign-in. Start again from the app.", reason="codeRefused"
            ) from error
        except requests.RequestException:
            raise _unavailable() from None  # the original carries the request and with it the code
        except (OAuth2Error, ValueError):
            raise CorruptData("Google's token answer cannot be read.") from None
        return self._tokens(answer)

    def refresh(self, refresh_token: Secret) -> Tokens:
        """A fresh access token.

        Raises ReauthRequired for invalid_grant, Misconfigured for a wrong client, Forbidden for another refusal,
        Unavailable when asking again may help.
        """
        client = self.client()
        status, body = _post(
            self.settings.oauth_token_url,
            {
                "grant_type": "refresh_token",
                "refresh_token": refresh_token.reveal(),
                "client_id": client.client_id,
                "client_secret": client.client_secret.reveal(),
            },
        )
        _raise_for(status, body)
        try:
            return self._tokens(json.loads(body))
        except ValueError:
            raise CorruptData("Google's token answer cannot be read.") from None

    def revoke(self, token: Secret) -> bool:
        """Revoke everything that the account granted to this project. False: Google knows no such token any more.

        Raises Unavailable when Google does not say either.
        """
        status, body = _post(self.settings.oauth_revoke_url, {"token": token.reveal()})
        if status == 200:
            return True
        if status == 400 and _error_word(body) in {"invalid_token", "invalid_grant", "invalid_request"}:
            return False
        raise _unavailable()

    def _flow(self, redirect_uri: str, verifier: Secret) -> Flow:
        from google_auth_oauthlib.flow import Flow  # noqa: PLC0415 - paid by those who connect

        client = self.client()
        web = {
            "client_id": client.client_id,
            "client_secret": client.client_secret.reveal(),
            "auth_uri": self.settings.oauth_auth_url,
            "token_uri": self.settings.oauth_token_url,
        }
        flow: Flow = Flow.from_client_config(
            {"web": web}, scopes=None, redirect_uri=redirect_uri, code_verifier=verifier.reveal()
        )
        return flow

    def _tokens(self, answer: object) -> Tokens:
        now = self.clock()
        if not isinstance(answer, Mapping):
            raise CorruptData("Google's token answer is no JSON object.")
        access_token = answer.get("access_token")
        if not isinstance(access_token, str) or not access_token:
            raise CorruptData("Google's token answer has no access token.")
        refresh_token = answer.get("refresh_token") or None
        scope = answer.get("scope")
        return Tokens(
            access_token=Secret(access_token),
            expires_at=now + timedelta(seconds=_seconds(answer.get("expires_in")) or _DEFAULT_LIFETIME),
            refresh_token=Secret(str(refresh_token)) if refresh_token else None,
            scopes=_scopes(scope),
            refresh_expires_at=_after(now, _seconds(answer.get("refresh_token_expires_in"))),
            google_account=self._subject(answer.get("id_token")),
        )

    def _subject(self, id_token: object) -> str | None:
        """The Google account's id. The token came straight from Google's endpoint, which vouches for it
        (OpenID Connect Core 3.1.3.7, 6); issuer and audience are still looked at."""
        if not isinstance(id_token, str):
            return None
        try:
            payload = id_token.split(".")[1]
            claims = dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
        except (ValueError, IndexError, TypeError):
            return None
        issuers = {self.settings.oauth_issuer, self.settings.oauth_issuer.removeprefix("https://")}
        if claims.get("iss") not in issuers or claims.get("aud") != self.client().client_id:
            return None
        return str(claims["sub"]) if claims.get("sub") else None


def challenge(verifier: Secret) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, 4.2)."""
    hashed = hashlib.sha256(verifier.reveal().encode("ascii")).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def digest(text: str) -> str:
    """SHA-256 in hex: how a state, a binding or a code is stored, so that the database cannot replay it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _raise_unless_good(response: Any) -> Any:
    _raise_for(response.status_code, response.content)
    return response


def _raise_for(status: int, body: bytes) -> None:
    verdict, word = judge(status, body)
    if word and word not in _BY_WORD:
        log("ERROR", "Google's token endpoint says what nobody here knows; it is asked again later", word=word)
    if verdict is not Verdict.GOOD:
        raise _refusal(verdict, word)


def _refusal(verdict: Verdict, word: str) -> YtempireError:
    if verdict is Verdict.GRANT_DEAD:
        return ReauthRequired("Google no longer accepts this connection. Connect the channel again.")
    if verdict is Verdict.CLIENT_WRONG:
        return Misconfigured(f"Google refuses our OAuth client ({word}).", reason="oauthClient")
    if verdict is Verdict.REFUSED:
        return Forbidden(f"Google refused: {word}.", reason="googleRefused")
    return _unavailable()


def _unavailable() -> Unavailable:
    return Unavailable("Google's sign-in does not answer. Try again in a few minutes.", reason="googleUnavailable")


def _scopes(scope: object) -> frozenset[str] | None:
    if isinstance(scope, str):
        return frozenset(scope.split())
    return frozenset(map(str, scope)) if isinstance(scope, list) else None


def _seconds(value: object) -> int:
    try:
        return max(0, int(str(value)))
    except ValueError:
        return 0


def _after(now: datetime, seconds: int) -> datetime | None:
    return now + timedelta(seconds=seconds) if seconds else None


def _secured(url: str) -> None:
    """Raises Misconfigured unless what is sent there is encrypted, or stays on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise Misconfigured(f"Secrets are not sent to {parts.hostname} in the clear.", reason="insecureTransport")


@cache
def _http() -> urllib3.PoolManager:
    import urllib3  # noqa: PLC0415 - paid by those who refresh

    timeout = urllib3.Timeout(connect=5, read=_TIMEOUT_SECONDS)
    return urllib3.PoolManager(retries=False, timeout=timeout, maxsize=4)


def _post(url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
    import urllib3  # noqa: PLC0415

    _secured(url)
    try:
        answer = _http().request("POST", url, fields=dict(form), encode_multipart=False, redirect=False)
        return answer.status, answer.data[:_MAX_ANSWER_BYTES]
    except urllib3.exceptions.HTTPError:
        raise _unavailable() from None  # the original may carry the request
