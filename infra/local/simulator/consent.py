"""What a client asks of Google's consent page, and what the person there answers.

Pure: a query in, an `AuthRequest` or a `Refusal` out; a request and a choice in, the callback's parameters out.
Google shows most refusals on a page of its own and sends nothing back to the client, so that a wrong redirect
address never receives anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from infra.local.simulator import discovery
from infra.local.simulator.grants import Client

SIGN_IN_SCOPES: Mapping[str, str] = {
    "openid": "openid",
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
    "https://www.googleapis.com/auth/userinfo.email": "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile": "https://www.googleapis.com/auth/userinfo.profile",
}
"""Sign-in scopes and how Google writes them back; they cannot be unticked."""

PROMPTS = frozenset({"none", "consent", "select_account"})
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Refusal(Exception):
    """The consent page does not open; Google shows `code` and `message` and sends nothing back."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class AuthRequest:
    """A valid request for consent. scopes: as Google writes them, in the order asked."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    offline: bool
    prompt: frozenset[str]
    challenge: str | None
    plain: bool
    login_hint: str | None
    include_granted: bool
    nonce: str | None

    @property
    def choosable(self) -> tuple[str, ...]:
        """The scopes that a person may untick: none when there is only one to allow."""
        beyond_sign_in = tuple(scope for scope in self.scopes if scope not in SIGN_IN_SCOPES.values())
        return beyond_sign_in if len(beyond_sign_in) > 1 else ()

    def consent_needed(self, granted: frozenset[str]) -> bool:
        """Whether the person is asked at all: new scopes, or the client insists."""
        return "consent" in self.prompt or not granted.issuperset(self.scopes)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a person does on the consent page. lifetime: access for a limited time only."""

    user: str
    channel_id: str | None = None
    untick: frozenset[str] = field(default_factory=frozenset)
    deny: bool = False
    lifetime: timedelta | None = None


def parse(query: Mapping[str, str], clients: Mapping[str, Client]) -> AuthRequest:
    """The request for consent in a query. Raises Refusal, in Google's order of checks."""
    client = _client(query, clients)
    redirect_uri = _redirect_uri(query, client)
    if query.get("response_type") != "code":
        raise Refusal(400, "unsupported_response_type", "Only response_type=code is supported here.")
    prompt = frozenset(query.get("prompt", "").split())
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise Refusal(400, "invalid_request", f"Invalid parameter value for prompt: {query['prompt']}")
    access_type = query.get("access_type", "online")
    if access_type not in {"online", "offline"}:
        raise Refusal(400, "invalid_request", f"Invalid parameter value for access_type: {access_type}")
    challenge, plain = _challenge(query)
    return AuthRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=_scopes(query.get("scope", "")),
        state=query.get("state"),
        offline=access_type == "offline",
        prompt=prompt,
        challenge=challenge,
        plain=plain,
        login_hint=query.get("login_hint") or None,
        include_granted=query.get("include_granted_scopes") == "true",
        nonce=query.get("nonce"),
    )


def _client(query: Mapping[str, str], clients: Mapping[str, Client]) -> Client:
    if not query.get("client_id"):
        raise Refusal(400, "invalid_request", "Missing required parameter: client_id")
    client = clients.get(query["client_id"])
    if client is None:
        raise Refusal(401, "invalid_client", "The OAuth client was not found.")
    return client


def _redirect_uri(query: Mapping[str, str], client: Client) -> str:
    asked = query.get("redirect_uri")
    if not asked:
        raise Refusal(400, "invalid_request", "Missing required parameter: redirect_uri")
    if asked not in client.redirect_uris:
        message = f"You can't sign in because {client.name} sent an invalid request: redirect_uri={asked}"
        raise Refusal(400, "redirect_uri_mismatch", message)
    return asked


def _challenge(query: Mapping[str, str]) -> tuple[str | None, bool]:
    challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise Refusal(400, "invalid_request", "code_challenge_method without code_challenge")
        return None, False
    if not _CHALLENGE.fullmatch(challenge):
        raise Refusal(400, "invalid_request", "Invalid code_challenge")
    if method not in {None, "plain", "S256"}:
        raise Refusal(400, "invalid_request", f"Invalid code_challenge_method: {method}")
    return challenge, method != "S256"


def _scopes(text: str) -> tuple[str, ...]:
    asked = list(dict.fromkeys(text.split()))
    if not asked:
        raise Refusal(400, "invalid_request", "Missing required parameter: scope")
    unknown = [scope for scope in asked if scope not in SIGN_IN_SCOPES and scope not in discovery.scopes()]
    if unknown:
        raise Refusal(400, "invalid_scope", f"Some requested scopes were invalid. {{invalid={unknown}}}")
    return tuple(dict.fromkeys(SIGN_IN_SCOPES.get(scope, scope) for scope in asked))


def allowed(request: AuthRequest, choice: Choice) -> tuple[str, ...]:
    """The scopes that a person's choice leaves of what was asked; empty means no."""
    if choice.deny:
        return ()
    left = tuple(scope for scope in request.scopes if scope not in choice.untick)
    return left if any(scope not in SIGN_IN_SCOPES.values() for scope in left) or not choice.untick else ()


def callback(request: AuthRequest, issuer: str, answer: Mapping[str, str]) -> str:
    """The address that the browser is sent to: the client's redirect URI with Google's answer."""
    values = {"state": request.state} if request.state is not None else {}
    glue = "&" if urlsplit(request.redirect_uri).query else "?"
    return request.redirect_uri + glue + urlencode({**values, "iss": issuer, **answer})
