"""Stands in for Identity-Aware Proxy: one operator, asserted to a page as IAP asserts people to a backend.

IAP signs with ES256 and publishes its keys at an address of its own, apart from Google's OIDC certificates; so
does this. Source: https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key

from infra.local.identity import subject, write_key

ISSUER = "https://cloud.google.com/iap"
KEYS_PATH = "/iap/verify/public_key-jwk"
OPERATOR = "operator@example.test"
LIFETIME = 600  # seconds, as IAP's


def _new_key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


@dataclass(frozen=True)
class IdentityAwareProxy:
    """One key pair."""

    key: EllipticCurvePrivateKey = field(default_factory=_new_key, repr=False)

    @classmethod
    def load_or_create(cls, path: Path) -> IdentityAwareProxy:
        """The key on a file, so that a gateway that comes back signs as the one before it; made when not there."""
        if not path.exists():
            write_key(path, _new_key())
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise TypeError(f"{path} holds no elliptic curve key")
        return cls(key)

    def assertion(self, *, audience: str, now: datetime, email: str = OPERATOR) -> str:
        """The signed header for one request of a person."""
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": f"accounts.google.com:{subject(email)}",
            "email": email,
            "iat": issued,
            "exp": issued + LIFETIME,
        }
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": self._jwk()["kid"]})

    def jwks(self) -> dict[str, Any]:
        """The key set that verifies it."""
        return {"keys": [self._jwk()]}

    def _jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        x, y = (
            base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y)
        )
        kid = hashlib.sha256(f"{x}.{y}".encode()).hexdigest()[:8]
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y}
