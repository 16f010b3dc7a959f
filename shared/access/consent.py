"""The way to Google's consent page and back, in a way that only the person who set out can finish.

What is kept while the person is at Google lies in `consents/<SHA-256 of the state>`: who asked, the sealed PKCE
verifier, the redirect URI, the hash of a cookie that only the starting browser has, and an end in ten minutes. It
is consumed by one conditional write before the code is exchanged, so a state works once. The state itself and the
cookie's value are nowhere in the database.
Sources: RFC 9700 (OAuth 2.0 security), RFC 7636 (PKCE), RFC 9207 (issuer in the answer).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeGuard

from shared import ids
from shared.access import return_to
from shared.access.connect import Applicant, Connected, Connector, Learnt
from shared.access.features import can_learn_channel, chosen, scopes_for
from shared.access.pace import StartPace
from shared.clock import Clock
from shared.cloud.firestore import committed, patience, put
from shared.data_map import CONSENTS
from shared.errors import Forbidden, InvalidRequest, YtempireError
from shared.fields import Fields
from shared.monitoring.log import log
from shared.settings import Settings
from shared.tokens import accounts
from shared.tokens.answers import Tokens
from shared.tokens.google_oauth import GoogleOAuth, digest
from shared.vault.secret import Secret
from shared.vault.vault import Vault

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = CONSENTS.path
VERIFIER = "verifier"
COOKIE = "__Host-yt-consent"

_RANDOM_BYTES = 32  # 256 bits for a state and for a browser binding
_VERIFIER_BYTES = 64  # 86 characters; RFC 7636 allows 43 to 128
_BINDING = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_HINT = 320  # an e-mail address

LearnChannel = Callable[[Tokens, str], Learnt]
"""Asks YouTube whose channel a fresh access token is for; the user id pays for the call."""


@dataclass(frozen=True)
class Ask:
    """What a user wants to connect. Build it with `ask`."""

    user_id: str
    features: tuple[str, ...]
    return_to: str | None
    expect_channel: str | None
    login_hint: str | None


@dataclass(frozen=True)
class Started:
    """Where the browser goes, and the cookie that proves at the end that it is the same browser."""

    authorization_url: str
    binding: Secret


@dataclass(frozen=True)
class Returned:
    """What Google's redirect brought. Build it with `returned`."""

    state: Secret
    code: Secret | None
    error: str | None
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
        if self.return_to is not None:
            if self.connected is not None:
                return return_to.with_result(self.return_to, connected=self.connected.channel_id)
            return return_to.with_result(self.return_to, error=self.reason)
        if self.connected is not None:
            return return_to.with_result(done_url, ref=self.reference)
        return return_to.with_result(done_url, outcome=self.reason)


@dataclass(frozen=True)
class _Record:
    user_id: str
    scopes: frozenset[str]
    return_to: str | None
    expect_channel: str | None
    redirect_uri: str
    verifier: Secret


def ask(user_id: str, form: Mapping[str, Any], settings: Settings) -> Ask:
    """What a start request asks for.

    form: features (a list, or one string separated by commas or spaces), return_to, expect_channel, login_hint.
    Raises InvalidRequest naming the field.
    """
    fields = Fields(form, "features", "return_to", "expect_channel", "login_hint")
    features = [fields.text("features")] if isinstance(form.get("features"), str) else fields.texts("features")
    back = fields.line("return_to", most=2000) if fields.has("return_to") else None
    return Ask(
        user_id=user_id,
        features=chosen(name for text in features for name in re.split(r"[\s,]+", text)),
        return_to=return_to.allowed(back, settings.return_to),
        expect_channel=fields.id("expect_channel", ids.CHANNEL) if fields.has("expect_channel") else None,
        login_hint=fields.line("login_hint", most=_MAX_HINT) if fields.has("login_hint") else None,
    )


def returned(query: Mapping[str, list[str]], binding: str | None, settings: Settings) -> Returned:
    """What the callback's query says, in a browser that has a binding.

    Raises InvalidRequest for parameters that are missing, repeated or too long, and for another issuer; Forbidden
    without a binding, for then no state can hold and nothing needs to be asked.
    """
    state = _single(query, "state", 128)
    issuer = _single(query, "iss", 512)
    if issuer is not None and issuer.rstrip("/") != settings.oauth_issuer:
        raise InvalidRequest("The answer comes from another issuer.", reason="issuerMismatch", field="iss")
    error, code = _single(query, "error", 128), _single(query, "code", 2048)
    if state is None:
        raise InvalidRequest("The answer carries no state.", reason="stateUnknown", field="state")
    if (code is None) == (error is None):
        raise InvalidRequest("The answer carries no code.", reason="codeMissing", field="code")
    if not _is_binding(binding):
        raise _other_browser()
    return Returned(Secret(state), Secret(code) if code else None, error, Secret(binding))


class Consents:
    """Starts and finishes consents."""

    def __init__(
        self,
        *,
        client: Client,
        vault: Vault,
        google: GoogleOAuth,
        connector: Connector,
        settings: Settings,
        clock: Clock,
        pace: StartPace,
        learn: LearnChannel,
    ) -> None:
        self._client = client
        self._vault = vault
        self._google = google
        self._connector = connector
        self._settings = settings
        self._clock = clock
        self._pace = pace
        self._learn = learn

    def start(self, wanted: Ask, binding: str | None) -> Started:
        """Keep what finishing will need and answer where to go. binding: the cookie's value, if there is one.

        A browser that has a binding keeps it, so that two tabs can be under way at once.
        Raises RateLimited for a user who starts too often.
        """
        state, verifier = secrets.token_urlsafe(_RANDOM_BYTES), Secret(secrets.token_urlsafe(_VERIFIER_BYTES))
        held = binding if _is_binding(binding) else secrets.token_urlsafe(_RANDOM_BYTES)
        scopes = scopes_for(wanted.features)
        key = digest(state)
        now = self._clock()
        self._pace.admit(
            wanted.user_id,
            self._client.document(COLLECTION, key),
            {
                "user_id": wanted.user_id,
                VERIFIER: self._vault.seal(
                    verifier.reveal().encode(), record=f"{COLLECTION}/{key}", field=VERIFIER
                ),
                "redirect_uri": self._settings.redirect_uri,
                "binding": digest(held),
                "scopes": list(scopes),
                "return_to": wanted.return_to,
                "expect_channel": wanted.expect_channel,
                "created_at": now,
                "expires_at": CONSENTS.expiry(now),
                "consumed_at": None,
            },
        )
        url = self._google.consent_url(state=state, verifier=verifier, scopes=scopes, login_hint=wanted.login_hint)
        return Started(url, Secret(held))

    def finish(self, answer: Returned) -> Finished:
        """Consume the state, exchange the code, learn the channel, connect it.

        Raises InvalidRequest or Forbidden for a state that does not hold: nobody is known then to whom the browser
        could go back. Everything later is told in `Finished.reason`.
        """
        key = digest(answer.state.reveal())
        self._google.client()  # while our own secret cannot be read, the state is not spent
        record = self._consume(key, answer.binding.reveal())
        try:
            connected = self._connect(record, answer)
        except YtempireError as error:
            log("WARNING", "consent not completed", reason=error.reason, user=record.user_id)
            return Finished(error.reason, key, None, record.return_to)
        self._remember(key, connected)
        log("INFO", "channel connected", channel=connected.channel_id, user=record.user_id)
        return Finished("connected", key, connected, record.return_to)

    def outcome(self, reference: str, binding: str | None) -> Mapping[str, Any] | None:
        """What a finished consent came to, for the browser that finished it; None for any other.

        {"channel_id", "title", "reconnected", "missing": [feature]}
        """
        if not re.fullmatch(r"[0-9a-f]{64}", reference):
            return None
        fields = self._client.document(COLLECTION, reference).get(**patience()).to_dict() or {}
        if fields.get("expires_at", self._clock()) <= self._clock() or not _same(fields, binding):
            return None
        found: Mapping[str, Any] | None = fields.get("outcome")
        return found

    def _consume(self, key: str, binding: str) -> _Record:
        """The record of a state, which from now on no longer works."""
        from google.cloud.firestore import DELETE_FIELD  # noqa: PLC0415 - Firestore has imported it already

        reference = self._client.document(COLLECTION, key)
        snapshot = reference.get(**patience())
        fields = snapshot.to_dict()
        check(fields, binding, self._clock())
        assert fields is not None
        verifier = self._vault.open(fields[VERIFIER], record=f"{COLLECTION}/{key}", field=VERIFIER)
        me, batch = secrets.token_hex(8), self._client.batch()
        put(batch, snapshot, {"consumed_at": self._clock(), "consumed_by": me, VERIFIER: DELETE_FIELD})
        if not committed(batch) and (reference.get(**patience()).to_dict() or {}).get("consumed_by") != me:
            raise _used()
        return _Record(
            user_id=fields["user_id"],
            scopes=frozenset(fields["scopes"]),
            return_to=fields["return_to"],
            expect_channel=fields["expect_channel"],
            redirect_uri=fields["redirect_uri"],
            verifier=Secret(verifier.decode()),
        )

    def _connect(self, record: _Record, answer: Returned) -> Connected:
        if answer.code is None:
            denied = answer.error in {"access_denied", "admin_policy_enforced"}
            raise Forbidden("Google did not give access.", reason="denied" if denied else "googleRefused")
        tokens = self._google.exchange(answer.code, verifier=record.verifier, redirect_uri=record.redirect_uri)
        number = None
        if tokens.refresh_token is not None:  # it counts at Google, whatever becomes of it here
            number = accounts.number_next(self._client, tokens.google_account, record.user_id)
        granted = tokens.scopes if tokens.scopes is not None else record.scopes
        if not can_learn_channel(granted):
            raise Forbidden("The channel cannot be seen without its permission.", reason="readMissing")
        learnt = self._learn(tokens, record.user_id)
        applicant = Applicant(record.user_id, tokens, number, record.scopes, record.expect_channel)
        return self._connector.connect(applicant, learnt)

    def _remember(self, key: str, connected: Connected) -> None:
        self._client.document(COLLECTION, key).update(
            {
                "outcome": {
                    "channel_id": connected.channel_id,
                    "title": connected.title,
                    "reconnected": connected.reconnected,
                    "missing": list(connected.missing),
                },
            },
            **patience(),
        )


def check(fields: Mapping[str, Any] | None, binding: str | None, now: datetime) -> None:
    """Whether a state's record holds for this browser at this moment. Pure; raises what is wrong."""
    if fields is None:
        raise InvalidRequest("This sign-in is not known. Start again from the app.", reason="stateUnknown")
    if fields["consumed_at"] is not None:
        raise _used()
    if fields["expires_at"] <= now:
        raise InvalidRequest("This sign-in took too long. Start again from the app.", reason="stateExpired")
    if not _same(fields, binding):
        raise _other_browser()


def _other_browser() -> Forbidden:
    return Forbidden("This sign-in was started in another browser.", reason="otherBrowser")


def _used() -> InvalidRequest:
    return InvalidRequest("This sign-in has been used already. Start again from the app.", reason="stateUsed")


def _is_binding(value: str | None) -> TypeGuard[str]:
    return value is not None and _BINDING.fullmatch(value) is not None


def _same(fields: Mapping[str, Any], binding: str | None) -> bool:
    return _is_binding(binding) and secrets.compare_digest(digest(binding), str(fields.get("binding", "")))


def _single(query: Mapping[str, list[str]], name: str, most: int) -> str | None:
    values = query.get(name, [])
    if len(values) > 1:
        raise InvalidRequest(f"`{name}` appears more than once.", reason="repeatedParameter", field=name)
    if values and len(values[0]) > most:
        raise InvalidRequest(f"`{name}` is too long.", reason="oversizedParameter", field=name)
    return values[0] if values and values[0] else None
