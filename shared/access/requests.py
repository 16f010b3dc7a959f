"""What browsers and programs send for a consent: the start's form, and the query with which Google sends back.

An open redirector lends our name to a phisher (RFC 9700, 4.11). Every parser reads odd URLs differently, so
nothing is parsed and compared: an address to return to is on the list letter by letter, or it is refused.
Source: RFC 9207 (issuer in the answer).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from shared import ids
from shared.access.features import chosen
from shared.errors import Forbidden, InvalidRequest
from shared.fields import Fields
from shared.settings import Settings
from shared.vault.secret import Secret

COOKIE = "__Host-yt-consent"
_BINDING = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_HINT = 320  # an e-mail address


@dataclass(frozen=True)
class StartRequest:
    """What a user wants to connect. Build it with `start_request`."""

    user_id: str
    features: tuple[str, ...]
    return_to: str | None
    expect_channel: str | None
    login_hint: str | None


@dataclass(frozen=True)
class Returned:
    """What Google's redirect brought. Build it with `returned`."""

    state: Secret
    code: Secret | None
    error: str | None
    binding: Secret


def start_request(user_id: str, form: Mapping[str, Any], settings: Settings) -> StartRequest:
    """What a start request asks for.

    form: features (a list, or one string separated by commas or spaces), return_to (exactly as the operator's list
    has it), expect_channel, login_hint. Raises InvalidRequest naming the field.
    """
    fields = Fields(form, "features", "return_to", "expect_channel", "login_hint")
    features = [fields.text("features")] if isinstance(form.get("features"), str) else fields.texts("features")
    return_to = (fields.line("return_to", most=2000) if fields.has("return_to") else "") or None
    if return_to not in {None, *settings.return_to}:
        words = "That is not an address to return to; the operator's list has the ones that are."
        raise InvalidRequest(words, reason="returnTo", field="return_to")
    return StartRequest(
        user_id=user_id,
        features=chosen(name for text in features for name in re.split(r"[\s,]+", text)),
        return_to=return_to,
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
    if not is_binding(binding):
        raise other_browser()
    return Returned(Secret(state), Secret(code) if code else None, error, Secret(binding))


def is_binding(value: str | None) -> TypeGuard[str]:
    return value is not None and _BINDING.fullmatch(value) is not None


def other_browser() -> Forbidden:
    return Forbidden("This sign-in was started in another browser.", reason="otherBrowser")


def _single(query: Mapping[str, list[str]], name: str, most: int) -> str | None:
    values = query.get(name, [])
    if len(values) > 1:
        raise InvalidRequest(f"`{name}` appears more than once.", reason="repeatedParameter", field=name)
    if values and len(values[0]) > most:
        raise InvalidRequest(f"`{name}` is too long.", reason="oversizedParameter", field=name)
    return values[0] if values and values[0] else None
