"""Who has signed in to the app: the user of a verified ID token."""

from __future__ import annotations

from shared import ids
from shared.clock import system_clock
from shared.cloud.identity import bearer, user_verifier
from shared.errors import NotSignedIn


def user_of_header(authorization: str | None) -> str:
    """The user of an `Authorization` header. Raises NotSignedIn, or Unavailable when the keys cannot be had."""
    return _user(bearer(authorization))


def user_of_form(token: str | None) -> str:
    """The user of a form's `id_token`. Raises as `user_of_header`."""
    if not token:
        raise NotSignedIn("The form carries no identity token.")
    return _user(token)


def _user(token: str) -> str:
    subject = user_verifier().claims(token, clock=system_clock).get("sub")
    if not ids.USER.matches(subject):
        raise NotSignedIn("The identity token names no usable subject.")
    return subject
