"""What an answer of Google's token endpoint means, and what it makes of a connection. Pure tables; no reading.

    state            the guide's word, shown in the console
    connected        tokens come when they are asked for
    troubled         three refreshes in a row failed on Google's side or on the way; it heals by itself
    reauth_required  only the owner can bring it back, by connecting again; all its work stops
    disconnecting    being deleted

Guide 5.1: three refresh failures are the threshold. An outage that touches every user is no reason to ask 50
people to connect again, so only refusals that name the grant lead there; Google's silence leads to `troubled`.
Source: RFC 6749 section 5; developers.google.com/identity/protocols/oauth2/web-server.
"""

from __future__ import annotations

import base64
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import CorruptData, Forbidden, Misconfigured, ReauthRequired, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.vault.secret import Secret

THRESHOLD = 3
_COOLDOWN_FIRST = timedelta(seconds=5)  # doubled with each failure
_COOLDOWN_MOST = timedelta(minutes=5)

CONNECTED = "connected"
TROUBLED = "troubled"
REAUTH_REQUIRED = "reauth_required"
DISCONNECTING = "disconnecting"


class Outcome(enum.Enum):
    """What an answer of Google's token endpoint means, and with it how a refresh ended."""

    GOOD = "good"
    GRANT_DEAD = "invalidGrant"  # only a person can bring it back
    CLIENT_WRONG = "oauthClient"  # our own client id or secret; no user did anything wrong
    REFUSED = "googleRefused"  # a policy of the user's organisation, or the user
    UNAVAILABLE = "googleUnavailable"  # ask again later


class Notice(enum.Enum):
    """What somebody is told, once."""

    RECONNECT = "reconnect"  # the owner has to act
    TROUBLED = "troubled"  # nobody has to act; it is known
    RECOVERED = "recovered"
    OPERATOR = "operator"  # our OAuth client is wrong


@dataclass(frozen=True)
class Health:
    """A connection's state, why, and how many refreshes in a row failed."""

    state: str = CONNECTED
    state_reason: str = ""
    failures: int = 0
    cooldown_until: datetime | None = None


def after(health: Health, outcome: Outcome, now: datetime) -> tuple[Health, Notice | None]:
    """The health after one refresh, and what is to be said. A notice comes with a change of state only, except
    the operator's, which stands for as long as the cause does."""
    if outcome is Outcome.GOOD:
        told = Notice.RECOVERED if health.state == TROUBLED else None
        return Health(), told
    if outcome is Outcome.CLIENT_WRONG:
        return Health(health.state, health.state_reason, health.failures, now + _COOLDOWN_MOST), Notice.OPERATOR
    dead = outcome is Outcome.GRANT_DEAD
    failures = health.failures + (not dead)
    if dead or (outcome is Outcome.REFUSED and failures >= THRESHOLD):
        told = None if health.state == REAUTH_REQUIRED else Notice.RECONNECT
        return Health(REAUTH_REQUIRED, outcome.value, failures), told
    doublings: int = min(failures - 1, 10)
    again = now + min(_COOLDOWN_MOST, _COOLDOWN_FIRST * (1 << doublings))
    if failures < THRESHOLD:
        return Health(health.state, health.state_reason, failures, again), None
    told = Notice.TROUBLED if health.state == CONNECTED else None
    return Health(TROUBLED, outcome.value, failures, again), told


_DEFAULT_LIFETIME = 3600
# Only what names the grant may cost a user the connection. What names the client or the request is our own fault,
# whoever's token it was about; what nobody knows is waited out, and told.
_WORDS: Mapping[Outcome, str] = {
    Outcome.GRANT_DEAD: "invalid_grant",
    Outcome.REFUSED: "access_denied admin_policy_enforced",
    Outcome.CLIENT_WRONG: "invalid_client unauthorized_client deleted_client disabled_client restricted_client "
    "org_internal redirect_uri_mismatch invalid_request invalid_scope unsupported_grant_type",
    Outcome.UNAVAILABLE: "temporarily_unavailable server_error internal_failure rate_limit_exceeded",
}
_BY_WORD = {word: outcome for outcome, words in _WORDS.items() for word in words.split()}


@dataclass(frozen=True)
class Tokens:
    """One good answer of the token endpoint. scopes: None when the answer did not name any (RFC 6749, 5.1)."""

    access_token: Secret
    expires_at: datetime
    refresh_token: Secret | None
    scopes: frozenset[str] | None
    refresh_expires_at: datetime | None
    google_account: str | None


def classify(status: int, body: bytes) -> tuple[Outcome, str]:
    """What the token endpoint said, and its error word ("" when it has none).

    A word is believed only on a 4xx: a gateway's error page may carry any text. A 4xx that is not of OAuth's shape
    comes from something in between.
    """
    if status == 200:
        return Outcome.GOOD, ""
    if status >= 500 or status in {408, 429} or status < 400:
        return Outcome.UNAVAILABLE, ""
    word = error_word(body)
    return _BY_WORD.get(word, Outcome.UNAVAILABLE), word


def error_word(body: bytes) -> str:
    """The error that an answer names; "" when it is not of OAuth's shape."""
    try:
        word = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return word[:60] if isinstance(word, str) and word.replace("_", "").isalnum() else ""


def raise_unless_good(status: int, body: bytes) -> None:
    """Raise what an answer means: ReauthRequired, Misconfigured, Forbidden or Unavailable; detail: the Outcome."""
    outcome, word = classify(status, body)
    if word and word not in _BY_WORD:
        log("ERROR", "Google's token endpoint says what nobody here knows; it is asked again later", word=word)
    if outcome is not Outcome.GOOD:
        raise error(outcome, word)


def unreadable(what: str) -> CorruptData:
    """The error for an answer that is none, which may be one when asked for again."""
    return CorruptData(f"Google's token answer {what}.", detail=Outcome.UNAVAILABLE)


_RECONNECT = "Google no longer accepts this connection. Its owner has to connect the channel again."
_NO_ANSWER = "Google's sign-in does not answer. Try again in a few minutes."
_ERRORS: Mapping[Outcome, tuple[type[YtempireError], str | None, str]] = {
    Outcome.GRANT_DEAD: (ReauthRequired, None, _RECONNECT),
    Outcome.CLIENT_WRONG: (Misconfigured, "oauthClient", "Google refuses our OAuth client ({word})."),
    Outcome.REFUSED: (Forbidden, "googleRefused", "Google refused: {word}."),
    Outcome.UNAVAILABLE: (Unavailable, "googleUnavailable", _NO_ANSWER),
}


def error(outcome: Outcome, word: str = "") -> YtempireError:
    """The error that an answer means. word: Google's own for it."""
    kind, reason, words = _ERRORS[outcome]
    return kind(words.format(word=word), reason=reason, detail=outcome)


def tokens(answer: object, now: datetime, *, issuer: str, client_id: str) -> Tokens:
    """The tokens of a good answer. issuer, client_id: who must have issued its ID token, and for whom.

    Raises CorruptData for an answer without an access token.
    """
    if not isinstance(answer, Mapping):
        raise unreadable("is no JSON object")
    access_token = answer.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise unreadable("has no access token")
    refresh_token = answer.get("refresh_token") or None
    refresh_seconds = _seconds(answer.get("refresh_token_expires_in"))
    return Tokens(
        access_token=Secret(access_token),
        expires_at=now + timedelta(seconds=_seconds(answer.get("expires_in")) or _DEFAULT_LIFETIME),
        refresh_token=Secret(str(refresh_token)) if refresh_token else None,
        scopes=_scopes(answer.get("scope")),
        refresh_expires_at=now + timedelta(seconds=refresh_seconds) if refresh_seconds else None,
        google_account=_subject(answer.get("id_token"), issuer, client_id),
    )


def _subject(id_token: object, issuer: str, client_id: str) -> str | None:
    """The Google account's id. The token came straight from Google's endpoint, which vouches for it
    (OpenID Connect Core 3.1.3.7, 6); issuer and audience are still looked at."""
    if not isinstance(id_token, str):
        return None
    try:
        payload = id_token.split(".")[1]
        claims = dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (ValueError, IndexError, TypeError):
        return None
    ours = claims.get("iss") in {issuer, issuer.removeprefix("https://")} and claims.get("aud") == client_id
    return str(claims["sub"]) if ours and claims.get("sub") else None


def _scopes(scope: object) -> frozenset[str] | None:
    if isinstance(scope, str):
        return frozenset(scope.split())
    return frozenset(map(str, scope)) if isinstance(scope, list) else None


def _seconds(value: object) -> int:
    try:
        return max(0, int(str(value)))
    except ValueError:
        return 0
