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
from infra.local.simulator.control import wish
from infra.local.simulator.grants import Client
from infra.local.simulator.oauth import Consents
from infra.local.simulator.state import Simulator
from infra.local.simulator.world import Account


def _show_clients(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    clients = simulator.grants.clients.values()
    return {"clients": [{"client_id": one.client_id, "redirect_uris": list(one.redirect_uris)} for one in clients]}


def _add_client(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """{"client_id", "client_secret", "redirect_uris", "name"?}, or the file that Google's console offers."""
    client = client_from(asked)
    simulator.grants.clients[client.client_id] = client
    return _show_clients(simulator, asked)


def client_from(described: Mapping[str, Any]) -> Client:
    """An OAuth client from JSON; Google's console wraps it in `web`. Raises KeyError for a missing field."""
    fields = described.get("web", described)
    return Client(
        client_id=fields["client_id"],
        client_secret=fields["client_secret"],
        redirect_uris=tuple(fields["redirect_uris"]),
        name=fields.get("name", "YTEMPIRE"),
    )


# Consent without a person


def _prepare_consent(simulator: Simulator, asked: Any) -> dict[str, Any]:
    """One choice or a list: {"login_hint" ("*": any), "user", "channel_id", "untick", "deny", "days"}.

    `user` and `login_hint` stand for each other when one is missing. Holds until replaced or deleted.
    """
    consents = simulator.room(Consents)
    for choice in asked if isinstance(asked, list) else [asked]:
        user = choice.get("user") or choice["login_hint"]
        account = _account(simulator, user)
        days = choice.get("days")
        consents.prepared[choice.get("login_hint") or user] = Choice(
            user=account.id,
            channel_id=choice.get("channel_id"),
            untick=frozenset(consent.SIGN_IN_SCOPES.get(one, one) for one in choice.get("untick", ())),
            deny=bool(choice.get("deny", False)),
            lifetime=timedelta(days=days) if days else None,
        )
    return {"prepared": len(consents.prepared)}


def _forget_consents(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    prepared = simulator.room(Consents).prepared
    if asked.get("login_hint"):
        prepared.pop(asked["login_hint"], None)
    else:
        prepared.clear()
    return {"prepared": len(prepared)}


# Grants


def _show_grants(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"grants": simulator.grants.describe(), "testing_mode": simulator.grants.testing_mode}


def _change_grants(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """{"action": "revoke", "user", "channel_id"?}, {"action": "expire_access", ...} or {"testing_mode": bool}."""
    if "testing_mode" in asked:
        simulator.grants.testing_mode = bool(asked["testing_mode"])
        return {"testing_mode": simulator.grants.testing_mode}
    account = _account(simulator, asked["user"]) if asked.get("user") else None
    channel_id = asked.get("channel_id")
    if account is None and channel_id is not None:
        account = simulator.world.owner(channel_id)
    if asked["action"] == "expire_access":
        return {"ended": simulator.grants.expire_access(account.id if account else None, channel_id)}
    if asked["action"] == "revoke" and account is not None:
        return {"ended": simulator.grants.revoke_account(account.id, channel_id=channel_id)}
    raise ValueError("action must be expire_access, or revoke with a user or a channel_id")


def _account(simulator: Simulator, name: str) -> Account:
    account = simulator.world.account_called(name)
    if account is None:
        raise ValueError(f"nobody is called {name!r}")
    return account


# The app's own identity provider


def _app_keys(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return simulator.app_identity.jwks()


def _app_configuration(simulator: Simulator, _asked: Mapping[str, Any]) -> dict[str, Any]:
    issuer = f"{simulator.root}/app"
    return {"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"}


def _app_token(simulator: Simulator, asked: Mapping[str, Any]) -> dict[str, Any]:
    """An ID token of the app for {"user"}; or a forged one.

    audience, issuer, expires_in (seconds, may be negative), claims: in place of the right ones. alg: RS256; none;
    HS256 (signed with the public key, as a confused verifier would accept). key: app; other (not in the key set);
    impostor (not in the key set, but under the name of the key that is).
    """
    key = _signing_key(simulator, asked.get("key", "app"))
    token = key.token(
        email=None,
        sub=asked["user"],
        audience=asked.get("audience", simulator.plan.app_audience),
        issuer=asked.get("issuer", f"{simulator.root}/app"),
        now=simulator.clock(),
        lifetime=int(asked.get("expires_in", 3600)),
        **asked.get("claims", {}),
    )
    algorithm = asked.get("alg", "RS256")
    if algorithm != "RS256":
        token = _forged(token, algorithm, simulator.app_identity)
    return {"id_token": simulator.journal.issued("app_id_token", token)}


def _signing_key(simulator: Simulator, which: str) -> IdentityKey:
    if which == "app":
        return simulator.app_identity
    if which not in {"other", "impostor"}:
        raise ValueError("key must be app, other or impostor")
    key = IdentityKey.generate()
    if which == "impostor":
        key.key_id = simulator.app_identity.key_id
    return key


def _forged(token: str, algorithm: str, key: IdentityKey) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    if algorithm == "none":
        return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}."
    if algorithm != "HS256":
        raise ValueError("alg must be RS256, HS256 or none")
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': key.key_id})}.{_encoded(claims)}"
    return f"{signed}.{_base64(hmac.new(key.public_pem(), signed.encode(), hashlib.sha256).digest())}"


def _encoded(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


ROUTES = [
    wish("GET", "/control/clients", _show_clients),
    wish("POST", "/control/clients", _add_client),
    wish("POST", "/control/consent", _prepare_consent),
    wish("DELETE", "/control/consent", _forget_consents),
    wish("GET", "/control/grants", _show_grants),
    wish("POST", "/control/grants", _change_grants),
    wish("POST", "/control/id-token", _app_token),
    wish("GET", "/app/.well-known/jwks.json", _app_keys),
    wish("GET", "/app/.well-known/openid-configuration", _app_configuration),
]
