"""The pages that a person sees at Google: choose an account, a channel, what to allow. Plain forms, no scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from infra.judges.schemas import document
from infra.local.simulator import discovery
from infra.local.simulator.consent import SIGN_IN_SCOPES, AuthRequest, Refusal
from infra.local.simulator.world import Account, Channel

HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


@cache
def _templates() -> Environment:
    loader = PackageLoader("infra.local.simulator")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    text = _templates().get_template(template).render(**values)
    return HTMLResponse(text, status_code=status, headers=dict(HEADERS))


def accounts(flow: str, request: AuthRequest, found: Sequence[Account]) -> HTMLResponse:
    """Choose an account."""
    return _page("account.html", flow=flow, client=request.client, accounts=found)


def channels(flow: str, request: AuthRequest, account: Account, found: Sequence[Channel]) -> HTMLResponse:
    """Choose one of the account's channels."""
    return _page("channel.html", flow=flow, client=request.client, account=account, channels=found)


def consent(flow: str, request: AuthRequest, account: Account, channel: Channel | None) -> HTMLResponse:
    """Allow, untick, or cancel."""
    described = {scope: _description(scope) for scope in request.scopes}
    return _page(
        "consent.html",
        flow=flow,
        client=request.client,
        account=account,
        channel=channel,
        choosable=request.choosable,
        scopes=described,
    )


def refusal(error: Refusal) -> HTMLResponse:
    """Access blocked: the client sent something that Google does not accept."""
    return _page("refusal.html", error.status, error=error)


def _description(scope: str) -> str:
    for name in discovery.DOCUMENTS:
        known = document(name)["auth"]["oauth2"]["scopes"]
        if scope in known:
            return str(known[scope]["description"])
    return {
        SIGN_IN_SCOPES["openid"]: "Associate you with your personal info on Google",
        SIGN_IN_SCOPES["email"]: "See your primary Google Account email address",
        SIGN_IN_SCOPES["profile"]: "See your name and picture",
    }[scope]
