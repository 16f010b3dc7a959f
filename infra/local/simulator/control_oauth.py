"""The control API's OAuth half: clients, prepared consents, grants, and the app's own identity provider.

The app signs its users in with an issuer of its own (`<root>/app`), whose tokens our functions must tell from
Google's and from forgeries; both the good and the forged ones are made here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt

from infra.local.identity import IdentityKey
from infra.local.simulator import consent
from infra.local.simulator.consent import Choice
from infra.local.simulator.control import control_route
from infra.local.simulator.fields import (
    Asked,
    WrongField,
    anything,
    flag,
    number,
    one_of,
    optional,
    table,
    text,
    texts,
    whole,
)
from infra.local.simulator.grants import Client
from infra.local.simulator.oauth import Consents
from infra.local.simulator.state import Simulator
from infra.local.simulator.world import Account

DECADE = 10 * 366 * 86400
"""Seconds that a token of the app may live at most, or have been dead for."""


def _show_clients(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    clients = simulator.grants.clients.values()
    return {"clients": [{"client_id": one.client_id, "redirect_uris": list(one.redirect_uris)} for one in clients]}


def _add_client(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"client_id", "client_secret", "redirect_uris", "name"?}, or the file that Google's console offers."""
    try:
        client = client_from(asked)
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from None
    simulator.grants.clients[client.client_id] = client
    return _show_clients(simulator, asked)


def client_from(described: Mapping[str, Any]) -> Client:
    """An OAuth client from JSON; Google's console wraps it in `web`. Raises KeyError for a missing field."""
    fields = described.get("web", described)
    return Client(
        client_id=text(fields["client_id"]),
        client_secret=text(fields["client_secret"]),
        redirect_uris=texts(fields["redirect_uris"]),
        name=text(fields.get("name", "YTEMPIRE")),
    )


# Consent without a person


def _prepare_consent(simulator: Simulator, asked: list[Asked]) -> dict[str, Any]:
    """One choice or a list: {"login_hint" ("*": any), "user", "channel_id", "untick", "deny", "days"}.

    `user` and `login_hint` stand for each other when one is missing. Holds until replaced or deleted.
    """
    consents = simulator.room(Consents)
    for choice in asked:
        user = choice.get("user") or choice["login_hint"]
        account = _account(simulator, user)
        days, channel_id = choice.get("days"), choice.get("channel_id")
        if channel_id is not None and channel_id not in {channel.id for channel in account.channels}:
            raise ValueError(f"channel_id: {account.email} has no channel {channel_id!r}")
        consents.prepared[choice.get("login_hint") or user] = Choice(
            user=account.id,
            channel_id=channel_id,
            untick=frozenset(consent.SIGN_IN_SCOPES.get(one, one) for one in choice.get("untick", ())),
            deny=choice.get("deny", False),
            lifetime=timedelta(days=days) if days else None,
        )
    return {"prepared": len(consents.prepared)}


def _forget_consents(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    prepared = simulator.room(Consents).prepared
    if asked.get("login_hint"):
        prepared.pop(asked["login_hint"], None)
    else:
        prepared.clear()
    return {"prepared": len(prepared)}


# Grants


def _show_grants(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    return {"grants": simulator.grants.describe(), "testing_mode": simulator.grants.testing_mode}


def _change_grants(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"action": "revoke", "user", "channel_id"?}, {"action": "expire_access", ...} or {"testing_mode": bool}."""
    if "testing_mode" in asked:
        simulator.grants.testing_mode = asked["testing_mode"]
        return {"testing_mode": simulator.grants.testing_mode}
    account = _account(simulator, asked["user"]) if asked.get("user") else None
    channel_id = asked.get("channel_id")
    if account is None and channel_id is not None:
        account = simulator.world.owner(channel_id)
        if account is None:
            raise ValueError(f"channel_id: there is no channel {channel_id!r}")
    if asked["action"] == "expire_access":
        return {"ended": simulator.grants.expire_access(account.id if account else None, channel_id)}
    if account is None:
        raise ValueError("revoke needs a user or a channel_id")
    return {"ended": simulator.grants.revoke_account(account.id, channel_id=channel_id)}


def _account(simulator: Simulator, name: str) -> Account:
    account = simulator.world.account_called(name)
    if account is None:
        raise ValueError(f"nobody is called {name!r}")
    return account


# The app's own identity provider


def _app_keys(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    return simulator.app_identity.jwks()


def _app_configuration(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    issuer = f"{simulator.root}/app"
    return {"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"}


def _app_token(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """An ID token of the app for {"user"}; or a forged one.

    audience, issuer, expires_in (seconds, may be negative), claims: in place of the right ones. alg: RS256; none;
    HS256 (signed with the public key, as a confused verifier would accept). key: app; other (not in the key set);
    impostor (not in the key set, but under the name of the key that is).
    """
    key = _signing_key(simulator, asked.get("key", "app"))
    claims = {"sub": asked["user"], **asked.get("claims", {})}
    if named := sorted(claims.keys() & {"audience", "issuer", "now", "lifetime"}):
        raise WrongField(f"claims: {named} are no claims; audience, issuer and expires_in are fields beside them")
    token = key.token(
        email=claims.pop("email", None),
        audience=asked.get("audience", simulator.plan.app_audience),
        issuer=asked.get("issuer", f"{simulator.root}/app"),
        now=simulator.clock(),
        lifetime=asked.get("expires_in", 3600),
        **claims,
    )
    algorithm = asked.get("alg", "RS256")
    if algorithm != "RS256":
        token = _forged(token, algorithm, simulator.app_identity)
    return {"id_token": simulator.journal.issued("app_id_token", token)}


def _signing_key(simulator: Simulator, which: str) -> IdentityKey:
    if which == "app":
        return simulator.app_identity
    key = IdentityKey.generate()
    if which == "impostor":
        key.key_id = simulator.app_identity.key_id
    return key


def _forged(token: str, algorithm: str, key: IdentityKey) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    if algorithm == "none":
        return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}."
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': key.key_id})}.{_encoded(claims)}"
    return f"{signed}.{_base64(hmac.new(key.public_pem(), signed.encode(), hashlib.sha256).digest())}"


def _encoded(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


ROUTES = [
    control_route("GET", "/control/clients", _show_clients),
    control_route(
        "POST",
        "/control/clients",
        _add_client,
        fields={
            "client_id": text,
            "client_secret": text,
            "redirect_uris": texts,
            "name": text,
            "web": table(anything),
        },
    ),
    control_route(
        "POST",
        "/control/consent",
        _prepare_consent,
        fields={
            "login_hint": text,
            "user": text,
            "channel_id": optional(text),
            "untick": texts,
            "deny": flag,
            "days": optional(number(0, 3660)),
        },
        many=True,
    ),
    control_route("DELETE", "/control/consent", _forget_consents, fields={"login_hint": text}),
    control_route("GET", "/control/grants", _show_grants),
    control_route(
        "POST",
        "/control/grants",
        _change_grants,
        fields={
            "action": one_of(("revoke", "expire_access")),
            "user": text,
            "channel_id": text,
            "testing_mode": flag,
        },
    ),
    control_route(
        "POST",
        "/control/id-token",
        _app_token,
        fields={
            "user": text,
            "audience": text,
            "issuer": text,
            "expires_in": whole(-DECADE, DECADE),
            "claims": table(anything),
            "alg": one_of(("RS256", "HS256", "none")),
            "key": one_of(("app", "other", "impostor")),
        },
    ),
    control_route("GET", "/app/.well-known/jwks.json", _app_keys),
    control_route("GET", "/app/.well-known/openid-configuration", _app_configuration),
]
