"""What the app's requests show before anything is done for them: who is signed in, and that the app's page asked.

A page elsewhere can post a form here with its own user's ID token, as if the visitor had asked; the visitor's
channel would then end in somebody else's account. Browsers name the page that posts in `Origin`, so a form is
accepted from the app's origin alone. A program's bearer token cannot be sent by a foreign page (it would need our
consent to cross origins), yet an origin that it names must be the app's too.
Source: RFC 9700, 4.7 (CSRF); Fetch, `Origin` on every POST.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.access.consent import user_of
from shared.clock import system_clock
from shared.cloud.identity import bearer, user_verifier
from shared.errors import Forbidden, NotSignedIn

FORM = "application/x-www-form-urlencoded"
MAX_BODY_BYTES = 16 * 1024


def signed_in(authorization: str | None) -> str:
    """The user of a bearer token. Raises NotSignedIn, or Unavailable when the keys cannot be had."""
    return user_of(user_verifier().claims(bearer(authorization), clock=system_clock))


def signed_in_form(token: str | None) -> str:
    """The user of a form's `id_token`. Raises as `signed_in`."""
    if not token:
        raise NotSignedIn("The form carries no identity token.")
    return user_of(user_verifier().claims(token, clock=system_clock))


def from_the_app(origin: str | None, app_url: str, *, required: bool) -> None:
    """Raises Forbidden (reason "crossSite") unless the page that sent the request is the app's."""
    if origin is None and not required:
        return
    parts = urlsplit(app_url)
    if origin != f"{parts.scheme}://{parts.netloc}":
        raise Forbidden("This request did not come from the app.", reason="crossSite")
