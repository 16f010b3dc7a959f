"""Sealing: AES-256-GCM under a key that lives in Secret Manager, never in the database.

A sealed value is a map {"v": key version, "n": nonce, "c": ciphertext and tag}. The associated data binds it to
its record, its field and its key version, so a value that somebody moves to another user's record does not open.
A stolen database is worth nothing without the key, and a stolen key nothing without the database.

The key is a secret with versions. The newest version seals; any enabled version opens. Keys stay in memory
for a few minutes, so that an instance notices a new version, and a withdrawn one, by itself.
Source: NIST SP 800-38D (96-bit random nonces stay far below 2^32 seals a key at these numbers).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.clock import Clock
from shared.errors import CorruptData
from shared.vault.secret import Secret

KEY_TTL = timedelta(minutes=5)
"""How long an instance trusts a key, and its idea of the newest version, without asking again."""

_NONCE_BYTES = 12
_KEY_BYTES = 32


class Keys(Protocol):
    """Where keys of 32 bytes come from; `keyring.Keyring` asks Secret Manager."""

    def newest(self) -> tuple[int, bytes]:
        """Version and key that seal now."""

    def version(self, number: int) -> bytes:
        """The key of one version."""


@dataclass(frozen=True)
class _Held:
    cipher: AESGCM
    version: int
    until: datetime


class Vault:
    """Seals and opens. Safe for threads; one a process is enough.

    Sealing and opening take microseconds once the key is held; the first use, and one every few minutes, asks
    Secret Manager and can raise what `keyring.Keyring` raises.
    """

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys, self._clock = keys, clock
        self._held: dict[int | None, _Held] = {}  # None: the newest version's
        self._lock = threading.Lock()

    def seal(self, secret: Secret, *, record: str, field: str) -> dict[str, Any]:
        """The sealed map of a secret, for this field of this record (a document path) alone."""
        key = self._key()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = key.cipher.encrypt(nonce, secret.reveal().encode(), _binding(record, field, key.version))
        return {"v": key.version, "n": nonce, "c": sealed}

    def open(self, sealed: Mapping[str, Any] | None, *, record: str, field: str) -> Secret:
        """What was sealed. Raises CorruptData when it was not sealed for this record and field, or was altered."""
        version, nonce, ciphertext = _parts(sealed, record, field)
        key = self._key(version)
        try:
            return Secret(key.cipher.decrypt(nonce, ciphertext, _binding(record, field, version)).decode())
        except InvalidTag as error:
            words = f"{field} of {record} does not open: it was altered, or belongs to another record."
            raise CorruptData(words) from error

    def current_version(self) -> int:
        return self._key().version

    def forget(self) -> None:
        """Drop all keys; the next use asks Secret Manager again."""
        with self._lock:
            self._held.clear()

    def _key(self, version: int | None = None) -> _Held:
        """A version's key; by default the newest version's, which seals."""
        with self._lock:
            held = self._held.get(version)
            if held is None or held.until <= self._clock():
                number, key = self._keys.newest() if version is None else (version, self._keys.version(version))
                if len(key) != _KEY_BYTES:
                    raise CorruptData(f"Version {number} of the vault key is not {_KEY_BYTES} bytes long.")
                held = _Held(AESGCM(key), number, self._clock() + KEY_TTL)
                self._held |= {version: held, number: held}
            return held


def _binding(record: str, field: str, version: int) -> bytes:
    # Lengths in front, so that no two triples share a text.
    return f"{len(record)}:{record}|{len(field)}:{field}|{version}".encode()


def _parts(sealed: Mapping[str, Any] | None, record: str, field: str) -> tuple[int, bytes, bytes]:
    match sealed:
        case {"v": int(version), "n": bytes(nonce), "c": bytes(ciphertext)} if len(nonce) == _NONCE_BYTES:
            return version, nonce, ciphertext
        case _:
            raise CorruptData(f"{field} of {record} is not a sealed value.")
