"""The way to Google's consent page and back, in a way that only the person who set out can finish.

What is kept while the person is at Google lies in `consents/<SHA-256 of the state>`: who asked, the sealed PKCE
verifier, the redirect URI, the hash of a cookie that only the starting browser has, and an end in ten minutes. It
is consumed once, before the code is exchanged, so a state works once. The state itself and the cookie's value are
nowhere in the database.
Sources: RFC 9700 (OAuth 2.0 security), RFC 7636 (PKCE).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from shared import data_map
from shared.access.connect import Applicant, Connected, connect
from shared.access.features import can_learn_channel, scopes_for
from shared.access.requests import Returned, StartRequest, is_binding, other_browser
from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, update
from shared.cloud.steps import ABSENT, Change, Docs, Write
from shared.errors import Forbidden, InvalidRequest, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.rate_limits.limiter import RateLimiter
from shared.rate_limits.limits import RateLimit
from shared.records import Mapper
from shared.settings import Settings
from shared.tokens import accounts
from shared.tokens.google_oauth import GoogleOAuth, digest
from shared.tokens.health import Tokens
from shared.vault.secret import Secret
from shared.vault.vault import Vault

if TYPE_CHECKING:
    from shared.youtube import data

VERIFIER = "verifier"
START = "oauth.start"
STARTS = RateLimit(name="oauthStarts", methods=(START,), per=("user",), calls=20, window=600)
"""How often one user may set out for Google."""

_RANDOM_BYTES = 32  # 256 bits for a state and for a browser binding
_VERIFIER_BYTES = 64  # 86 characters; RFC 7636 allows 43 to 128

LearnChannel = Callable[[Tokens, str], "data.Channel"]
"""Asks YouTube whose channel a fresh access token is for; the user id pays for the call."""


@dataclass(frozen=True)
class Started:
    """Where the browser goes, and the cookie that proves at the end that it is the same browser."""

    authorization_url: str
    binding: Secret


@dataclass(frozen=True)
class Finished:
    """How a consent ended. reason: "connected", or why not. reference: the record that the result page reads."""

    reason: str
    reference: str
    connected: Connected | None
    return_to: str | None

    def location(self, done_url: str) -> str:
        """Where the browser goes next: a clean address that carries nothing secret."""
        if self.connected is None:
            told = {"outcome" if self.return_to is None else "error": self.reason}
        elif self.return_to is None:
            told = {"ref": self.reference}
        else:
            told = {"connected": self.connected.channel_id}
        address = self.return_to or done_url
        return f"{address}{'&' if '?' in address else '?'}{urlencode(told)}"


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What is kept while a user is at Google, and until the result has been shown.

    verifier: sealed; gone once the state is used. binding: the hash of the browser's cookie.
    """

    key: str
    user_id: str
    verifier: Mapping[str, Any] | None = None
    redirect_uri: str
    binding: str
    scopes: frozenset[str]
    return_to: str | None
    expect_channel: str | None
    created_at: datetime
    expires_at: datetime
    consumed_at: datetime | None = None
    outcome: Mapping[str, Any] | None = None


CONSENTS = Mapper(Consent, data_map.CONSENTS.path, key="key")


@dataclass(frozen=True, kw_only=True)
class Consents:
    """Starts and finishes consents."""

    client: Client
    vault: Vault
    google: GoogleOAuth
    settings: Settings
    clock: Clock
    limiter: RateLimiter
    learn: LearnChannel

    def start(self, wanted: StartRequest, binding: str | None) -> Started:
        """Keep what finishing will need and answer where to go. binding: the cookie's value, if there is one.

        A browser that has a binding keeps it, so that two tabs can be under way at once.
        Raises RateLimited for a user who starts too often.
        """
        state, verifier = secrets.token_urlsafe(_RANDOM_BYTES), Secret(secrets.token_urlsafe(_VERIFIER_BYTES))
        held = binding if is_binding(binding) else secrets.token_urlsafe(_RANDOM_BYTES)
        scopes = scopes_for(wanted.features)
        key, now = digest(state), self.clock()
        consent = Consent(
            key=key,
            user_id=wanted.user_id,
            verifier=self.vault.seal(verifier, record=CONSENTS.path(key), field=VERIFIER),
            redirect_uri=self.settings.redirect_uri,
            binding=digest(held),
            scopes=frozenset(scopes),
            return_to=wanted.return_to,
            expect_channel=wanted.expect_channel,
            created_at=now,
            expires_at=data_map.CONSENTS.expiry(now),
        )
        stored = Write(CONSENTS.path(key), CONSENTS.fields(consent), only_if=ABSENT)
        # Written with the count, because a cold start waits for each commit.
        self.limiter.admit(method=START, user=wanted.user_id, also=[stored])
        url = self.google.consent_url(state=state, verifier=verifier, scopes=scopes, login_hint=wanted.login_hint)
        return Started(url, Secret(held))

    def finish(self, answer: Returned) -> Finished:
        """Consume the state, exchange the code, learn the channel, connect it.

        Raises InvalidRequest or Forbidden for a state that does not hold: nobody is known then to whom the browser
        could go back. Everything later is told in `Finished.reason`.
        """
        key = digest(answer.state.reveal())
        self.google.client()  # while our own secret cannot be read, the state is not spent
        consent, verifier = self._consume(key, answer.binding.reveal())
        try:
            connected = self._connect(consent, verifier, answer)
        except YtempireError as error:
            log("WARNING", "consent not completed", reason=error.reason, user=consent.user_id)
            return Finished(error.reason, key, None, consent.return_to)
        log("INFO", "channel connected", channel=connected.channel_id, user=consent.user_id)
        return Finished("connected", key, connected, consent.return_to)

    def outcome(self, reference: str, binding: str | None) -> Mapping[str, Any] | None:
        """What a finished consent came to, for the browser that finished it; None for any other.

        {"channel_id", "title", "reconnected", "missing": [feature]}
        """
        if not re.fullmatch(r"[0-9a-f]{64}", reference):
            return None
        stored = self.client.document(CONSENTS.path(reference)).get(**call_options()).to_dict()
        if stored is None:
            return None
        consent = CONSENTS.read(reference, stored)
        if consent.expires_at <= self.clock() or not _same(consent, binding):
            return None
        return consent.outcome

    def _consume(self, key: str, binding: str) -> tuple[Consent, Secret]:
        """The consent of a state, which from now on no longer works, and its verifier."""
        path = CONSENTS.path(key)

        def consumed(docs: Docs) -> Change[tuple[Consent, Secret]]:
            found, now = docs[path], self.clock()
            consent = check(CONSENTS.read(key, found.data) if found else None, binding, now)
            verifier = self.vault.open(consent.verifier, record=path, field=VERIFIER)
            return Change((consent, verifier), [Write(path, {"consumed_at": now}, remove=(VERIFIER,))])

        return update(self.client, (path,), consumed)

    def _connect(self, consent: Consent, verifier: Secret, answer: Returned) -> Connected:
        from google.api_core.exceptions import GoogleAPIError

        if answer.code is None:
            denied = answer.error in {"access_denied", "admin_policy_enforced"}
            raise Forbidden("Google did not give access.", reason="denied" if denied else "googleRefused")
        tokens = self.google.exchange(answer.code, verifier=verifier, redirect_uri=consent.redirect_uri)
        number = None
        if tokens.refresh_token is not None:  # it counts at Google, whatever becomes of it here
            number = accounts.number_next(self.client, tokens.google_account, consent.user_id)
        granted = tokens.scopes if tokens.scopes is not None else consent.scopes
        if not can_learn_channel(granted):
            raise Forbidden("The channel cannot be seen without its permission.", reason="readMissing")
        learnt = self.learn(tokens, consent.user_id)
        applicant = Applicant(consent.user_id, tokens, number, consent.scopes, consent.expect_channel)
        try:
            return connect(
                applicant, learnt, CONSENTS.path(consent.key),
                client=self.client, vault=self.vault, settings=self.settings, now=self.clock(),
            )  # fmt: skip
        except GoogleAPIError as error:
            message = "It is not certain whether the channel was connected."
            raise Unavailable(message, reason="connectionUnknown") from error


def check(consent: Consent | None, binding: str | None, now: datetime) -> Consent:
    """The consent, if it holds for this browser at this moment. Pure; raises what is wrong."""
    if consent is None:
        raise InvalidRequest("This sign-in is not known. Start again from the app.", reason="stateUnknown")
    if consent.consumed_at is not None:
        raise InvalidRequest("This sign-in has been used already. Start again from the app.", reason="stateUsed")
    if consent.expires_at <= now:
        raise InvalidRequest("This sign-in took too long. Start again from the app.", reason="stateExpired")
    if not _same(consent, binding):
        raise other_browser()
    return consent


def _same(consent: Consent, binding: str | None) -> bool:
    return is_binding(binding) and secrets.compare_digest(digest(binding), consent.binding)
