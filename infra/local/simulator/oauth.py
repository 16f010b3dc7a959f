"""Google's OAuth endpoints: consent, token, revocation, keys.

The consent page is for people and browser tests; a choice that was prepared through the control API for the
request's `login_hint` (or for `*`) answers in their place, with the same rules.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from infra.local.identity import GOOGLE
from infra.local.simulator import consent, pages
from infra.local.simulator.consent import AuthRequest, Choice, Refusal
from infra.local.simulator.dispatch import guarded
from infra.local.simulator.errors import Shape
from infra.local.simulator.grants import Client, Grant, Issue, refused
from infra.local.simulator.state import Simulator, simulator_of
from infra.local.simulator.wire import json_response
from infra.local.simulator.world import Account, Channel

OPEN_FLOWS = 10_000
EMAIL_SCOPE = consent.SIGN_IN_SCOPES["email"]


class Consents:
    """Consent pages that are open, and the choices that were prepared. The oldest open page is forgotten first."""

    def __init__(self, _simulator: Simulator) -> None:
        self._open: OrderedDict[str, AuthRequest] = OrderedDict()
        self.prepared: dict[str, Choice] = {}

    def open(self, request: AuthRequest) -> str:
        """Remember a request while a person looks at its pages; answers the name of the flow."""
        flow = secrets.token_urlsafe(16)
        self._open[flow] = request
        while len(self._open) > OPEN_FLOWS:
            self._open.popitem(last=False)
        return flow

    def find(self, flow: str) -> AuthRequest:
        """The request of a flow. Raises Refusal when it is not open."""
        if flow not in self._open:
            raise Refusal(400, "invalid_request", "This sign-in has ended. Start again from the application.")
        return self._open[flow]

    def close(self, flow: str) -> None:
        """The person has answered."""
        self._open.pop(flow, None)

    def choice_for(self, request: AuthRequest) -> Choice | None:
        """The choice prepared for the request, or None: then a person decides."""
        return self.prepared.get(request.login_hint or "") or self.prepared.get("*")


# The consent page


async def _authorize(simulator: Simulator, request: Request) -> Response:
    asked = consent.parse(dict(request.query_params), simulator.grants.clients)
    consents = simulator.room(Consents)
    choice = consents.choice_for(asked)
    if choice is not None:
        return RedirectResponse(_decide(simulator, asked, choice), status_code=302)
    account = simulator.world.account(asked.login_hint) if asked.login_hint else None
    if "none" in asked.prompt:
        return RedirectResponse(_silently(simulator, asked, account), status_code=302)
    flow = consents.open(asked)
    if account is not None and "select_account" not in asked.prompt:
        return pages.channels(flow, asked, account, account.channels)
    return pages.accounts(flow, asked, simulator.world.accounts)


async def _choose_channel(simulator: Simulator, request: Request) -> Response:
    flow = request.query_params.get("flow", "")
    asked = simulator.room(Consents).find(flow)
    account = _account(simulator, request.query_params.get("account", ""))
    return pages.channels(flow, asked, account, account.channels)


async def _show_consent(simulator: Simulator, request: Request) -> Response:
    flow = request.query_params.get("flow", "")
    consents = simulator.room(Consents)
    asked = consents.find(flow)
    account = _account(simulator, request.query_params.get("account", ""))
    channel = _channel(account, request.query_params.get("channel") or None)
    if not asked.consent_needed(_granted(simulator, asked, account, channel)):
        consents.close(flow)
        choice = Choice(user=account.email, channel_id=channel.id if channel else None)
        return RedirectResponse(_decide(simulator, asked, choice), status_code=302)
    return pages.consent(flow, asked, account, channel)


async def _answer_consent(simulator: Simulator, request: Request) -> Response:
    form = parse_qsl((await request.body()).decode(errors="replace"))
    values, ticked = dict(form), frozenset(value for name, value in form if name == "scope")
    consents = simulator.room(Consents)
    asked = consents.find(values.get("flow", ""))
    consents.close(values["flow"])
    choice = Choice(
        user=values.get("account", ""),
        channel_id=values.get("channel") or None,
        untick=frozenset(asked.choosable) - ticked,
        deny=values.get("answer") != "continue",
    )
    return RedirectResponse(_decide(simulator, asked, choice), status_code=303)


def _decide(simulator: Simulator, asked: AuthRequest, choice: Choice) -> str:
    """Carry out a choice; answers the address to send the browser to."""
    account = _account(simulator, choice.user)
    channel = _channel(account, choice.channel_id)
    scopes = consent.allowed(asked, choice)
    if not scopes:
        return consent.callback(asked, GOOGLE, {"error": "access_denied"})
    before = _granted(simulator, asked, account, channel)
    grant = Grant(
        client_id=asked.client.client_id,
        account=account,
        channel_id=channel.id if channel else None,
        scopes=frozenset(scopes) | (before if asked.include_granted else frozenset()),
    )
    code = simulator.grants.issue_code(
        grant,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
        plain=asked.plain,
        offline=asked.offline and asked.consent_needed(before),
        nonce=asked.nonce,
        lifetime=choice.lifetime,
    )
    shown = "consent" if asked.consent_needed(before) else "none"
    answer = {"code": code, "scope": " ".join(sorted(grant.scopes)), "authuser": "0", "prompt": shown}
    return consent.callback(asked, GOOGLE, answer)


def _silently(simulator: Simulator, asked: AuthRequest, account: Account | None) -> str:
    """prompt=none: a code if nothing has to be asked, else interaction_required."""
    if account is None:
        return consent.callback(asked, GOOGLE, {"error": "interaction_required"})
    for channel in account.channels:
        if not asked.consent_needed(_granted(simulator, asked, account, channel)):
            return _decide(simulator, asked, Choice(user=account.email, channel_id=channel.id))
    return consent.callback(asked, GOOGLE, {"error": "interaction_required"})


def _granted(
    simulator: Simulator, asked: AuthRequest, account: Account, channel: Channel | None
) -> frozenset[str]:
    return simulator.grants.granted(account.id, channel.id if channel else None, asked.client.client_id)


def _account(simulator: Simulator, name: str) -> Account:
    account = simulator.world.account_called(name)
    if account is None:
        raise Refusal(400, "invalid_request", "Couldn't find this Google Account.")
    return account


def _channel(account: Account, channel_id: str | None) -> Channel | None:
    """The channel chosen; without a choice the account's first. Raises Refusal for somebody else's."""
    if channel_id is None:
        return account.channels[0] if account.channels else None
    for channel in account.channels:
        if channel.id == channel_id:
            return channel
    raise Refusal(400, "invalid_request", "This account cannot act for that channel.")


# Tokens


async def _token(simulator: Simulator, form: Mapping[str, str], request: Request) -> Response:
    client = _authenticate_client(simulator, form, request)
    kind = form.get("grant_type", "")
    if kind == "authorization_code":
        issue = _exchange(simulator, form, client)
    elif kind == "refresh_token":
        token = _required(form, "refresh_token")
        scopes = frozenset(form["scope"].split()) if form.get("scope") else None
        issue = simulator.grants.refresh(token, client=client, scopes=scopes)
    elif not kind:
        raise refused("invalid_request", "Required parameter is missing: grant_type")
    else:
        raise refused("unsupported_grant_type", f"Invalid grant_type: {kind}")
    return json_response(_token_answer(simulator, client, issue), headers={"cache-control": "no-store"})


def _exchange(simulator: Simulator, form: Mapping[str, str], client: Client) -> Issue:
    verifier = form.get("code_verifier")
    if verifier:
        simulator.journal.issued("code_verifier", verifier)
    return simulator.grants.exchange(
        _required(form, "code"),
        client=client,
        redirect_uri=_required(form, "redirect_uri"),
        verifier=verifier,
    )


def _token_answer(simulator: Simulator, client: Client, issue: Issue) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": issue.access_token,
        "expires_in": issue.expires_in,
        "scope": " ".join(sorted(issue.scopes)),
        "token_type": "Bearer",
    }
    if issue.refresh_token is not None:
        answer["refresh_token"] = issue.refresh_token
    if issue.refresh_expires_in is not None:
        answer["refresh_token_expires_in"] = issue.refresh_expires_in
    if "openid" in issue.scopes:
        answer["id_token"] = simulator.journal.issued("id_token", _id_token(simulator, client, issue))
    return answer


def _id_token(simulator: Simulator, client: Client, issue: Issue) -> str:
    account = issue.grant.account
    digest = hashlib.sha256(issue.access_token.encode()).digest()[:16]
    claims: dict[str, Any] = {
        "azp": client.client_id,
        "sub": account.id,
        "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
    }
    if issue.nonce is not None:
        claims["nonce"] = issue.nonce
    email = account.email if EMAIL_SCOPE in issue.scopes else None
    return simulator.identity.token(
        email=email, audience=client.client_id, issuer=GOOGLE, now=simulator.clock(), **claims
    )


def _authenticate_client(simulator: Simulator, form: Mapping[str, str], request: Request) -> Client:
    client_id, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    if not client_id:
        raise refused("invalid_request", "Could not determine client ID from request.")
    client = simulator.grants.clients.get(client_id)
    if client is None:
        raise refused("invalid_client", "The OAuth client was not found.", 401)
    if not secret:
        raise refused("invalid_request", "client_secret is missing.")
    if not secrets.compare_digest(client.client_secret.encode(), secret.encode()):
        raise refused("invalid_client", "The provided client secret is invalid.", 401)
    return client


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise refused("invalid_client", "Unauthorized", 401) from None
    return unquote(user), unquote(password)


def _required(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise refused("invalid_request", f"Missing required parameter: {name}")
    return form[name]


async def _revoke(simulator: Simulator, form: Mapping[str, str], _request: Request) -> Response:
    simulator.grants.revoke(_required(form, "token"))
    return json_response({})


# Keys


async def _certs(simulator: Simulator, _form: Mapping[str, str], _request: Request) -> Response:
    return json_response(simulator.identity.jwks(), headers={"cache-control": "public, max-age=3600"})


async def _configuration(simulator: Simulator, _form: Mapping[str, str], _request: Request) -> Response:
    root = simulator.root
    return json_response(
        {
            "issuer": GOOGLE,
            "authorization_endpoint": f"{root}/o/oauth2/v2/auth",
            "token_endpoint": f"{root}/token",
            "revocation_endpoint": f"{root}/revoke",
            "jwks_uri": f"{root}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


# Routes

Page = Callable[[Simulator, Request], Awaitable[Response]]
Endpoint = Callable[[Simulator, Mapping[str, str], Request], Awaitable[Response]]


def _page(handler: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page: refusals are shown to the person."""

    async def endpoint(request: Request) -> Response:
        simulator = simulator_of(request)

        async def produce() -> Response:
            try:
                return await handler(simulator, request)
            except Refusal as refusal:
                return pages.refusal(refusal)

        return await guarded(
            simulator,
            "oauth.auth",
            request,
            params=lambda: dict(request.query_params),
            shape=Shape.OAUTH,
            produce=produce,
        )

    return endpoint


def _endpoint(name: str, handler: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for programs: refusals are JSON with a string."""

    async def endpoint(request: Request) -> Response:
        simulator = simulator_of(request)
        form = dict(request.query_params) if name == "oauth.revoke" else {}
        form.update(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        return await guarded(
            simulator,
            name,
            request,
            params=lambda: {**form, "channel": _channel_of(simulator, form)},
            shape=Shape.OAUTH,
            produce=lambda: handler(simulator, form, request),
        )

    return endpoint


def _channel_of(simulator: Simulator, form: Mapping[str, str]) -> str:
    holder = simulator.grants.holder(form.get("refresh_token") or form.get("token") or "")
    return (holder.channel_id or "") if holder else ""


ROUTES = [
    Route("/o/oauth2/v2/auth", _page(_authorize), methods=["GET"]),
    Route("/o/oauth2/auth", _page(_authorize), methods=["GET"]),
    Route("/signin/oauth/channel", _page(_choose_channel), methods=["GET"]),
    Route("/signin/oauth/consent", _page(_show_consent), methods=["GET"]),
    Route("/signin/oauth/consent", _page(_answer_consent), methods=["POST"]),
    Route("/token", _endpoint("oauth.token", _token), methods=["POST"]),
    Route("/revoke", _endpoint("oauth.revoke", _revoke), methods=["POST"]),
    Route("/oauth2/v3/certs", _endpoint("oauth.certs", _certs), methods=["GET"]),
    Route("/.well-known/openid-configuration", _endpoint("oauth.certs", _configuration), methods=["GET"]),
]
