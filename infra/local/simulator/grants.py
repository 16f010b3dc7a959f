"""Who allowed which client what: authorization codes, refresh tokens, access tokens, and how each of them dies.

Lifetimes are Google's: a code lives ten minutes and is used once; an access token an hour; a refresh token until
somebody revokes it, six months pass unused, the hundred-and-first is issued for the same account and client, or
the project is in testing (seven days). All times come from the clock that is passed in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from infra.local.simulator.errors import GoogleError
from infra.local.simulator.journal import Journal
from shared.clock import Clock

if TYPE_CHECKING:
    from infra.local.simulator.world import Account

CODE_LIFETIME = timedelta(minutes=10)
ACCESS_LIFETIME = timedelta(hours=1)
UNUSED_LIFETIME = timedelta(days=180)
TESTING_LIFETIME = timedelta(days=7)
LIVE_REFRESH_TOKENS = 100
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, kw_only=True)
class Client:
    """An OAuth client of a Google Cloud project."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]
    name: str = "YTEMPIRE"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What one person allowed one client, for one channel (None: the account has none)."""

    client_id: str
    account: Account
    channel_id: str | None
    scopes: frozenset[str]


@dataclass(kw_only=True)
class Code:
    """An authorization code. offline: whether it is worth a refresh token."""

    grant: Grant
    redirect_uri: str
    challenge: str | None
    plain: bool
    offline: bool
    nonce: str | None
    lifetime: timedelta | None
    issued_at: datetime
    bought: RefreshToken | None = None
    used: bool = False


@dataclass(kw_only=True)
class RefreshToken:
    """A refresh token. ends_at: when it dies whatever happens, or None."""

    token: str = field(repr=False)
    grant: Grant
    issued_at: datetime
    used_at: datetime
    ends_at: datetime | None
    alive: bool = True


@dataclass(kw_only=True)
class AccessToken:
    """An access token. parent: the refresh token whose death it shares, or None."""

    grant: Grant
    scopes: frozenset[str]
    ends_at: datetime
    parent: RefreshToken | None = None
    alive: bool = True


@dataclass(frozen=True, kw_only=True)
class Issue:
    """What the token endpoint hands out. refresh_token and its seconds are None when there is none."""

    grant: Grant
    access_token: str = field(repr=False)
    scopes: frozenset[str]
    expires_in: int
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_in: int | None = None
    nonce: str | None = None


def refused(reason: str, message: str, status: int = 400) -> GoogleError:
    """An error of the OAuth endpoints."""
    return GoogleError(status, reason, message)


class Grants:
    """Every client, code and token. Raises GoogleError in the words of the endpoint that asks."""

    def __init__(
        self,
        *,
        clock: Clock,
        random: random.Random,
        journal: Journal,
        clients: tuple[Client, ...] = (),
        testing_mode: bool = False,
    ) -> None:
        self._clock = clock
        self._random = random
        self._journal = journal
        self.clients = {client.client_id: client for client in clients}
        self.testing_mode = testing_mode
        self._codes: dict[str, Code] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._by_account: dict[tuple[str, str], list[RefreshToken]] = {}
        self._access: dict[str, AccessToken] = {}

    # Codes

    def issue_code(
        self,
        grant: Grant,
        *,
        redirect_uri: str,
        challenge: str | None,
        plain: bool,
        offline: bool,
        nonce: str | None,
        lifetime: timedelta | None,
    ) -> str:
        """A code for a consent just given. lifetime: how long the user allows access, None for no end."""
        code = self._journal.issued("code", "4/0A" + self._letters(66))
        self._codes[code] = Code(
            grant=grant,
            redirect_uri=redirect_uri,
            challenge=challenge,
            plain=plain,
            offline=offline,
            nonce=nonce,
            lifetime=lifetime,
            issued_at=self._clock(),
        )
        return code

    def exchange(self, code: str, *, client: Client, redirect_uri: str, verifier: str | None) -> Issue:
        """Tokens for a code. A code used twice takes the tokens of its first use with it."""
        held = self._codes.get(code)
        if verifier and held is not None and held.challenge is None:
            raise refused("invalid_grant", "code_verifier or verifier is not needed.")
        if held is None or held.grant.client_id != client.client_id:
            raise refused("invalid_grant", "Malformed auth code.")
        if held.used:
            if held.bought is not None:
                held.bought.alive = False
            raise refused("invalid_grant", "Bad Request")
        if self._clock() - held.issued_at > CODE_LIFETIME:
            raise refused("invalid_grant", "Bad Request")
        if redirect_uri != held.redirect_uri:
            raise refused("redirect_uri_mismatch", "Bad Request")
        if held.challenge is not None:
            if not verifier:
                raise refused("invalid_grant", "Missing code verifier.")
            if not _answers(held.challenge, verifier, plain=held.plain):
                raise refused("invalid_grant", "Invalid code verifier.")
        held.used = True
        # The holder exists for online access too, so that a second use of the code can end its access token.
        held.bought = self._new_refresh(held.grant, held.lifetime, keep=held.offline)
        return self._issue(held.bought, held.grant.scopes, with_refresh=held.offline, nonce=held.nonce)

    # Refresh tokens

    def refresh(self, token: str, *, client: Client, scopes: frozenset[str] | None = None) -> Issue:
        """A new access token. Raises invalid_grant for a token that is unknown or dead.

        One of another client is unauthorized_client: it is the client that is wrong, the grant may well live.
        """
        held = self._refresh.get(token)
        if held is None:
            raise refused("invalid_grant", "Bad Request")
        if held.grant.client_id != client.client_id:
            raise refused("unauthorized_client", "Unauthorized", 401)
        if not self._lives(held):
            raise refused("invalid_grant", "Token has been expired or revoked.")
        if scopes is not None and not scopes <= held.grant.scopes:
            raise refused("invalid_scope", "Some requested scopes were invalid.")
        held.used_at = self._clock()
        return self._issue(held, scopes or held.grant.scopes, with_refresh=False, nonce=None)

    def _new_refresh(self, grant: Grant, lifetime: timedelta | None, *, keep: bool) -> RefreshToken:
        now = self._clock()
        if self.testing_mode:
            lifetime = min(lifetime or TESTING_LIFETIME, TESTING_LIFETIME)
        held = RefreshToken(
            token="1//0" + self._letters(99),
            grant=grant,
            issued_at=now,
            used_at=now,
            ends_at=now + lifetime if lifetime else None,
        )
        if keep:
            self._refresh[self._journal.issued("refresh_token", held.token)] = held
            siblings = self._of(grant.account.id, grant.client_id)
            siblings[:] = [other for other in siblings if self._lives(other)] + [held]
            for other in siblings[:-LIVE_REFRESH_TOKENS]:
                other.alive = False
        return held

    def _of(self, account_id: str, client_id: str) -> list[RefreshToken]:
        return self._by_account.setdefault((account_id, client_id), [])

    def _lives(self, held: RefreshToken) -> bool:
        now = self._clock()
        if not held.alive or now - held.used_at > UNUSED_LIFETIME:
            return False
        return held.ends_at is None or now < held.ends_at

    def _issue(
        self, held: RefreshToken, scopes: frozenset[str], *, with_refresh: bool, nonce: str | None
    ) -> Issue:
        now = self._clock()
        access = self._journal.issued("access_token", "ya29.a0" + self._letters(160))
        ends_at = now + ACCESS_LIFETIME
        self._access[access] = AccessToken(grant=held.grant, scopes=scopes, ends_at=ends_at, parent=held)
        rest = int((held.ends_at - now).total_seconds()) if held.ends_at else None
        return Issue(
            grant=held.grant,
            access_token=access,
            scopes=scopes,
            expires_in=int(ACCESS_LIFETIME.total_seconds()) - 1,
            refresh_token=held.token if with_refresh else None,
            refresh_expires_in=rest,
            nonce=nonce,
        )

    # Access tokens

    def authenticate(self, token: str) -> Grant:
        """Whose access token this is, with the scopes of the token. Raises 401 authError."""
        held = self._access.get(token)
        if held is None or not held.alive or self._clock() >= held.ends_at:
            raise unauthenticated()
        if held.parent is not None and not held.parent.alive:
            raise unauthenticated()
        grant = held.grant
        return Grant(
            client_id=grant.client_id,
            account=grant.account,
            channel_id=grant.channel_id,
            scopes=held.scopes,
        )

    def issued(self, token: str) -> bool:
        """Whether this is an access token that somebody was given once, alive or not."""
        return token in self._access

    def granted(self, account_id: str, channel_id: str | None, client_id: str) -> frozenset[str]:
        """Every scope that an account has allowed a client for a channel and not taken back."""
        return frozenset(
            scope
            for held in self._of(account_id, client_id)
            if held.grant.channel_id == channel_id and self._lives(held)
            for scope in held.grant.scopes
        )

    def holder(self, refresh_token: str) -> Grant | None:
        """Whose refresh token this is, dead or alive; None when nobody's."""
        held = self._refresh.get(refresh_token)
        return held.grant if held else None

    # Death

    def revoke(self, token: str) -> None:
        """End all that the token's account allowed the project. Raises 400 invalid_token for a dead token."""
        refresh, access = self._refresh.get(token), self._access.get(token)
        if refresh is not None and self._lives(refresh):
            grant = refresh.grant
        elif access is not None:
            grant = self._living(token)
        else:
            raise refused("invalid_token", "Token expired or revoked")
        self.revoke_account(grant.account.id)

    def _living(self, token: str) -> Grant:
        try:
            return self.authenticate(token)
        except GoogleError:
            raise refused("invalid_token", "Token expired or revoked") from None

    def revoke_account(self, account_id: str, *, channel_id: str | None = None) -> int:
        """What a person does on Google's permissions page; answers how many refresh tokens died.

        With a channel, only the tokens of that channel: a finer cut than Google offers, for tests that need it.
        """
        ended = 0
        for held in self._refresh.values():
            if _concerns(held.grant, account_id, channel_id):
                ended += held.alive
                held.alive = False
        for access in self._access.values():
            if _concerns(access.grant, account_id, channel_id):
                access.alive = False
        for code in self._codes.values():
            if _concerns(code.grant, account_id, channel_id):
                code.used = True
        return ended

    def expire_access(self, account_id: str | None = None, channel_id: str | None = None) -> int:
        """Let access tokens run out now; answers how many did."""
        now, ended = self._clock(), 0
        for access in self._access.values():
            matches = account_id in {None, access.grant.account.id} and channel_id in {
                None,
                access.grant.channel_id,
            }
            if matches and access.ends_at > now:
                access.ends_at = now
                ended += 1
        return ended

    def forget_ended(self) -> None:
        """Drop what has been dead for long, so that a long run stays small."""
        limit = self._clock() - ACCESS_LIFETIME
        self._access = {token: held for token, held in self._access.items() if held.ends_at > limit}
        self._codes = {code: held for code, held in self._codes.items() if held.issued_at + CODE_LIFETIME > limit}

    def describe(self) -> list[dict[str, object]]:
        """Every live refresh token without its secret."""
        return [
            {
                "client_id": held.grant.client_id,
                "account": held.grant.account.email,
                "channel_id": held.grant.channel_id,
                "scopes": sorted(held.grant.scopes),
                "issued_at": held.issued_at.isoformat(),
                "used_at": held.used_at.isoformat(),
                "ends_at": held.ends_at.isoformat() if held.ends_at else None,
            }
            for held in self._refresh.values()
            if self._lives(held)
        ]

    def _letters(self, count: int) -> str:
        return "".join(self._random.choices(_ALPHABET, k=count))


def _concerns(grant: Grant, account_id: str, channel_id: str | None) -> bool:
    return grant.account.id == account_id and channel_id in {None, grant.channel_id}


def _answers(challenge: str, verifier: str, *, plain: bool) -> bool:
    """Whether a PKCE verifier belongs to a challenge (RFC 7636)."""
    if plain:
        return hmac.compare_digest(challenge.encode(), verifier.encode())
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(challenge.encode(), digest)


def unauthenticated() -> GoogleError:
    """401 for a token that does not hold."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
        "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return GoogleError(
        401,
        "authError",
        message,
        location="Authorization",
        location_type="header",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
    )


def missing_credentials() -> GoogleError:
    """401 for a request without any token."""
    message = (
        "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. "
        "See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return GoogleError(
        401,
        "required",
        message,
        location="Authorization",
        location_type="header",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
    )
