"""Who is at the console: the person whom Identity-Aware Proxy (IAP) let in, by its signed assertion.

The load balancer asks IAP, and the function's own address takes traffic from the load balancer alone. The
signature is checked all the same: a mistake in either would otherwise open the page to everybody.
Source: https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

from shared.clock import Clock
from shared.cloud.identity import TokenVerifier
from shared.errors import Forbidden, NotSignedIn

ASSERTION = "X-Goog-IAP-JWT-Assertion"
ISSUER = "https://cloud.google.com/iap"


def operator(assertion: str | None, verifier: TokenVerifier, *, clock: Clock) -> str:
    """The person's e-mail address.

    Raises NotSignedIn without an assertion that holds, Forbidden for one that names no person, Unavailable when
    IAP's keys cannot be had.
    """
    if not assertion:
        raise NotSignedIn("This page is reached through Identity-Aware Proxy only.")
    email = verifier.claims(assertion, clock=clock).get("email")
    if not isinstance(email, str) or not email:
        raise Forbidden("Identity-Aware Proxy names nobody.", reason="callerNotAllowed")
    return email
