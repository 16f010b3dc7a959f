"""Who is calling: signed identity tokens (OpenID Connect), verified.

Two kinds arrive. Private callers (Scheduler, Tasks, Pub/Sub's push) carry Google's OIDC token for a service
account; Cloud Run's front end checks it before a function runs. The app's signed-in users carry the app's own ID
token; the functions check that one. Both are the same question - issuer, audience, signature, time - put to
different key sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt

from shared import ids
from shared.clock import Clock, system_clock
from shared.errors import NotSignedIn, Unavailable
from shared.settings import settings

_SIGNATURES = ["RS256", "ES256"]  # asymmetric only: never `none`, never a shared secret
_OPTIONS: Any = {
    "require": ["exp", "iat", "iss", "aud", "sub"],
    **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf"), False),  # judged by the clock passed in
}
_LEEWAY_SECONDS = 60  # clock skew between instances
_MAX_TOKEN_BYTES = 8192


class KeySet(jwt.PyJWKClient):
    """A provider's signing keys, read again every five minutes, so that a withdrawn key is trusted no longer.

    The library's other cache, of single keys, would trust it for as long as the instance lives.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, cache_keys=False, lifespan=300, timeout=5)

    def fetch_data(self) -> Any:
        """The set. An answer without a key is the provider's trouble, like no answer."""
        try:
            return super().fetch_data()
        except (jwt.PyJWTError, ValueError) as error:
            raise jwt.PyJWKClientConnectionError("The answer is no key set.") from error


@dataclass(frozen=True)
class TokenVerifier:
    """Verifies ID tokens of one issuer set, for one audience, against one key set.

    `azp` is not looked at: the provider may issue our audience's tokens to any client of its own (an app on a
    telephone, a service account), and `aud` says for whom they are.
    """

    issuers: frozenset[str]
    audience: str
    keys: jwt.PyJWKClient

    def claims(self, token: str, *, clock: Clock) -> Mapping[str, Any]:
        """The token's claims, once issuer, audience, signature and time hold.

        Raises NotSignedIn for a token that does not hold, Unavailable when the keys cannot be had.
        """
        if len(token) > _MAX_TOKEN_BYTES or not token.isascii():
            raise NotSignedIn("The identity token is too long, or none.")
        try:
            key = self.keys.get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=_SIGNATURES, audience=self.audience, options=_OPTIONS
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable("The identity provider's keys cannot be read.") from error
        except (jwt.PyJWTError, RecursionError) as error:  # JSON nested a thousand times
            raise NotSignedIn(f"The identity token was refused: {type(error).__name__}.") from error
        self._check(claims, now=clock().timestamp())
        return claims

    def _check(self, claims: Mapping[str, Any], *, now: float) -> None:
        if claims["iss"] not in self.issuers:
            raise NotSignedIn("The identity token has another issuer.")
        not_before = claims.get("nbf", claims["iat"])
        if not all(isinstance(instant, int | float) for instant in (claims["exp"], claims["iat"], not_before)):
            raise NotSignedIn("The identity token has no readable times.")
        if claims["exp"] + _LEEWAY_SECONDS <= now:
            raise NotSignedIn("The identity token has expired.")
        if max(claims["iat"], not_before) - _LEEWAY_SECONDS > now:
            raise NotSignedIn("The identity token is from the future.")


def bearer(header: str | None) -> str:
    """The token of an `Authorization: Bearer` header. Raises NotSignedIn without one."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("Send an identity token as `Authorization: Bearer ...`.")
    return token.strip()


@cache
def user_verifier() -> TokenVerifier:
    """Verifies the app's user ID tokens, as settings declare them."""
    return TokenVerifier(
        issuers=frozenset({settings().id_token_issuer}),
        audience=settings().id_token_audience,
        keys=KeySet(settings().id_token_keys_url),
    )


def user_of_header(authorization: str | None) -> str:
    """The app's user of an `Authorization` header. Raises NotSignedIn, or Unavailable without the app's keys."""
    return user_of_token(bearer(authorization))


def user_of_token(token: str | None) -> str:
    """The app's user of an ID token, such as a form's. Raises as `user_of_header`."""
    if not token:
        raise NotSignedIn("The form carries no identity token.")
    subject = user_verifier().claims(token, clock=system_clock).get("sub")
    if not ids.USER.matches(subject):
        raise NotSignedIn("The identity token names no usable subject.")
    return subject
