"""Signing identities as Google signs them: an RSA key on a file, tokens, and the key set that verifies them.

One key serves every local part that must prove who it is: the simulator's `/oauth2/v3/certs`, Cloud Tasks and
Scheduler calls to private functions, Pub/Sub's pushes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

GOOGLE = "https://accounts.google.com"


def subject(email: str) -> str:
    """The stable numeric id (21 digits) that stands for an account in `sub`."""
    number = int.from_bytes(hashlib.sha256(email.encode()).digest()[:8], "big")
    return "1" + str(number).zfill(20)[-20:]


class IdentityKey:
    """One RSA key that signs identity tokens with RS256."""

    def __init__(self, private: RSAPrivateKey) -> None:
        self._private = private
        self.key_id = hashlib.sha256(self.public_pem()).hexdigest()[:40]

    @classmethod
    def generate(cls) -> IdentityKey:
        """A new key that nobody else has."""
        return cls(generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    def load_or_create(cls, path: Path | None) -> IdentityKey:
        """The key on a file; created (readable by its owner only) when the file is not there.

        Parts that start at the same moment end with the same key. Without a path the key lives in memory.
        """
        if path is None:
            return cls.generate()
        if not path.exists():
            write_key(path, cls.generate()._private)
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, RSAPrivateKey):
            raise TypeError(f"{path} holds no RSA key")
        return cls(private)

    def token(
        self,
        *,
        email: str | None,
        audience: str,
        now: datetime,
        issuer: str = GOOGLE,
        lifetime: int = 3600,
        **claims: Any,
    ) -> str:
        """A signed identity token for `audience`, valid for `lifetime` seconds from `now`.

        email: the account in whose name it speaks; without one, `sub` is the caller's business. Further claims
        replace or extend the usual ones.
        """
        issued = int(now.timestamp())
        payload: dict[str, Any] = {
            "iss": issuer,
            "aud": audience,
            "iat": issued,
            "exp": issued + lifetime,
        }
        if email is not None:
            known = {"azp": subject(email), "sub": subject(email), "email": email, "email_verified": True}
            payload.update(known)
        payload.update(claims)
        return jwt.encode(payload, self._private, algorithm="RS256", headers={"kid": self.key_id})

    def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set with the public half."""
        numbers = self._private.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self.key_id,
            "n": _unsigned(numbers.n),
            "e": _unsigned(numbers.e),
        }
        return {"keys": [key]}

    def public_pem(self) -> bytes:
        """The public half."""
        return self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def __repr__(self) -> str:
        return f"IdentityKey({json.dumps(self.key_id)})"


def write_key(path: Path, key: RSAPrivateKey | EllipticCurvePrivateKey) -> None:
    """Write the key whole, unless another process was first: a link, unlike a rename, never replaces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(private_pem(key))
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        Path(name).unlink()


def private_pem(key: RSAPrivateKey | EllipticCurvePrivateKey) -> bytes:
    """The private key as unencrypted PEM, for a file that only its owner reads."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _unsigned(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
